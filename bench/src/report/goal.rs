//! A goal and whether it was reached.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a value has to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

/// Whether it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// In every round.
    Reached,
    /// In no round.
    NotReached,
    /// The rounds do not agree, or the machine was noisy.
    Inconclusive,
}

/// A goal that was judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Goal {
    id: String,
    text: String,
    bound: Bound,
    median: f64,
    lowest: f64,
    highest: f64,
    verdict: Verdict,
}

impl Goal {
    /// Judges by the values of the rounds; nothing when there are none.
    pub fn judge(id: &str, text: &str, bound: Bound, values: &[f64], noisy: bool) -> Option<Self> {
        let [median, lowest, highest] = spread(values)?;
        let (worst, best) = match bound {
            Bound::AtLeast(bound) => (lowest >= bound, highest >= bound),
            Bound::AtMost(bound) => (highest <= bound, lowest <= bound),
        };
        let verdict = match (worst, best) {
            _ if noisy => Verdict::Inconclusive,
            (true, _) => Verdict::Reached,
            (false, true) => Verdict::Inconclusive,
            (false, false) => Verdict::NotReached,
        };
        Some(Self { id: id.into(), text: text.into(), bound, median, lowest, highest, verdict })
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Reached => "reached",
            Verdict::NotReached => "NOT REACHED",
            Verdict::Inconclusive => "inconclusive",
        };
        let (sign, bound) = match self.bound {
            Bound::AtLeast(bound) => ("≥", bound),
            Bound::AtMost(bound) => ("≤", bound),
        };
        let Self { id, text, median, lowest, highest, .. } = self;
        write!(out, "{id}: {text} {sign} {bound}: {verdict}, {median:.3} [{lowest:.3} to {highest:.3}]")
    }
}

/// Median, lowest and highest; nothing of nothing.
pub fn spread(values: &[f64]) -> Option<[f64; 3]> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let (lowest, highest) = (*sorted.first()?, *sorted.last()?);
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    };
    Some([median, lowest, highest])
}
