//! The rounds of a variant as one line: medians, spreads, and the ratio to what it is measured beside.

use serde::{Deserialize, Serialize};

use super::Figures;
use super::goal::spread;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Requests done a second.
    Rate,
    /// Work done with the same CPU: the other's CPU a request over the subject's. A busy neighbour moves it least.
    Cpu,
    /// The median latency.
    P50,
    /// The 99th percentile.
    P99,
}

impl Basis {
    /// The subject's share of the other.
    pub fn ratio(self, subject: &Figures, other: &Figures) -> f64 {
        match self {
            Self::Rate => subject.per_second / other.per_second,
            Self::Cpu => other.cpu_us / subject.cpu_us,
            Self::P50 => subject.p50_ms / other.p50_ms,
            Self::P99 => subject.p99_ms / other.p99_ms,
        }
    }
}

/// A variant over all its rounds: medians, where nothing else is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// What was measured.
    pub variant: String,
    /// Requests done a second: median, lowest, highest.
    pub per_second: [f64; 3],
    /// The share of the first variant's requests a second, of the same rounds.
    pub rate_ratio: f64,
    /// The share of the first variant's work for the same CPU, of the same rounds.
    pub cpu_ratio: f64,
    p50_ms: f64,
    p99_ms: f64,
    p999_ms: f64,
    pub cpu_us: f64,
    database_cpu_us: f64,
    peak_mib: f64,
    mib_per_second: f64,
    statements: f64,
    calls: f64,
    /// Sums of all rounds.
    refused: u64,
    failed: u64,
}

impl Summary {
    /// Of each variant, in the order of the first round.
    pub fn all(figures: &[Figures]) -> Vec<Self> {
        let mut names: Vec<&str> = Vec::new();
        for name in figures.iter().map(|one| one.variant.as_str()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.iter().map(|name| Self::of(figures, name, names[0])).collect()
    }

    fn of<'n>(figures: &[Figures], variant: &'n str, first: &'n str) -> Self {
        let rounds = |name: &'n str| figures.iter().filter(move |one| one.variant == name);
        let all = |value: &dyn Fn(&Figures) -> f64| {
            spread(&rounds(variant).map(value).collect::<Vec<_>>()).unwrap_or_default()
        };
        let ratio = |basis: Basis| {
            all(&|one| {
                let other = rounds(first).find(|other| other.round == one.round);
                other.map_or(f64::NAN, |other| basis.ratio(one, other))
            })[0]
        };
        Self {
            variant: variant.into(),
            per_second: all(&|one| one.per_second),
            rate_ratio: ratio(Basis::Rate),
            cpu_ratio: ratio(Basis::Cpu),
            p50_ms: all(&|one| one.p50_ms)[0],
            p99_ms: all(&|one| one.p99_ms)[0],
            p999_ms: all(&|one| one.p999_ms)[0],
            cpu_us: all(&|one| one.cpu_us)[0],
            database_cpu_us: all(&|one| one.database_cpu_us)[0],
            peak_mib: all(&|one| one.peak_mib)[0],
            mib_per_second: all(&|one| one.mib_per_second)[0],
            statements: all(&|one| one.statements)[0],
            calls: all(&|one| one.calls)[0],
            refused: rounds(variant).map(|one| one.refused).sum(),
            failed: rounds(variant).map(|one| one.failed + one.timed_out).sum(),
        }
    }

    fn cells(&self) -> [String; 14] {
        let [median, lowest, highest] = self.per_second;
        [
            self.variant.clone(),
            format!("{} [{}-{}]", short(median), short(lowest), short(highest)),
            format!("{:.2}", self.rate_ratio),
            format!("{:.2}", self.cpu_ratio),
            short(self.p50_ms),
            short(self.p99_ms),
            short(self.p999_ms),
            short(self.cpu_us),
            short(self.database_cpu_us),
            short(self.mib_per_second),
            short(self.peak_mib),
            short(self.statements),
            short(self.calls),
            format!("{}/{}", self.refused, self.failed),
        ]
    }
}

const HEAD: [&str; 14] = [
    "variant",
    "a second",
    "rate ×",
    "CPU ×",
    "p50 ms",
    "p99 ms",
    "p99.9 ms",
    "CPU µs",
    "database µs",
    "MiB/s",
    "peak MiB",
    "SQL",
    "calls",
    "refused/failed",
];

/// A table of Markdown that also reads well on a terminal.
pub fn table(summaries: &[Summary]) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(summaries.iter().map(Summary::cells));
    let widths: [usize; HEAD.len()] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    rows.insert(1, widths.map(|width| "-".repeat(width)));
    let line = |row: &[String; HEAD.len()]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!(" {cell:<width$} |"));
        format!("|{}\n", cells.collect::<String>())
    };
    rows.iter().map(line).collect()
}

/// Three digits that say something.
pub fn short(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0..100.0 => format!("{value:.1}"),
        _ if value == 0.0 => "0".into(),
        _ => format!("{value:.2}"),
    }
}
