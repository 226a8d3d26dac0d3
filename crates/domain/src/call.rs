//! The context a request carries through the layers.

use std::time::{Duration, Instant};

use crate::{Error, Result, UserId};

/// Names one request in logs, answers and traces: 128 random bits, as W3C trace context has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(pub u128);

impl std::fmt::Display for TraceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Names one intention of a client, so that doing it a second time can be recognised: 128 bits of the
/// client's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(pub u128);

/// Who asks, until when, and under which trace: the first argument of every service method.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The user proved by a token, or nobody. Nothing else a client sends says who is acting.
    pub viewer: Option<UserId>,
    /// The moment after which nobody waits for the answer any more.
    pub deadline: Instant,
    /// The request this call belongs to.
    pub trace: TraceId,
    /// What the client calls this intention, if it names it.
    pub key: Option<IdempotencyKey>,
}

impl Call {
    /// A call that may take `time` from now.
    #[must_use]
    pub fn within(time: Duration, viewer: Option<UserId>, trace: TraceId) -> Self {
        Self { viewer, deadline: Instant::now() + time, trace, key: None }
    }

    /// The viewer of a method that has no anonymous form.
    ///
    /// # Errors
    /// [`Error::TokenMissing`] when nobody is logged in.
    pub fn viewer(&self) -> Result<UserId> {
        self.viewer.ok_or(Error::TokenMissing)
    }
}
