//! What happens to every request around its route: one spelling of the path, a trace id, security headers,
//! metrics, a place among those of its class, a bound on its time, and a life of its own for what changes
//! something.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use domain::limits::CALL_TIME;
use domain::{Error, TraceId};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use metrics::{Counter, Histogram};
use serde::Serialize;
use tokio::task::yield_now;
use tokio::time::timeout;
use tower::{Layer, Service};
use tracing::Instrument;
use tracing::field::Empty;

use crate::admission::Class;
use crate::error::{Failure, envelope, problem, with_empty_fields};
use crate::{Gateway, params};

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

/// The edge around routes of a class, around each by itself. It is one layer, because each costs every request
/// half a microsecond.
#[derive(Clone)]
pub(crate) struct Guard {
    gateway: Gateway,
    class: Class,
    /// Gives a failed answer what it has besides the envelope.
    complete: fn(Response, TraceId) -> Response,
}

/// A route inside of the edge.
#[derive(Clone)]
pub(crate) struct Guarded<R> {
    guard: Guard,
    meters: Arc<OnceLock<Meters>>,
    route: R,
}

impl Guard {
    /// `T` is what the routes' answers have besides the envelope, also when they fail.
    pub(crate) fn new<T: Default + Serialize + 'static>(gateway: &Gateway, class: Class) -> Self {
        Self::with(gateway, class, with_empty_fields::<T>)
    }

    /// `complete` makes of a failure's answer that of the routes' face.
    pub(crate) fn with(gateway: &Gateway, class: Class, complete: fn(Response, TraceId) -> Response) -> Self {
        Self { gateway: gateway.clone(), class, complete }
    }
}

impl<R> Layer<R> for Guard {
    type Service = Guarded<R>;

    fn layer(&self, route: R) -> Guarded<R> {
        Guarded { guard: self.clone(), meters: Arc::default(), route }
    }
}

impl<R> Service<Request> for Guarded<R>
where
    R: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Self { guard, meters, route } = self.clone();
        Box::pin(async move {
            let meters = meters.get_or_init(|| Meters::of(&request));
            Ok(guard.answer(meters, request, route).await)
        })
    }
}

impl Guard {
    /// Counts and times a request under its route's template, and names it in its answer.
    async fn answer<R>(&self, meters: &Meters, request: Request, route: R) -> Response
    where
        R: Service<Request, Response = Response, Error = Infallible, Future: Send> + Send + 'static,
    {
        let began = Instant::now();
        let caller = telemetry::Context::read(request.headers());
        // Before anything that costs: in a flood there are more of these than of all others together.
        let (trace, mut response) = match self.gateway.admission.check(self.class) {
            Ok(()) => self.observed(&meters.route, began, caller, request, route).await,
            Err(full) => {
                let trace = named(caller);
                (trace, (self.complete)(Failure::from(full).into_response(), trace))
            }
        };
        meters.count(response.status().as_u16());
        meters.seconds.record(began.elapsed());
        harden(response.headers_mut());
        if let Ok(value) = HeaderValue::try_from(trace.to_string()) {
            response.headers_mut().insert(TRACE_HEADER, value);
        }
        response
    }

    /// Names the request in its log lines and its trace, and sees to it that it has an answer. Of what the
    /// client sent, only a trace it is part of is passed on.
    async fn observed<R>(
        &self,
        name: &str,
        began: Instant,
        caller: Option<telemetry::Context>,
        mut request: Request,
        route: R,
    ) -> (TraceId, Response)
    where
        R: Service<Request, Response = Response, Error = Infallible, Future: Send> + Send + 'static,
    {
        let method = known(request.method());
        let served = served(method, name);
        if let Some(caller) = caller {
            telemetry::follow(&served, caller);
        }
        let trace = named(caller.or_else(|| telemetry::of(&served)));
        request.extensions_mut().insert(trace);
        // Inside the traced span, so that a task that is given the log's span is still part of the trace.
        let span = served.in_scope(|| tracing::info_span!("request", %trace, method, route = name));
        let work = async {
            let answer = AssertUnwindSafe(self.admitted(request, route)).catch_unwind().await;
            (self.complete)(answer.map_or_else(panicked, IntoResponse::into_response), trace)
        };
        let response = work.instrument(span.clone()).instrument(served.clone()).await;
        let status = response.status();
        let ms = began.elapsed().as_secs_f64() * 1e3;
        tracing::debug!(parent: &span, status = status.as_u16(), ms, "answered");
        // How long an upload takes is its sender's doing.
        if self.class != Class::Upload {
            self.gateway.slowest.note((method, name), status.as_u16(), began.elapsed(), trace);
        }
        served.record("http.status_code", status.as_u16());
        if status.is_server_error() {
            served.record("otel.status_code", "error");
        }
        (trace, response)
    }

    /// Lets a request to its route when there is a place among those of its class, and ends the wait for an
    /// answer nobody would still wait for; an upload may take as long as it moves, and reads its own body.
    async fn admitted<R>(&self, mut request: Request, mut route: R) -> Result<Response, Failure>
    where
        R: Service<Request, Response = Response, Error = Infallible, Future: Send> + Send + 'static,
    {
        let is_upload = self.class == Class::Upload;
        if !is_upload {
            // A sender who takes their time holds no place meanwhile.
            request = params::read(&self.gateway, request).await?;
        }
        let place = self.gateway.admission.enter(self.class).await?;
        let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
        let work = async move {
            let Ok(answer) = if is_upload {
                route.call(request).await
            } else {
                // Whether it was done is not known: what was queued for the database may still happen.
                let late = |late| Ok(Failure::from(Error::unavailable(late)).into_response());
                timeout(CALL_TIME, route.call(request)).await.unwrap_or_else(late)
            };
            drop(place);
            answer
        };
        if changes {
            return Ok(detached(&self.gateway, work).await);
        }
        // A read that waits for nothing would be done before the next request is looked at, and the places
        // would never run out: the queue would be the sockets'. So those that have arrived are looked at first.
        yield_now().await;
        Ok(work.await)
    }
}

/// A request's name: its trace's, if it is part of one. It need not be hard to guess, and asking the system for
/// bits costs many times what these do.
fn named(context: Option<telemetry::Context>) -> TraceId {
    TraceId(context.map_or_else(|| fastrand::u128(1..), |context| context.trace))
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
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    metrics::counter!("dytt_panics_total").increment(1);
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    Failure::from(Error::internal(format!("a panic: {}", text.unwrap_or("no text")))).into_response()
}

pub(crate) async fn not_found(uri: Uri) -> Response {
    nowhere(&uri, StatusCode::NOT_FOUND, "not_found", "there is nothing at this address")
}

pub(crate) async fn wrong_method(uri: Uri) -> Response {
    let text = "this address cannot be used with this method";
    nowhere(&uri, StatusCode::METHOD_NOT_ALLOWED, "wrong_method", text)
}

/// What never reached a route, in the form of the API that was meant.
fn nowhere(uri: &Uri, status: StatusCode, reason: &str, text: &'static str) -> Response {
    if uri.path().starts_with("/api/") {
        return problem(status, text.into(), reason.into(), None, None);
    }
    envelope(status, text)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use proto::Step;
    use tower::ServiceExt;

    use super::*;
    use crate::error::as_problem;
    use crate::reply::Empty;
    use crate::routes::tests::{gateway, nothing};

    async fn trace_of_answer(header: (&str, &str)) -> String {
        let seen = |request: Request| async move {
            request.extensions().get::<TraceId>().map(TraceId::to_string).unwrap_or_default()
        };
        let (gateway, _folder) = gateway(Step::new(|_| async { nothing() })).await;
        let router = Router::new().route("/", get(seen)).layer(Guard::new::<Empty>(&gateway, Class::Read));
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

    #[tokio::test]
    async fn a_panic_is_answered_in_the_form_of_the_api_that_was_meant() {
        let (gateway, _folder) = gateway(Step::new(|_| async { nothing() })).await;
        let guards = [
            (Guard::new::<Empty>(&gateway, Class::Read), "status_code", serde_json::json!(100_001)),
            (Guard::with(&gateway, Class::Read, as_problem), "reason", serde_json::json!("internal")),
        ];
        for (guard, name, expected) in guards {
            let panics = async || -> Response { panic!("CANARY") };
            let router = Router::new().route("/", get(panics)).layer(guard);
            let request = Request::builder().body(Body::empty()).expect("a request");
            let answer = router.oneshot(request).await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
            let body = axum::body::to_bytes(answer.into_body(), 1024).await.expect("a body");
            let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!(body[name], expected);
            assert!(!body.to_string().contains("CANARY"), "{body}");
        }
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
