//! One instance's place in the registry: its lease, its key and who else writes there. What a weight means
//! is the balancer's.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Instance;
use super::members::Members;

mod owner;

use owner::{Owner, Wanted};

const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
const WITHDRAW_TIMEOUT: Duration = Duration::from_secs(2);

/// The least that is left of a weight: what degrades itself is still tried now and then.
const MIN_SHARE: f64 = 0.01;

/// A registered instance. Dropped without [`Registration::withdraw`] it is no longer renewed and ends with
/// its lease.
pub struct Registration {
    weight: watch::Receiver<u32>,
    wanted: watch::Sender<Wanted>,
    drained: watch::Receiver<bool>,
    /// None when nothing is written: for a list.
    owner: Option<JoinHandle<()>>,
}

impl Registration {
    /// A registration that is none.
    pub(crate) fn unwritten(weight: u32) -> Self {
        Self {
            weight: watch::Sender::new(weight).subscribe(),
            wanted: watch::Sender::new(Wanted::new(1.0)),
            drained: watch::Sender::new(true).subscribe(),
            owner: None,
        }
    }

    pub(crate) fn start(members: Arc<Members>, mut instance: Instance, ttl: Duration) -> Self {
        instance.share = sane(instance.share);
        let wanted = watch::Sender::new(Wanted::new(instance.share));
        let weight = watch::Sender::new(instance.weight);
        let drained = watch::Sender::new(false);
        let (heard_weight, heard_drained) = (weight.subscribe(), drained.subscribe());
        let owner = Owner::new(members, instance, ttl, wanted.subscribe(), weight, drained);
        let owner = Some(tokio::spawn(owner.run()));
        Self { weight: heard_weight, wanted, drained: heard_drained, owner }
    }

    /// The instance's weight: the one it was registered with, or the one an operator gave it since.
    pub fn weight(&self) -> watch::Receiver<u32> {
        self.weight.clone()
    }

    /// Lets others know how much of the weight is left: between 0.01 and 1, to a thousandth.
    pub fn set_share(&self, share: f64) {
        let share = sane(share);
        self.wanted.send_if_modified(|wanted| {
            let is_new = wanted.share != share;
            wanted.share = share;
            is_new
        });
    }

    /// Gives the instance weight 0 until it is withdrawn; returns when that is written, or after 1 s.
    pub async fn drain(&self) {
        self.wanted.send_modify(|wanted| wanted.is_drained = true);
        let mut drained = self.drained.clone();
        // Too late or the owner gone: the lease ends it anyway.
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, drained.wait_for(|&drained| drained)).await;
    }

    /// Drains the instance and takes it out of the registry; after 2 s that is left to its lease.
    pub async fn withdraw(self) {
        let Some(mut owner) = self.owner else { return };
        self.wanted.send_modify(|wanted| {
            wanted.is_drained = true;
            wanted.is_leaving = true;
        });
        if tokio::time::timeout(WITHDRAW_TIMEOUT, &mut owner).await.is_err() {
            owner.abort();
        }
    }
}

/// Rounded, a share is the same number again when it is read back from JSON; unrounded it may not be, and
/// the owner would take its own key for somebody else's writing.
fn sane(share: f64) -> f64 {
    if share.is_nan() { 1.0 } else { (share.clamp(MIN_SHARE, 1.0) * 1000.0).round() / 1000.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_share_is_read_as_it_was_written() {
        for thousandths in 0..=1100 {
            let share = sane(f64::from(thousandths) / 1000.0 + 0.000_123_4);
            let read: f64 =
                serde_json::from_str(&serde_json::to_string(&share).expect("JSON")).expect("a number");
            assert_eq!(read, share);
            assert!((MIN_SHARE..=1.0).contains(&share), "{share}");
        }
        assert_eq!(sane(f64::NAN), 1.0);
        assert_eq!(sane(f64::NEG_INFINITY), MIN_SHARE);
    }
}
