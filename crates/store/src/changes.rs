//! What has changed since when, for whoever keeps something in memory: a version for each video, each person and
//! the feed. Several may share one, which costs a needless look at the database and nothing else.

use std::sync::atomic::{AtomicU64, Ordering};

/// Versions; 128 KiB of them.
const SLOTS: usize = 16_384;

/// What a transaction changes that others may keep in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touched {
    /// Which videos everybody may see.
    Feed,
    /// The counters of the video of this number.
    Video(i64),
    /// The counters of the person of this number, and what this person likes and follows.
    User(i64),
}

/// The versions; they only grow.
pub(crate) struct Changes {
    commits: AtomicU64,
    slots: Box<[AtomicU64]>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { commits: AtomicU64::new(0), slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl Changes {
    /// Notes what was committed. Who asks for a version after this and then reads, sees the commit.
    pub(crate) fn note(&self, touched: &[Touched]) {
        // Before the versions: so nobody sees a new one at an old moment.
        self.commits.fetch_add(1, Ordering::SeqCst);
        for one in touched {
            self.slot(*one).fetch_add(1, Ordering::SeqCst);
        }
    }

    /// A number that grows with each commit of this process.
    pub(crate) fn moment(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }

    /// What was read after asking for this is current as long as it stays the same.
    pub(crate) fn version(&self, of: Touched) -> u64 {
        self.slot(of).load(Ordering::SeqCst)
    }

    fn slot(&self, of: Touched) -> &AtomicU64 {
        let number = match of {
            Touched::Feed => 0,
            Touched::Video(id) => id.wrapping_mul(2),
            Touched::User(id) => id.wrapping_mul(2) + 1,
        };
        &self.slots[number.rem_euclid(SLOTS as i64) as usize]
    }
}
