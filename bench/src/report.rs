//! What was found: figures of each round, what they say about the goals, and what went wrong. On the terminal
//! as it is found, and kept in a folder: JSON lines and a plot for each scenario, and one page of all.

mod goal;
mod plot;
mod summary;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::baseline::Outcome;
use crate::load::Tally;
use crate::measure::Spent;

pub use goal::{Bound, Goal};
pub use summary::Basis;

use summary::Summary;

/// What all figures of a run have in common.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The commit of the sources.
    pub commit: String,
    /// The machine.
    pub machine: String,
    /// `one` or `cluster`.
    pub topology: String,
    /// `sqlite` or `mariadb`.
    pub database: String,
    /// `1k`, `100k` or `1m` videos.
    pub scale: String,
}

/// One variant of a scenario in one round.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The scenario.
    pub scenario: String,
    /// What was measured: `platform`, a limit or a baseline.
    pub variant: String,
    /// The round, from 0.
    pub round: usize,
    /// Requests done a second.
    pub per_second: f64,
    /// Requests done.
    pub accepted: u64,
    /// Requests refused for want of room.
    pub refused: u64,
    /// Requests that ended otherwise.
    pub failed: u64,
    /// Requests without an answer in time.
    pub timed_out: u64,
    /// Latencies of requests done, in milliseconds.
    pub p50_ms: f64,
    /// As `p50_ms`.
    pub p90_ms: f64,
    /// As `p50_ms`.
    pub p99_ms: f64,
    /// As `p50_ms`; 0 where it was not measured.
    pub p999_ms: f64,
    /// As `p50_ms`.
    pub max_ms: f64,
    /// The 99th percentile of refusals, in milliseconds.
    pub refused_p99_ms: f64,
    /// CPU of the processes for each answer, in microseconds.
    pub cpu_us: f64,
    /// CPU of programs they ran (ffmpeg), for each answer, in microseconds.
    pub children_cpu_us: f64,
    /// CPU of the database server for each answer, in microseconds.
    pub database_cpu_us: f64,
    /// Their highest memory, together, in MiB.
    pub peak_mib: f64,
    /// MiB of bodies a second.
    pub mib_per_second: f64,
    /// SQL statements for each answer.
    pub statements: f64,
    /// Calls between services for each answer.
    pub calls: f64,
    /// Transactions that were tried again.
    pub retries: f64,
    /// The share of the machine's time that others had, in percent.
    pub stolen_percent: f64,
    /// Why these figures are not to be trusted.
    pub noise: Option<String>,
}

impl Figures {
    /// Of requests over a socket.
    pub fn of(
        scenario: &str,
        variant: &str,
        round: usize,
        tally: &Tally,
        spent: &Spent,
        peak_mib: f64,
    ) -> Self {
        let answers = (tally.accepted.len() + tally.refused.len() + tally.failed).max(1) as f64;
        Self {
            scenario: scenario.into(),
            variant: variant.into(),
            round,
            per_second: tally.per_second(),
            accepted: tally.accepted.len(),
            refused: tally.refused.len(),
            failed: tally.failed,
            timed_out: tally.timed_out,
            p50_ms: tally.millis(50.0),
            p90_ms: tally.millis(90.0),
            p99_ms: tally.millis(99.0),
            p999_ms: tally.millis(99.9),
            max_ms: tally.millis(100.0),
            refused_p99_ms: tally.refused.value_at_percentile(99.0) as f64 / 1e3,
            cpu_us: spent.cpu.as_secs_f64() * 1e6 / answers,
            children_cpu_us: spent.children_cpu.as_secs_f64() * 1e6 / answers,
            database_cpu_us: spent.database_cpu.as_secs_f64() * 1e6 / answers,
            peak_mib,
            mib_per_second: tally.bytes as f64 / 1024.0 / 1024.0 / tally.seconds,
            statements: spent.statements / answers,
            calls: spent.calls / answers,
            retries: spent.retries,
            stolen_percent: spent.stolen_percent,
            noise: None,
        }
    }

    /// Of a baseline that measures itself.
    pub fn own(scenario: &str, variant: &str, round: usize, outcome: &Outcome) -> Self {
        let millis = |time: std::time::Duration| time.as_secs_f64() * 1e3;
        Self {
            scenario: scenario.into(),
            variant: variant.into(),
            round,
            per_second: outcome.per_second,
            accepted: outcome.done,
            failed: outcome.errors,
            p50_ms: millis(outcome.p50),
            p99_ms: millis(outcome.p99),
            max_ms: millis(outcome.max),
            cpu_us: outcome.cpu_us_per_op,
            retries: outcome.retries as f64,
            ..Self::default()
        }
    }
}

/// A line of the kept files.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Run(Run),
    Figures(Figures),
    Summary(Summary),
    Goal(Goal),
    Fault { text: String },
}

/// Collects what is found.
pub struct Report {
    run: Run,
    folder: PathBuf,
    figures: Vec<Figures>,
    goals: Vec<Goal>,
    faults: Vec<String>,
    faulty: bool,
}

impl Report {
    /// An empty one, to be kept in a folder.
    pub fn new(run: Run, folder: PathBuf) -> Self {
        Self { run, folder, figures: Vec::new(), goals: Vec::new(), faults: Vec::new(), faulty: false }
    }

    /// Takes figures in.
    pub fn add(&mut self, figures: Figures) {
        self.figures.push(figures);
    }

    /// Something that must not happen. The run goes on, and its exit code will say so.
    pub fn fault(&mut self, text: String) {
        eprintln!("FAULT: {text}");
        self.faults.push(text);
        self.faulty = true;
    }

    /// Whether something happened that must not.
    pub fn is_faulty(&self) -> bool {
        self.faulty
    }

    /// How one variant of the present scenario compares with another, in every round both were in.
    pub fn ratios(&self, subject: &str, other: &str, basis: Basis) -> Vec<f64> {
        let rounds = self.figures.iter().filter(|figures| figures.variant == subject);
        let ratio = |subject: &Figures| {
            let mut others =
                self.figures.iter().filter(|one| one.variant == other && one.round == subject.round);
            others.next().map(|other| basis.ratio(subject, other))
        };
        rounds.filter_map(ratio).collect()
    }

    /// A figure of a variant of the present scenario, in every round.
    pub fn values(&self, variant: &str, value: impl Fn(&Figures) -> f64) -> Vec<f64> {
        self.figures.iter().filter(|figures| figures.variant == variant).map(value).collect()
    }

    /// Judges a goal by what was found; nothing when that was not measured.
    pub fn judge(&mut self, id: &str, text: &str, bound: Bound, values: &[f64]) {
        let noisy = self.figures.iter().any(|figures| figures.noise.is_some());
        self.goals.extend(Goal::judge(id, text, bound, values, noisy));
    }

    /// Ends the present scenario: prints it, and keeps it in place of an earlier run's.
    pub fn close(&mut self, scenario: &str) -> Result<()> {
        let summaries = Summary::all(&self.figures);
        println!("{}", summary::table(&summaries));
        for goal in &self.goals {
            println!("{goal}");
        }
        if let Some(noise) = self.figures.iter().find_map(|figures| figures.noise.as_ref()) {
            println!("NOISY MACHINE: {noise}; these figures prove nothing");
        }
        fs::create_dir_all(&self.folder).with_context(|| format!("create {}", self.folder.display()))?;
        if !summaries.is_empty() {
            fs::write(self.folder.join(scenario).with_extension("svg"), plot::svg(scenario, &summaries))?;
        }
        let mut lines = vec![Line::Run(self.run.clone())];
        lines.extend(self.figures.drain(..).map(Line::Figures));
        lines.extend(summaries.into_iter().map(Line::Summary));
        lines.extend(self.goals.drain(..).map(Line::Goal));
        lines.extend(self.faults.drain(..).map(|text| Line::Fault { text }));
        let mut text = String::new();
        for line in lines {
            text.push_str(&serde_json::to_string(&line)?);
            text.push('\n');
        }
        fs::write(self.folder.join(scenario).with_extension("jsonl"), text)?;
        self.page()
    }

    /// Writes the page of all scenarios that are kept, earlier runs' too.
    fn page(&self) -> Result<()> {
        let mut files: Vec<PathBuf> =
            fs::read_dir(&self.folder)?.flatten().map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
        files.sort();
        let Run { topology, database, scale, .. } = &self.run;
        let mut page = format!("# {topology}, {database}, {scale} videos\n");
        for file in files {
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text = fs::read_to_string(&file)?;
            let lines: Result<Vec<Line>, _> = text.lines().map(serde_json::from_str).collect();
            page.push_str(&section(&name, &lines.with_context(|| format!("read {}", file.display()))?));
        }
        fs::write(self.folder.join("README.md"), page).context("write the page")
    }
}

/// A scenario on the page.
fn section(name: &str, lines: &[Line]) -> String {
    let mut text = format!("\n## {name}\n\n");
    let (mut summaries, mut goals, mut noise) = (Vec::new(), String::new(), None);
    for line in lines {
        match line {
            Line::Run(run) => text.push_str(&format!("Commit {}, {}.\n\n", run.commit, run.machine)),
            Line::Figures(figures) => noise = noise.or(figures.noise.as_ref()),
            Line::Summary(summary) => summaries.push(summary.clone()),
            Line::Goal(goal) => goals.push_str(&format!("- {goal}\n")),
            Line::Fault { text: fault } => goals.push_str(&format!("- **fault**: {fault}\n")),
        }
    }
    if let Some(noise) = noise {
        text.push_str(&format!("**Noisy machine**: {noise}.\n\n"));
    }
    if !summaries.is_empty() {
        text.push_str(&format!("{}\n![{name}]({name}.svg)\n", summary::table(&summaries)));
    }
    if !goals.is_empty() {
        text.push_str(&format!("\n{goals}"));
    }
    text
}

#[cfg(test)]
mod tests;
