//! What is kept for a while only.

use std::time::Duration;

use domain::Timestamp;
use tracing::warn;

use crate::Settler;

const DAY: Duration = Duration::from_secs(24 * 3600);

impl Settler {
    /// Some of each at a time: what is much goes over many ticks.
    pub(crate) async fn forget_old(&self) {
        let (store, now) = (&self.store, Timestamp::now());
        for (what, outcome) in [
            ("notifications", store.forget_notifications(now.before(60 * DAY)).await),
            ("what somebody was shown", store.forget_impressions(now.before(30 * DAY)).await),
            ("comments nobody let through", store.forget_held(now.before(30 * DAY)).await),
            ("what webhooks were told", store.forget_deliveries(now.before(30 * DAY)).await),
            ("links", store.forget_shares(now).await),
        ] {
            if let Err(error) = outcome {
                warn!(what, error = %error.chain(), "what is old stays for now");
            }
        }
    }
}
