//! Calls whoever wants to be told of what happens: as Standard Webhooks describes it (github.com/standard-webhooks,
//! specification 1.0), so that receivers have libraries for it.

mod address;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{Result, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, Url, redirect};
use sha2::Sha256;
use store::{DeliveryRow, DueWebhook, Store, Then};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub(crate) use address::checked;

/// How often it is looked for what happened.
const LOOK: Duration = Duration::from_secs(1);
/// How long a receiver may take, from the look-up of its name to the head of its answer.
const ANSWER: Duration = Duration::from_secs(10);
/// When others may take over who died in between.
const LEASE: Duration = Duration::from_secs(60);
/// How long after each attempt that failed the next one is made; after the last none.
const WAITS: [u64; 7] = [5, 30, 2 * 60, 10 * 60, 3600, 6 * 3600, 24 * 3600];

/// What an operator may decide about webhooks.
#[derive(Clone, Copy, Debug, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Whether addresses may be called that only this network reaches.
    pub allow_private: bool,
}

/// Who calls.
#[derive(Clone)]
pub struct Caller {
    store: Store,
    client: Client,
    config: WebhookConfig,
    /// Who is being called now: one call at a time, so that one who hangs holds up nobody else.
    busy: Arc<Mutex<HashSet<i64>>>,
}

impl Caller {
    /// Nothing is called before [`Caller::run`].
    ///
    /// # Errors
    /// [`domain::Error::Internal`] when TLS cannot be set up.
    pub fn new(store: Store, config: WebhookConfig) -> Result<Self> {
        let client = Client::builder()
            .timeout(ANSWER)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("dytt/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(address::Resolver { allow_private: config.allow_private }))
            .build()
            .map_err(domain::Error::internal)?;
        Ok(Self { store, client, config, busy: Arc::default() })
    }

    /// Works until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut calls = JoinSet::new();
        while !stop.is_cancelled() {
            if let Err(error) = self.begin(&mut calls, &stop).await {
                warn!(error = %error.chain(), "nobody can be called for now");
            }
            while calls.try_join_next().is_some() {}
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        // Whom this cuts off is called again when the lease is over.
        calls.shutdown().await;
    }

    /// Fills the outbox, and begins to call everybody for whom something waits and who is not being called.
    async fn begin(&self, calls: &mut JoinSet<()>, stop: &CancellationToken) -> Result<()> {
        for told in self.store.told().await? {
            // What is left comes with the next look; what fails holds up no other.
            if let Err(error) = self.store.fill_outbox(&told, Timestamp::now()).await {
                warn!(error = %error.chain(), "what happened is told later");
            }
        }
        for hook in self.store.due_webhooks(Timestamp::now()).await? {
            if self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(hook.id) {
                let (caller, stop) = (self.clone(), stop.clone());
                calls.spawn(async move {
                    if let Err(error) = caller.call(&hook, &stop).await {
                        warn!(webhook = hook.id, error = %error.chain(), "a webhook cannot be called for now");
                    }
                    caller.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&hook.id);
                });
            }
        }
        Ok(())
    }

    /// Tells somebody all that is due.
    async fn call(&self, hook: &DueWebhook, stop: &CancellationToken) -> Result<()> {
        while !stop.is_cancelled() {
            let claimed = self.store.claim_delivery(hook.id, Timestamp::now(), LEASE).await?;
            let Some(delivery) = claimed else { break };
            let sent = self.send(hook, &delivery).await;
            let now = Timestamp::now();
            let attempt = usize::try_from(delivery.attempts).unwrap_or(0).saturating_sub(1);
            let (then, outcome) = match (sent, WAITS.get(attempt)) {
                (Ok(outcome), _) => (Then::Arrived, outcome),
                (Err(problem), Some(wait)) => (Then::Again(now.after(Duration::from_secs(*wait))), problem),
                (Err(problem), None) => (Then::Never, problem),
            };
            if then != Then::Arrived {
                info!(webhook = hook.id, delivery = delivery.id, outcome, "a delivery has failed");
            }
            let place = (hook.id, delivery.id, delivery.attempts);
            self.store.delivery_ended(place, outcome, then, now).await?;
        }
        Ok(())
    }

    /// Makes one call; what the receiver answered, or why that is no success.
    async fn send(&self, hook: &DueWebhook, delivery: &DeliveryRow) -> std::result::Result<String, String> {
        let url = Url::parse(&hook.url).map_err(|_wrong| "its address is none".to_owned())?;
        address::literal(&url, self.config.allow_private)?;
        // The same for each attempt, by which a receiver knows what it has.
        let id = format!("msg_{}", delivery.id);
        let at = Timestamp::now().millis() / 1000;
        let signature = signature(&hook.secret, &id, at, &delivery.payload);
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at)
            .header("webhook-signature", signature)
            .body(delivery.payload.clone());
        match request.send().await {
            // Of the answer only its status is of interest: its body is not read.
            Ok(answer) if answer.status().is_success() => Ok(answer.status().to_string()),
            Ok(answer) => Err(answer.status().to_string()),
            Err(error) if error.is_timeout() => Err("it took too long to answer".to_owned()),
            Err(error) => Err(reason(&error)),
        }
    }
}

/// The innermost cause: what is around it names the address, which whoever reads this knows.
fn reason(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string().chars().take(200).collect()
}

/// `v1,` and the HMAC-SHA256 of what is sent, in Base64.
fn signature(secret: &[u8], id: &str, at: i64, payload: &str) -> String {
    // A key of any length is one.
    let mut mac = match Hmac::<Sha256>::new_from_slice(secret) {
        Ok(mac) => mac,
        Err(_impossible) => return String::new(),
    };
    mac.update(format!("{id}.{at}.{payload}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// A secret as receivers are given it.
pub(crate) fn shown(secret: &[u8]) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_specification() {
        // The specification's own example.
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
        let signed =
            signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(shown(&secret), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    }
}
