//! Who asks, as the arguments of a handler: a handler that takes a [`Viewer`] cannot run without a login.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domain::limits::{CALL_TIME, MAX_NAME_CHARS};
use domain::{Call, Error, Result, TraceId, UserName};
use proto::{Account, Credentials};

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
        match gateway.prove(parts, &params) {
            Ok(call) => Ok(Self(gateway.admit(parts, call)?)),
            // A guess counts against where it came from.
            Err(error) => {
                gateway.admit(parts, gateway.anonymous(parts))?;
                Err(error.into())
            }
        }
    }
}

impl FromRequestParts<Gateway> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Failure> {
        let params = Params::from_request_parts(parts, gateway).await?;
        let call = gateway.prove(parts, &params).unwrap_or_else(|_no_token| gateway.anonymous(parts));
        Ok(Self(gateway.admit(parts, call)?))
    }
}

impl Inner {
    /// The call of whoever the request's token names.
    pub(crate) fn prove(&self, parts: &Parts, params: &Params) -> Result<Call> {
        let token = params.token().map_err(|_not_text| Error::TokenInvalid)?.ok_or(Error::TokenMissing)?;
        let proof = self.revocations.check(self.tokens.check(token)?)?;
        Ok(Call::within(CALL_TIME, Some(proof.user), trace(parts)))
    }

    /// Checks a name and a password, unless too many were guessed.
    pub(crate) async fn login(
        &self,
        call: &Call,
        credentials: Credentials,
        client: IpAddr,
    ) -> Result<Account> {
        // The name's key, so that no other spelling of it is another count.
        let name = UserName::parse(&credentials.name, MAX_NAME_CHARS)?.key();
        self.limits.admit_login(&name, client)?;
        let found = self.services.user.login(call, credentials).await;
        if !matches!(found, Err(Error::WrongPassword | Error::CodeWrong)) {
            self.limits.login_was_no_guess(&name, client);
        }
        found
    }

    /// The call of somebody unknown.
    pub(crate) fn anonymous(&self, parts: &Parts) -> Call {
        Call::within(CALL_TIME, None, trace(parts))
    }

    /// Counts a call against its account, or its network when nobody is logged in.
    pub(crate) fn admit(&self, parts: &Parts, call: Call) -> Result<Call> {
        let network = || Asker::Network(client(&self.config, parts));
        self.limits.admit(call.viewer.map_or_else(network, Asker::Account))?;
        Ok(call)
    }
}

pub(crate) fn trace(parts: &Parts) -> TraceId {
    parts.extensions.get().copied().unwrap_or(TraceId(0))
}
