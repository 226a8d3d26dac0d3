//! The modern API, `/api/v1`: a bearer token or nobody, the status that says what happened, problems in detail.

mod captions;
mod job;
mod stream;
mod upload;
mod video;

use axum::extract::{DefaultBodyLimit, FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::limits::CALL_TIME;
use domain::{Call, Error, Result};
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use crate::Gateway;
use crate::admission::Class;
use crate::edge::Guard;
use crate::error::{Failure, Problem, as_problem};
use crate::params::bad;
use crate::viewer::trace;

/// What the routes themselves do not say.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "dytt /api/v1",
        description = "The modern API. Who asks is told by `Authorization: Bearer TOKEN`; the token is the one \
            that a login gives. A failure is an `application/problem+json` (RFC 9457) whose `reason` is a stable \
            word. Addresses of media are good for some minutes when not everybody may see them: ask again."
    ),
    components(schemas(Problem)),
    modifiers(&Bearer)
)]
struct Description;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// Every route in its class; what is not here does not exist.
pub(super) fn routes(gateway: &Gateway) -> OpenApiRouter<Gateway> {
    let in_class = |class, route: UtoipaMethodRouter<Gateway>| {
        UtoipaMethodRouterExt::layer(route, Guard::with(gateway, class, as_problem))
    };
    let read = |route| in_class(Class::Read, route);
    let social = |route| in_class(Class::Social, route);
    let uploads = OpenApiRouter::new()
        .routes(in_class(Class::Upload, routes!(upload::append)))
        .routes(in_class(Class::Upload, routes!(video::publish)))
        .routes(in_class(Class::Upload, routes!(captions::put)))
        // Each of them counts what it reads.
        .layer(DefaultBodyLimit::disable());
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(social(routes!(upload::create)))
        .routes(read(routes!(upload::look)))
        .routes(social(routes!(upload::end)))
        .routes(read(routes!(upload::options)))
        .routes(read(routes!(video::get)))
        .routes(read(routes!(video::timeline)))
        .routes(social(routes!(video::change)))
        .routes(social(routes!(video::delete)))
        .routes(social(routes!(captions::delete)))
        .routes(read(routes!(stream::master)))
        .routes(read(routes!(stream::media)))
        .routes(read(routes!(stream::subtitles)))
        .routes(read(routes!(job::list)))
        .routes(social(routes!(job::retry)))
        .routes(social(routes!(job::cancel)))
        .merge(uploads)
}

/// A logged-in person's call.
struct Account(Call);

/// Anybody's call. A token that is no longer good is refused all the same: who sends one wants to be somebody.
struct Anybody(Call);

impl FromRequestParts<Gateway> for Account {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Failure> {
        let call = caller(parts, gateway)?;
        call.viewer()?;
        Ok(Self(call))
    }
}

impl FromRequestParts<Gateway> for Anybody {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Failure> {
        Ok(Self(caller(parts, gateway)?))
    }
}

/// Who asks: told by the header alone, so that no address carries a secret.
fn caller(parts: &Parts, gateway: &Gateway) -> Result<Call> {
    let viewer = match parts.headers.get(header::AUTHORIZATION) {
        None => None,
        Some(value) => {
            let text = value.to_str().ok().and_then(|text| text.split_once(' '));
            let (_, token) = text
                .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
                .ok_or(Error::TokenInvalid)?;
            Some(gateway.revocations.check(gateway.tokens.check(token.trim())?)?.user)
        }
    };
    gateway.admit(parts, Call::within(CALL_TIME, viewer, trace(parts)))
}

/// The number in a path.
struct Id(i64);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let found = RawPathParams::from_request_parts(parts, state).await;
        let found = found.map_err(|_none| Error::internal("a path without parameters"))?;
        let number = found.iter().find(|(name, _)| *name == "id").and_then(|(_, value)| value.parse().ok());
        Ok(Self(number.ok_or_else(|| bad("id", "must be a positive whole number"))?))
    }
}

/// Done, and nothing to say.
fn done() -> Response {
    StatusCode::NO_CONTENT.into_response()
}
