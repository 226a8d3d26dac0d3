//! Every address the gateway answers, and what happens around it.

mod docs;
pub(crate) mod douyin;
mod media;
mod page;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tower::layer::layer_fn;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::admission::Class;
use crate::{Gateway, edge};

/// The whole of the public port. Every route declares its class; a test finds those that do not.
pub fn router(gateway: Gateway) -> Router {
    let described = OpenApiRouter::with_openapi(docs::Description::openapi()).merge(douyin::routes(&gateway));
    let (routes, description) = described.split_for_parts();
    let read = from_fn_with_state((gateway.clone(), Class::Read), edge::admit);
    let pages = Router::new()
        .route("/", get(page::first))
        .route("/qr.svg", get(page::qr))
        .route("/assets/{name}", get(page::asset))
        .route("/media/{*key}", get(media::object))
        .layer(read.clone());
    routes
        .merge(pages)
        .with_state(gateway)
        .merge(docs::router(description).layer(read))
        .fallback(edge::not_found)
        .method_not_allowed_fallback(edge::wrong_method)
        .layer(CatchPanicLayer::custom(edge::panicked))
        .layer(layer_fn(edge::observed))
}

#[cfg(test)]
mod tests;
