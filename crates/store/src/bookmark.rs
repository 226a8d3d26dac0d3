//! Bookmarks: what somebody wants to find again. Nobody else sees or counts them.

use domain::{Result, Timestamp, UserId, VideoId};

use crate::Store;
use crate::card::{VideoCard, video_columns, video_joins};
use crate::slice::{Listed, Slice};
use crate::user::number;
use crate::video::sight::{visible, visible_author};

impl Store {
    /// Bookmarks a video; a second time changes nothing. Two statements.
    ///
    /// # Errors
    /// [`domain::Error::VideoNotFound`] when there is no video of that number that the viewer may see.
    pub async fn bookmark(&self, viewer: UserId, video: VideoId, now: Timestamp) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    visible_author(session, video, Some(viewer)).await?;
                    let sql = "INSERT INTO bookmark (user_id, video_id, created_at) VALUES (?, ?, ?)";
                    let values = [viewer.get().into(), video.get().into(), now.millis().into()];
                    session.insert_new(sql, values).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Takes a bookmark away; without one nothing changes. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn unbookmark(&self, viewer: UserId, video: VideoId) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "DELETE FROM bookmark WHERE user_id = ? AND video_id = ?";
                    session.change(sql, [viewer.get().into(), video.get().into()]).await?;
                    Ok(())
                })
            })
            .await
    }

    /// What a viewer has bookmarked and may still see, the latest first. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn bookmarks(&self, viewer: UserId, slice: Slice) -> Result<Listed<VideoCard>> {
        let sql = concat!(
            "SELECT b.id AS place, ",
            video_columns!(),
            " FROM bookmark b JOIN video v ON v.id = b.video_id ",
            video_joins!(),
            " WHERE b.user_id = ? AND ",
            visible!("?"),
            " AND b.id < ? ORDER BY b.id DESC LIMIT ?"
        );
        let values = std::iter::repeat_n(number(Some(viewer)), 7);
        self.database.list_part(sql, values, slice, VideoCard::read).await
    }
}
