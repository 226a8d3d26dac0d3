//! The outbox: filled from what was committed, so that nothing which happens has to wait for it, and emptied by whoever
//! delivers.

use std::time::Duration;

use domain::{Error, Happening, Result, Timestamp};
use sea_orm::Value;
use serde_json::{Map, json};

use super::{DeliveryRow, Source, source};
use crate::Store;
use crate::backup::ExportedRow;
use crate::card::column;
use crate::coalesce::many;
use crate::row::Row;
use crate::session::Session;

/// Events put into the outbox at once.
const AT_ONCE: usize = 100;
/// When everything is told of that was committed: numbers are given before a commit, which no transaction puts off for as
/// long.
const SETTLED: Duration = Duration::from_secs(5);
/// A webhook at which nothing has arrived for this long, and something of late was given up, is called no more.
const PATIENCE: Duration = Duration::from_secs(5 * 24 * 3600);

/// Where something waits to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueWebhook {
    /// Its number.
    pub id: i64,
    /// Where it is called.
    pub url: String,
    /// What proves who calls.
    pub secret: Vec<u8>,
}

/// How far a kind of event was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    id: i64,
    webhook: i64,
    event: Happening,
    place: i64,
}

impl Store {
    /// How far each kind of event was told of, to each who is called. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn told(&self) -> Result<Vec<Told>> {
        let sql = "SELECT e.id, e.webhook_id, e.event, e.told FROM webhook_event e \
                   JOIN webhook w ON w.id = e.webhook_id WHERE w.disabled_at IS NULL LIMIT 200";
        let read = |row: &Row| {
            Ok(Told {
                id: column(row, "id")?,
                webhook: column(row, "webhook_id")?,
                event: Happening::parse(&column::<String>(row, "event")?).map_err(Error::internal)?,
                place: column(row, "told")?,
            })
        };
        self.database.list(sql, [], read).await
    }

    /// Puts some of the events since then into the outbox; false when there are no more. Three statements, one when there are
    /// none, two when another process was faster.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn fill_outbox(&self, since: &Told, now: Timestamp) -> Result<bool> {
        let since = since.clone();
        self.database
            .write(move |session| {
                let since = since.clone();
                Box::pin(async move {
                    let events = happened(session, &since, now.before(SETTLED)).await?;
                    let Some((last, _, _)) = events.last() else { return Ok(false) };
                    let sql = "UPDATE webhook_event SET told = ? WHERE id = ? AND told = ?";
                    let values = [*last, since.id, since.place].map(Value::from);
                    if session.change(sql, values).await? == 0 {
                        return Ok(false);
                    }
                    let row = |(_, at, data): &(i64, i64, ExportedRow)| {
                        let event = since.event.as_str();
                        let payload = json!({ "type": event, "timestamp": at, "data": data }).to_string();
                        [
                            since.webhook.into(),
                            event.into(),
                            payload.into(),
                            "waiting".into(),
                            now.millis().into(),
                            now.millis().into(),
                        ]
                    };
                    let into = "delivery (webhook_id, event, payload, state, due_at, created_at)";
                    many::insert(session, into, events.iter().map(row).collect(), 1).await?;
                    Ok(true)
                })
            })
            .await
    }

    /// For whom something waits that is due. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn due_webhooks(&self, now: Timestamp) -> Result<Vec<DueWebhook>> {
        let sql = "SELECT w.id, w.url, w.secret FROM webhook w WHERE w.disabled_at IS NULL AND EXISTS \
                   (SELECT 1 FROM delivery d WHERE d.webhook_id = w.id AND d.state = 'waiting' AND d.due_at <= ?) \
                   LIMIT 200";
        let read = |row: &Row| {
            Ok(DueWebhook {
                id: column(row, "id")?,
                url: column(row, "url")?,
                secret: column(row, "secret")?,
            })
        };
        self.database.list(sql, [now.millis().into()], read).await
    }

    /// Takes the next of what somebody is to be told and is due; should nothing become of it, others may take it when the lease
    /// is over. Two statements, one when there is none.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn claim_delivery(
        &self,
        hook: i64,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<DeliveryRow>> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "SELECT * FROM delivery WHERE webhook_id = ? AND state = 'waiting' AND due_at <= ? \
                               ORDER BY due_at, id LIMIT 1";
                    let Some(row) = session.row(sql, [hook.into(), now.millis().into()]).await? else {
                        return Ok(None);
                    };
                    let mut delivery = DeliveryRow::read(&row)?;
                    let sql = "UPDATE delivery SET attempts = attempts + 1, due_at = ? \
                               WHERE id = ? AND attempts = ? AND state = 'waiting'";
                    let values = [now.after(lease).millis(), delivery.id, delivery.attempts].map(Value::from);
                    let is_taken = session.change(sql, values).await? > 0;
                    delivery.attempts += 1;
                    Ok(is_taken.then_some(delivery))
                })
            })
            .await
    }

    /// What came of an attempt: it has arrived, or is tried again at a moment, or never. Two statements, one when another
    /// attempt was made since.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn delivery_ended(
        &self,
        (hook, delivery, attempts): (i64, i64, i64),
        outcome: String,
        then: Then,
        now: Timestamp,
    ) -> Result<()> {
        self.database
            .write(move |session| {
                let outcome = outcome.clone();
                Box::pin(async move {
                    let sql = "UPDATE delivery SET state = ?, due_at = ?, outcome = ? \
                               WHERE id = ? AND attempts = ? AND state = 'waiting'";
                    let (state, due) = match then {
                        Then::Arrived => ("sent", now),
                        Then::Again(at) => ("waiting", at),
                        Then::Never => ("failed", now),
                    };
                    let values: [Value; 5] =
                        [state.into(), due.millis().into(), outcome.into(), delivery.into(), attempts.into()];
                    if session.change(sql, values).await? == 0 {
                        return Ok(());
                    }
                    let (sql, values): (&str, Vec<Value>) = match then {
                        Then::Arrived => {
                            ("UPDATE webhook SET failing_since = NULL WHERE id = ?", vec![hook.into()])
                        }
                        Then::Again(_) | Then::Never => (
                            "UPDATE webhook SET disabled_at = CASE WHEN failing_since <= ? AND EXISTS (SELECT 1 FROM delivery d \
                             WHERE d.webhook_id = webhook.id AND d.state = 'failed' AND d.due_at > ?) \
                             THEN ? ELSE disabled_at END, \
                             failing_since = COALESCE(failing_since, ?) WHERE id = ?",
                            vec![
                                now.before(PATIENCE).millis().into(),
                                now.before(PATIENCE).millis().into(),
                                now.millis().into(),
                                now.millis().into(),
                                hook.into(),
                            ],
                        ),
                    };
                    session.change(sql, values).await.map(|_| ())
                })
            })
            .await
    }

    /// Forgets what was put into the outbox before a moment, at most 1,000 at once; false when nothing is left of that. One
    /// statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn forget_deliveries(&self, before: Timestamp) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move { many::forget(session, "delivery", "created_at", before).await })
            })
            .await
    }
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It has arrived.
    Arrived,
    /// It is tried again then.
    Again(Timestamp),
    /// It is not tried again by itself.
    Never,
}

/// Events after a place, up to the first that may not be the next one yet: their places, when they happened, and what is told
/// of them. One statement.
async fn happened(session: &Session, since: &Told, until: Timestamp) -> Result<Vec<(i64, i64, ExportedRow)>> {
    let Source { from, place, at, columns } = source(since.event);
    let names: Vec<_> = columns.iter().map(|(name, _)| format!("x.{name}")).collect();
    let sql = format!(
        "SELECT {place} AS place, {at} AS happened_at, {} FROM {from} x WHERE {place} > ? ORDER BY {place} LIMIT {AT_ONCE}",
        names.join(", ")
    );
    let read = |row: &Row| {
        let mut told = Map::new();
        for (name, kind) in columns {
            told.insert((*name).to_owned(), kind.json(row, name)?.unwrap_or_default());
        }
        Ok((column(row, "place")?, column(row, "happened_at")?, told))
    };
    let rows = session.rows(&sql, [since.place.into()]).await?;
    let mut events = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    let ready = events.iter().take_while(|(_, at, _)| *at <= until.millis()).count();
    events.truncate(ready);
    Ok(events)
}
