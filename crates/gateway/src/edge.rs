//! What happens to every request around its route: one spelling of the path, a trace id, security headers,
//! metrics, a place among those of its class, a bound on its time, and a life of its own for what changes
//! something.

use std::any::Any;
use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::Route;
use domain::limits::CALL_TIME;
use domain::{Error, TraceId};
use metrics::{Counter, Histogram};
use tokio::task::yield_now;
use tokio::time::timeout;
use tower::{Layer, Service};
use tracing::Instrument;
use tracing::field::Empty;

use crate::Gateway;
use crate::admission::Class;
use crate::error::{Failure, envelope};

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

/// What a route's requests are counted and timed under. Looking a metric up by its labels costs several times
/// what counting does, so each route does it once.
struct Meters {
    route: String,
    seconds: Histogram,
    /// Counts the answers with the status of the same place in [`USUAL`].
    answers: [OnceLock<Counter>; USUAL.len()],
}

/// The statuses of nearly all answers.
const USUAL: [u16; 5] = [200, 206, 304, 404, 503];

impl Meters {
    fn of(request: &Request) -> Self {
        let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
        let seconds = metrics::histogram!("dytt_http_request_seconds", "route" => route.clone());
        Self { route, seconds, answers: Default::default() }
    }

    fn count(&self, status: u16) {
        let counter = || {
            let (route, status) = (self.route.clone(), status.to_string());
            metrics::counter!("dytt_http_requests_total", "route" => route, "status" => status)
        };
        match USUAL.iter().position(|usual| *usual == status) {
            Some(place) => self.answers[place].get_or_init(counter).increment(1),
            None => counter().increment(1),
        }
    }
}

/// A route whose requests are observed, under its own name.
pub(crate) fn observed(
    route: Route,
) -> impl Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static
{
    from_fn_with_state(Arc::<OnceLock<Meters>>::default(), observe).layer(route)
}

/// Names the request in its answer, its log lines and its trace, counts and times it under its route's
/// template. Of what the client sent, only a trace it is part of is passed on.
async fn observe(State(meters): State<Arc<OnceLock<Meters>>>, mut request: Request, next: Next) -> Response {
    let meters = meters.get_or_init(|| Meters::of(&request));
    let route = meters.route.as_str();
    let caller = telemetry::Context::read(request.headers());
    let method = known(request.method());
    let served = served(method, route);
    if let Some(caller) = caller {
        telemetry::follow(&served, caller);
    }
    let context = caller.or_else(|| telemetry::of(&served));
    // An id need not be hard to guess, and asking the system for bits costs many times what these do.
    let trace = TraceId(context.map_or_else(|| fastrand::u128(1..), |context| context.trace));
    request.extensions_mut().insert(trace);
    // Inside the traced span, so that a task that is given the log's span is still part of the trace.
    let span = served.in_scope(|| tracing::info_span!("request", %trace, method, route));
    let began = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).instrument(served.clone()).await;
    let (elapsed, status) = (began.elapsed(), response.status());
    meters.count(status.as_u16());
    meters.seconds.record(elapsed);
    tracing::debug!(parent: &span, status = status.as_u16(), ms = elapsed.as_secs_f64() * 1e3, "answered");
    served.record("http.status_code", status.as_u16());
    if status.is_server_error() {
        served.record("otel.status_code", "error");
    }
    harden(response.headers_mut());
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
fn harden(headers: &mut HeaderMap) {
    let ours = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
        ),
    ];
    for (name, value) in ours {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Lets a request to its route when there is a place among those of its class, and ends the wait for an answer
/// nobody would still wait for; an upload may take as long as it moves.
pub(crate) async fn admit(
    State((gateway, class)): State<(Gateway, Class)>,
    request: Request,
    next: Next,
) -> Response {
    let place = match gateway.admission.enter(class).await {
        Ok(place) => place,
        Err(error) => return Failure::from(error).into_response(),
    };
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let work = async move {
        let answer = if class == Class::Upload {
            next.run(request).await
        } else {
            // Whether it was done is not known: what was queued for the database may still happen.
            let late = |late| Failure::from(Error::unavailable(late)).into_response();
            timeout(CALL_TIME, next.run(request)).await.unwrap_or_else(late)
        };
        drop(place);
        answer
    };
    if changes {
        return detached(&gateway, work).await;
    }
    // A read that waits for nothing would be done before the next request is looked at, and the places would
    // never run out: the queue would be the sockets'. So those that have arrived are looked at first.
    yield_now().await;
    work.await
}

/// What may change something goes on when its client leaves: half an answer is fine, half a change is not.
async fn detached(gateway: &Gateway, work: impl Future<Output = Response> + Send + 'static) -> Response {
    let task = gateway.tasks.spawn(work.in_current_span());
    match task.await {
        Ok(answer) => answer,
        Err(error) => match error.try_into_panic() {
            // It goes on to where panics end.
            Ok(panic) => std::panic::resume_unwind(panic),
            // Nothing but the end of this process cancels a request.
            Err(_cancelled) => Failure::from(Error::Overloaded).into_response(),
        },
    }
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
    use axum::routing::get;
    use tower::ServiceExt;
    use tower::layer::layer_fn;

    use super::*;

    async fn trace_of_answer(header: (&str, &str)) -> String {
        let seen = |request: Request| async move {
            request.extensions().get::<TraceId>().map(TraceId::to_string).unwrap_or_default()
        };
        let router = Router::new().route("/", get(seen)).layer(layer_fn(observed));
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
