//! Writes that share a transaction: whoever comes while one is being committed is gathered for the next. What
//! many operations come to is their nouns' business; how a transaction is made is the database's.

pub(crate) mod edge;
pub(crate) mod many;
mod queue;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::{Error, Result};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::Instrument;

use crate::comment::NewComment;
use crate::database::Database;
use crate::follow::Follow;
use crate::like::Like;
use crate::message::NewMessage;
use crate::mysql::{WRITE_WITHIN, met_another};
use crate::session::Session;
use queue::{Answer, Batch, Queue};

/// Operations in one transaction. There is no delay: while one is committed, the next gathers. On one hot video
/// 64 callers so get a multiple of what they get with a transaction each; the example `storm` measures it.
const BATCH: usize = 256;

/// Something that many callers want at once, and how a batch of it is carried out.
pub(crate) trait Operation: Clone + Send + Sync + 'static {
    /// What its caller is told.
    type Answer: Send + 'static;
    /// Its name in traces and metrics.
    const NAME: &'static str;

    /// Those with the same key are carried out in the order in which they came.
    fn key(&self) -> i64;

    /// The queues it waits in.
    fn queues(all: &Coalesced) -> &Queues<Self>;

    /// Carries out a batch, never an empty one, as if one came after the other. There is an answer for each,
    /// in their order; an error is the whole batch's, of which then nothing stays.
    fn carry_out<'s>(
        session: &'s Session,
        batch: &'s [Self],
    ) -> BoxFuture<'s, Result<Vec<Result<Self::Answer>>>>;
}

/// The queues of all operations that are coalesced.
pub(crate) struct Coalesced {
    pub(crate) likes: Queues<Like>,
    pub(crate) follows: Queues<Follow>,
    pub(crate) comments: Queues<NewComment>,
    pub(crate) messages: Queues<NewMessage>,
}

impl Coalesced {
    pub(crate) fn start(database: &Arc<Database>, wait: Duration) -> Self {
        Self {
            likes: Queues::start(database, wait),
            follows: Queues::start(database, wait),
            comments: Queues::start(database, wait),
            messages: Queues::start(database, wait),
        }
    }

    /// Takes nothing more, lets the queues run dry and waits for the last commit.
    pub(crate) async fn close(&self) {
        let closing =
            (self.likes.close(), self.follows.close(), self.comments.close(), self.messages.close());
        tokio::join!(closing.0, closing.1, closing.2, closing.3);
    }
}

/// The queues of one kind of operation, as many as there may be transactions of it at once.
pub(crate) struct Queues<O: Operation> {
    queues: Vec<Arc<Queue<O>>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    wait: Duration,
}

impl<O: Operation> Queues<O> {
    pub(crate) fn start(database: &Arc<Database>, wait: Duration) -> Self {
        // A second one on MySQL writes while the first waits for the disk; SQLite has one writer.
        let count = if database.is_mysql() { 2 } else { 1 };
        let queues: Vec<_> = (0..count).map(|_| Arc::new(Queue::default())).collect();
        let tasks = queues.iter().map(|queue| tokio::spawn(serve(Arc::clone(queue), Arc::clone(database))));
        Self { tasks: Mutex::new(tasks.collect()), queues, wait }
    }

    /// Has one operation carried out; the answer comes after its commit is durable. It is finished also when
    /// nobody waits for it any more.
    ///
    /// # Errors
    /// The operation's own; [`Error::Overloaded`] when it was refused before it began; what the commit said.
    pub(crate) async fn run(&self, operation: O) -> Result<O::Answer> {
        let queue = &self.queues[operation.key().rem_euclid(self.queues.len() as i64) as usize];
        let (answer, mut answered) = oneshot::channel();
        let number = queue.enqueue(operation, answer).ok_or(Error::Overloaded)?;
        let in_time = timeout(self.wait, &mut answered).await;
        if in_time.is_err() && queue.withdraw(number) {
            return Err(Error::Overloaded);
        }
        // What has begun is waited for to its end: only then is known what became of it.
        let told = match in_time {
            Ok(told) => told,
            Err(_late) => answered.await,
        };
        told.unwrap_or_else(|_dropped| Err(Error::internal("a batch ended without an answer")))
    }

    async fn close(&self) {
        let busy: Vec<_> = self.queues.iter().map(|queue| queue.close()).collect();
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        // The others end by themselves.
        for (task, _) in tasks.into_iter().zip(busy).filter(|(_, busy)| *busy) {
            if let Err(error) = task.await {
                tracing::error!(%error, kind = O::NAME, "a queue of writes ended badly");
            }
        }
    }
}

impl<O: Operation> Drop for Queues<O> {
    /// The tasks end by themselves, when their queues have run dry.
    fn drop(&mut self) {
        for queue in &self.queues {
            queue.close();
        }
    }
}

/// Makes one transaction after the other of what waits.
async fn serve<O: Operation>(queue: Arc<Queue<O>>, database: Arc<Database>) {
    while let Some(span) = queue.next().await {
        let batch = Arc::new(Batch::new(Arc::clone(&queue), span));
        transact(&batch, &database).instrument(batch.span().clone()).await;
        // Those who were just answered come first: whoever asks again at once is in the next batch, not in the
        // one after it. On SQLite a quarter more likes each second.
        tokio::task::yield_now().await;
    }
}

async fn transact<O: Operation>(batch: &Arc<Batch<O>>, database: &Arc<Database>) {
    let began = Instant::now();
    let shared = Arc::clone(batch);
    let outcome = database.write_within(WRITE_WITHIN, move |session| together(session, shared)).await;
    // Those who wait for a transaction that could not even begin are told so.
    let operations = batch.begin();
    let answers = batch.answers();
    match outcome {
        Ok(results) => {
            for (answer, result) in answers.into_iter().zip(results) {
                let _gone = answer.send(result);
            }
        }
        Err(error) if operations.len() > 1 && is_of_one(&error) => {
            let calls = operations.iter().cloned().zip(answers);
            singly(database, calls, began, &error).await;
        }
        Err(error) => {
            for answer in answers {
                let _gone = answer.send(Err(again(&error)));
            }
        }
    }
}

fn together<'s, O: Operation>(
    session: &'s Session,
    batch: Arc<Batch<O>>,
) -> BoxFuture<'s, Result<Vec<Result<O::Answer>>>> {
    Box::pin(async move {
        match batch.begin() {
            [] => Ok(Vec::new()),
            operations => O::carry_out(session, operations).await,
        }
    })
}

/// Whether a batch failed, and left nothing, because of something in it.
fn is_of_one(error: &Error) -> bool {
    matches!(error, Error::Internal(_)) || met_another(error)
}

/// Carries out the operations of a failed batch each by itself, so that only the guilty fails. All of them
/// together get no more time than one transaction does.
async fn singly<O: Operation>(
    database: &Arc<Database>,
    calls: impl Iterator<Item = (O, Answer<O>)>,
    began: Instant,
    error: &Error,
) {
    let runs = calls.map(|(operation, answer)| async move {
        let left = WRITE_WITHIN.saturating_sub(began.elapsed());
        let result = match left.is_zero() {
            true => Err(Error::unavailable(error.chain())),
            false => database.write_within(left, move |session| one(session, operation)).await,
        };
        let _gone = answer.send(result);
    });
    // In order; on SQLite they still share a commit.
    let at_once = if database.is_mysql() { 1 } else { BATCH };
    futures_util::stream::iter(runs).buffered(at_once).for_each(|()| async {}).await;
}

fn one<O: Operation>(session: &Session, operation: O) -> BoxFuture<'_, Result<O::Answer>> {
    Box::pin(async move {
        let results = O::carry_out(session, std::slice::from_ref(&operation)).await?;
        results.into_iter().next().unwrap_or_else(|| Err(Error::internal("a batch of one without an answer")))
    })
}

/// The same error for one more caller.
fn again(error: &Error) -> Error {
    if let Error::Overloaded = error {
        return Error::Overloaded;
    }
    let is_ours = matches!(error, Error::Internal(_));
    if is_ours { Error::internal(error.chain()) } else { Error::unavailable(error.chain()) }
}
