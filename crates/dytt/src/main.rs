//! The `dytt` program: its commands and their arguments. What a command does is in `commands/`.

mod backup;
mod commands;
mod config;
mod conformance;
mod demo;
mod folder;
mod mesh;
mod platform;
mod roles;
mod wiring;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use config::Flags;

/// Allocates faster than the system's, and gives memory back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long the end waits for the last spans to be taken.
const LAST_SPANS_TIME: Duration = Duration::from_secs(1);

/// A short-video platform in one program.
#[derive(Parser)]
#[command(version, about)]
struct Program {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the platform until it is told to stop.
    Serve,
    /// Fill the platform with people, clips, likes, comments and chats, unless it has videos already.
    Demo(commands::demo::Arguments),
    /// Ask a server, any server, whether it does what clients of the minimal Douyin's API count on.
    ///
    /// The server keeps what is made there: some 250 accounts with random names, 50 clips of a second, likes, comments
    /// and messages. The API has no way to delete them, so ask a server that was started for it.
    ///
    /// Exit 0: all is well; 1: a rule failed, or could not be tried for what the server did; 2: nobody could be asked.
    Conformance(commands::conformance::Arguments),
    /// Check what the platform stands on: ffmpeg, disk, database, objects, certificates; exit 1 when something is
    /// wrong.
    Doctor,
    /// Check everything that is stored; exit 1 when something is wrong.
    Fsck(commands::fsck::Arguments),
    /// Write every row and every object into one folder, while the platform runs or not.
    Backup(commands::backup::Arguments),
    /// Fill an empty platform from a backup.
    Restore(commands::restore::Arguments),
    /// Show every configuration key with its value and where that came from.
    Config,
    /// Bring the database to this version's schema, or show what it has.
    Migrate {
        #[command(subcommand)]
        command: commands::migrate::Command,
    },
    /// Make, show, check, renew and revoke the certificates services know each other by.
    Cert {
        #[command(subcommand)]
        command: commands::cert::Command,
    },
    /// Show the services of a cluster, or change how many calls an instance gets.
    Services {
        #[command(subcommand)]
        command: commands::services::Command,
    },
    /// Show the re-encodings that wait, run or were given up; try one again, or end it.
    Jobs {
        #[command(subcommand)]
        command: commands::jobs::Command,
    },
    /// Run a media tool that may open nothing but the files it is given.
    #[command(hide = true)]
    Sandbox(commands::sandbox::Arguments),
    /// Manage accounts.
    User {
        #[command(subcommand)]
        command: commands::user::Command,
    },
}

fn main() -> ExitCode {
    // Memory holds passwords and keys: it is never written to a core file.
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        eprintln!("dytt: core dumps could not be turned off: {error}");
    }
    // Each connection is an open file, and many systems start a program with a thousand of them.
    let files = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files }) {
        eprintln!("dytt: no more than the usual number of files can be open: {error}");
    }
    let program = Program::parse();
    match run(program) {
        Ok(code) => code,
        Err(error) => {
            // One line: the chain of causes reads as one sentence.
            eprintln!("dytt: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(program: Program) -> anyhow::Result<ExitCode> {
    let program = match program {
        // While there is no other thread, and nothing of ours is open.
        Program { command: Command::Sandbox(arguments), .. } => return Ok(commands::sandbox::run(arguments)),
        other => other,
    };
    let own_config = matches!(&program.command, Command::Cert { command } if command.has_own_config());
    let flags = if own_config { program.flags.without_file() } else { program.flags };
    let loaded = config::load(&flags)?;
    if let Command::Config = program.command {
        print!("{}", loaded.describe());
        return Ok(ExitCode::SUCCESS);
    }
    let settings = loaded.settings()?;
    let traces = telemetry::start(&settings.telemetry, settings.roles.name())?;
    let runtime = tokio::runtime::Runtime::new()?;
    let code = runtime.block_on(async {
        let code = match program.command {
            Command::Serve => commands::serve::run(settings).await,
            Command::Demo(arguments) => commands::demo::run(settings, arguments).await,
            Command::Conformance(arguments) => commands::conformance::run(&settings, arguments).await,
            Command::Doctor => commands::doctor::run(&settings).await,
            Command::Fsck(arguments) => commands::fsck::run(&settings, arguments).await,
            Command::Backup(arguments) => commands::backup::run(&settings, arguments).await,
            Command::Restore(arguments) => commands::restore::run(&settings, arguments).await,
            Command::Config | Command::Sandbox(_) => Ok(ExitCode::SUCCESS),
            Command::Migrate { command } => commands::migrate::run(&settings, command).await,
            Command::Cert { command } => commands::cert::run(&settings.tls_dir, command),
            Command::Services { command } => commands::services::run(&settings, command).await,
            Command::Jobs { command } => commands::jobs::run(&settings, command).await,
            Command::User { command } => commands::user::run(&settings, command).await,
        };
        traces.flush(LAST_SPANS_TIME).await;
        code
    });
    // A look-up or a hash that still runs is not waited for.
    runtime.shutdown_timeout(Duration::from_millis(500));
    code
}
