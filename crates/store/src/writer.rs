//! SQLite's one writer: concurrent mutations share a commit. Each runs in a savepoint of its own, fails alone,
//! and is answered only after the commit that holds it is on the disk. Which statements they run is the
//! nouns' business.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::{Error, Result};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::{Instrument, Span};

use crate::changes::{Changes, Touched};
use crate::failure::failed_here;
use crate::session::{Probe, Session};
use crate::sqlite::Sqlite;

/// Mutations waiting at once; one more is refused.
const QUEUE: usize = 4096;
/// Mutations in one commit. There is no delay: while one commit syncs, the next batch gathers.
const BATCH: usize = 256;

/// Answers the caller, once the fate of the commit is known.
type Answer = Box<dyn FnOnce(Result<()>) + Send>;

/// A mutation; nothing to answer when it failed and told its caller so.
type Run = Box<dyn for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Option<Answer>> + Send>;

struct Work {
    queued: Instant,
    /// The caller's: what is sent for it belongs to its trace.
    span: Span,
    run: Run,
}

/// The queue in front of the writing connection.
pub(crate) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Work>>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(crate) fn start(
        connection: Sqlite,
        probe: Arc<Probe>,
        changes: Arc<Changes>,
        wait: Duration,
    ) -> Self {
        let (queue, work) = mpsc::channel(QUEUE);
        let (connection, runtime) = (Arc::new(connection), Handle::current());
        // Statements and the disk's syncs block, so the writer has a thread of its own.
        let task = tokio::task::spawn_blocking(move || {
            runtime.block_on(write_batches(&connection, &probe, &changes, work, wait));
        });
        Self { queue: Mutex::new(Some(queue)), task: Mutex::new(Some(task)) }
    }

    /// Runs one mutation.
    ///
    /// # Errors
    /// The mutation's own; [`Error::Overloaded`] when it was refused before it began; what the commit said.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let run: Run = Box::new(move |session| {
            let work = work(session);
            Box::pin(async move {
                let outcome = AssertUnwindSafe(work).catch_unwind().await;
                let panicked = |_panic| Err(Error::internal("a mutation panicked and was rolled back"));
                match outcome.unwrap_or_else(panicked) {
                    Ok(value) => Some(Box::new(move |committed: Result<()>| {
                        let _gone = answer.send(committed.map(|()| value));
                    }) as Answer),
                    Err(error) => {
                        let _gone = answer.send(Err(error));
                        None
                    }
                }
            })
        });
        let work = Work { queued: Instant::now(), span: Span::current(), run };
        self.enqueue(work).ok_or(Error::Overloaded)?;
        // A work that was dropped unanswered never began.
        answered.await.unwrap_or(Err(Error::Overloaded))
    }

    /// Lets the queue run dry and waits for the last commit.
    pub(crate) async fn stop(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the database writer ended badly");
        }
    }

    /// Nothing when the queue is full or closed.
    fn enqueue(&self, work: Work) -> Option<()> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.try_send(work).ok()
    }
}

async fn write_batches(
    connection: &Arc<Sqlite>,
    probe: &Arc<Probe>,
    changes: &Changes,
    mut queue: mpsc::Receiver<Work>,
    wait: Duration,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        metrics::histogram!("dytt_store_batch_size")
            .record(f64::from(u32::try_from(batch.len()).unwrap_or(0)));
        let fresh = batch.drain(..).filter(|work: &Work| work.queued.elapsed() <= wait);
        let (mut answers, mut touched) = (Vec::new(), Vec::new());
        let committed = write_batch(connection, probe, fresh, &mut answers, &mut touched).await;
        if committed.is_err() {
            // Whatever is left of it must not be the next one's.
            let _none_is_open = connection.say("ROLLBACK");
        }
        // Before anybody is answered: who has been told may read, and must see it.
        changes.note(&touched);
        for answer in answers {
            answer(match &committed {
                Ok(()) => Ok(()),
                Err(error) => Err(Error::unavailable(error.chain())),
            });
        }
    }
}

async fn write_batch(
    connection: &Arc<Sqlite>,
    probe: &Arc<Probe>,
    batch: impl Iterator<Item = Work> + Send,
    answers: &mut Vec<Answer>,
    touched: &mut Vec<Touched>,
) -> Result<()> {
    connection.say("BEGIN IMMEDIATE").map_err(failed_here)?;
    for work in batch {
        connection.say("SAVEPOINT one").map_err(failed_here)?;
        let session = Session::sqlite(Arc::clone(connection), Arc::clone(probe));
        let ran = (work.run)(&session).instrument(work.span).await;
        let kept = ran.is_some();
        // Before the release: should that fail, the caller hears of it with the batch.
        answers.extend(ran);
        if kept {
            touched.extend(session.into_touched());
        } else {
            connection.say("ROLLBACK TO one").map_err(failed_here)?;
        }
        connection.say("RELEASE one").map_err(failed_here)?;
    }
    connection.say("COMMIT").map_err(failed_here)
}
