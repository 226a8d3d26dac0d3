//! The cell of a media tool: what a program that reads strangers' files may still do. Landlock leaves it its own
//! libraries and the files it was given; seccomp takes sockets, further processes and what reaches other
//! processes or the kernel's insides. How much it may use of what is left is `child`'s.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::child::SEARCH_PATH;

/// What a confined program may open besides its libraries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Files it may read.
    pub read: Vec<PathBuf>,
    /// Files it may read and write; each is there already.
    pub write: Vec<PathBuf>,
}

/// Why a program could not be confined, and so was not started.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The system cannot do it.
    #[error(
        "this system confines no programs (Linux 5.13 or newer with Landlock and seccomp does): {problem}; \
         `media.sandbox = \"off\"` trusts ffmpeg with every file of this account"
    )]
    Unable {
        /// What is missing.
        problem: String,
    },
    /// A file that was to be given to it cannot be opened.
    #[error("give the media tool `{}`: {problem}", path.display())]
    Given {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The program is not there, or cannot be started.
    #[error("start `{}`: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl SandboxError {
    /// The exit code that says so to whoever started us: as `nice` and the shells for a program that is not there.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Unable { .. } | Self::Given { .. } => UNCONFINED,
            Self::Start { .. } => 127,
        }
    }
}

/// The exit code of a cell that could not be made.
pub(crate) const UNCONFINED: u8 = 125;

/// Confines this process and becomes `program` with `arguments`. To be called while it has one thread.
///
/// Returns only when that failed; the process may then be confined already, and must end.
#[must_use]
pub fn become_confined(cell: &Cell, program: &OsStr, arguments: &[OsString]) -> SandboxError {
    use std::os::unix::process::CommandExt;

    let Some(path) = find(program) else {
        let source = std::io::Error::from(std::io::ErrorKind::NotFound);
        return SandboxError::Start { program: program.into(), source };
    };
    if let Err(error) = confine(cell, &path) {
        return error;
    }
    let source = std::process::Command::new(&path).args(arguments).exec();
    SandboxError::Start { program: path, source }
}

/// A program by its path, or by its name in one of the folders every media tool is looked for in.
fn find(program: &OsStr) -> Option<PathBuf> {
    let program = Path::new(program);
    if program.components().count() > 1 {
        return program.is_file().then(|| program.into());
    }
    let folders = std::env::split_paths(SEARCH_PATH);
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

#[cfg(not(target_os = "linux"))]
fn confine(_cell: &Cell, _program: &Path) -> Result<(), SandboxError> {
    Err(SandboxError::Unable { problem: "it is not Linux".into() })
}

#[cfg(target_os = "linux")]
fn confine(cell: &Cell, program: &Path) -> Result<(), SandboxError> {
    linux::files(cell, program)?;
    linux::calls()
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::Path;

    use landlock::{
        ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
        RulesetCreated, RulesetCreatedAttr, Scope,
    };
    use rustix::process::{Signal, getpid, set_parent_process_death_signal};
    use seccompiler::{BpfMap, TargetArch, apply_filter, compile_from_json};
    use serde_json::json;

    use super::{Cell, SandboxError};

    /// Where libraries are, on the systems that are known to us.
    const LIBRARIES: [&str; 8] = [
        "/lib",
        "/lib64",
        "/usr/lib",
        "/usr/lib64",
        "/usr/local/lib",
        "/etc/ld.so.cache",
        "/nix/store",
        "/gnu/store",
    ];
    /// What every kernel with Landlock takes away; what later ones can is taken where they do.
    const LEAST: ABI = ABI::V1;
    const MOST: ABI = ABI::V7;

    /// CLONE_THREAD of clone(2): without it a new process is asked for.
    const THREAD: u64 = 0x0001_0000;
    /// errno(3): not permitted, and no such call.
    const EPERM: u32 = 1;
    const ENOSYS: u32 = 38;

    /// What no decoder needs: the network, other processes, and the kernel's insides.
    const DENIED: [&str; 41] = [
        "accept",
        "accept4",
        "add_key",
        "bind",
        "bpf",
        "chroot",
        "connect",
        "delete_module",
        "finit_module",
        "init_module",
        "io_uring_setup",
        "kcmp",
        "kexec_load",
        "keyctl",
        "kill",
        "listen",
        "mount",
        "move_mount",
        "name_to_handle_at",
        "open_by_handle_at",
        "open_tree",
        "perf_event_open",
        "pidfd_getfd",
        "pidfd_open",
        "pidfd_send_signal",
        "pivot_root",
        "process_vm_readv",
        "process_vm_writev",
        "ptrace",
        "quotactl",
        "reboot",
        "request_key",
        "setns",
        "setpgid",
        "setsid",
        "socket",
        "socketpair",
        "swapon",
        "umount2",
        "unshare",
        "userfaultfd",
    ];
    /// Older calls for the same as `clone`, which only the oldest of the architectures has.
    const OLD_WAYS_TO_FORK: [&str; 2] = ["fork", "vfork"];

    /// Leaves this process, and what it becomes, the program, its libraries and the cell's files. It also dies
    /// with who started it.
    pub(super) fn files(cell: &Cell, program: &Path) -> Result<(), SandboxError> {
        set_parent_process_death_signal(Some(Signal::KILL)).map_err(unable)?;
        let rules = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(LEAST))
            .and_then(|rules| {
                rules.set_compatibility(CompatLevel::BestEffort).handle_access(AccessFs::from_all(MOST))
            })
            .and_then(|rules| rules.scope(Scope::from_all(MOST)))
            .and_then(Ruleset::create);
        let mut rules = rules.map_err(unable)?;
        let runs = AccessFs::from_read(MOST);
        for library in LIBRARIES.map(Path::new).into_iter().filter(|path| path.exists()) {
            rules = allow(rules, library, runs)?;
        }
        rules = allow(rules, program, runs)?;
        let reads: BitFlags<AccessFs> = AccessFs::ReadFile.into();
        for path in &cell.read {
            rules = allow(rules, path, reads)?;
        }
        for path in &cell.write {
            rules = allow(rules, path, reads | AccessFs::WriteFile | AccessFs::Truncate)?;
        }
        rules.restrict_self().map(drop).map_err(unable)
    }

    fn allow(
        rules: RulesetCreated,
        path: &Path,
        access: BitFlags<AccessFs>,
    ) -> Result<RulesetCreated, SandboxError> {
        let given = |problem: String| SandboxError::Given { path: path.into(), problem };
        let file = PathFd::new(path).map_err(|error| given(error.to_string()))?;
        rules.add_rule(PathBeneath::new(file, access)).map_err(|error| given(error.to_string()))
    }

    /// Takes the calls away.
    pub(super) fn calls() -> Result<(), SandboxError> {
        let architecture = std::env::consts::ARCH.try_into().map_err(unable)?;
        let programs = filters(architecture).map_err(unable)?;
        programs.values().try_for_each(|program| apply_filter(program)).map_err(unable)
    }

    fn filters(architecture: TargetArch) -> seccompiler::Result<BpfMap> {
        let old = if architecture == TargetArch::x86_64 { &OLD_WAYS_TO_FORK[..] } else { &[] };
        let denied = DENIED.iter().chain(old).map(|name| json!({ "syscall": name }));
        let compare = |operator, value| json!({ "index": 0, "type": "qword", "op": operator, "val": value });
        let no_thread = compare(json!({ "masked_eq": THREAD }), 0);
        let not_itself = compare(json!("ne"), u64::from(getpid().as_raw_nonzero().get().unsigned_abs()));
        let conditional = [
            json!({ "syscall": "clone", "args": [no_thread] }),
            // A program that aborts signals itself.
            json!({ "syscall": "tgkill", "args": [not_itself] }),
        ];
        let filter = |errno, calls| {
            let refused = json!({ "errno": errno });
            json!({ "mismatch_action": "allow", "match_action": refused, "filter": calls })
        };
        let filters = json!({
            "denied": filter(EPERM, denied.chain(conditional).collect::<Vec<_>>()),
            // What it would clone is behind a pointer, which no filter reads: the C library then uses `clone`.
            "unknown": filter(ENOSYS, vec![json!({ "syscall": "clone3" })]),
        });
        compile_from_json(filters.to_string().as_bytes(), architecture)
    }

    fn unable(error: impl std::fmt::Display) -> SandboxError {
        SandboxError::Unable { problem: error.to_string() }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn every_architecture_knows_the_calls_that_are_taken_away() {
            for architecture in [TargetArch::x86_64, TargetArch::aarch64, TargetArch::riscv64] {
                let programs = filters(architecture).expect("known calls");
                assert_eq!(programs.len(), 2, "{architecture:?}");
            }
        }
    }
}
