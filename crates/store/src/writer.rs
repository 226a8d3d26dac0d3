//! SQLite's one writer: concurrent mutations share a commit. Each runs in a savepoint of its own, fails alone,
//! and is answered only after the commit that holds it is on the disk. Which statements they run is the
//! nouns' business.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::{Error, Result};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sea_orm::{DatabaseConnection, SqliteTransactionMode, TransactionOptions, TransactionTrait};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::{Instrument, Span};

use crate::failure::failed;
use crate::session::{Probe, Session};

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
    pub(crate) fn start(connection: DatabaseConnection, probe: Arc<Probe>, wait: Duration) -> Self {
        let (queue, work) = mpsc::channel(QUEUE);
        let task = tokio::spawn(write_batches(connection, probe, work, wait));
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
    connection: DatabaseConnection,
    probe: Arc<Probe>,
    mut queue: mpsc::Receiver<Work>,
    wait: Duration,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        metrics::histogram!("dytt_store_batch_size")
            .record(f64::from(u32::try_from(batch.len()).unwrap_or(0)));
        let fresh = batch.drain(..).filter(|work: &Work| work.queued.elapsed() <= wait);
        let mut answers = Vec::new();
        let committed = write_batch(&connection, &probe, fresh, &mut answers).await;
        for answer in answers {
            answer(match &committed {
                Ok(()) => Ok(()),
                Err(error) => Err(Error::unavailable(error.chain())),
            });
        }
    }
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "the writing connection did not close cleanly");
    }
}

async fn write_batch(
    connection: &DatabaseConnection,
    probe: &Arc<Probe>,
    batch: impl Iterator<Item = Work> + Send,
    answers: &mut Vec<Answer>,
) -> Result<()> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..Default::default()
    };
    let transaction = connection.begin_with_options(options).await.map_err(failed)?;
    for work in batch {
        let savepoint = transaction.begin().await.map_err(failed)?;
        let session = Session::transaction(savepoint, Arc::clone(probe));
        match (work.run)(&session).instrument(work.span).await {
            Some(answer) => {
                // Before the release: should that fail, the caller hears of it with the batch.
                answers.push(answer);
                session.commit().await?;
            }
            None => session.rollback().await?,
        }
    }
    transaction.commit().await.map_err(failed)
}
