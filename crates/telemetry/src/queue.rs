//! The way of ended spans out of the process: a bounded queue and one thread that empties it. Nothing here
//! makes a request wait; what does not fit is dropped and counted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::sleep;

use crate::export::Export;
use crate::span::Span;

/// Counts spans that nobody will see.
pub(crate) const DROPPED: &str = "dytt_spans_dropped_total";

/// Spans that wait at most.
const MAX_WAITING: usize = 2_048;

/// Spans that go out together at most.
const MAX_BATCH: usize = 100;

/// A span waits for others that long at most.
const EVERY: Duration = Duration::from_secs(1);

/// Whoever did not take spans is left alone that long.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a span was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// More spans ended than could be sent.
    QueueFull,
    /// The other side did not take them.
    NotTaken,
}

impl Loss {
    pub fn word(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::NotTaken => "not_taken",
        }
    }

    fn count(self, spans: usize) {
        metrics::counter!(DROPPED, "reason" => self.word()).increment(spans as u64);
    }
}

/// Spans that wait to be sent.
#[derive(Default)]
pub(crate) struct Queue {
    spans: Mutex<VecDeque<Span>>,
    /// Wakes the thread for a full batch, never for a single span: a switch of threads costs more than
    /// recording one.
    full: Notify,
    /// Wakes the thread for the end, also from a pause.
    end: Notify,
    /// Where to say that the last spans are out.
    ending: Mutex<Option<oneshot::Sender<()>>>,
}

impl Queue {
    /// Takes an ended span, or drops it when too many wait.
    pub fn push(&self, span: Span) {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = spans.len();
        if waiting >= MAX_WAITING {
            drop(spans);
            return Loss::QueueFull.count(1);
        }
        spans.push_back(span);
        drop(spans);
        if (waiting + 1).is_multiple_of(MAX_BATCH) {
            self.full.notify_one();
        }
    }

    /// The oldest that wait, [`MAX_BATCH`] at most.
    pub fn batch(&self) -> Vec<Span> {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        let size = spans.len().min(MAX_BATCH);
        spans.drain(..size).collect()
    }

    fn is_ending(&self) -> bool {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Asks for the last spans to be sent; the answer comes when they are or cannot be.
    pub fn end(&self) -> oneshot::Receiver<()> {
        let (told, ended) = oneshot::channel();
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
        self.end.notify_one();
        ended
    }

    /// Sends spans until the end was asked for.
    pub async fn empty(self: Arc<Self>, mut export: Export) {
        let mut outage = Outage::default();
        while !self.is_ending() {
            tokio::select! {
                () = self.full.notified() => {}
                () = self.end.notified() => {}
                () = sleep(EVERY) => {}
            }
            if self.send_waiting(&mut export, &mut outage).await.is_err() {
                // They would not be taken a moment later either.
                tokio::select! {
                    () = self.end.notified() => {}
                    () = sleep(PAUSE) => {}
                }
            }
        }
        let _sent = self.send_waiting(&mut export, &mut outage).await;
        if let Some(told) = self.ending.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Who asked may have stopped waiting.
            let _unheard = told.send(());
        }
    }

    /// Sends what waits, batch by batch, as long as it is taken.
    async fn send_waiting(&self, export: &mut Export, outage: &mut Outage) -> Result<(), String> {
        loop {
            let batch = self.batch();
            if batch.is_empty() {
                return Ok(());
            }
            let taken = export.send(&batch).await;
            outage.note(&taken, batch.len());
            taken?;
        }
    }
}

/// Says once that spans are not taken and once that they are again, not once a batch.
#[derive(Default)]
struct Outage {
    lost: usize,
}

impl Outage {
    fn note(&mut self, taken: &Result<(), String>, spans: usize) {
        match taken {
            Ok(()) if self.lost > 0 => {
                tracing::info!(lost = self.lost, "spans are taken again");
                self.lost = 0;
            }
            Ok(()) => {}
            Err(error) => {
                if self.lost == 0 {
                    tracing::warn!(%error, "spans were not taken, they are dropped until they are");
                }
                self.lost += spans;
                Loss::NotTaken.count(spans);
            }
        }
    }
}
