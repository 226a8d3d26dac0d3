//! What happens to every request around its route: one spelling of the path, a trace id, security headers,
//! metrics, and a life of its own for what changes something.

use std::any::Any;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::limits::CALL_TIME;
use domain::{Error, TraceId};
use tracing::Instrument;
use tracing::field::Empty;

use crate::error::{Failure, envelope};
use crate::{Gateway, random_bits};

const TRACE_HEADER: HeaderName = HeaderName::from_static("x-trace-id");

/// Both spellings of a path are one route: `//douyin/feed` and `/douyin/feed/` are answered directly,
/// because clients do not follow a redirect of a POST.
pub(crate) fn one_spelling<B>(mut request: axum::http::Request<B>) -> axum::http::Request<B> {
    let path = request.uri().path();
    if path.trim_start_matches('/').starts_with("douyin") && (path.contains("//") || !path.ends_with('/')) {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        if let Ok(uri) = format!("/{}/{query}", parts.join("/")).parse::<Uri>() {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// Names the request in its answer, its log lines and its trace, counts and times it under its route's
/// template. Of what the client sent, only a trace it is part of is passed on.
pub(crate) async fn observe(mut request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let caller = telemetry::Context::read(request.headers());
    let method = known(request.method());
    let served = served(method, &route);
    if let Some(caller) = caller {
        telemetry::follow(&served, caller);
    }
    let trace = match caller.or_else(|| telemetry::of(&served)) {
        Some(context) => TraceId(context.trace),
        None => match random_bits() {
            Ok(bits) => TraceId(bits),
            Err(error) => return Failure::from(error).into_response(),
        },
    };
    request.extensions_mut().insert(trace);
    // Inside the traced span, so that a task that is given the log's span is still part of the trace.
    let span = served.in_scope(|| tracing::info_span!("request", %trace, method, route));
    let began = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).instrument(served.clone()).await;
    let (elapsed, status) = (began.elapsed(), response.status().as_u16());
    metrics::counter!("dytt_http_requests_total", "route" => route.clone(), "status" => status.to_string())
        .increment(1);
    metrics::histogram!("dytt_http_request_seconds", "route" => route).record(elapsed.as_secs_f64());
    span.in_scope(|| tracing::debug!(status, ms = elapsed.as_secs_f64() * 1e3, "answered"));
    served.record("http.status_code", status);
    if response.status().is_server_error() {
        served.record("otel.status_code", "error");
    }
    if let Ok(value) = HeaderValue::try_from(trace.to_string()) {
        response.headers_mut().insert(TRACE_HEADER, value);
    }
    response
}

/// A method as it may be told: it can be any word, a secret too.
fn known(method: &Method) -> &'static str {
    let all = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    all.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

/// The request as its trace shows it.
fn served(method: &'static str, route: &str) -> tracing::Span {
    tracing::info_span!(
        target: telemetry::TARGET,
        "http",
        service = "gateway",
        otel.kind = "server",
        otel.name = %format_args!("{method} {route}"),
        otel.status_code = Empty,
        http.method = method,
        http.route = route,
        http.status_code = Empty,
    )
}

/// Headers every answer has unless its route says more.
pub(crate) async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
        ),
    ];
    for (name, value) in headers {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// What may change something goes on when its client leaves: half an answer is fine, half a change is not.
pub(crate) async fn detach(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let task = gateway.tasks.spawn(next.run(request).in_current_span());
    task.await.unwrap_or_else(|error| {
        // Nothing but the end of this process cancels a request.
        let error = if error.is_cancelled() { Error::Overloaded } else { Error::internal(error) };
        Failure::from(error).into_response()
    })
}

/// Ends the wait for an answer nobody would still wait for.
pub(crate) async fn bound(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(CALL_TIME, next.run(request)).await;
    // Whether it was done is not known: what was queued for the database may still happen.
    answer.unwrap_or_else(|late| Failure::from(Error::unavailable(late)).into_response())
}

/// A panic is that request's failure and nobody else's.
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    metrics::counter!("dytt_panics_total").increment(1);
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text.unwrap_or("no text"), "a request panicked");
    envelope(StatusCode::INTERNAL_SERVER_ERROR, 100_001, "something went wrong on our side")
}

pub(crate) async fn not_found() -> Response {
    envelope(StatusCode::NOT_FOUND, 100_002, "there is nothing at this address")
}

pub(crate) async fn wrong_method() -> Response {
    envelope(StatusCode::METHOD_NOT_ALLOWED, 100_002, "this address cannot be used with this method")
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn trace_of_answer(header: (&str, &str)) -> String {
        let seen = |request: Request| async move {
            request.extensions().get::<TraceId>().map(TraceId::to_string).unwrap_or_default()
        };
        let router = Router::new().route("/", get(seen)).layer(from_fn(observe));
        let request = Request::builder().header(header.0, header.1).body(Body::empty()).expect("a request");
        let answer = router.oneshot(request).await.expect("an answer");
        let told = answer.headers()[TRACE_HEADER].to_str().expect("text").to_owned();
        let body = axum::body::to_bytes(answer.into_body(), 64).await.expect("a body");
        assert_eq!(told.as_bytes(), body, "the route and the answer name one trace");
        told
    }

    #[tokio::test]
    async fn a_request_is_named_by_its_callers_trace_if_it_has_one() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        for header in [
            ("traceparent", format!("00-{trace}-b7ad6b7169203331-01")),
            ("b3", format!("{trace}-b7ad6b7169203331-0")),
        ] {
            assert_eq!(trace_of_answer((header.0, &header.1)).await, trace);
        }
        let nonsense = ("traceparent", "00-canary-canary-01");
        let (one, other) = (trace_of_answer(nonsense).await, trace_of_answer(nonsense).await);
        assert!(one.len() == 32 && one != other, "{one} {other}");
    }

    #[test]
    fn every_spelling_of_a_douyin_path_is_one() {
        for (sent, seen) in [
            ("/douyin/feed", "/douyin/feed/"),
            ("/douyin/feed/", "/douyin/feed/"),
            ("//douyin//feed/?", "/douyin/feed/?"),
            ("/douyin/user?user_id=1&token=a%2Fb", "/douyin/user/?user_id=1&token=a%2Fb"),
            ("/media/p/x.mp4", "/media/p/x.mp4"),
            ("/docs//", "/docs//"),
        ] {
            let request = axum::http::Request::builder().uri(sent).body(()).expect("a request");
            assert_eq!(one_spelling(request).uri().to_string(), seen, "{sent}");
        }
    }
}
