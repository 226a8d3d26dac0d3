//! Ties processes to this one: when it ends, however it ends, they do.
//!
//! Not the parent-death signal: that one fires when the thread that started the server ends, and a test is a
//! thread.

use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

/// A small process that leads a group and kills it when our end of its pipe closes.
pub struct Tie {
    watchdog: Child,
}

impl Tie {
    /// A group of its own.
    ///
    /// # Errors
    /// When no process can be started.
    pub fn new() -> std::io::Result<Self> {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new("/bin/sh");
        // 0 is the caller's own group.
        command.args(["-c", "read -r end; kill -KILL 0"]).process_group(0);
        // Nobody else holds the writing end: it is not handed on to the programs we start.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self { watchdog: command.spawn()? })
    }

    /// The group a process has to be born into.
    pub fn group(&self) -> i32 {
        self.watchdog.id().cast_signed()
    }
}

impl Drop for Tie {
    fn drop(&mut self) {
        if let Some(group) = Pid::from_raw(self.group()) {
            // The watchdog is not reaped yet, so the number is still its own.
            let _killed = kill_process_group(group, Signal::KILL);
        }
        let _reaped = self.watchdog.wait();
    }
}
