//! Who runs on which core: the load on the first, everything that is measured on the last. So a platform and a
//! limit have the same one core each, and the load takes nothing from them.

use std::process::{Command, Stdio};
use std::thread::available_parallelism;

/// The cores of this machine, as far as they are told apart.
#[derive(Clone, Copy)]
pub struct Cores {
    count: usize,
    measured: Option<usize>,
}

impl Cores {
    /// Told apart where there are two and `taskset` is there; else a line says that they are not.
    pub fn of_this_machine() -> Self {
        let count = available_parallelism().map_or(1, usize::from);
        let has_taskset = silent(Command::new("taskset").arg("--version"));
        let measured = (count >= 2 && has_taskset).then(|| count - 1);
        if measured.is_none() {
            println!("load and servers share all cores: there is one only, or no `taskset` (util-linux)");
        }
        Self { count, measured }
    }

    /// How many there are.
    pub fn count(self) -> usize {
        self.count
    }

    /// Whether load and servers have each their own.
    pub fn are_apart(self) -> bool {
        self.measured.is_some()
    }

    /// This process makes the load.
    pub fn take_for_load(self) {
        if self.measured.is_some() {
            pin(0, std::process::id());
        }
    }

    /// A program that is to be measured.
    pub fn command(self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let Some(core) = self.measured else {
            return Command::new(program);
        };
        let mut command = Command::new("taskset");
        command.arg("--cpu-list").arg(core.to_string()).arg(program);
        command
    }

    /// A process that runs already is to be measured.
    pub fn take_for_server(self, pid: u32) {
        if let Some(core) = self.measured {
            pin(core, pid);
        }
    }
}

fn pin(core: usize, pid: u32) {
    let (core, pid) = (core.to_string(), pid.to_string());
    if !silent(Command::new("taskset").args(["--all-tasks", "--cpu-list", "--pid", &core, &pid])) {
        println!("process {pid} could not be given core {core}");
    }
}

fn silent(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
