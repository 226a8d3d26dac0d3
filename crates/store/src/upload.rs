//! Uploads that come in parts: how much of each has arrived, in which objects. Their bytes are in `blobs`.

use domain::{Error, Result, Timestamp, UserId};
use sea_orm::Value;

use crate::Store;
use crate::card::column;
use crate::row::{Row, read_all};
use crate::session::Session;

/// An upload on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRow {
    /// The random word in its address.
    pub name: String,
    /// How long it is to become.
    pub bytes: i64,
    /// How much of it is stored.
    pub received: i64,
    /// When it is given up.
    pub expires_at: Timestamp,
    /// What it consists of, in order.
    pub parts: Vec<UploadPart>,
}

/// A stored part of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadPart {
    /// Where in the upload it begins.
    pub start: i64,
    /// Where it lies.
    pub key: String,
    /// Its length.
    pub bytes: i64,
    /// The SHA-256 of its content.
    pub sha256: Vec<u8>,
}

impl Store {
    /// Begins an upload of `bytes`. Three statements, on MySQL one more; when refused two, on MySQL one more.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`] when the user has as many open, or would hold more bytes than granted; 0 grants
    /// any number.
    pub async fn create_upload(
        &self,
        user: UserId,
        upload: UploadRow,
        (most_open, most_bytes): (i64, i64),
        now: Timestamp,
    ) -> Result<()> {
        self.database
            .write(move |session| {
                let upload = upload.clone();
                Box::pin(async move {
                    session.hold_users(user, user).await?;
                    let sql = "SELECT COUNT(*) AS open, CAST(COALESCE(SUM(bytes), 0) AS SIGNED) AS bytes \
                               FROM upload WHERE user_id = ? LIMIT 1";
                    let row = session.row(sql, [user.get().into()]).await?;
                    let row = row.ok_or_else(|| Error::internal("a sum without a row"))?;
                    let (open, coming): (i64, i64) = (column(&row, "open")?, column(&row, "bytes")?);
                    let sql = "SELECT CAST(COALESCE(SUM(o.bytes), 0) AS SIGNED) AS bytes FROM video_object o \
                               JOIN video v ON v.id = o.video_id WHERE v.author_id = ? LIMIT 1";
                    let row = session.row(sql, [user.get().into()]).await?;
                    let held: i64 = row.map(|row| column(&row, "bytes")).transpose()?.unwrap_or(0);
                    let wanted = held.saturating_add(coming).saturating_add(upload.bytes);
                    if open >= most_open || (most_bytes > 0 && wanted > most_bytes) {
                        return Err(Error::QuotaExceeded);
                    }
                    let sql = "INSERT INTO upload (name, user_id, bytes, expires_at, created_at) VALUES (?, ?, ?, ?, ?)";
                    let values: [Value; 5] = [
                        upload.name.into(),
                        user.get().into(),
                        upload.bytes.into(),
                        upload.expires_at.millis().into(),
                        now.millis().into(),
                    ];
                    session.change(sql, values).await?;
                    Ok(())
                })
            })
            .await
    }

    /// An upload of this user that has not expired. Two statements.
    ///
    /// # Errors
    /// [`Error::UploadNotFound`].
    pub async fn upload(&self, user: UserId, name: String, now: Timestamp) -> Result<UploadRow> {
        self.database
            .read(move |session| Box::pin(async move { Ok(find(session, user, &name, now).await?.1) }))
            .await
    }

    /// Adds a part to an upload, which is then kept until another moment; says how much it has received.
    /// Two statements; three when refused.
    ///
    /// # Errors
    /// [`Error::UploadNotFound`]; [`Error::UploadMoved`] when the part does not begin where the upload ends by
    /// now, or goes beyond its length.
    pub async fn append_upload(
        &self,
        user: UserId,
        name: String,
        part: UploadPart,
        (now, expires_at): (Timestamp, Timestamp),
    ) -> Result<i64> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let end = part.start + part.bytes;
                    let sql = "UPDATE upload SET received = ?, expires_at = ? WHERE name = ? AND user_id = ? \
                               AND received = ? AND bytes >= ? AND expires_at > ?";
                    let values: [Value; 7] = [
                        end.into(),
                        expires_at.millis().into(),
                        name.as_str().into(),
                        user.get().into(),
                        part.start.into(),
                        end.into(),
                        now.millis().into(),
                    ];
                    if session.change(sql, values).await? == 0 {
                        find(session, user, &name, now).await?;
                        return Err(Error::UploadMoved);
                    }
                    let sql = "INSERT INTO upload_part (upload_id, start, object_key, bytes, sha256) \
                               SELECT id, ?, ?, ?, ? FROM upload WHERE name = ? LIMIT 1";
                    let values: [Value; 5] = [
                        part.start.into(),
                        part.key.into(),
                        part.bytes.into(),
                        part.sha256.into(),
                        name.into(),
                    ];
                    session.change(sql, values).await?;
                    Ok(end)
                })
            })
            .await
    }

    /// Forgets an upload of this user; gives the keys that may be deleted. Three statements.
    ///
    /// # Errors
    /// [`Error::UploadNotFound`].
    pub async fn end_upload(&self, user: UserId, name: String, now: Timestamp) -> Result<Vec<String>> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let (id, found) = find(session, user, &name, now).await?;
                    session.change("DELETE FROM upload WHERE id = ?", [id.into()]).await?;
                    Ok(found.parts.into_iter().map(|part| part.key).collect())
                })
            })
            .await
    }

    /// Forgets uploads whose time is over, at most 100; gives the keys that may be deleted. Two statements, one
    /// when there are none.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn forget_uploads(&self, now: Timestamp) -> Result<Vec<String>> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "SELECT u.id, p.object_key FROM upload u LEFT JOIN upload_part p ON p.upload_id = u.id \
                               WHERE u.id IN (SELECT id FROM (SELECT id FROM upload WHERE expires_at <= ? \
                               ORDER BY expires_at LIMIT 100) late) LIMIT 100000";
                    let rows = session.rows(sql, [now.millis().into()]).await?;
                    let mut ids: Vec<i64> = Vec::new();
                    let mut keys = Vec::new();
                    for row in &rows {
                        ids.push(column(row, "id")?);
                        keys.extend(column::<Option<String>>(row, "object_key")?);
                    }
                    ids.dedup();
                    if !ids.is_empty() {
                        let sql = format!("DELETE FROM upload WHERE id IN {}", crate::coalesce::many::list(ids.len()));
                        session.change(&sql, ids.into_iter().map(Value::from)).await?;
                    }
                    Ok(keys)
                })
            })
            .await
    }
}

async fn find(session: &Session, user: UserId, name: &str, now: Timestamp) -> Result<(i64, UploadRow)> {
    let sql = "SELECT id, name, bytes, received, expires_at FROM upload \
               WHERE name = ? AND user_id = ? AND expires_at > ? LIMIT 1";
    let row = session.row(sql, [name.into(), user.get().into(), now.millis().into()]).await?;
    let row = row.ok_or(Error::UploadNotFound)?;
    let id: i64 = column(&row, "id")?;
    let sql = "SELECT start, object_key, bytes, sha256 FROM upload_part WHERE upload_id = ? ORDER BY start LIMIT 100000";
    let parts = session.rows(sql, [id.into()]).await?;
    let found = UploadRow {
        name: column(&row, "name")?,
        bytes: column(&row, "bytes")?,
        received: column(&row, "received")?,
        expires_at: Timestamp::from_millis(column(&row, "expires_at")?),
        parts: read_all(&parts, UploadPart::read)?,
    };
    Ok((id, found))
}

impl UploadPart {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            start: column(row, "start")?,
            key: column(row, "object_key")?,
            bytes: column(row, "bytes")?,
            sha256: column(row, "sha256")?,
        })
    }
}
