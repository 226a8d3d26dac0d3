//! What waits to be carried out together, and what of it one transaction takes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use domain::Result;
use tokio::sync::{Notify, oneshot};
use tracing::Span;
use tracing::field::Empty;

use super::{BATCH, Operation};

/// Operations waiting in a queue at once; one more is refused.
const QUEUE: usize = 4096;

/// Calls in the order in which they came.
pub(super) struct Queue<O: Operation> {
    waiting: Mutex<Waiting<O>>,
    came: Notify,
}

struct Waiting<O: Operation> {
    /// In the order of their numbers.
    calls: VecDeque<Call<O>>,
    last: u64,
    /// Whether there is a batch that has not ended.
    busy: bool,
    closed: bool,
}

struct Call<O: Operation> {
    number: u64,
    operation: O,
    /// The caller's.
    span: Span,
    answer: Answer<O>,
}

/// Where a caller is told.
pub(super) type Answer<O> = oneshot::Sender<Result<<O as Operation>::Answer>>;

impl<O: Operation> Default for Queue<O> {
    fn default() -> Self {
        let waiting = Waiting { calls: VecDeque::new(), last: 0, busy: false, closed: false };
        Self { waiting: Mutex::new(waiting), came: Notify::new() }
    }
}

impl<O: Operation> Queue<O> {
    fn waiting(&self) -> MutexGuard<'_, Waiting<O>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call's number; nothing when the queue is full or closed.
    pub(super) fn enqueue(&self, operation: O, answer: Answer<O>) -> Option<u64> {
        let mut waiting = self.waiting();
        if waiting.closed || waiting.calls.len() >= QUEUE {
            return None;
        }
        waiting.last += 1;
        let number = waiting.last;
        waiting.calls.push_back(Call { number, operation, span: Span::current(), answer });
        drop(waiting);
        self.came.notify_one();
        Some(number)
    }

    /// Takes a call back; false when it has begun.
    pub(super) fn withdraw(&self, number: u64) -> bool {
        let mut waiting = self.waiting();
        let place = waiting.calls.binary_search_by_key(&number, |call| call.number);
        place.is_ok_and(|place| waiting.calls.remove(place).is_some())
    }

    /// Takes nothing more; whether something is still to be done.
    pub(super) fn close(&self) -> bool {
        let mut waiting = self.waiting();
        waiting.closed = true;
        self.came.notify_one();
        waiting.busy || !waiting.calls.is_empty()
    }

    /// Ends a batch and waits for the next: the span of the call that waits longest, once there is one;
    /// nothing when there will be none.
    pub(super) async fn next(&self) -> Option<Span> {
        loop {
            {
                let mut waiting = self.waiting();
                let first = waiting.calls.front().map(|call| call.span.clone());
                waiting.busy = first.is_some();
                if first.is_some() {
                    return first;
                }
                if waiting.closed {
                    return None;
                }
            }
            self.came.notified().await;
        }
    }
}

/// One batch. Who is in it is settled when its transaction has begun, so that all wait as short as can be.
pub(super) struct Batch<O: Operation> {
    queue: Arc<Queue<O>>,
    span: Span,
    operations: OnceLock<Vec<O>>,
    answers: Mutex<Vec<Answer<O>>>,
}

impl<O: Operation> Batch<O> {
    /// A batch that belongs to the trace of `first`, the call that waits longest, and names the others.
    pub(super) fn new(queue: Arc<Queue<O>>, first: Span) -> Self {
        let span = first.in_scope(
            || tracing::info_span!(target: "trace", "batch", otel.name = O::NAME, operations = Empty),
        );
        Self { queue, span, operations: OnceLock::new(), answers: Mutex::default() }
    }

    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    /// The operations, none of which can be withdrawn any more.
    pub(super) fn begin(&self) -> &[O] {
        self.operations.get_or_init(|| {
            let mut waiting = self.queue.waiting();
            let count = waiting.calls.len().min(BATCH);
            let calls: Vec<_> = waiting.calls.drain(..count).collect();
            drop(waiting);
            self.span.record("operations", count);
            metrics::histogram!("dytt_store_coalesced_operations", "kind" => O::NAME).record(count as f64);
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            let begin = |call: Call<O>| {
                self.span.follows_from(&call.span);
                answers.push(call.answer);
                call.operation
            };
            calls.into_iter().map(begin).collect()
        })
    }

    pub(super) fn answers(&self) -> Vec<Answer<O>> {
        std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
