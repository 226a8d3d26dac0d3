//! One instance: how it has done lately, and whether it gets calls. It is left out after failures in a row, a
//! bad ten seconds, or answers far slower than the others'; a probe after a growing pause brings it back.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use proto::{Request, Response};

use super::connection::Connection;
use crate::body;
use crate::server::Deadline;
use crate::status::{self, Verdict};

const FAILURES_IN_A_ROW: u32 = 5;
const WINDOW: Duration = Duration::from_secs(10);
/// Calls in a window before their success says something.
const ENOUGH: u32 = 20;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// How long a newcomer, or one that is back, takes to get its whole share.
const SLOW_START: Duration = Duration::from_secs(10);
/// The share it begins with.
const FIRST_SHARE: f64 = 0.1;
/// One below this is not slow, whatever the others are.
const SLOW: Duration = Duration::from_millis(500);
const SLOWER_THAN_OTHERS: f64 = 5.0;
/// Answers before their time says something.
const ENOUGH_TIMED: u32 = 5;
/// Weight of the newest answer in the average time.
const NEWEST: f64 = 0.2;

pub(crate) struct Endpoint {
    pub addr: Arc<str>,
    connection: Connection,
    in_flight: AtomicU32,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    weight: f64,
    failures_in_a_row: u32,
    window_began: Option<Instant>,
    calls: u32,
    failures: u32,
    /// Moving average, in seconds, of answers people wait for, and of how many.
    seconds: Option<f64>,
    timed: u32,
    /// Out until then; a call after it is a probe.
    out_until: Option<Instant>,
    /// Since when; what was begun before says nothing any more.
    out_since: Option<Instant>,
    probing: Option<Instant>,
    /// How often in a row it was left out.
    times_out: u32,
    /// Since when its share grows.
    growing: Option<Instant>,
}

impl Endpoint {
    pub(crate) fn new(addr: &str, connection: Connection, growing: Option<Instant>) -> Self {
        let record = Mutex::new(Record { weight: 1.0, growing, ..Record::default() });
        Self { addr: addr.into(), connection, in_flight: AtomicU32::new(0), record }
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_weight(&self, weight: f64) {
        self.record().weight = weight;
    }

    /// Its weight now, slow start included; 0 when it is drained.
    pub(crate) fn weight_at(&self, now: Instant) -> f64 {
        self.record().weight_at(now)
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Whether it may get a call now.
    pub(crate) fn admits(&self, now: Instant) -> bool {
        self.record().admits(now)
    }

    /// To be called when it gets one.
    pub(crate) fn begin_probe(&self, now: Instant) {
        let mut record = self.record();
        if record.out_until.is_some() {
            record.probing = Some(now);
        }
    }

    /// Sends a call and notes how it went. A single answer is read whole, so that its time is all of it.
    pub(crate) async fn send(&self, request: Request, is_quick: bool, all: &[Arc<Self>]) -> Response {
        let counted = InFlight::begin(&self.in_flight);
        let deadline = request.extensions().get().copied();
        let streaming = crate::rules::streams(request.uri().path());
        let mut noted = Noted { endpoint: self, all, is_quick, deadline, began: Instant::now(), done: false };
        let mut response = self.connection.send(request).await;
        if !streaming {
            response = body::whole(response).await;
        }
        noted.note(status::verdict(&response));
        drop(counted);
        response
    }

    pub(crate) fn note_at(
        &self,
        verdict: Verdict,
        took: Duration,
        is_quick: bool,
        all: &[Arc<Self>],
        now: Instant,
    ) {
        let others = all.iter().filter(|other| *other.addr != *self.addr);
        let fastest_other = others.clone().filter_map(|other| other.record().time_in_use()).reduce(f64::min);
        let out = others.filter(|other| other.record().out_until.is_some()).count();
        // At most half are left out: the rest could not carry the load, and more is no one instance's fault.
        let may_leave = (out + 1) * 2 <= all.len();
        let mut record = self.record();
        if record.out_since.is_some_and(|since| now.checked_sub(took).is_none_or(|began| began < since)) {
            return;
        }
        if is_quick && verdict == Verdict::Good {
            record.time(took);
        }
        if record.judge(verdict, now, fastest_other) && may_leave {
            let pause = record.leave(now);
            let addr = &*self.addr;
            tracing::warn!(addr, seconds = pause.as_secs(), "an instance fails and gets no calls");
            metrics::counter!("dytt_rpc_ejected_total").increment(1);
        }
    }
}

impl Record {
    fn weight_at(&self, now: Instant) -> f64 {
        let Some(since) = self.growing else { return self.weight };
        let grown = now.saturating_duration_since(since).as_secs_f64() / SLOW_START.as_secs_f64();
        self.weight * grown.clamp(FIRST_SHARE, 1.0)
    }

    fn admits(&self, now: Instant) -> bool {
        let Some(until) = self.out_until else { return true };
        // A probe that never came back does not keep others from trying.
        now >= until && self.probing.is_none_or(|since| now.saturating_duration_since(since) > WINDOW)
    }

    /// Its answers' time, if it gets calls.
    fn time_in_use(&self) -> Option<f64> {
        self.seconds.filter(|_| self.weight > 0.0 && self.out_until.is_none())
    }

    fn time(&mut self, took: Duration) {
        let took = took.as_secs_f64();
        self.timed = self.timed.saturating_add(1);
        self.seconds = Some(self.seconds.map_or(took, |average| average + NEWEST * (took - average)));
    }

    /// Whether this answer is one too many.
    fn judge(&mut self, verdict: Verdict, now: Instant, fastest_other: Option<f64>) -> bool {
        if self.window_began.is_none_or(|began| now.saturating_duration_since(began) > WINDOW) {
            (self.window_began, self.calls, self.failures) = (Some(now), 0, 0);
        }
        match verdict {
            Verdict::Busy => {
                self.probing = None;
                return false;
            }
            Verdict::Good => {
                self.calls += 1;
                self.failures_in_a_row = 0;
                if self.out_until.take().is_some() {
                    self.out_since = None;
                    // Back: what was slow or failing before no longer counts.
                    (self.probing, self.growing, self.seconds, self.timed) = (None, Some(now), None, 0);
                    (self.calls, self.failures) = (0, 0);
                    return false;
                }
                let grown =
                    self.growing.is_none_or(|since| now.saturating_duration_since(since) > SLOW_START * 2);
                if grown {
                    (self.times_out, self.growing) = (0, None);
                }
            }
            Verdict::Bad => {
                self.calls += 1;
                self.failures += 1;
                self.failures_in_a_row += 1;
                if self.out_until.is_some() {
                    return true;
                }
            }
        }
        let slow = match (self.seconds, fastest_other) {
            (Some(mine), Some(other)) if self.timed >= ENOUGH_TIMED => {
                mine > SLOW.as_secs_f64() && mine > SLOWER_THAN_OTHERS * other
            }
            (_, _) => false,
        };
        self.failures_in_a_row >= FAILURES_IN_A_ROW
            || (self.calls >= ENOUGH && self.failures * 2 > self.calls)
            || slow
    }

    fn leave(&mut self, now: Instant) -> Duration {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.times_out.min(10)).min(LONGEST_PAUSE);
        self.times_out += 1;
        (self.out_until, self.out_since, self.probing) = (Some(now + pause), Some(now), None);
        pause
    }
}

struct InFlight<'e>(&'e AtomicU32);

impl<'e> InFlight<'e> {
    fn begin(count: &'e AtomicU32) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Notes a call once: when it is answered, or as a failure when it was given up for being late.
struct Noted<'e> {
    endpoint: &'e Endpoint,
    all: &'e [Arc<Endpoint>],
    is_quick: bool,
    deadline: Option<Deadline>,
    began: Instant,
    done: bool,
}

impl Noted<'_> {
    fn note(&mut self, verdict: Verdict) {
        self.done = true;
        let now = Instant::now();
        self.endpoint.note_at(verdict, now - self.began, self.is_quick, self.all, now);
    }
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        // Given up: late is the instance's doing, earlier is its caller's.
        if self.deadline.is_some_and(|Deadline(at)| Instant::now() >= at) {
            self.note(Verdict::Bad);
        } else {
            self.endpoint.record().probing = None;
        }
    }
}
