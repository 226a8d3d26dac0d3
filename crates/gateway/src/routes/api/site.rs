//! How the site is doing, for administrators.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use proto::{AdministrateRequest, GetStorageRequest};
use serde::Serialize;
use utoipa::ToSchema;

use super::rule::Account;
use crate::Gateway;
use crate::error::Failure;
use crate::reply;

/// What the site holds.
#[derive(Serialize, ToSchema)]
struct Storage {
    people: i64,
    videos: i64,
    objects: i64,
    bytes: i64,
    /// Each kind of object, the largest first.
    kinds: Vec<Kind>,
}

#[derive(Serialize, ToSchema)]
struct Kind {
    /// `source`, `remux`, `480p`, `cover`, `captions`, `picture` (of a person), `upload` (in parts, under way), …
    kind: String,
    objects: i64,
    bytes: i64,
}

/// Every process of the site that takes calls.
#[derive(Serialize, ToSchema)]
struct Instances {
    items: Vec<Instance>,
}

#[derive(Serialize, ToSchema)]
struct Instance {
    service: String,
    /// Where it takes calls; absent in the process that answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// Of the contract it speaks.
    version: String,
    /// Of the program.
    build: String,
    /// Its share of the calls against others'; 0 is drained.
    weight: u32,
    /// What is left of that while it fails calls: 1 is all.
    health: f64,
    /// UTC milliseconds.
    started_at: i64,
}

/// The slowest requests of the last hour, of the gateway that answers.
#[derive(Serialize, ToSchema)]
struct SlowRequests {
    items: Vec<SlowRequest>,
}

#[derive(Serialize, ToSchema)]
struct SlowRequest {
    method: String,
    route: String,
    status: u16,
    milliseconds: f64,
    /// By which its spans are found where they are sent, and its lines in the logs.
    trace_id: String,
    /// UTC milliseconds.
    at: i64,
}

/// What the site holds. It is counted anew for each answer.
#[utoipa::path(get, path = "/api/v1/admin/storage", tag = "site", responses((status = 200, body = Storage)))]
pub(super) async fn storage(
    State(gateway): State<Gateway>,
    Account(call): Account,
) -> Result<Response, Failure> {
    let found = gateway.services.video.get_storage(&call, GetStorageRequest {}).await?;
    let kind = |one: proto::StoredKind| Kind { kind: one.kind, objects: one.objects, bytes: one.bytes };
    let mut kinds: Vec<_> = found.kinds.into_iter().map(kind).collect();
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.bytes));
    let (objects, bytes) = kinds.iter().fold((0, 0), |sum, kind| (sum.0 + kind.objects, sum.1 + kind.bytes));
    let (people, videos) = (found.people, found.videos);
    Ok(reply::list(StatusCode::OK, &Storage { people, videos, objects, bytes, kinds }))
}

/// The services and where they run, with what each is trusted with now.
#[utoipa::path(get, path = "/api/v1/admin/services", tag = "site",
    responses((status = 200, body = Instances)))]
pub(super) async fn services(
    State(gateway): State<Gateway>,
    Account(call): Account,
) -> Result<Response, Failure> {
    gateway.services.user.administrate(&call, AdministrateRequest {}).await?;
    let instance = |one: crate::Instance| Instance {
        service: one.service,
        address: one.address,
        version: one.version,
        build: one.build,
        weight: one.weight,
        health: one.health,
        started_at: one.started_at,
    };
    let items = (gateway.fleet)().await?.into_iter().map(instance).collect();
    Ok(reply::list(StatusCode::OK, &Instances { items }))
}

/// The slowest requests of the last hour, of the gateway that answers: the slowest first, at most 50.
#[utoipa::path(get, path = "/api/v1/admin/slow-requests", tag = "site",
    responses((status = 200, body = SlowRequests)))]
pub(super) async fn slow_requests(
    State(gateway): State<Gateway>,
    Account(call): Account,
) -> Result<Response, Failure> {
    gateway.services.user.administrate(&call, AdministrateRequest {}).await?;
    let one = |slow: crate::slowest::SlowRequest| SlowRequest {
        method: slow.method.to_owned(),
        route: slow.route,
        status: slow.status,
        milliseconds: slow.took.as_secs_f64() * 1e3,
        trace_id: slow.trace.to_string(),
        at: slow.at.millis(),
    };
    let items = gateway.slowest.list().into_iter().map(one).collect();
    Ok(reply::list(StatusCode::OK, &SlowRequests { items }))
}
