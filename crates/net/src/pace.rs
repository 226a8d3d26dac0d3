//! Whether a peer keeps up: what moved, held against the time somebody waited for it.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::Rate;

/// A timer that is moved only when it has to be earlier: it wakes in time, and now and then too early. A busy
/// connection would otherwise move its timer with every packet.
#[derive(Default)]
pub(crate) struct Alarm(Option<(Pin<Box<Sleep>>, Waker)>);

impl Alarm {
    /// Wakes the task at `due` or before.
    pub(crate) fn wake_by(&mut self, due: Instant, context: &mut Context<'_>) {
        let task = context.waker();
        let sleep = match &mut self.0 {
            Some((sleep, woken))
                if sleep.deadline() <= due && !sleep.is_elapsed() && woken.will_wake(task) =>
            {
                return;
            }
            Some((sleep, woken)) => {
                woken.clone_from(task);
                sleep.as_mut().reset(due);
                sleep
            }
            none => &mut none.insert((Box::pin(sleep_until(due)), task.clone())).0,
        };
        if sleep.as_mut().poll(context).is_ready() {
            context.waker().wake_by_ref();
        }
    }
}

/// One direction's pace. Only the time in which somebody waits for the peer counts: a connection that has
/// nothing to say, a server that thinks and a reader that rests are not the peer's fault.
pub(crate) struct Pace {
    rate: Rate,
    /// Bytes that moved, and the time waited for them, since the window began.
    bytes: u64,
    waited: Duration,
    waiting_since: Option<Instant>,
    alarm: Alarm,
}

impl Pace {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, bytes: 0, waited: Duration::ZERO, waiting_since: None, alarm: Alarm::default() }
    }

    /// So many bytes moved.
    pub(crate) fn moved(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        if let Some(since) = self.waiting_since.take() {
            self.waited += since.elapsed();
        }
    }

    /// Nobody waits any more, and nobody knows since when: the wait does not count.
    pub(crate) fn forgive(&mut self) {
        self.waiting_since = None;
    }

    /// Somebody waits, and is woken when the peer has to be judged; ready when it is too slow.
    pub(crate) fn wait(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        if self.waiting_since.is_none() && self.waited.is_zero() {
            // What moved before anybody had to wait filled a buffer: it says nothing about the peer.
            self.bytes = 0;
        }
        let since = *self.waiting_since.get_or_insert(now);
        let mut waited = self.waited + (now - since);
        if waited >= self.rate.window {
            if self.bytes < self.rate.bytes() {
                return Poll::Ready(());
            }
            (self.bytes, self.waited, self.waiting_since) = (0, Duration::ZERO, Some(now));
            waited = Duration::ZERO;
        }
        self.alarm.wake_by(now + (self.rate.window - waited), context);
        Poll::Pending
    }
}
