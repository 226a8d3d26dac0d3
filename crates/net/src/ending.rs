//! How a port ends: no new connections, those that are open end when they are done, the rest is cut.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The end of a port, for whoever brings it about; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    pub(crate) stopping: CancellationToken,
    pub(crate) cutting: CancellationToken,
    pub(crate) connections: TaskTracker,
}

impl Ending {
    /// An end that begins with this signal: the port closes, connections without a request do too, the
    /// others are told (`Connection: close`, GOAWAY) and end with what they are at.
    #[must_use]
    pub fn on(stopping: CancellationToken) -> Self {
        Self { stopping, ..Self::default() }
    }

    /// The signal it begins with.
    #[must_use]
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Begins it and waits until no connection is left, at most so long; says how many are.
    pub async fn drain(&self, time: Duration) -> usize {
        self.stopping.cancel();
        self.connections.close();
        let _late = tokio::time::timeout(time, self.connections.wait()).await;
        self.connections.len()
    }

    /// Ends whatever is left, and returns when it is gone.
    pub async fn cut(&self) {
        self.cutting.cancel();
        // Not longer than a moment: a future that blocks its thread cannot be ended.
        self.drain(Duration::from_secs(1)).await;
    }
}
