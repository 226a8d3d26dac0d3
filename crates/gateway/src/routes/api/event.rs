//! What a person is told as it happens: server-sent events (WHATWG HTML, 9.2). Every gateway tells it, whichever one
//! the other person is at.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use domain::{Call, Timestamp};
use futures_util::{StreamExt, stream};
use proto::event::Kind;
use proto::{Listening, WatchRequest};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::rule::{Account, Proved};
use super::{message, notification};
use crate::Gateway;
use crate::address::Base;
use crate::error::Failure;
use crate::listeners::Seat;
use crate::params::bad;
use crate::token::Proof;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// A proxy that gathers what it passes on would keep it.
const NO_BUFFERING: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
/// A stream ends by itself and is asked for again, with a token that is still good.
const LASTS: Duration = Duration::from_secs(600);
/// How soon a client comes again.
const COME_AGAIN: Duration = Duration::from_secs(1);
/// How often it is looked whether the session has ended.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Every so many looks something is sent, so that both ends know that the other is there.
const LOOKS_A_BEAT: u32 = 15;

/// What the caller is sent and told of from now on: events `message` and `notification`, whose data is one of these and
/// whose id, sent as `Last-Event-ID`, goes on where a broken stream ended. What came in the seconds before that may come
/// again: messages and notifications are known by their own id. A stream ends after ten minutes, when the session ends and when the server stops.
#[utoipa::path(get, path = "/api/v1/stream", tag = "event",
    params(("Last-Event-ID" = Option<String>, Header)),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
pub(super) async fn listen(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Proved(proof): Proved,
    base: Base,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let seat = gateway.listeners.enter(proof.user)?;
    let after = match headers.get(LAST_EVENT_ID).filter(|id| !id.is_empty()) {
        None => 0,
        Some(id) => {
            let moment = id.to_str().ok().and_then(|id| id.parse().ok()).filter(|moment| *moment > 0);
            let now = Timestamp::now().millis();
            moment
                .map(|moment: i64| moment.min(now))
                .ok_or_else(|| bad("Last-Event-ID", "is not one of this stream's"))?
        }
    };
    let call = Call::within(LASTS, call.viewer, call.trace);
    let inbox = gateway.services.message.watch(&call, WatchRequest { after }).await?;
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let listener =
        Listener { gateway, proof, base, inbox, look, looks: 0, until: Instant::now() + LASTS, _seat: seat };
    let greeting =
        stream::once(async { Ok::<_, Infallible>(Event::default().retry(COME_AGAIN).comment("listening")) });
    let mut response = Sse::new(greeting.chain(stream::unfold(listener, Listener::next))).into_response();
    response.headers_mut().extend([NO_BUFFERING]);
    Ok(response)
}

/// One client's stream.
struct Listener {
    gateway: Gateway,
    proof: Proof,
    base: Base,
    inbox: Listening<proto::Event>,
    look: Interval,
    looks: u32,
    until: Instant,
    _seat: Seat,
}

impl Listener {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            tokio::select! {
                () = self.gateway.leaving.cancelled() => return None,
                () = sleep_until(self.until) => return None,
                event = self.inbox.next() => {
                    // Whatever ended it, the client comes again.
                    let (name, at, json) = match event?.ok()?.kind? {
                        Kind::Message(one) => ("message", one.created_at, message::json(one)),
                        Kind::Notification(one) => {
                            ("notification", one.told_at, notification::json(&self.base, one))
                        }
                    };
                    let event = Event::default().event(name).id(at.to_string());
                    return Some((Ok(event.data(json.ok()?)), self));
                }
                _ = self.look.tick() => {
                    self.gateway.revocations.check(self.proof).ok()?;
                    self.looks += 1;
                    if self.looks.is_multiple_of(LOOKS_A_BEAT) {
                        return Some((Ok(Event::default().comment("")), self));
                    }
                }
            }
        }
    }
}
