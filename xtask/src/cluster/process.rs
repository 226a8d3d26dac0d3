//! Processes that are not our children: whether they live, and how they are ended.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How it stands with a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It runs.
    Running,
    /// It is stopped by a signal.
    Frozen,
    /// It is no more.
    Ended,
}

/// How it stands with the process that has this number and was born then.
pub fn life(pid: u32, born: u64) -> Life {
    match stat(pid) {
        Some((state, since)) if since == born => match state {
            // Its first thread has ended, and it waits for its parent to take note. Other threads may still be
            // on their way out, with the ports of all.
            'Z' | 'X' if threads(pid) <= 1 => Life::Ended,
            'T' | 't' => Life::Frozen,
            _ => Life::Running,
        },
        _ => Life::Ended,
    }
}

/// When a process was born, in ticks since the machine was.
pub fn born(pid: u32) -> Option<u64> {
    stat(pid).map(|(_, born)| born)
}

/// Sends a signal to the process that has this number and was born then.
pub fn signal(pid: u32, born: u64, signal: Signal) {
    if life(pid, born) != Life::Ended
        && let Some(pid) = Pid::from_raw(pid.cast_signed())
    {
        // It may have ended by itself.
        let _sent = kill_process(pid, signal);
    }
}

/// Waits for a process to end; whether it has.
pub fn wait_for_end(pid: u32, born: u64, patience: Duration) -> bool {
    let began = Instant::now();
    while life(pid, born) != Life::Ended {
        if began.elapsed() > patience {
            return false;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    true
}

fn threads(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

/// The state's letter and the time of birth.
fn stat(pid: u32) -> Option<(char, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it may hold anything, brackets and blanks too.
    let (_, rest) = text.rsplit_once(") ")?;
    let mut words = rest.split(' ');
    let state = words.next()?.chars().next()?;
    Some((state, words.nth(18)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn sleeper() -> (Child, u32, u64) {
        let mut command = Command::new("sleep");
        let child = command.arg("600").stdin(Stdio::null()).spawn().expect("it starts");
        let pid = child.id();
        let born = born(pid).expect("it lives");
        (child, pid, born)
    }

    #[test]
    fn life_is_told_from_death() {
        let (mut child, pid, born) = sleeper();
        assert_ne!(life(pid, born), Life::Ended);
        assert_eq!(life(pid, born + 1), Life::Ended, "another process of the same number");
        signal(pid, born + 1, Signal::KILL);
        assert!(!wait_for_end(pid, born, Duration::ZERO), "the other is not what was meant");
        signal(pid, born, Signal::STOP);
        let began = Instant::now();
        while life(pid, born) != Life::Frozen {
            assert!(began.elapsed() < PATIENCE);
        }
        signal(pid, born, Signal::KILL);
        assert!(wait_for_end(pid, born, PATIENCE));
        child.wait().expect("it has ended");
        assert_eq!(life(pid, born), Life::Ended);
    }

    #[test]
    fn nobody_has_the_number_zero() {
        assert_eq!(life(0, 0), Life::Ended);
    }
}
