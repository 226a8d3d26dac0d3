//! The lock order on a database where several write at once: the counters' rows first, videos before users,
//! each by number; then what is counted; then the counters, by the rows that really changed. SQLite has one
//! writer and needs none of it.

use domain::{Error, Result, UserId, VideoId};
use sea_orm::Value;

use crate::card::column;
use crate::session::Session;

impl Session {
    /// Holds two people's counters, who may be the same one. One statement on MySQL, none on SQLite.
    pub(crate) async fn hold_users(&self, one: UserId, other: UserId) -> Result<()> {
        let sql = "SELECT user_id FROM user_stat WHERE user_id IN (?, ?) ORDER BY user_id LIMIT 2 FOR UPDATE";
        self.hold(sql, [one.get().into(), other.get().into()]).await
    }

    /// Holds the counters of a video's author. One statement on MySQL, none on SQLite.
    pub(crate) async fn hold_author_of(&self, video: VideoId) -> Result<()> {
        let sql = "SELECT user_id FROM user_stat \
                   WHERE user_id = (SELECT author_id FROM video WHERE id = ?) LIMIT 1 FOR UPDATE";
        self.hold(sql, [video.get().into()]).await
    }

    /// Holds a video's counters. One statement on MySQL, none on SQLite.
    pub(crate) async fn hold_video(&self, video: VideoId) -> Result<()> {
        let sql = "SELECT video_id FROM video_stat WHERE video_id = ? LIMIT 1 FOR UPDATE";
        self.hold(sql, [video.get().into()]).await
    }

    /// Holds the counters of a video everybody may see, and tells who published it. One statement.
    pub(crate) async fn hold_published(&self, video: VideoId) -> Result<UserId> {
        let sql = "SELECT (SELECT author_id FROM video WHERE id = vs.video_id AND published_at IS NOT NULL) \
                   AS author_id FROM video_stat vs WHERE vs.video_id = ? LIMIT 1";
        let sql = if self.is_mysql() { format!("{sql} FOR UPDATE") } else { sql.to_owned() };
        let row = self.row(&sql, [video.get().into()]).await?;
        let author: Option<i64> = row.map(|row| column(&row, "author_id")).transpose()?.flatten();
        UserId::parse(author.ok_or(Error::VideoNotFound(video))?)
    }

    /// Holds every counter there is. Two statements on MySQL, none on SQLite.
    pub(crate) async fn hold_all(&self) -> Result<()> {
        if self.is_mysql() {
            // Rows that are written are held, without being sent here.
            self.change("UPDATE video_stat SET like_count = like_count ORDER BY video_id", []).await?;
            self.change("UPDATE user_stat SET work_count = work_count ORDER BY user_id", []).await?;
        }
        Ok(())
    }

    async fn hold(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<()> {
        if self.is_mysql() {
            self.rows(sql, values).await?;
        }
        Ok(())
    }
}
