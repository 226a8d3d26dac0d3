//! What work costs: CPU and memory of processes, statements and calls the platform counts itself, and how busy
//! the machine is with other things.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::load::{Connection, Request};

/// The unit of times in `/proc`: Linux counts 100 ticks a second on every machine for its readers.
const TICK: Duration = Duration::from_millis(10);
/// More of the machine's time than this taken by its neighbours makes figures worthless, in percent.
const MAX_STOLEN_PERCENT: f64 = 5.0;

/// Something that is asked and measured: a platform, or a server beside it.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// Where it answers.
    pub addresses: Vec<SocketAddr>,
    /// Its processes.
    pub pids: Vec<u32>,
    /// The processes of its database server.
    pub database_pids: Vec<u32>,
    /// Where it tells its own counts.
    pub admins: Vec<SocketAddr>,
}

/// What a target and the machine have used up to now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    cpu: [Duration; 2],
    database_cpu: Duration,
    statements: f64,
    calls: f64,
    retries: f64,
    machine: Machine,
}

/// What was used between two readings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// CPU time of the target's own processes.
    pub cpu: Duration,
    /// CPU time of programs they ran, which have ended.
    pub children_cpu: Duration,
    /// CPU time of its database server.
    pub database_cpu: Duration,
    /// SQL statements.
    pub statements: f64,
    /// Calls between services.
    pub calls: f64,
    /// Transactions that were tried again, after a deadlock for example.
    pub retries: f64,
    /// The share of the machine's time that its host gave to others, in percent.
    pub stolen_percent: f64,
}

impl Target {
    /// What has been used up to now.
    pub async fn read(&self) -> Result<Reading> {
        let mut counts = [0.0; 3];
        for admin in &self.admins {
            let (_, text) =
                Connection::new(*admin).fetch(&Request::get("/metrics")).await.context("read metrics")?;
            let text = String::from_utf8_lossy(&text);
            let names =
                ["dytt_store_statements_total", "dytt_rpc_client_seconds_count", "dytt_store_retries_total"];
            for (count, name) in counts.iter_mut().zip(names) {
                *count += sum(&text, name);
            }
        }
        let [statements, calls, retries] = counts;
        let (cpu, [database_cpu, _]) = (cpu(&self.pids), cpu(&self.database_pids));
        Ok(Reading { cpu, database_cpu, statements, calls, retries, machine: Machine::now() })
    }

    /// Begins the search for the highest memory anew.
    pub fn forget_peak(&self) {
        for pid in &self.pids {
            // Without the right to, the peak is that of the process's whole life: higher, never lower.
            let _forgotten = std::fs::write(format!("/proc/{pid}/clear_refs"), "5");
        }
    }

    /// The highest memory since then, of all its own processes together, in MiB.
    pub fn peak_mib(&self) -> f64 {
        self.memory("VmHWM:")
    }

    /// The memory in use, of all its own processes together, in MiB.
    pub fn memory_mib(&self) -> f64 {
        self.memory("VmRSS:")
    }

    fn memory(&self, field: &str) -> f64 {
        let of = |pid: &u32| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix(field))?;
            line.trim().strip_suffix(" kB")?.parse::<f64>().ok()
        };
        self.pids.iter().filter_map(of).sum::<f64>() / 1024.0
    }
}

impl Reading {
    /// What was used between an earlier reading and this one.
    pub fn since(&self, earlier: &Self) -> Spent {
        Spent {
            cpu: self.cpu[0].saturating_sub(earlier.cpu[0]),
            children_cpu: self.cpu[1].saturating_sub(earlier.cpu[1]),
            database_cpu: self.database_cpu.saturating_sub(earlier.database_cpu),
            statements: self.statements - earlier.statements,
            calls: self.calls - earlier.calls,
            retries: self.retries - earlier.retries,
            stolen_percent: self.machine.stolen_percent_since(&earlier.machine),
        }
    }
}

/// CPU time of processes, and of their children that have ended.
fn cpu(pids: &[u32]) -> [Duration; 2] {
    let ticks = |pid: &u32| ticks(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?);
    let all: Vec<[u32; 2]> = pids.iter().filter_map(ticks).collect();
    [0, 1].map(|which| TICK * all.iter().map(|ticks| ticks[which]).sum::<u32>())
}

/// User and system time of a process, and of its children that have ended.
fn ticks(stat: &str) -> Option<[u32; 2]> {
    // The name before may hold anything, brackets and blanks too.
    let (_, rest) = stat.rsplit_once(") ")?;
    let words: Vec<u32> = rest.split(' ').skip(11).take(4).map_while(|word| word.parse().ok()).collect();
    let [user, system, children_user, children_system] = words.try_into().ok()?;
    Some([user + system, children_user + children_system])
}

/// The sum of a metric over all its labels but those of what gateways ask each second, whoever asks them.
fn sum(metrics: &str, name: &str) -> f64 {
    const OF_ITS_OWN_ACCORD: &str = "/RevokedSince\"";
    let value = |line: &str| {
        if line.contains(OF_ITS_OWN_ACCORD) {
            return None;
        }
        let rest = line.strip_prefix(name)?;
        let rest = if rest.starts_with('{') { rest.rsplit_once('}')?.1 } else { rest };
        rest.strip_prefix(' ')?.trim().parse::<f64>().ok()
    };
    metrics.lines().filter_map(value).sum()
}

/// The machine's time since it was started, in ticks of all cores.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine {
    all: u64,
    stolen: u64,
}

impl Machine {
    /// Up to now.
    pub fn now() -> Self {
        Self::parse(&std::fs::read_to_string("/proc/stat").unwrap_or_default())
    }

    fn parse(stat: &str) -> Self {
        let first = stat.lines().next().unwrap_or_default();
        // user nice system idle iowait irq softirq steal; guest time after them is in user's already.
        let ticks: Vec<u64> =
            first.split_whitespace().skip(1).take(8).filter_map(|word| word.parse().ok()).collect();
        Self { all: ticks.iter().sum(), stolen: ticks.get(7).copied().unwrap_or_default() }
    }

    /// The share others had since then.
    pub fn stolen_percent_since(&self, earlier: &Self) -> f64 {
        let all = self.all.saturating_sub(earlier.all).max(1);
        self.stolen.saturating_sub(earlier.stolen) as f64 * 100.0 / all as f64
    }
}

/// How many programs wanted a core, on the average of the last minute.
pub fn load_average() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or_default()
}

/// Why figures taken on this machine are not to be trusted, if so.
pub fn noise(load_before: f64, cores: usize, stolen_percent: f64) -> Option<String> {
    if load_before > cores as f64 {
        return Some(format!("{load_before:.1} programs wanted {cores} cores before the start"));
    }
    (stolen_percent > MAX_STOLEN_PERCENT)
        .then(|| format!("the host gave {stolen_percent:.0} % of the time to others"))
}

/// What this machine is: model and count of its cores.
pub fn machine_name() -> String {
    let text = std::fs::read_to_string(Path::new("/proc/cpuinfo")).unwrap_or_default();
    let models: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("model name")).collect();
    let model = models.first().map_or("unknown", |model| model.trim_start_matches(['\t', ' ', ':']));
    format!("{} × {model}", models.len().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_its_children() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 2 3 4 100 20 3 4 20 0 1 0 500";
        assert_eq!(ticks(stat), Some([120, 7]));
        assert_eq!(ticks("7 (sh"), None);
        assert_eq!(cpu(&[]), [Duration::ZERO; 2]);
        let own = Target { pids: vec![std::process::id()], ..Target::default() };
        assert!(own.memory_mib() > 0.5 && own.peak_mib() >= own.memory_mib());
    }

    #[test]
    fn a_metric_is_summed_over_its_labels_and_is_no_other_that_begins_so() {
        let text = "# TYPE calls counter\ncalls{to=\"a}\"} 2\ncalls{to=\"b\"} 3.5\ncalls_more 9\ncalls 1\n";
        assert_eq!(sum(text, "calls"), 6.5);
        assert_eq!(sum(text, "absent"), 0.0);
    }

    #[test]
    fn what_neighbours_take_is_noise() {
        let before = Machine::parse("cpu  100 0 100 700 0 0 0 100 55 0\ncpu0 1");
        let after = Machine::parse("cpu  150 0 150 750 0 0 0 110 99 0");
        assert_eq!(after.stolen_percent_since(&before), 6.25);
        assert!(noise(0.5, 2, 6.25).is_some_and(|why| why.contains("6 %")));
        assert!(noise(2.5, 2, 0.0).is_some() && noise(1.9, 2, 4.9).is_none());
    }
}
