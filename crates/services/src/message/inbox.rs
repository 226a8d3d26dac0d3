//! What one listener is sent and told of, as it becomes visible in the database: that is what all instances of this service
//! share.

use std::collections::VecDeque;
use std::time::Duration;

use domain::limits::LIST_ROWS;
use domain::{Result, Timestamp, UserId};
use futures_util::stream;
use proto::event::Kind;
use proto::{Event, Listening};
use store::{MessageRow, NotificationRow, Store};

use super::{message, notification};

/// How often an inbox is looked into.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Transactions commit in another order than their times: something may become visible this much later.
const OVERLAP_MS: i64 = 3_000;

/// One listener's view of what they are sent.
pub(super) struct Inbox {
    store: Store,
    viewer: UserId,
    after: Timestamp,
    waiting: VecDeque<Item>,
    /// The newest that were given: those the overlap will show again.
    given: VecDeque<Name>,
    looked: bool,
}

enum Item {
    Message(MessageRow),
    Notification(Box<NotificationRow>),
}

/// What tells items apart: what it is, its number, and its moment, at which a notification is told anew.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Name(bool, i64, i64);

impl Inbox {
    /// What comes after a moment, and perhaps once more what came in the seconds before it; without one, what comes from
    /// now on.
    pub(super) fn open(store: Store, viewer: UserId, after: Option<Timestamp>) -> Listening<Event> {
        let after = match after {
            Some(after) => Timestamp::from_millis(after.millis() - OVERLAP_MS),
            None => Timestamp::now(),
        };
        let (waiting, given) = (VecDeque::new(), VecDeque::new());
        let inbox = Self { store, viewer, after, waiting, given, looked: false };
        Box::pin(stream::try_unfold(inbox, Self::next))
    }

    async fn next(mut self) -> Result<Option<(Event, Self)>> {
        loop {
            if let Some(item) = self.waiting.pop_front() {
                self.given.push_back(item.name());
                return Ok(Some((item.event(), self)));
            }
            if self.looked {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            self.looked = true;
            self.look().await?;
        }
    }

    async fn look(&mut self) -> Result<()> {
        let newest = self.given.iter().map(|Name(_, _, at)| *at).max().unwrap_or(0);
        let from = Timestamp::from_millis(newest - OVERLAP_MS).max(self.after);
        self.given.retain(|Name(_, _, at)| *at > from.millis());
        let messages = self.store.inbox_after(self.viewer, from).await?;
        let told = self.store.notifications_after(self.viewer, from).await?;
        // Of a full page the next look goes on where it ends, overlap or not; what is later waits for it.
        let end = |rows: usize, last: Option<i64>| last.filter(|_| rows == LIST_ROWS);
        let ends = [
            end(messages.len(), messages.last().map(|row| row.created_at)),
            end(told.len(), told.last().map(|row| row.told_at)),
        ];
        let end = ends.into_iter().flatten().min();
        if let Some(end) = end {
            self.after = Timestamp::from_millis(end - 1);
        }
        let items = messages
            .into_iter()
            .map(Item::Message)
            .chain(told.into_iter().map(|row| Item::Notification(Box::new(row))));
        let mut items: Vec<_> = items.filter(|item| end.is_none_or(|end| item.name().2 <= end)).collect();
        items.sort_by_key(|item| item.name().2);
        self.waiting.extend(items.into_iter().filter(|item| !self.given.contains(&item.name())));
        Ok(())
    }
}

impl Item {
    fn name(&self) -> Name {
        match self {
            Self::Message(row) => Name(true, row.id, row.created_at),
            Self::Notification(row) => Name(false, row.id, row.told_at),
        }
    }

    fn event(self) -> Event {
        let kind = match self {
            Self::Message(row) => Kind::Message(message(row)),
            Self::Notification(row) => Kind::Notification(notification(*row)),
        };
        Event { kind: Some(kind) }
    }
}
