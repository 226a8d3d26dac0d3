//! Where the servers' programs are: what was installed for this tree first, then what the machine has.

use std::path::{Path, PathBuf};

/// Programs and archives installed for this tree alone.
const OURS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/servers");

/// Folders in which daemons are kept, outside an ordinary user's PATH.
const DAEMONS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// The folder in which servers are installed that come in no package of the system: programs in `bin` and
/// `python/bin`, archives beside them.
pub fn installed_in() -> &'static Path {
    Path::new(OURS)
}

/// A program by its name.
pub fn program(name: &str) -> Option<PathBuf> {
    let ours = [installed_in().join("bin"), installed_in().join("python/bin")];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = ours.into_iter().chain(std::env::split_paths(&path)).chain(DAEMONS.map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|file| is_program(file))
}

/// A file installed for this tree.
pub fn archive(name: &str) -> Option<PathBuf> {
    Some(installed_in().join(name)).filter(|file| file.is_file())
}

fn is_program(file: &Path) -> bool {
    file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_name() {
        assert!(program("sh").is_some_and(|file| file.is_absolute() && file.ends_with("sh")));
        assert_eq!(program("no-such-program-here"), None);
    }

    #[test]
    fn a_file_that_cannot_be_run_is_no_program() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        assert!(!is_program(file.path()));
    }
}
