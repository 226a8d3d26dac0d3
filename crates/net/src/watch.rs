//! Judges a connection's peer each time its connection has come to a halt: by what moved, what is blocked,
//! and whether a request is under way. A timer brings it back when a peer could have become too slow.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use crate::Limits;
use crate::calls::Calls;
use crate::pace::{Alarm, Pace};
use crate::socket::Version;

/// What a peer has brought upon itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It has had nothing to ask for a moment: its buffers are worth more than a quick next answer.
    Rest,
    /// It has nothing to ask: the connection ends in order.
    Leave,
    /// It is too slow: the connection is cut.
    Cut,
}

pub(crate) struct Watch {
    calls: Arc<Calls>,
    version: Version,
    head: Duration,
    idle: Option<Duration>,
    /// For HTTP/1.
    rest: Option<Duration>,
    is_leaving: bool,
    quiet: Quiet,
    /// Bytes that were seen to be written.
    written: usize,
    pace: Pace,
}

/// The time since the last request.
struct Quiet {
    /// The number of that request.
    after: u32,
    since: Instant,
    /// Whether what has to come is the rest of a head, not a next request.
    in_head: bool,
    alarm: Alarm,
}

impl Watch {
    /// For a connection that was made at `since` and has said what it speaks.
    pub(crate) fn new(calls: Arc<Calls>, version: Version, since: Instant, limits: &Limits) -> Self {
        let (alarm, pace) = (Alarm::default(), Pace::new(limits.write));
        // Of HTTP/2 the next sign of life is a request, and there need not be one soon.
        let quiet = match version {
            Version::Http1 => Quiet { after: 0, since, in_head: true, alarm },
            Version::Http2 => Quiet { after: 0, since: Instant::now(), in_head: false, alarm },
        };
        Self {
            calls,
            version,
            head: limits.head,
            idle: limits.idle,
            rest: (version == Version::Http1).then_some(limits.rest),
            is_leaving: false,
            quiet,
            written: 0,
            pace,
        }
    }

    /// The connection was told to end: what is under way may go on, and then it has as long as a head.
    pub(crate) fn leave(&mut self) {
        self.is_leaving = true;
        (self.idle, self.rest) = (Some(self.head), None);
        (self.quiet.since, self.quiet.in_head) = (Instant::now(), true);
    }

    /// Waits for a resting peer's next words, at most as long as it may be idle; says whether there are some.
    pub(crate) async fn rest<T>(&mut self, words: impl Future<Output = std::io::Result<T>>) -> bool {
        let spoken = match self.idle {
            Some(idle) => tokio::time::timeout_at(self.quiet.since + idle, words).await,
            None => Ok(words.await),
        };
        if spoken.is_err() {
            self.calls.cut("idle");
        }
        (self.quiet.since, self.quiet.in_head) = (Instant::now(), true);
        spoken.is_ok_and(|spoken| spoken.is_ok())
    }

    pub(crate) fn judge(&mut self, context: &mut Context<'_>) -> Poll<Verdict> {
        if self.written(context).is_ready() {
            self.calls.cut("reader");
            return Poll::Ready(Verdict::Cut);
        }
        if self.calls.are_to_end() && !self.is_leaving {
            return Poll::Ready(Verdict::Leave);
        }
        if !self.calls.are_none() {
            return Poll::Pending;
        }
        let verdict = self.quiet(context);
        match verdict {
            Poll::Ready(Verdict::Cut) => self.calls.cut("head"),
            Poll::Ready(Verdict::Leave) => self.calls.cut("idle"),
            Poll::Ready(Verdict::Rest) | Poll::Pending => {}
        }
        verdict
    }

    /// Ready when answers are not taken.
    fn written(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let written = self.calls.written();
        let moved = written.wrapping_sub(self.written);
        self.written = written;
        // An HTTP/2 peer that reads, but grants no window, takes nothing either.
        let waits = self.calls.are_blocked() || self.version == Version::Http2 && self.calls.are_offered();
        if moved > 0 {
            self.pace.moved(moved);
        } else if !waits {
            self.pace.forgive();
        }
        if waits { self.pace.wait(context) } else { Poll::Pending }
    }

    /// Ready when a peer without a request was silent for so long that something has to be done.
    fn quiet(&mut self, context: &mut Context<'_>) -> Poll<Verdict> {
        let (quiet, now, begun) = (&mut self.quiet, Instant::now(), self.calls.begun());
        if quiet.after != begun {
            (quiet.after, quiet.since, quiet.in_head) = (begun, now, false);
            self.calls.heard(false);
        }
        // Between its requests an HTTP/2 peer has other things to say.
        if self.version == Version::Http1 && !quiet.in_head && self.calls.has_been_heard() {
            (quiet.since, quiet.in_head) = (now, true);
        }
        let (patience, verdict) = match (self.rest, self.idle) {
            _ if quiet.in_head => (self.head, Verdict::Cut),
            (Some(rest), idle) if idle.is_none_or(|idle| rest < idle) => (rest, Verdict::Rest),
            (_, Some(idle)) => (idle, Verdict::Leave),
            (_, None) => return Poll::Pending,
        };
        let mut due = quiet.since + patience;
        // Buffers that a slow reader has not emptied are no rest.
        if verdict == Verdict::Rest && self.calls.are_blocked() {
            due = now + patience;
        }
        if now >= due {
            return Poll::Ready(verdict);
        }
        quiet.alarm.wake_by(due, context);
        Poll::Pending
    }
}
