//! Links by which a video is seen for a while, whoever may see it otherwise.

use domain::{Error, Result, Timestamp, UserId, VideoId};
use sea_orm::Value;

use crate::Store;
use crate::card::column;
use crate::coalesce::many;
use crate::row::Row;

/// The most links of a video that hold at once.
const MOST: i64 = 20;

/// A link, without the word that is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareRow {
    /// Its number.
    pub id: i64,
    /// UTC milliseconds.
    pub created_at: i64,
    /// UTC milliseconds.
    pub expires_at: i64,
}

impl Store {
    /// Makes a link to a video of this author, whose word has this hash; its number. Two statements, one when refused.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when the author has none of that number; [`Error::Invalid`] when it has 20 links already.
    pub async fn share_video(
        &self,
        author: UserId,
        video: VideoId,
        word: [u8; 32],
        (now, until): (Timestamp, Timestamp),
    ) -> Result<i64> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "SELECT (SELECT COUNT(*) FROM share s WHERE s.video_id = v.id AND s.expires_at > ?) AS links \
                               FROM video v WHERE v.id = ? AND v.author_id = ? AND v.state NOT IN ('deleting', 'gone') \
                               LIMIT 1";
                    let values = [now.millis(), video.get(), author.get()].map(Value::from);
                    let row = session.row(sql, values).await?.ok_or(Error::VideoNotFound(video))?;
                    if column::<i64>(&row, "links")? >= MOST {
                        let problem = format!("has {MOST} links already: end one");
                        return Err(Error::Invalid { name: "id".into(), problem });
                    }
                    let sql = "INSERT INTO share (video_id, sha256, created_at, expires_at) VALUES (?, ?, ?, ?)";
                    let values: [Value; 4] = [
                        video.get().into(),
                        word.to_vec().into(),
                        now.millis().into(),
                        until.millis().into(),
                    ];
                    session.insert(sql, values).await
                })
            })
            .await
    }

    /// Links to a video of this author that still hold, the latest first. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn shares(&self, author: UserId, video: VideoId, now: Timestamp) -> Result<Vec<ShareRow>> {
        let sql = "SELECT s.id, s.created_at, s.expires_at FROM share s JOIN video v ON v.id = s.video_id \
                   WHERE s.video_id = ? AND v.author_id = ? AND s.expires_at > ? ORDER BY s.id DESC LIMIT 20";
        let values = [video.get(), author.get(), now.millis()].map(Value::from);
        let read = |row: &Row| {
            Ok(ShareRow {
                id: column(row, "id")?,
                created_at: column(row, "created_at")?,
                expires_at: column(row, "expires_at")?,
            })
        };
        self.database.list(sql, values, read).await
    }

    /// Ends a link to a video of this author. One statement.
    ///
    /// # Errors
    /// [`Error::ShareNotFound`].
    pub async fn end_share(&self, author: UserId, video: VideoId, share: i64) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "DELETE FROM share WHERE id = ? AND video_id = \
                               (SELECT id FROM video WHERE id = ? AND author_id = ?)";
                    let values = [share, video.get(), author.get()].map(Value::from);
                    match session.change(sql, values).await? {
                        0 => Err(Error::ShareNotFound),
                        _ => Ok(()),
                    }
                })
            })
            .await
    }

    /// Forgets links that have ended, at most 1,000 at once; false when nothing is left of them. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn forget_shares(&self, now: Timestamp) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move { many::forget(session, "share", "expires_at", now).await })
            })
            .await
    }
}
