//! Who is called when something happens, and what they were told; what they are to be told is in the outbox.

mod outbox;

use std::collections::BTreeMap;

use domain::{Error, Happening, Result, Timestamp, UserId};

use crate::Store;
use crate::administration::audit;
use crate::backup::ColumnKind;
use crate::card::column;
use crate::row::Row;
use crate::slice::{Listed, Slice};

use ColumnKind::{Integer, Text};
pub use outbox::{DueWebhook, Then, Told};

/// The most that may be called.
const MOST_WEBHOOKS: usize = 20;

/// Who is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookRow {
    /// Its number.
    pub id: i64,
    /// Where it is called.
    pub url: String,
    /// What it is told of.
    pub events: Vec<String>,
    /// UTC milliseconds.
    pub created_at: i64,
    /// Since when nothing has arrived there: UTC milliseconds.
    pub failing_since: Option<i64>,
    /// Since when it is called no more: UTC milliseconds.
    pub disabled_at: Option<i64>,
}

/// Something that was told, or is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Its number.
    pub id: i64,
    /// What happened.
    pub event: String,
    /// JSON.
    pub payload: String,
    /// `waiting`, `sent` or `failed`.
    pub state: String,
    /// How often it was tried.
    pub attempts: i64,
    /// Of one that waits when it is tried next: UTC milliseconds.
    pub due_at: i64,
    /// What came of the latest attempt.
    pub outcome: Option<String>,
    /// UTC milliseconds.
    pub created_at: i64,
}

/// Where a kind of event is found: its rows `x`, in the order of their places, and what is told of each.
struct Source {
    from: &'static str,
    /// Grows with each event.
    place: &'static str,
    /// When it happened.
    at: &'static str,
    columns: &'static [(&'static str, ColumnKind)],
}

const fn source(event: Happening) -> Source {
    match event {
        Happening::UserRegistered => Source {
            from: "user",
            place: "x.id",
            at: "x.created_at",
            columns: &[("id", Integer), ("name", Text)],
        },
        Happening::VideoPublished => Source {
            from: "video",
            place: "x.published_at",
            at: "x.published_at",
            columns: &[("id", Integer), ("author_id", Integer), ("title", Text)],
        },
        Happening::CommentCreated => Source {
            from: "comment",
            place: "x.id",
            at: "x.created_at",
            columns: &[
                ("id", Integer),
                ("video_id", Integer),
                ("author_id", Integer),
                ("parent_id", Integer),
                ("content", Text),
            ],
        },
        Happening::ReportCreated => Source {
            from: "report",
            place: "x.id",
            at: "x.created_at",
            columns: &[
                ("id", Integer),
                ("reporter_id", Integer),
                ("reason", Text),
                ("video_id", Integer),
                ("comment_id", Integer),
                ("person_id", Integer),
            ],
        },
        Happening::AuditRecorded => Source {
            from: "audit",
            place: "x.id",
            at: "x.created_at",
            columns: &[("id", Integer), ("user_id", Integer), ("action", Text), ("subject", Text)],
        },
    }
}

impl Store {
    /// Calls an address from now on whenever one of these happens; its number. Four statements, and one for each event more
    /// than one.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there are 20 already.
    pub async fn create_webhook(
        &self,
        admin: UserId,
        url: String,
        events: Vec<Happening>,
        secret: Vec<u8>,
        now: Timestamp,
    ) -> Result<i64> {
        self.database
            .write(move |session| {
                let (url, events, secret) = (url.clone(), events.clone(), secret.clone());
                Box::pin(async move {
                    let sql = format!("SELECT id FROM webhook LIMIT {MOST_WEBHOOKS}");
                    if session.rows(&sql, []).await?.len() == MOST_WEBHOOKS {
                        let problem = format!("would be one more than {MOST_WEBHOOKS} webhooks: remove one");
                        return Err(Error::Invalid { name: "url".into(), problem });
                    }
                    let sql = "INSERT INTO webhook (url, secret, created_at) VALUES (?, ?, ?)";
                    let values = [url.as_str().into(), secret.into(), now.millis().into()];
                    let id = session.insert(sql, values).await?;
                    for event in &events {
                        let Source { from, place, .. } = source(*event);
                        // bounded: one row.
                        let sql = format!(
                            "INSERT INTO webhook_event (webhook_id, event, told) \
                             SELECT ?, ?, COALESCE(MAX({place}), 0) FROM {from} x"
                        );
                        session.insert(&sql, [id.into(), event.as_str().into()]).await?;
                    }
                    // Without what may prove who calls.
                    let place: String = url.split('?').next().unwrap_or_default().chars().take(255).collect();
                    audit(session, admin, "webhook_created", &format!("webhook {id}"), &place, now).await?;
                    Ok(id)
                })
            })
            .await
    }

    /// Everybody who is called, the first first. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn webhooks(&self) -> Result<Vec<WebhookRow>> {
        let sql = "SELECT w.id, w.url, w.created_at, w.failing_since, w.disabled_at, e.event FROM webhook w \
                   LEFT JOIN webhook_event e ON e.webhook_id = w.id ORDER BY w.id, e.id LIMIT 200";
        let read = |row: &Row| {
            let event: Option<String> = column(row, "event")?;
            Ok(WebhookRow {
                id: column(row, "id")?,
                url: column(row, "url")?,
                events: event.into_iter().collect(),
                created_at: column(row, "created_at")?,
                failing_since: column(row, "failing_since")?,
                disabled_at: column(row, "disabled_at")?,
            })
        };
        let mut hooks = BTreeMap::<i64, WebhookRow>::new();
        for row in self.database.list(sql, [], read).await? {
            match hooks.get_mut(&row.id) {
                Some(hook) => hook.events.extend(row.events),
                None => drop(hooks.insert(row.id, row)),
            }
        }
        Ok(hooks.into_values().collect())
    }

    /// Calls somebody no more. Two statements, one when refused.
    ///
    /// # Errors
    /// [`Error::WebhookNotFound`].
    pub async fn delete_webhook(&self, admin: UserId, hook: i64, now: Timestamp) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    if session.change("DELETE FROM webhook WHERE id = ?", [hook.into()]).await? == 0 {
                        return Err(Error::WebhookNotFound);
                    }
                    audit(session, admin, "webhook_deleted", &format!("webhook {hook}"), "", now).await
                })
            })
            .await
    }

    /// Forgets some of what somebody was told; false when there is no more. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn clear_deliveries(&self, hook: i64) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "DELETE FROM delivery WHERE id IN (SELECT id FROM (SELECT id FROM delivery \
                               WHERE webhook_id = ? LIMIT 1000) some)";
                    Ok(session.change(sql, [hook.into()]).await? > 0)
                })
            })
            .await
    }

    /// What somebody was told or is to be, the latest first. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn deliveries(&self, hook: i64, slice: Slice) -> Result<Listed<DeliveryRow>> {
        let sql = "SELECT d.id AS place, d.* FROM delivery d WHERE d.webhook_id = ? AND d.id < ? \
                   ORDER BY d.id DESC LIMIT ?";
        self.database.list_part(sql, [hook.into()], slice, DeliveryRow::read).await
    }

    /// Tells something at once, whether it was told, could not be or waits, and calls again who was called no more. Three
    /// statements, one when refused.
    ///
    /// # Errors
    /// [`Error::WebhookNotFound`] when there is no such delivery.
    pub async fn replay_delivery(
        &self,
        admin: UserId,
        hook: i64,
        delivery: i64,
        now: Timestamp,
    ) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "UPDATE delivery SET state = 'waiting', attempts = 0, due_at = ? \
                               WHERE id = ? AND webhook_id = ?";
                    if session.change(sql, [now.millis().into(), delivery.into(), hook.into()]).await? == 0 {
                        return Err(Error::WebhookNotFound);
                    }
                    let sql = "UPDATE webhook SET failing_since = NULL, disabled_at = NULL WHERE id = ?";
                    session.change(sql, [hook.into()]).await?;
                    let subject = format!("delivery {delivery}");
                    audit(session, admin, "replayed", &subject, "", now).await
                })
            })
            .await
    }
}

impl DeliveryRow {
    pub(super) fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: column(row, "id")?,
            event: column(row, "event")?,
            payload: column(row, "payload")?,
            state: column(row, "state")?,
            attempts: column(row, "attempts")?,
            due_at: column(row, "due_at")?,
            outcome: column(row, "outcome")?,
            created_at: column(row, "created_at")?,
        })
    }
}
