//! Which logins were ended before their time: asked of the user service every second, so that no request
//! has to. A revocation holds everywhere within that second.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use domain::limits::{CALL_TIME, ENDED_TIME};
use domain::{Call, Error, Result, Timestamp, TraceId};
use proto::{RevokedSinceRequest, UserService};

use crate::token::Proof;

/// Older revocations concern tokens that have expired since.
const MEMORY: Duration = Duration::from_secs(8 * 24 * 3600);
/// Asked for again each time, because clocks of different machines differ.
const OVERLAP: Duration = Duration::from_secs(60);

/// The smallest valid epoch of every account that ever revoked its tokens.
#[derive(Default)]
pub(crate) struct Revocations {
    epochs: RwLock<HashMap<i64, i64>>,
    /// Sessions that were ended, and when that was learned.
    ended: RwLock<HashMap<i64, Timestamp>>,
    /// UTC milliseconds up to which everything is known; 0 before the first answer.
    known_to: AtomicI64,
}

impl Revocations {
    /// Passes a token unless it was revoked.
    pub(crate) fn check(&self, proof: Proof) -> Result<Proof> {
        let epochs = self.epochs.read().unwrap_or_else(PoisonError::into_inner);
        match epochs.get(&proof.user.get()) {
            Some(epoch) if proof.epoch < *epoch => Err(Error::TokenInvalid),
            _ if proof.session != 0 && self.is_ended(proof.session) => Err(Error::TokenInvalid),
            _ => Ok(proof),
        }
    }

    fn is_ended(&self, session: i64) -> bool {
        self.ended.read().unwrap_or_else(PoisonError::into_inner).contains_key(&session)
    }

    /// Knows of a session's end before it is learned.
    pub(crate) fn ended(&self, session: i64) {
        self.ended.write().unwrap_or_else(PoisonError::into_inner).insert(session, Timestamp::now());
    }

    /// Asks what was revoked since the last answer, the first time ever.
    pub(crate) async fn learn(&self, users: &dyn UserService) -> Result<()> {
        let now = Timestamp::now();
        let known = Timestamp::from_millis(self.known_to.load(Ordering::Relaxed)).before(OVERLAP);
        let since = known.max(now.before(MEMORY));
        let call = Call::within(CALL_TIME, None, TraceId(0));
        let answer = users.revoked_since(&call, RevokedSinceRequest { since: since.millis() }).await?;
        let mut epochs = self.epochs.write().unwrap_or_else(PoisonError::into_inner);
        for account in answer.accounts {
            epochs.insert(account.user_id, account.token_epoch);
        }
        drop(epochs);
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        ended.extend(answer.ended_sessions.into_iter().map(|session| (session, now)));
        ended.retain(|_, learned| *learned > now.before(ENDED_TIME));
        self.known_to.store(now.millis(), Ordering::Relaxed);
        Ok(())
    }
}
