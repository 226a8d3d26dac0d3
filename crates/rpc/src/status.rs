//! What layers read from an answer and write into one.

use std::time::Duration;

use domain::Error;
use proto::Response;
use tonic::{Code, Status};

/// How long to wait before another try; "-1" asks for none (gRPC retry design, A6).
const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// Left on an answer that was made on this side because the call never reached the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotSent;

/// The code of an answer: of its head when it failed at once, else good so far.
pub(crate) fn code(response: &Response) -> Code {
    Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code())
}

/// An answer that is nothing but a failure of ours.
pub(crate) fn failed(code: Code, text: impl Into<String>) -> Response {
    Status::new(code, text).into_http()
}

/// The same for an error of the catalogue, kept for the log.
pub(crate) fn refused(error: Error) -> Response {
    let mut status = proto::to_status(&error);
    status.set_source(std::sync::Arc::new(error));
    status.into_http()
}

/// A failure that never left this process.
pub(crate) fn not_sent(text: impl Into<String>) -> Response {
    let mut response = failed(Code::Unavailable, text);
    response.extensions_mut().insert(NotSent);
    response
}

/// Asks not to be tried again at once: nothing was done, and another try would add to the load.
pub(crate) fn without_retry(mut response: Response) -> Response {
    response.headers_mut().insert(PUSHBACK, http::HeaderValue::from_static("-1"));
    response
}

/// Whether the other side asked not to be tried again.
pub(crate) fn asks_for_no_retry(response: &Response) -> bool {
    response.headers().get(PUSHBACK).is_some_and(|value| value.as_bytes().starts_with(b"-"))
}

/// How an answer speaks for the instance that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It works; also when it refused what was asked.
    Good,
    /// It does not.
    Bad,
    /// It is busy: neither.
    Busy,
}

/// Judges an answer.
pub(crate) fn verdict(response: &Response) -> Verdict {
    judge(code(response), asks_for_no_retry(response))
}

fn judge(code: Code, busy: bool) -> Verdict {
    let bad = [Code::Unavailable, Code::DeadlineExceeded, Code::Internal, Code::Unknown, Code::DataLoss];
    match (bad.contains(&code), busy) {
        (true, true) => Verdict::Busy,
        (true, false) => Verdict::Bad,
        (false, _) => Verdict::Good,
    }
}

/// The text of a `grpc-timeout` header, at most 8 digits (gRPC over HTTP/2).
pub(crate) fn timeout_text(left: Duration) -> String {
    let millis = left.as_millis();
    if millis < 100_000_000 { format!("{millis}m") } else { format!("{}S", left.as_secs().min(99_999_999)) }
}

/// Reads a `grpc-timeout` header.
pub(crate) fn timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

/// An error and all its sources as one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        line.push_str(": ");
        line.push_str(&error.to_string());
        source = error.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_read_as_it_was_written() {
        for left in [Duration::from_millis(1), Duration::from_secs(5), Duration::from_secs(90)] {
            assert_eq!(timeout(&timeout_text(left)), Some(left));
        }
        assert_eq!(timeout("3H"), Some(Duration::from_secs(10_800)));
        for wrong in ["", "m", "123456789m", "-1m", "1x", "1", "٣m"] {
            assert_eq!(timeout(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_refusal_speaks_for_an_instance_and_a_failure_against_it() {
        assert_eq!(verdict(&refused(Error::TokenMissing)), Verdict::Good);
        assert_eq!(verdict(&refused(Error::internal("bug"))), Verdict::Bad);
        assert_eq!(verdict(&without_retry(refused(Error::Overloaded))), Verdict::Busy);
        assert_eq!(verdict(&not_sent("refused")), Verdict::Bad);
    }
}
