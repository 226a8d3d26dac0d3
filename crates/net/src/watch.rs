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
            is_leaving: false,
            quiet,
            written: 0,
            pace,
        }
    }

    /// The connection was told to end: what is under way may go on, and then it has as long as a head.
    pub(crate) fn leave(&mut self) {
        self.is_leaving = true;
        (self.quiet.since, self.quiet.in_head, self.idle) = (Instant::now(), true, Some(self.head));
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
        let Some(in_head) = self.quiet(context) else { return Poll::Pending };
        self.calls.cut(if in_head { "head" } else { "idle" });
        Poll::Ready(if in_head { Verdict::Cut } else { Verdict::Leave })
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

    /// Whether it was in a head that a peer without a request was silent for too long; none when it was not.
    fn quiet(&mut self, context: &mut Context<'_>) -> Option<bool> {
        let (quiet, now, begun) = (&mut self.quiet, Instant::now(), self.calls.begun());
        if quiet.after != begun {
            (quiet.after, quiet.since, quiet.in_head) = (begun, now, false);
            self.calls.heard(false);
        }
        // Between its requests an HTTP/2 peer has other things to say.
        if self.version == Version::Http1 && !quiet.in_head && self.calls.has_been_heard() {
            (quiet.since, quiet.in_head) = (now, true);
        }
        let patience = if quiet.in_head { self.head } else { self.idle? };
        if now >= quiet.since + patience {
            return Some(quiet.in_head);
        }
        quiet.alarm.wake_by(quiet.since + patience, context);
        None
    }
}
