//! The threads that read: a bounded queue in front, one read transaction for each request's statements. A
//! transaction takes the file's lock once, which makes a look-up in it five times cheaper than one alone.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use domain::{Error, Result};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tracing::{Instrument, Span};

use super::Sqlite;
use crate::failure::failed_here;
use crate::session::{Probe, Session};

/// Reads that wait at once; one more is refused. At 50 µs a read they are gone within the wait.
const QUEUE: usize = 1024;

/// How long the first of several answers may wait for the others. Each wakes a thread, which on a busy machine
/// costs as much as the read.
const TOGETHER: Duration = Duration::from_micros(200);

/// A read, which leaves its answer.
type Job = Box<dyn FnOnce(&Arc<Sqlite>) -> Answer + Send>;
/// Tells who waits.
type Answer = Box<dyn FnOnce()>;

/// The queue and the threads behind it.
pub(crate) struct Readers {
    path: PathBuf,
    queue: Mutex<Option<Sender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    wait: Duration,
}

impl Readers {
    pub(crate) fn start(path: &Path, wait: Duration) -> Result<Self, rusqlite::Error> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let (queue, jobs) = bounded::<Job>(QUEUE);
        let mut threads = Vec::new();
        for _ in 0..cores.clamp(2, 16) {
            let (connection, jobs) = (Arc::new(Sqlite::open(path, true)?), jobs.clone());
            threads.push(std::thread::spawn(move || work(&connection, &jobs)));
        }
        Ok(Self { path: path.to_owned(), queue: Mutex::new(Some(queue)), threads: Mutex::new(threads), wait })
    }

    /// Runs `work` in one read transaction.
    ///
    /// # Errors
    /// The work's own; [`Error::Overloaded`] when its turn did not come in time.
    pub(crate) async fn run<T, F>(&self, probe: &Arc<Probe>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let (queued, wait, span, probe) = (Instant::now(), self.wait, Span::current(), Arc::clone(probe));
        let job: Job = Box::new(move |connection| {
            // Nobody is told what comes too late; that is told by the sender's end.
            let in_time = queued.elapsed() <= wait && !answer.is_closed();
            let read = in_time.then(|| read(connection, probe, span, work));
            Box::new(move || {
                if let Some(read) = read {
                    let _gone = answer.send(read);
                }
            })
        });
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        queue.ok_or(Error::Overloaded)?.try_send(job).map_err(|_full| Error::Overloaded)?;
        answered.await.unwrap_or(Err(Error::Overloaded))
    }

    /// Runs `work` on whole tables on a thread and a connection of its own, so that it keeps nobody waiting.
    ///
    /// # Errors
    /// The work's own.
    pub(crate) async fn run_slowly<T, F>(&self, probe: &Arc<Probe>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>> + Send + 'static,
    {
        let (path, probe, span) = (self.path.clone(), Arc::clone(probe), Span::current());
        let run = move || {
            let connection = Sqlite::open(&path, true).map_err(failed_here)?;
            read(&Arc::new(connection), probe, span, work)
        };
        tokio::task::spawn_blocking(run).await.map_err(Error::internal)?
    }

    /// Lets the queue run dry and closes the connections.
    pub(crate) async fn stop(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let joined = tokio::task::spawn_blocking(|| threads.into_iter().try_for_each(JoinHandle::join));
        if !matches!(joined.await, Ok(Ok(()))) {
            tracing::error!("a thread that reads the database ended badly");
        }
    }
}

/// Takes one job after the other, whichever thread is free.
fn work(connection: &Arc<Sqlite>, jobs: &Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        let began = Instant::now();
        let mut answers = vec![job(connection)];
        while began.elapsed() < TOGETHER
            && let Ok(job) = jobs.try_recv()
        {
            answers.push(job(connection));
        }
        answers.into_iter().for_each(|tell| tell());
    }
}

/// One read transaction. Its statements run here and now: nothing is ever waited for.
fn read<T, F>(connection: &Arc<Sqlite>, probe: Arc<Probe>, span: Span, work: F) -> Result<T>
where
    F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>>,
{
    connection.say("BEGIN").map_err(failed_here)?;
    let session = Session::sqlite(Arc::clone(connection), probe);
    let reading = std::panic::AssertUnwindSafe(work(&session)).catch_unwind().instrument(span);
    let outcome = match reading.now_or_never() {
        Some(Ok(outcome)) => outcome,
        Some(Err(_panic)) => Err(Error::internal("a read panicked")),
        None => Err(Error::internal("a read waited for something other than the database")),
    };
    connection.say("COMMIT").map_err(failed_here)?;
    outcome
}
