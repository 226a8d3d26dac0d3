//! What holds for a route of the modern API: said where the route is registered, enforced around it, and told in the
//! description. A route without a rule has no caller, so that none can be forgotten.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use domain::limits::CALL_TIME;
use domain::{Call, Error, Result};
use serde_json::json;
use sha2::{Digest, Sha256};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, PathItem, Ref, RefOr, Required, ResponseBuilder};
use utoipa_axum::router::{UtoipaMethodRouter, UtoipaMethodRouterExt};

use super::once::once;
use crate::address::{Base, client};
use crate::admission::Class;
use crate::cookie::Cookies;
use crate::edge::Guard;
use crate::error::{Failure, as_problem};
use crate::limits::{Asker, RouteLimit};
use crate::token::Proof;
use crate::viewer::trace;
use crate::{Gateway, Inner};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");
/// Most bytes of an answer that is compared with the one a client has.
const COMPARED: usize = 4 << 20;

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Who is about to be somebody: what came along of an earlier login says nothing.
    Nobody,
    /// With and without a login; one that is no longer good is refused all the same.
    Anybody,
    /// Whoever is logged in; what of others' they may touch the service says.
    Account,
    /// Administrators; who is one the service says.
    Admin,
}

/// How often one account, or one network without a login, may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    pub a_minute: u32,
    /// At once.
    pub burst: u32,
}

/// What is looked at while somebody scrolls.
pub(super) const BROWSE: Rate = Rate { a_minute: 1200, burst: 600 };
/// What is looked for while somebody types.
pub(super) const SEARCH: Rate = Rate { a_minute: 300, burst: 60 };
/// A tap.
pub(super) const TAP: Rate = Rate { a_minute: 300, burst: 150 };
/// A login: many people may be behind one address, as in a school. Guesses at one name are counted elsewhere.
pub(super) const LOGIN: Rate = Rate { a_minute: 300, burst: 100 };
/// What whoever holds somebody's token could guess a password with.
pub(super) const PROVE: Rate = Rate { a_minute: 10, burst: 10 };
/// A stream, which is asked for when one ended.
pub(super) const LISTEN: Rate = Rate { a_minute: 60, burst: 30 };
/// What others are shown or told of.
pub(super) const SPEAK: Rate = Rate { a_minute: 60, burst: 30 };
/// A part of an upload.
pub(super) const SEND: Rate = Rate { a_minute: 600, burst: 300 };

/// What holds for a route.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub access: Access,
    pub class: Class,
    pub rate: Rate,
}

/// A rule on duty.
struct Ruled {
    gateway: Gateway,
    access: Access,
    limit: Arc<RouteLimit>,
    policy: HeaderValue,
    may_be_sent_again: bool,
}

impl Rule {
    pub(super) const fn new(access: Access, class: Class, rate: Rate) -> Self {
        Self { access, class, rate }
    }

    /// The route under this rule.
    pub(super) fn around(
        self,
        gateway: &Gateway,
        (schemas, mut paths, route): UtoipaMethodRouter<Gateway>,
    ) -> UtoipaMethodRouter<Gateway> {
        for operation in paths.paths.values_mut().flat_map(operations) {
            self.describe(operation);
        }
        let Rate { a_minute, burst } = self.rate;
        let policy = HeaderValue::try_from(format!("\"route\";q={a_minute};w=60"));
        let ruled = Ruled {
            may_be_sent_again: self.may_be_sent_again(),
            gateway: gateway.clone(),
            access: self.access,
            limit: gateway.limits.route(a_minute, burst),
            policy: policy.unwrap_or(HeaderValue::from_static("")),
        };
        let route =
            UtoipaMethodRouterExt::layer((schemas, paths, route), from_fn_with_state(Arc::new(ruled), enter));
        UtoipaMethodRouterExt::layer(route, Guard::with(gateway, self.class, as_problem))
    }

    /// A change that is no part of an upload, which says itself where it goes on, and no login, whose answer nobody
    /// keeps.
    fn may_be_sent_again(self) -> bool {
        match self.class {
            Class::Social => true,
            Class::Upload => self.rate != SEND,
            Class::Read | Class::Login => false,
        }
    }

    fn describe(self, operation: &mut Operation) {
        if self.may_be_sent_again() {
            operation.parameters.get_or_insert_default().push(idempotency_key().into());
        }
        // Names of one description are of one kind each: the route's own is told once in each of them.
        let tag = operation.tags.iter().flatten().next();
        operation.operation_id =
            tag.zip(operation.operation_id.as_ref()).map(|(tag, name)| format!("{tag}_{name}"));
        let access = format!("{:?}", self.access).to_ascii_lowercase();
        let class = format!("{:?}", self.class).to_ascii_lowercase();
        let Rate { a_minute, burst } = self.rate;
        let rule = json!({ "access": access, "class": class, "per_minute": a_minute, "burst": burst });
        operation.extensions = Some(Extensions::from_iter([("x-rule", rule)]));
        let bearer = SecurityRequirement::new::<_, [&str; 0], &str>("bearer", []);
        operation.security = Some(match self.access {
            Access::Nobody => vec![SecurityRequirement::default()],
            Access::Anybody => vec![SecurityRequirement::default(), bearer],
            Access::Account | Access::Admin => vec![bearer],
        });
        for (status, response) in &mut operation.responses.responses {
            let reason =
                status.parse().ok().and_then(|code| StatusCode::from_u16(code).ok()?.canonical_reason());
            if let (RefOr::T(response), Some(reason)) = (response, reason) {
                response.description = reason.into();
            }
        }
        let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let failure = ResponseBuilder::new()
            .description("What went wrong")
            .content("application/problem+json", problem)
            .build();
        operation.responses.responses.insert("default".into(), failure.into());
    }
}

fn idempotency_key() -> Parameter {
    let told =
        "Names this request, so that sending it again within a day does nothing and is answered the same.";
    let parameter = ParameterBuilder::new().name("Idempotency-Key").parameter_in(ParameterIn::Header);
    let text = ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).max_length(Some(64)).build();
    parameter.description(Some(told)).required(Required::False).schema(Some(text)).build()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
    [get, put, post, delete, options, head, patch, trace].into_iter().flatten()
}

/// Around every request: who asks, whether they may, how often; and whether they have the answer already.
async fn enter(
    State(ruled): State<Arc<Ruled>>,
    request: Request,
    next: Next,
) -> std::result::Result<Response, Failure> {
    let (mut parts, body) = request.into_parts();
    let call = ruled.admit(&mut parts)?;
    let asker =
        call.viewer.map_or_else(|| Asker::Network(client(&ruled.gateway.config, &parts)), Asker::Account);
    let left = ruled.limit.admit(asker)?;
    let known = matches!(parts.method, Method::GET | Method::HEAD)
        .then(|| parts.headers.get(header::IF_NONE_MATCH).cloned());
    parts.extensions.insert(call);
    let mut response = if ruled.may_be_sent_again && call.viewer.is_some() {
        once(&ruled.gateway, call, parts, body, next).await?
    } else {
        next.run(Request::from_parts(parts, body)).await
    };
    if let Some(known) = known {
        response = unless_known(known, response).await;
    }
    if let Some(left) = left {
        response.headers_mut().insert(POLICY, ruled.policy.clone());
        if let Ok(left) = HeaderValue::try_from(format!("\"route\";r={left}")) {
            response.headers_mut().insert(LEFT, left);
        }
    }
    Ok(response)
}

impl Ruled {
    fn admit(&self, parts: &mut Parts) -> Result<Call> {
        let proof = match self.proof(parts) {
            Ok(proof) => proof,
            // A guess counts against where it came from.
            Err(error) => {
                self.gateway.admit(parts, self.gateway.anonymous(parts))?;
                return Err(error);
            }
        };
        if let Some(proof) = proof {
            parts.extensions.insert(proof);
        }
        let call = Call::within(CALL_TIME, proof.map(|proof| proof.user), trace(parts));
        let call = self.gateway.admit(parts, call)?;
        if matches!(self.access, Access::Account | Access::Admin) {
            call.viewer()?;
        }
        Ok(call)
    }

    /// Who asks: told by a header, so that no address carries a secret.
    fn proof(&self, parts: &Parts) -> Result<Option<Proof>> {
        if self.access == Access::Nobody {
            return Ok(None);
        }
        let Inner { tokens, revocations, .. } = &*self.gateway;
        let known = |token: &str| revocations.check(tokens.check(token.trim())?).map(Some);
        if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
            let text = value.to_str().ok().and_then(|text| text.split_once(' '));
            let bearer = text.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            return bearer.map_or(Err(Error::TokenInvalid), |(_, token)| known(token));
        }
        if !parts.headers.contains_key(header::COOKIE) {
            return Ok(None);
        }
        let base = Base::of(&self.gateway, parts);
        let cookies = Cookies::of(&base);
        let Some(token) = cookies.access(&parts.headers) else { return Ok(None) };
        let changes = !matches!(parts.method, Method::GET | Method::HEAD);
        // A browser sends its cookies along whoever made the request.
        if changes && !cookies.is_same_origin(parts) {
            return Err(Error::CrossSite);
        }
        known(token)
    }
}

/// A success is not sent again to who has it: it is named by what it says (RFC 9110, 8.8.3).
async fn unless_known(known: Option<HeaderValue>, response: Response) -> Response {
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if response.status() != StatusCode::OK || !is_json {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, COMPARED).await else {
        return Failure::from(Error::internal("an answer that is too long to be compared")).into_response();
    };
    let digest = Sha256::digest(&bytes);
    let name = format!("\"{}\"", domain::hex(&digest[..16]));
    let is_known = known.is_some_and(|known| {
        let text = known.to_str().unwrap_or_default();
        text.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == name)
    });
    if let Ok(name) = HeaderValue::try_from(name) {
        parts.headers.insert(header::ETAG, name);
    }
    // What one person may see no shared cache keeps, and an own one asks whether it still holds.
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    parts.headers.insert(header::VARY, HeaderValue::from_static("authorization, cookie"));
    if is_known {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// What the token of a logged-in person proves.
pub(super) struct Proved(pub Proof);

impl<S: Send + Sync> FromRequestParts<S> for Proved {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Failure> {
        Ok(Self(parts.extensions.get().copied().ok_or(Error::TokenMissing)?))
    }
}

/// A logged-in person's call.
pub(super) struct Account(pub Call);

/// Anybody's call.
pub(super) struct Anybody(pub Call);

impl<S: Send + Sync> FromRequestParts<S> for Account {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Failure> {
        let call = called(parts)?;
        call.viewer()?;
        Ok(Self(call))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Anybody {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Failure> {
        Ok(Self(called(parts)?))
    }
}

fn called(parts: &Parts) -> Result<Call> {
    parts.extensions.get().copied().ok_or_else(|| Error::internal("a route without a rule"))
}
