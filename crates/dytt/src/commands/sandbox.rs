//! `dytt sandbox`: confines this process and becomes a media tool. The media service starts it; people need not.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use media::Cell;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A file the tool may read
    #[arg(long)]
    read: Vec<PathBuf>,
    /// A file the tool may read and write
    #[arg(long)]
    write: Vec<PathBuf>,
    /// The tool and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let Arguments { read, write, command } = arguments;
    let [program, words @ ..] = command.as_slice() else { return ExitCode::FAILURE };
    let error = media::become_confined(&Cell { read, write }, program, words);
    eprintln!("dytt: {error}");
    ExitCode::from(error.code())
}
