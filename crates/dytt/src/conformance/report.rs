//! What became of the rules, for people and for programs; and the rules themselves, as a page has them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::trouble::{Fault, Trouble};
use super::{Level, Rule, Verdict};

/// Where what is said about a rule begins.
const INDENT: &str = "           ";

/// How many reasons the sum gives, those that stopped most first.
const SHOWN_REASONS: usize = 5;

/// What became of a run, as far as it is.
#[derive(Default)]
pub(crate) struct Report {
    verdicts: Vec<Verdict>,
}

/// How many rules came to each end.
#[derive(Default)]
struct Sum {
    passed: usize,
    failed: usize,
    differ: usize,
    blocked: usize,
    skipped: usize,
}

impl Report {
    /// Takes a verdict; the lines that tell it.
    pub(crate) fn add(&mut self, verdict: Verdict) -> String {
        let lines = verdict.lines();
        let is_first = self.verdicts.last().is_none_or(|last| last.rule.noun() != verdict.rule.noun());
        let head = if is_first { format!("\n{}\n", verdict.rule.noun()) } else { String::new() };
        self.verdicts.push(verdict);
        head + &lines
    }

    /// The whole in a line, and what may have to be done about it.
    pub(crate) fn sum(&self, times_limited: usize) -> String {
        let Sum { passed, failed, differ, blocked, skipped } = self.count();
        let all = self.verdicts.len();
        let mut text = format!(
            "\n{all} rules: {passed} passed, {failed} failed, {differ} differ, {blocked} blocked, {skipped} skipped"
        );
        let mut reasons: Vec<_> = self.reasons().into_iter().collect();
        reasons.sort_by_key(|(_, count)| Reverse(*count));
        for ((word, reason), count) in reasons.iter().take(SHOWN_REASONS) {
            let _fits = write!(text, "\n{word}, {count}: {reason}");
        }
        if times_limited > 0 {
            let _fits = write!(
                text,
                "\n{times_limited} requests were put off by the server and sent again: if it limits them, raise its \
                 limits for the run or turn them off (dytt: limits.enabled = false)"
            );
        }
        text
    }

    /// Everything, for programs.
    pub(crate) fn json(&self, base_url: &str, times_limited: usize) -> Value {
        let Sum { passed, failed, differ, blocked, skipped } = self.count();
        let rules: Vec<Value> = self.verdicts.iter().map(Verdict::json).collect();
        json!({
            "base_url": base_url, "passed": passed, "failed": failed, "differ": differ, "blocked": blocked,
            "skipped": skipped, "times_limited": times_limited, "rules": rules,
        })
    }

    /// Whether the server is what clients count on; `strict` also wants what servers decide differently.
    pub(crate) fn is_good(&self, strict: bool) -> bool {
        let Sum { failed, differ, blocked, .. } = self.count();
        failed + blocked == 0 && (differ == 0 || !strict)
    }

    /// Why rules could not be tried, and how many each reason stopped.
    fn reasons(&self) -> BTreeMap<(&'static str, &str), usize> {
        let mut reasons = BTreeMap::new();
        for verdict in &self.verdicts {
            if let Err(Trouble::Blocked(reason) | Trouble::Skipped(reason)) = &verdict.outcome {
                *reasons.entry((verdict.word(), reason.as_str())).or_default() += 1;
            }
        }
        reasons
    }

    fn count(&self) -> Sum {
        let mut sum = Sum::default();
        for Verdict { rule, outcome } in &self.verdicts {
            *match (outcome, rule.level) {
                (Ok(()), _) => &mut sum.passed,
                (Err(Trouble::Fault(_)), Level::Must(_)) => &mut sum.failed,
                (Err(Trouble::Fault(_)), Level::Should) => &mut sum.differ,
                (Err(Trouble::Blocked(_)), _) => &mut sum.blocked,
                (Err(Trouble::Skipped(_)), _) => &mut sum.skipped,
            } += 1;
        }
        sum
    }
}

impl Verdict {
    fn word(&self) -> &'static str {
        match (&self.outcome, self.rule.level) {
            (Ok(()), _) => "passed",
            (Err(Trouble::Fault(_)), Level::Must(_)) => "failed",
            (Err(Trouble::Fault(_)), Level::Should) => "differs",
            (Err(Trouble::Blocked(_)), _) => "blocked",
            (Err(Trouble::Skipped(_)), _) => "skipped",
        }
    }

    fn lines(&self) -> String {
        let Rule { name, level, section, sentence, .. } = &self.rule;
        let mark = if self.word() == "failed" { "FAILED" } else { self.word() };
        let mut text = format!("  {mark:7}  {name:34}  {sentence}");
        match &self.outcome {
            Ok(()) => {}
            Err(Trouble::Fault(Fault { asked, came, right })) => {
                let _fits =
                    write!(text, "\n{INDENT}asked  {asked}\n{INDENT}came   {came}\n{INDENT}right  {right}");
                if let Level::Must(clients) = level {
                    let _fits = write!(text, "\n{INDENT}needed by {clients} (docs/api.md: {section})");
                }
            }
            // The sum says why, once.
            Err(Trouble::Blocked(_) | Trouble::Skipped(_)) => {}
        }
        text
    }

    fn json(&self) -> Value {
        let Rule { name, level, section, sentence, .. } = &self.rule;
        let mut told = json!({
            "name": name, "level": level.word(), "section": section, "sentence": sentence, "outcome": self.word(),
        });
        if let Level::Must(clients) = level {
            told["needed_by"] = json!(clients);
        }
        match &self.outcome {
            Ok(()) => {}
            Err(Trouble::Fault(Fault { asked, came, right })) => {
                told["fault"] = json!({ "asked": asked, "came": came, "right": right });
            }
            Err(Trouble::Blocked(reason) | Trouble::Skipped(reason)) => told["reason"] = json!(reason),
        }
        told
    }
}

impl Rule {
    fn noun(&self) -> &'static str {
        self.name.split('.').next().unwrap_or_default()
    }
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Must(_) => "must",
            Self::Should => "should",
        }
    }
}

/// The rules as tables in Markdown, a noun each, which can be read as they are.
pub(crate) fn list(rules: &[Rule]) -> String {
    let nouns = rules.chunk_by(|one, other| one.noun() == other.noun());
    nouns.map(table).collect::<Vec<_>>().join("\n")
}

fn table(rules: &[Rule]) -> String {
    let rows: Vec<[String; 3]> = rules.iter().map(row).collect();
    let head = ["rule", "what it says", "level"].map(str::to_owned);
    let width = |column: usize| {
        let cells = rows.iter().chain([&head]).map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2)];
    let line = |row: &[String; 3]| {
        let [one, two, three] = row;
        format!("| {one:0$} | {two:1$} | {three:2$} |\n", widths[0], widths[1], widths[2])
    };
    let under = widths.map(|width| "-".repeat(width));
    let Some(first) = rules.first() else { return String::new() };
    let lines: String = rows.iter().map(line).collect();
    format!("### {} (docs/api.md: {})\n\n{}{}{lines}", first.noun(), first.section, line(&head), line(&under))
}

fn row(rule: &Rule) -> [String; 3] {
    let level = match rule.level {
        Level::Must(clients) => format!("must: {clients}"),
        Level::Should => "should".into(),
    };
    [format!("`{}`", rule.name), rule.sentence.to_owned(), level]
}
