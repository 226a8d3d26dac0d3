//! Another try, elsewhere, for a call that surely was not made; one for a call that may be made twice, within
//! a budget, so that a failing service is not asked much more often than a healthy one. The only layer that
//! repeats.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use proto::{MAX_MESSAGE_BYTES, Request, Response, Step};
use tonic::body::Body;
use tonic::{Code, Status};

use super::pool::{Avoid, By};
use crate::status::{self, NotSent};

/// A try costs one token; every call earns a fifth (gRPC retry throttling, A6).
const TOKENS: f64 = 10.0;
const EARNED: f64 = 0.2;
/// Of a call that surely did not arrive: two connections can be at their end together.
const MOST_TRIES: u32 = 3;

struct Budget(Mutex<f64>);

impl Budget {
    fn earn(&self) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *tokens = (*tokens + EARNED).min(TOKENS);
    }

    fn spend(&self) -> bool {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = *tokens >= 1.0;
        if enough {
            *tokens -= 1.0;
        }
        enough
    }
}

pub(crate) fn layer(to: &'static str, next: Step) -> Step {
    let budget = std::sync::Arc::new(Budget(Mutex::new(TOKENS)));
    Step::new(move |request| {
        let (next, budget) = (next.clone(), budget.clone());
        async move {
            let method = proto::method(request.uri().path());
            if method.is_none_or(|method| method.streaming) {
                return next.take(request).await;
            }
            let repeatable = method.is_some_and(|method| method.repeatable);
            let (head, body) = request.into_parts();
            let body = match Limited::new(body, MAX_MESSAGE_BYTES).collect().await {
                Ok(body) => body.to_bytes(),
                Err(error) => return status::failed(Code::Internal, format!("encode the message: {error}")),
            };
            budget.earn();
            let mut response = next.take(attempt(&head, &body, None)).await;
            for tries in 1..MOST_TRIES {
                // What never arrived cost the service nothing, so another try adds nothing to its load.
                let unsent = response.extensions().get::<NotSent>().is_some();
                let again =
                    unsent || (tries == 1 && repeatable && worth_repeating(&response) && budget.spend());
                if !again {
                    break;
                }
                metrics::counter!("dytt_rpc_retries_total", "service" => to).increment(1);
                let tried = response.extensions().get::<By>().cloned();
                response = next.take(attempt(&head, &body, tried)).await;
            }
            response
        }
    })
}

fn attempt(head: &http::request::Parts, body: &Bytes, tried: Option<By>) -> Request {
    let mut head = head.clone();
    if let Some(By(addr)) = tried {
        head.extensions.insert(Avoid(addr));
    }
    Request::from_parts(
        head,
        Body::new(Full::new(body.clone()).map_err(|never| -> Status { match never {} })),
    )
}

fn worth_repeating(response: &Response) -> bool {
    // A deadline is over for the second try too.
    status::code(response) == Code::Unavailable && !status::asks_for_no_retry(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_always_fails_is_asked_a_fifth_more_often() {
        let budget = Budget(Mutex::new(TOKENS));
        let retries = (0..1000).filter(|_| {
            budget.earn();
            budget.spend()
        });
        let retries = retries.count();
        assert!((200..=210).contains(&retries), "{retries}");
    }

    #[test]
    fn neither_a_late_nor_a_busy_answer_is_worth_another_try() {
        assert!(worth_repeating(&status::failed(Code::Unavailable, "gone")));
        assert!(!worth_repeating(&status::failed(Code::DeadlineExceeded, "late")));
        let busy = status::without_retry(status::refused(domain::Error::Overloaded));
        assert!(!worth_repeating(&busy));
    }

    /// How often a call reaches the next step when each try ends like this.
    async fn tries(path: &'static str, answer: fn() -> Response) -> u32 {
        let tried = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        let counting = tried.clone();
        let layer = layer(
            "like",
            Step::new(move |_| {
                counting.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                async move { answer() }
            }),
        );
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = path.parse().expect("a path");
        let _answer = layer.take(request).await;
        tried.load(std::sync::atomic::Ordering::Relaxed)
    }

    #[tokio::test]
    async fn what_may_have_been_done_is_repeated_only_when_that_changes_nothing() {
        let (unknown, unsent) =
            (|| status::failed(Code::Unavailable, "gone"), || status::not_sent("refused"));
        assert_eq!(
            tries("/dytt.v1.LikeService/LikeVideo", unknown).await,
            2,
            "a second like changes nothing"
        );
        assert_eq!(tries("/dytt.v1.CommentService/AddComment", unknown).await, 1, "a second comment would");
        assert_eq!(tries("/dytt.v1.CommentService/AddComment", unsent).await, 3, "none of them arrived");
        assert_eq!(tries("/dytt.v1.UnknownService/Do", unknown).await, 1);
    }
}
