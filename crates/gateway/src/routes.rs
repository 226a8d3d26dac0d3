//! Every address the gateway answers, and what happens around it.

mod docs;
mod douyin;
mod media;
mod page;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{Gateway, edge};

/// The whole of the public port.
pub fn router(gateway: Gateway) -> Router {
    let described = OpenApiRouter::with_openapi(docs::Description::openapi()).merge(douyin::routes(&gateway));
    let (routes, description) = described.split_for_parts();
    let pages = Router::new()
        .route("/", get(page::first))
        .route("/qr.svg", get(page::qr))
        .route("/assets/{name}", get(page::asset))
        .route("/media/{*key}", get(media::object));
    routes
        .merge(pages)
        .with_state(gateway.clone())
        .merge(docs::router(description))
        .fallback(edge::not_found)
        .method_not_allowed_fallback(edge::wrong_method)
        .layer(CatchPanicLayer::custom(edge::panicked))
        .layer(from_fn_with_state(gateway, edge::detach))
        .layer(from_fn(edge::harden))
        .layer(from_fn(edge::observe))
}
