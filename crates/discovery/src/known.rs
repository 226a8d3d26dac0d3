//! The instances of one service in one version, as callers are to see them; asking etcd is the watcher's.
//!
//! The rule for what vanishes, made so that a wiped etcd does not end a living fleet and a drained instance
//! gets no call more:
//! 1. An instance last seen with weight 0 goes at once: an orderly end writes that first.
//! 2. Any other goes at once too, unless within one TTL more than half of those with a weight vanish, at
//!    least two of them or all: then those are kept for the grace, last-known, and calls find out which live.
//! 3. The grace counts only while etcd answers, and from anew after it was away: its owners need time to
//!    register again.
//! 4. When etcd has lost its past (its revision is behind one that was seen), all that it does not name are
//!    kept for the grace: that they are missing says nothing of them.
//! 5. What only the memory file names yields to the first answer that names an instance; an empty first
//!    answer leaves it for the grace.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Instance;

/// What is known of one service in one version.
pub(crate) struct Known {
    ttl: Duration,
    grace: Duration,
    entries: BTreeMap<String, Entry>,
}

struct Entry {
    instance: Instance,
    standing: Standing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// etcd holds its key.
    Present,
    /// From the memory file; etcd was not heard yet.
    Remembered,
    /// Its key is gone since.
    Vanished { at: Instant, kept: bool },
}

impl Known {
    pub(crate) fn new(ttl: Duration, grace: Duration, remembered: Vec<Instance>) -> Self {
        let entry =
            |instance: Instance| (instance.addr.clone(), Entry { instance, standing: Standing::Remembered });
        Self { ttl, grace, entries: remembered.into_iter().map(entry).collect() }
    }

    /// A key was written.
    pub(crate) fn put(&mut self, instance: Instance) {
        self.entries.retain(|_, entry| entry.standing != Standing::Remembered);
        self.entries.insert(instance.addr.clone(), Entry { instance, standing: Standing::Present });
    }

    /// A key went away; says how many instances are newly kept for that.
    pub(crate) fn vanish(&mut self, addr: &str, now: Instant) -> usize {
        self.leave(addr, now);
        self.judge(now)
    }

    /// These and no others have a key, in an etcd that may have lost its past; says how many vanished
    /// instances are newly kept.
    pub(crate) fn replace(&mut self, instances: Vec<Instance>, has_lost_past: bool, now: Instant) -> usize {
        let there: HashSet<&str> = instances.iter().map(|instance| instance.addr.as_str()).collect();
        let gone: Vec<String> =
            self.entries.keys().filter(|addr| !there.contains(addr.as_str())).cloned().collect();
        for addr in gone {
            self.leave(&addr, now);
        }
        for instance in instances {
            self.put(instance);
        }
        let mut newly = 0;
        for entry in self.entries.values_mut() {
            let is_kept = match entry.standing {
                Standing::Present => continue,
                // Rule 5: the answer was empty, or `put` had removed it.
                Standing::Remembered => true,
                Standing::Vanished { kept, .. } => kept,
            };
            newly += usize::from(has_lost_past && !is_kept);
            if is_kept || has_lost_past {
                // Rule 3: etcd was away until now.
                entry.standing = Standing::Vanished { at: now, kept: true };
            }
        }
        newly + self.judge(now)
    }

    /// Forgets what has been gone for long enough; only to be asked while etcd answers.
    pub(crate) fn expire(&mut self, now: Instant) {
        let (ttl, grace) = (self.ttl, self.grace);
        self.entries.retain(|_, entry| entry.standing.ends(ttl, grace).is_none_or(|end| now < end));
    }

    /// When [`Known::expire`] will have something to do.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.entries.values().filter_map(|entry| entry.standing.ends(self.ttl, self.grace)).min()
    }

    /// The instances callers are to see, in the order of their addresses.
    pub(crate) fn shown(&self) -> Arc<[Instance]> {
        let shown = self.entries.values().filter(|entry| entry.standing.is_shown());
        shown.map(|entry| entry.instance.clone()).collect()
    }

    fn leave(&mut self, addr: &str, now: Instant) {
        let Some(entry) = self.entries.get_mut(addr) else { return };
        if entry.instance.is_drained() {
            self.entries.remove(addr);
        } else if entry.standing == Standing::Present {
            entry.standing = Standing::Vanished { at: now, kept: false };
        }
    }

    /// Rule 2.
    fn judge(&mut self, now: Instant) -> usize {
        let ttl = self.ttl;
        let is_recent = |entry: &Entry| match entry.standing {
            Standing::Vanished { at, .. } => now.saturating_duration_since(at) < ttl,
            Standing::Present | Standing::Remembered => false,
        };
        let vanished = self.entries.values().filter(|entry| is_recent(entry)).count();
        let serving = |entry: &Entry| entry.standing == Standing::Present && !entry.instance.is_drained();
        let left = self.entries.values().filter(|entry| serving(entry)).count();
        // More than half of them, which is two at least or all.
        if vanished <= left {
            return 0;
        }
        let mut newly = 0;
        for entry in self.entries.values_mut().filter(|entry| is_recent(entry)) {
            if let Standing::Vanished { kept, .. } = &mut entry.standing {
                newly += usize::from(!*kept);
                *kept = true;
            }
        }
        newly
    }
}

impl Standing {
    fn is_shown(self) -> bool {
        match self {
            Self::Present | Self::Remembered => true,
            Self::Vanished { kept, .. } => kept,
        }
    }

    fn ends(self, ttl: Duration, grace: Duration) -> Option<Instant> {
        match self {
            Self::Present | Self::Remembered => None,
            Self::Vanished { at, kept } => Some(at + if kept { grace } else { ttl }),
        }
    }
}

#[cfg(test)]
mod tests;
