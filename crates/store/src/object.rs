//! Which objects belong to which video, with what they must contain. The bytes are in `blobs`.

use std::collections::HashSet;

use domain::{Result, VideoId};
use sea_orm::Value;

use crate::Store;
use crate::row::{Row, column};
use crate::session::Session;

/// An object that was stored and is about to get its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewObject {
    /// Where it lies.
    pub key: String,
    /// Its length.
    pub bytes: i64,
    /// The SHA-256 of its content.
    pub sha256: Vec<u8>,
}

/// An object some video needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRow {
    /// Where it lies.
    pub key: String,
    /// The video it belongs to.
    pub video_id: i64,
    /// Its length.
    pub bytes: i64,
    /// The SHA-256 of its content.
    pub sha256: Vec<u8>,
}

impl Store {
    /// Objects by key after `after`, at most 1,000: one page of all of them. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn objects(&self, after: &str) -> Result<Vec<ObjectRow>> {
        let sql = "SELECT object_key, video_id, bytes, sha256 FROM video_object WHERE object_key > ? \
                   ORDER BY object_key LIMIT 1000";
        self.database.list(sql, [after.into()], read).await
    }

    /// Which of at most 1,000 keys some video needs. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn known_objects(&self, keys: &[String]) -> Result<HashSet<String>> {
        // An empty list of values is no SQL.
        if keys.is_empty() {
            return Ok(HashSet::new());
        }
        let holes = vec!["?"; keys.len()].join(", ");
        let sql = format!("SELECT object_key FROM video_object WHERE object_key IN ({holes}) LIMIT 1000");
        let values: Vec<Value> = keys.iter().map(|key| key.as_str().into()).collect();
        self.database
            .read(move |session| {
                Box::pin(async move {
                    let rows = session.rows(&sql, values).await?;
                    rows.iter().map(|row| column(row, "object_key")).collect()
                })
            })
            .await
    }
}

/// Adds rows for all of a video's new objects. One statement.
pub(crate) async fn insert(session: &Session, video: VideoId, objects: &[NewObject]) -> Result<()> {
    let rows = vec!["(?, ?, ?, ?)"; objects.len()].join(", ");
    let sql = format!("INSERT INTO video_object (object_key, video_id, bytes, sha256) VALUES {rows}");
    let values = objects.iter().flat_map(|object| -> [Value; 4] {
        [object.key.as_str().into(), video.get().into(), object.bytes.into(), object.sha256.clone().into()]
    });
    session.change(&sql, values.collect::<Vec<_>>()).await?;
    Ok(())
}

fn read(row: &Row) -> Result<ObjectRow> {
    Ok(ObjectRow {
        key: column(row, "object_key")?,
        video_id: column(row, "video_id")?,
        bytes: column(row, "bytes")?,
        sha256: column(row, "sha256")?,
    })
}
