//! Which objects belong to which video, with what they must contain. The bytes are in `blobs`.

use std::collections::HashSet;

use domain::{Result, VideoId};
use sea_orm::Value;

use crate::Store;
use crate::row::{Row, column};
use crate::session::Session;

/// What was uploaded, when it cannot be played as it is.
pub const SOURCE: &str = "source";
/// What was uploaded in a clean file, which plays until the renditions are ready.
pub const REMUX: &str = "remux";
/// The rendition that plays first.
pub const FIRST_RENDITION: &str = "720p";
/// What was replaced and is deleted soon.
pub const RETIRED: &str = "retired";
/// What is about to be stored: known before it exists, so that a deletion knows it too.
pub const COMING: &str = "coming";

/// Objects by key after one, a page of those that have to be there, of videos and of people: what is being deleted may
/// be gone already, what is coming not yet there. Two `?`: the key, twice.
pub(crate) const NEEDED: &str = "SELECT object_key, video_id, bytes, sha256 FROM \
    (SELECT o.object_key, o.video_id, o.bytes, o.sha256 FROM video_object o JOIN video v ON v.id = o.video_id \
    WHERE o.object_key > ? AND o.role NOT IN ('retired', 'coming') AND v.state <> 'deleting' \
    ORDER BY o.object_key LIMIT 1000) ends UNION ALL SELECT object_key, 0, bytes, sha256 FROM \
    (SELECT object_key, bytes, sha256 FROM user_object WHERE object_key > ? ORDER BY object_key LIMIT 1000) few \
    ORDER BY object_key LIMIT 1000";

/// An object that was stored and is about to get its row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewObject {
    /// Where it lies.
    pub key: String,
    /// What it is to its video; of each there is one.
    pub role: String,
    /// Its length.
    pub bytes: i64,
    /// The SHA-256 of its content.
    pub sha256: Vec<u8>,
    /// How it is shown.
    pub shape: Shape,
}

impl NewObject {
    /// Whether this is one of the sizes a video is offered in.
    pub(crate) fn is_rendition(&self) -> bool {
        self.shape.bits_per_second > 0 && !self.role.contains('.')
    }
}

/// How a rendition or a storyboard is shown; nothing of any other object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// In pixels.
    pub width: i64,
    /// In pixels.
    pub height: i64,
    /// On average.
    pub bits_per_second: i64,
    /// Of a rendition its codecs as RFC 6381 names them, of a storyboard its grid: `COLUMNSxROWS@SECONDS`.
    pub format: Option<String>,
}

/// An object some video needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRow {
    /// Where it lies.
    pub key: String,
    /// The video it belongs to; 0 for a picture of a person.
    pub video_id: i64,
    /// Its length.
    pub bytes: i64,
    /// The SHA-256 of its content.
    pub sha256: Vec<u8>,
}

impl Store {
    /// Objects by key after `after`, at most 1,000: one page of all that have to be there. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn objects(&self, after: &str) -> Result<Vec<ObjectRow>> {
        self.database.list(NEEDED, [after.into(), after.into()], read).await
    }

    /// Which of at most 1,000 keys some video, person or upload needs. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn known_objects(&self, keys: &[String]) -> Result<HashSet<String>> {
        // An empty list of values is no SQL.
        if keys.is_empty() {
            return Ok(HashSet::new());
        }
        let holes = vec!["?"; keys.len()].join(", ");
        let sql = format!(
            "SELECT object_key FROM video_object WHERE object_key IN ({holes}) \
             UNION ALL SELECT object_key FROM user_object WHERE object_key IN ({holes}) \
             UNION ALL SELECT object_key FROM upload_part WHERE object_key IN ({holes}) LIMIT 3000"
        );
        let values: Vec<Value> = [keys, keys, keys].concat().into_iter().map(Into::into).collect();
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

/// Adds rows for all of a video's new objects. One statement, none for no object.
pub(crate) async fn insert(session: &Session, video: VideoId, objects: &[NewObject]) -> Result<()> {
    if objects.is_empty() {
        return Ok(());
    }
    let rows = vec!["(?, ?, ?, ?, ?, ?, ?, ?, ?)"; objects.len()].join(", ");
    let sql = format!(
        "INSERT INTO video_object (object_key, video_id, role, bytes, sha256, width, height, bits_per_second, format) \
         VALUES {rows}"
    );
    let values = objects.iter().flat_map(|NewObject { key, role, bytes, sha256, shape }| -> [Value; 9] {
        [
            key.as_str().into(),
            video.get().into(),
            role.as_str().into(),
            (*bytes).into(),
            sha256.clone().into(),
            shape.width.into(),
            shape.height.into(),
            shape.bits_per_second.into(),
            shape.format.clone().into(),
        ]
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
