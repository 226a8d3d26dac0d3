//! Every address the gateway answers, and what happens around it.

mod api;
mod docs;
pub(crate) mod douyin;
mod media;
mod page;

use axum::Router;
use axum::handler::Handler;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::Gateway;
use crate::admission::Class;
use crate::edge::{self, Guard};
use crate::reply::Empty;

/// The whole of the public port. Every route declares its class; a test finds those that do not.
pub fn router(gateway: Gateway) -> Router {
    let read = Guard::new::<Empty>(&gateway, Class::Read);
    let described = OpenApiRouter::with_openapi(docs::Description::openapi()).merge(douyin::routes(&gateway));
    let (routes, description) = described.split_for_parts();
    let (modern, modern_description) = api::routes(&gateway).split_for_parts();
    let pages = Router::new()
        .route("/", get(page::first))
        .route("/video/{id}", get(page::video))
        .route("/qr.svg", get(page::qr))
        .route("/assets/{name}", get(page::asset))
        .route("/media/{*key}", get(media::object))
        .layer(read.clone());
    routes
        .merge(modern)
        .merge(pages)
        .fallback(page::other.layer(read.clone()))
        .with_state(gateway)
        .merge(docs::router(description, modern_description).layer(read.clone()))
        .method_not_allowed_fallback(edge::wrong_method.layer(read))
}

#[cfg(test)]
pub(crate) mod tests;
