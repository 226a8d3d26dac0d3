//! The lock order on a database where several write at once: the counters' rows first, videos before users,
//! each by number; then what is counted; then the counters, by the rows that really changed. SQLite has one
//! writer and needs none of it.
//!
//! Likes alone hold videos in the statement that looks for what is stored, and take people's counters last, in
//! the statement that changes them, which goes through the table in the order of its key: nobody who holds
//! people's counters waits for what a like holds.

use std::collections::{BTreeSet, HashSet};

use domain::{Result, UserId, VideoId};
use sea_orm::Value;

use crate::card::column;
use crate::coalesce::many;
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

    /// Holds the counters of people. One statement on MySQL, none on SQLite.
    pub(crate) async fn hold_people(&self, people: impl Iterator<Item = UserId>) -> Result<()> {
        if !self.is_mysql() {
            return Ok(());
        }
        let people = many::filled(people.map(UserId::get).collect::<BTreeSet<_>>());
        let sql = format!(
            "SELECT user_id FROM user_stat WHERE user_id IN {} ORDER BY user_id LIMIT {} FOR UPDATE",
            many::list(people.len()),
            people.len()
        );
        self.rows(&sql, people.into_iter().map(Into::into)).await?;
        Ok(())
    }

    /// Holds the counters of videos and tells which of these everybody may see, and by how much the numbers of
    /// inserted rows grow. One statement.
    pub(crate) async fn hold_published(
        &self,
        videos: impl Iterator<Item = VideoId>,
    ) -> Result<(HashSet<VideoId>, i64)> {
        let videos = many::filled(videos.collect::<BTreeSet<_>>());
        let sql = format!(
            "SELECT vs.video_id, {} AS step, (SELECT author_id FROM video WHERE id = vs.video_id \
             AND published_at IS NOT NULL) AS author_id FROM video_stat vs WHERE vs.video_id IN {} \
             ORDER BY vs.video_id LIMIT {}{}",
            many::step(self),
            many::list(videos.len()),
            videos.len(),
            if self.is_mysql() { " FOR UPDATE" } else { "" }
        );
        let (mut published, mut step) = (HashSet::new(), 1);
        for row in self.rows(&sql, videos.iter().map(|video| video.get().into())).await? {
            step = column(&row, "step")?;
            if column::<Option<i64>>(&row, "author_id")?.is_some() {
                published.insert(VideoId::parse(column(&row, "video_id")?)?);
            }
        }
        Ok((published, step))
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
