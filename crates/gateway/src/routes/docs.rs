//! The API's own description: OpenAPI 3.1 made from the routes, and a page to try it, from this host alone.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use utoipa::OpenApi;
use utoipa::openapi;
use utoipa_swagger_ui::SwaggerUi;

/// What the routes themselves do not say.
#[derive(OpenApi)]
#[openapi(info(
    title = "dytt",
    description = "The API of the minimal Douyin. Every answer is HTTP 200 with `status_code` 0 for success; \
        another number and `status_msg` tell what the request did wrong. Other HTTP codes are \
        503 (busy, 100008), 500 (our own fault, 100001), and 404 and 405 for addresses that do not exist.\n\n\
        Parameters may stand in the query, in a form or in a multipart body; the first that is not empty \
        wins. The token may also be an `Authorization: Bearer` header. Paths work with and without the last \
        slash.\n\n\
        | status_code | meaning |\n|---|---|\n\
        | 0 | success |\n| 100001 | a fault of the server |\n| 100002 | a parameter is missing or unreadable |\n\
        | 100003 | a parameter breaks a rule |\n| 100004 | no valid token |\n| 100005 | too many requests |\n\
        | 100006 | the upload is too large |\n| 100007 | the file is not a video that can be shown |\n\
        | 100008 | busy or unavailable, try again |\n| 100203 | the token has expired |\n\
        | 100207 | wrong user name or password |\n| 100208 | not allowed |\n| 110001 | no such user |\n\
        | 110002 | the user name is taken |\n| 120001 | no such video |\n| 120002 | no such comment |"
))]
pub(super) struct Description;

/// `/docs`, `/openapi.json` and `/api/v1/openapi.json`.
pub(super) fn router(description: openapi::OpenApi, modern: openapi::OpenApi) -> Router {
    let both = SwaggerUi::new("/docs").url("/openapi.json", description).url("/api/v1/openapi.json", modern);
    Router::from(both).layer(from_fn(allow_own_scripts))
}

/// Swagger UI is scripts and inline styles; all of them are ours.
async fn allow_own_scripts(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                  object-src 'none'; base-uri 'none'; frame-ancestors 'none'";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}
