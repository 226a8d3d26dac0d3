//! The operator's port: is it alive, is it ready, how is it doing. Never reachable from outside unless the
//! operator opens it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::future::BoxFuture;

/// What a check of one dependency says: its name, and what is wrong with it.
pub type Check = Arc<dyn Fn() -> BoxFuture<'static, Vec<(&'static str, Result<(), String>)>> + Send + Sync>;

/// What the port shows.
#[derive(Clone)]
pub struct Admin {
    /// Looks at what this process cannot work without.
    pub check: Check,
    /// Renders the metrics in Prometheus' text format.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Set when a stop has begun: the process finishes its work but wants no more.
    pub stopping: Arc<AtomicBool>,
}

/// The port's routes.
pub fn router(admin: Admin) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(admin)
}

async fn ready(State(admin): State<Admin>) -> Response {
    if admin.stopping.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    let checks = (admin.check)().await;
    let all_well = checks.iter().all(|(_, found)| found.is_ok());
    let lines = checks.into_iter().map(|(name, found)| match found {
        Ok(()) => format!("{name}: ok\n"),
        Err(problem) => format!("{name}: {problem}\n"),
    });
    let status = if all_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, lines.collect::<String>()).into_response()
}

async fn metrics(State(admin): State<Admin>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], (admin.metrics)()).into_response()
}
