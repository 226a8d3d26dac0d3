//! Likes: who liked what, and how many. Ranking is the feed's.

use domain::{Result, Timestamp, UserId, VideoId};
use sea_orm::Value;

use crate::Store;
use crate::card::{VideoCard, read_all, rows_limit, video_columns, video_joins};
use crate::session::Session;
use crate::user::{must_exist, number};

impl Store {
    /// Likes a video; a repeated like changes nothing. Four statements, two when repeated; on MySQL one more.
    ///
    /// # Errors
    /// [`domain::Error::VideoNotFound`] when there is no published video of that number.
    pub async fn like_video(&self, viewer: UserId, video: VideoId, now: Timestamp) -> Result<()> {
        self.write(move |session| {
            Box::pin(async move {
                let author = session.hold_published(video).await?;
                session.hold_users(viewer, author).await?;
                let sql = "INSERT INTO video_like (user_id, video_id, created_at) VALUES (?, ?, ?)";
                let values = [viewer.get().into(), video.get().into(), now.millis().into()];
                if session.insert_new(sql, values).await?.is_some() {
                    count(session, viewer, author, video, 1).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Takes a like back; without one nothing changes. Four statements, two when there is none; on MySQL
    /// one more.
    ///
    /// # Errors
    /// [`domain::Error::VideoNotFound`] when there is no published video of that number.
    pub async fn unlike_video(&self, viewer: UserId, video: VideoId) -> Result<()> {
        self.write(move |session| {
            Box::pin(async move {
                let author = session.hold_published(video).await?;
                session.hold_users(viewer, author).await?;
                let sql = "DELETE FROM video_like WHERE user_id = ? AND video_id = ?";
                let gone = session.change(sql, [viewer.get().into(), video.get().into()]).await?;
                if gone > 0 {
                    count(session, viewer, author, video, -1).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// What a user likes, the most recent like first, at most 500. Two statements.
    ///
    /// # Errors
    /// [`domain::Error::UserNotFound`].
    pub async fn liked_videos(&self, user: UserId, viewer: Option<UserId>) -> Result<Vec<VideoCard>> {
        let session = self.read();
        must_exist(&session, user).await?;
        let sql = concat!(
            "SELECT ",
            video_columns!(),
            " FROM video_like l JOIN video v ON v.id = l.video_id ",
            video_joins!(),
            " WHERE l.user_id = ? AND v.published_at IS NOT NULL ORDER BY l.id DESC LIMIT ?"
        );
        let values = [number(viewer), number(viewer), user.get().into(), rows_limit()];
        read_all(&session.rows(sql, values).await?, VideoCard::read)
    }
}

/// Invariant: the counters equal the rows of video_like; both change in this transaction.
async fn count(session: &Session, viewer: UserId, author: UserId, video: VideoId, by: i64) -> Result<()> {
    let sql = "UPDATE video_stat SET like_count = like_count + ? WHERE video_id = ?";
    session.change(sql, [by.into(), video.get().into()]).await?;
    // One statement for both people, who may be the same one.
    let sql = "UPDATE user_stat SET liked_count = liked_count + ? * (user_id = ?), \
               received_like_count = received_like_count + ? * (user_id = ?) WHERE user_id IN (?, ?)";
    let (viewer, author) = (viewer.get(), author.get());
    let values: [Value; 6] =
        [by.into(), viewer.into(), by.into(), author.into(), viewer.into(), author.into()];
    session.change(sql, values).await?;
    Ok(())
}
