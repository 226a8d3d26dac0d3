//! Chat messages between two users, in the order they were sent.

use std::collections::{BTreeSet, HashMap, HashSet};

use domain::{Content, Error, Result, Timestamp, UserId};
use futures_util::future::BoxFuture;
use sea_orm::Value;

use crate::Store;
use crate::barrier::blocked;
use crate::card::{column, rows_limit};
use crate::coalesce::{Coalesced, Operation, Queues, many};
use crate::conversation;
use crate::row::Row;
use crate::session::Session;
use crate::slice::{Listed, Slice};

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Its number, increasing.
    pub id: i64,
    /// Who wrote it.
    pub sender_id: i64,
    /// To whom.
    pub receiver_id: i64,
    /// What it says.
    pub content: String,
    /// UTC milliseconds, increasing within a conversation.
    pub created_at: i64,
}

impl Store {
    /// Sends a message. Three statements, on MySQL one more.
    ///
    /// # Errors
    /// [`Error::UserNotFound`] for the receiver, also when one blocks the other.
    pub async fn send_message(
        &self,
        sender: UserId,
        receiver: UserId,
        content: Content,
        now: Timestamp,
    ) -> Result<MessageRow> {
        self.write_together(NewMessage { sender, receiver, content, now }).await
    }

    /// Messages of both sides by the moments they were sent, the newest first. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn conversation(
        &self,
        viewer: UserId,
        peer: UserId,
        slice: Slice,
    ) -> Result<Listed<MessageRow>> {
        // Each direction from its own end of the index: one condition with OR would sort the whole history.
        let sql = "SELECT * FROM (SELECT message.*, created_at AS place FROM message WHERE sender_id = ? \
                   AND receiver_id = ? AND created_at < ? ORDER BY created_at DESC LIMIT ?) ends UNION ALL \
                   SELECT * FROM (SELECT message.*, created_at AS place FROM message WHERE sender_id = ? \
                   AND receiver_id = ? AND created_at < ? ORDER BY created_at DESC LIMIT ?) ends \
                   ORDER BY created_at DESC LIMIT ?";
        let [from, to, back_from, back_to] = pair(viewer, peer);
        let [[before, limit], [back_before, back_limit]] = [slice.values(), slice.values()];
        let values = [from, to, before, limit.clone(), back_from, back_to, back_before, back_limit, limit];
        self.database
            .read(move |session| {
                Box::pin(async move { slice.read(&session.rows(sql, values).await?, MessageRow::read) })
            })
            .await
    }

    /// What the peer wrote to the viewer strictly after a moment, oldest first, at most 500. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn received_after(
        &self,
        viewer: UserId,
        peer: UserId,
        after: Timestamp,
    ) -> Result<Vec<MessageRow>> {
        let sql = "SELECT * FROM message WHERE sender_id = ? AND receiver_id = ? AND created_at > ? \
                   ORDER BY created_at LIMIT ?";
        let values: [Value; 4] =
            [peer.get().into(), viewer.get().into(), after.millis().into(), rows_limit()];
        self.database.list(sql, values, MessageRow::read).await
    }

    /// What anybody wrote to the viewer strictly after a moment, oldest first, at most 500. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn inbox_after(&self, viewer: UserId, after: Timestamp) -> Result<Vec<MessageRow>> {
        let sql =
            "SELECT * FROM message WHERE receiver_id = ? AND created_at > ? ORDER BY created_at LIMIT ?";
        let values: [Value; 3] = [viewer.get().into(), after.millis().into(), rows_limit()];
        self.database.list(sql, values, MessageRow::read).await
    }
}

/// A message to be sent.
#[derive(Clone)]
pub(crate) struct NewMessage {
    pub(crate) sender: UserId,
    pub(crate) receiver: UserId,
    pub(crate) content: Content,
    pub(crate) now: Timestamp,
}

impl NewMessage {
    /// The two people, the smaller number first. Whoever writes into this conversation holds that one's
    /// counters: its times follow each other.
    fn pair(&self) -> (UserId, UserId) {
        (self.sender.min(self.receiver), self.sender.max(self.receiver))
    }

    fn row(&self, created_at: i64) -> [Value; 4] {
        let (sender, receiver) = (self.sender.get(), self.receiver.get());
        [sender.into(), receiver.into(), self.content.as_str().into(), created_at.into()]
    }
}

impl Operation for NewMessage {
    type Answer = MessageRow;
    const NAME: &'static str = "messages";

    fn key(&self) -> i64 {
        self.pair().0.get()
    }

    fn queues(all: &Coalesced) -> &Queues<Self> {
        &all.messages
    }

    fn carry_out<'s>(
        session: &'s Session,
        batch: &'s [Self],
    ) -> BoxFuture<'s, Result<Vec<Result<MessageRow>>>> {
        Box::pin(async move {
            session.hold_people(batch.iter().map(|new| new.pair().0)).await?;
            let mut found = Found::of(session, batch.iter().map(NewMessage::pair).collect()).await?;
            let mut times = Vec::new();
            let reached: Vec<_> = batch.iter().map(|new| found.reaches(new)).collect();
            for (new, _) in batch.iter().zip(&reached).filter(|(_, reached)| **reached) {
                let latest = found.latest.entry(new.pair()).or_default();
                // A reader asks for what is later than the last message it holds: two messages of a
                // conversation must never share a millisecond.
                *latest = new.now.millis().max(*latest + 1);
                times.push((new, *latest));
            }
            let into = "message (sender_id, receiver_id, content, created_at)";
            let rows = times.iter().map(|(new, at)| new.row(*at)).collect();
            let numbers = many::insert(session, into, rows, found.step).await?;
            let sent = Vec::from_iter(times.into_iter().zip(numbers));
            let view = |((new, at), number): &((&Self, i64), i64)| {
                (new.sender, new.receiver, *number, Timestamp::from_millis(*at))
            };
            conversation::sent(session, sent.iter().map(view)).await?;
            let mut sent = sent.into_iter();
            let answer = |(new, reached): (&NewMessage, &bool)| {
                if !reached {
                    return Err(Error::UserNotFound(new.receiver));
                }
                let ((_, created_at), id) =
                    sent.next().ok_or_else(|| Error::internal("a message without a number"))?;
                let (sender_id, receiver_id) = (new.sender.get(), new.receiver.get());
                let content = new.content.as_str().to_owned();
                Ok(MessageRow { id, sender_id, receiver_id, content, created_at })
            };
            Ok(batch.iter().zip(&reached).map(answer).collect())
        })
    }
}

/// What is there before a batch.
struct Found {
    /// Those of the two people of each conversation who exist.
    people: HashSet<UserId>,
    /// Of whom one blocks the other.
    apart: HashSet<(UserId, UserId)>,
    /// When each conversation had its last message.
    latest: HashMap<(UserId, UserId), i64>,
    /// By how much the numbers of rows grow.
    step: i64,
}

impl Found {
    fn reaches(&self, new: &NewMessage) -> bool {
        self.people.contains(&new.receiver) && !self.apart.contains(&new.pair())
    }

    /// One statement.
    async fn of(session: &Session, pairs: BTreeSet<(UserId, UserId)>) -> Result<Self> {
        let pairs = many::filled(pairs);
        let sql = format!(
            "SELECT pairs.one, pairs.other, {} AS step, one.user_id AS one_id, other.user_id AS other_id, {} AS apart, \
             (SELECT created_at FROM message WHERE sender_id = pairs.one AND receiver_id = pairs.other \
             ORDER BY created_at DESC LIMIT 1) AS there_at, \
             (SELECT created_at FROM message WHERE sender_id = pairs.other AND receiver_id = pairs.one \
             ORDER BY created_at DESC LIMIT 1) AS back_at \
             FROM {} pairs LEFT JOIN user_stat one ON one.user_id = pairs.one \
             LEFT JOIN user_stat other ON other.user_id = pairs.other LIMIT {}",
            many::step(session),
            blocked!("pairs.one", "pairs.other"),
            many::pairs(pairs.len()),
            pairs.len()
        );
        let values = pairs.iter().flat_map(|(one, other)| [one.get().into(), other.get().into()]);
        let mut found =
            Self { people: HashSet::new(), apart: HashSet::new(), latest: HashMap::new(), step: 1 };
        for row in session.rows(&sql, values).await? {
            let (one, other) = (UserId::parse(column(&row, "one")?)?, UserId::parse(column(&row, "other")?)?);
            found.step = column(&row, "step")?;
            found.people.extend(column::<Option<i64>>(&row, "one_id")?.map(|_| one));
            if column::<i64>(&row, "apart")? != 0 {
                found.apart.insert((one, other));
            }
            found.people.extend(column::<Option<i64>>(&row, "other_id")?.map(|_| other));
            let (there, back): (Option<i64>, Option<i64>) =
                (column(&row, "there_at")?, column(&row, "back_at")?);
            found.latest.insert((one, other), there.max(back).unwrap_or(0));
        }
        Ok(found)
    }
}

/// Both directions of a conversation, as parameters.
fn pair(one: UserId, other: UserId) -> [Value; 4] {
    [one.get().into(), other.get().into(), other.get().into(), one.get().into()]
}

impl MessageRow {
    pub(crate) fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: column(row, "id")?,
            sender_id: column(row, "sender_id")?,
            receiver_id: column(row, "receiver_id")?,
            content: column(row, "content")?,
            created_at: column(row, "created_at")?,
        })
    }
}
