//! Who asks, as the arguments of a handler: a handler that takes a [`Viewer`] cannot run without a login.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domain::limits::CALL_TIME;
use domain::{Call, Error, Result, TraceId};

use crate::address::client;
use crate::error::Failure;
use crate::limits::Asker;
use crate::params::Params;
use crate::{Gateway, Inner};

/// A logged-in person's call.
pub(crate) struct Viewer(pub Call);

/// Anybody's call: a token that is missing or no longer good makes it anonymous.
pub(crate) struct Visitor(pub Call);

impl FromRequestParts<Gateway> for Viewer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Failure> {
        let params = Params::from_request_parts(parts, gateway).await?;
        Ok(Self(gateway.prove(parts, &params)?))
    }
}

impl FromRequestParts<Gateway> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Failure> {
        let params = Params::from_request_parts(parts, gateway).await?;
        match gateway.prove(parts, &params) {
            Ok(call) => return Ok(Self(call)),
            Err(Error::TokenMissing | Error::TokenInvalid | Error::TokenExpired) => {}
            Err(error) => return Err(error.into()),
        }
        gateway.limits.admit(Asker::Network(client(&gateway.config, parts)))?;
        Ok(Self(Call::within(CALL_TIME, None, trace(parts))))
    }
}

impl Inner {
    /// The call of whoever the request's token names.
    pub(crate) fn prove(&self, parts: &Parts, params: &Params) -> Result<Call> {
        let token = params.token().map_err(|_not_text| Error::TokenInvalid)?.ok_or(Error::TokenMissing)?;
        let proof = self.revocations.check(self.tokens.check(token)?)?;
        self.limits.admit(Asker::Account(proof.user))?;
        Ok(Call::within(CALL_TIME, Some(proof.user), trace(parts)))
    }
}

fn trace(parts: &Parts) -> TraceId {
    parts.extensions.get().copied().unwrap_or(TraceId(0))
}
