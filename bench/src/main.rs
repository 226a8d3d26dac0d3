//! `bench`: what the platform costs, measured beside its limits and the designs it replaces, all in one run.
//! `cargo xtask bench` builds and starts it.

mod baseline;
mod beside;
mod cores;
mod data;
mod load;
mod measure;
mod platform;
mod report;
mod scenario;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand, ValueEnum};

use cores::Cores;
use platform::{Database, Plan, Topology};
use report::{Report, Run};
use scenario::{Scenario, Site, Stage};

/// The size others are compared with.
const SMALL: &str = "1k";

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the platform beside its limits.
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench", args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    server: Option<Server>,
    /// What to measure; without it a selection of some minutes, with `--all` everything.
    #[arg(value_enum)]
    scenarios: Vec<Scenario>,
    /// Every scenario.
    #[arg(long)]
    all: bool,
    /// Show the scenarios and end.
    #[arg(long)]
    list: bool,
    /// One process, or each service its own.
    #[arg(long, value_enum, default_value = "one")]
    topology: Topology,
    /// Where the rows are; a cluster has MariaDB.
    #[arg(long, value_enum)]
    database: Option<Database>,
    /// How many videos there are.
    #[arg(long, default_value = "1k", value_parser = ["1k", "100k", "1m"])]
    scale: String,
    /// The time of each variant in each round.
    #[arg(long, default_value_t = 2.0, value_parser = positive)]
    seconds: f64,
    /// How often each variant is measured.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// A setting of the platform, by the name of its variable: `DYTT_FEED__TAG=2`.
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// Where results are kept, in a folder for topology, database and scale.
    #[arg(long, default_value = "bench/results")]
    out: PathBuf,
    /// The program to measure.
    #[arg(long, default_value = "target/release/dytt")]
    dytt: PathBuf,
    /// Where datasets are kept, and platforms while they run.
    #[arg(long, default_value = "target/bench", hide = true)]
    work: PathBuf,
    /// The program that starts clusters.
    #[arg(long, default_value = "target/debug/xtask", hide = true)]
    xtask: PathBuf,
    /// How many programs wanted a core before anything was built; without it as many as do now.
    #[arg(long, hide = true)]
    load_before: Option<f64>,
}

#[derive(Subcommand)]
enum Server {
    /// Serve as a limit or a baseline; the benchmark starts these itself.
    #[command(hide = true)]
    Limit(baseline::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.context("start the runtime").and_then(|runtime| match arguments.server {
        Some(Server::Limit(limit)) => runtime.block_on(baseline::serve(limit)).map(|()| ExitCode::SUCCESS),
        None if arguments.list => list(),
        None => runtime.block_on(measure(arguments)),
    });
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn list() -> Result<ExitCode> {
    for scenario in Scenario::value_variants() {
        let value = scenario.to_possible_value().context("name the scenario")?;
        let help = value.get_help().map(ToString::to_string).unwrap_or_default();
        println!("{:<15} {help}", value.get_name());
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(arguments: Arguments) -> Result<ExitCode> {
    let load_before = arguments.load_before.unwrap_or_else(measure::load_average);
    let plan = plan(&arguments)?;
    let scenarios = match arguments.scenarios.as_slice() {
        _ if arguments.all => Scenario::value_variants(),
        [] => &Scenario::SMOKE,
        named => named,
    };
    open_many_files();
    let site = Site::start(&plan, &arguments.scale).await?;
    // Beside a larger one the smallest, to see what more videos cost. Two clusters would be too much.
    let is_alone = arguments.scale == SMALL || plan.topology == Topology::Cluster;
    let small = if is_alone { None } else { Some(Site::start(&plan, SMALL).await?) };
    plan.cores.take_for_load();
    let (run, folder) = run(&arguments, &plan);
    let mut report = Report::new(run, folder.clone());
    for scenario in scenarios {
        println!("\n== {}", scenario.name());
        let mut stage = Stage {
            plan: &plan,
            site: &site,
            small: small.as_ref(),
            time: Duration::from_secs_f64(arguments.seconds),
            rounds: arguments.rounds.into(),
            load_before,
            report: &mut report,
            scenario: scenario.name(),
        };
        // One that fails says so and lets the others be measured.
        if let Err(error) = scenario.run(&mut stage).await {
            report.fault(format!("{}: {error:#}", scenario.name()));
        }
        report.close(&scenario.name())?;
    }
    println!("results are in {}", folder.display());
    Ok(if report.is_faulty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn plan(arguments: &Arguments) -> Result<Plan> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("find the workspace")?;
    let database = match (arguments.topology, arguments.database) {
        (Topology::Cluster, Some(Database::Sqlite)) => bail!("a cluster has no SQLite, leave --database out"),
        (Topology::Cluster, _) => Database::Mariadb,
        (Topology::One, database) => database.unwrap_or(Database::Sqlite),
    };
    let (dytt, xtask) = (std::path::absolute(&arguments.dytt)?, std::path::absolute(&arguments.xtask)?);
    if !dytt.exists() {
        bail!("{} is not there; `cargo build --release -p dytt` makes it", dytt.display());
    }
    let work = std::path::absolute(&arguments.work)?;
    std::fs::create_dir_all(&work).context("make the folder for datasets")?;
    let (topology, cores) = (arguments.topology, Cores::of_this_machine());
    let settings = platform::settings().into_iter().chain(arguments.set.iter().cloned()).collect();
    Ok(Plan { root: root.into(), dytt, xtask, work, topology, database, cores, settings })
}

/// What is measured, and the folder for it.
fn run(arguments: &Arguments, plan: &Plan) -> (Run, PathBuf) {
    let name = |value: Option<clap::builder::PossibleValue>| {
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    };
    let topology = name(plan.topology.to_possible_value());
    let database = name(plan.database.to_possible_value());
    let scale = arguments.scale.clone();
    let folder = arguments.out.join(format!("{topology}-{database}-{scale}"));
    (Run { commit: commit(&plan.root), machine: measure::machine_name(), topology, database, scale }, folder)
}

fn commit(root: &Path) -> String {
    let mut git = Command::new("git");
    let output = git.args(["describe", "--always", "--dirty"]).current_dir(root).output();
    output.map_or_else(
        |_no_git| "unknown".into(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// Thousands of clients are as many files here, and in the platform, which inherits this.
fn open_many_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        println!("no more files can be opened ({error}); `idle` needs them");
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if name.starts_with("DYTT_") => Ok((name.into(), value.into())),
        _ => Err("must be a variable of the platform's and its value, like `DYTT_FEED__TAG=2`".into()),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok();
    number.filter(|number| *number > 0.0 && number.is_finite()).ok_or_else(|| "it is a number above 0".into())
}
