//! The lock order on a database where several write at once: the counters' rows first, videos before users,
//! each by number; then what is counted; then the counters, by the rows that really changed. SQLite has one
//! writer and needs none of it.
//!
//! Likes alone hold videos in the statement that looks for what is stored, and take people's counters last, in
//! the statement that changes them, which goes through the table in the order of its key: nobody who holds
//! people's counters waits for what a like holds.

use std::collections::{BTreeSet, HashMap};

use domain::{Result, UserId, VideoId};
use sea_orm::Value;

use crate::card::column;
use crate::coalesce::many;
use crate::session::Session;
use crate::video::sight::visible;

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

    /// Holds the counters of videos and tells which of these viewers may see which and who published it, and by how
    /// much the numbers of inserted rows grow. One statement.
    pub(crate) async fn hold_visible(
        &self,
        pairs: impl Iterator<Item = (UserId, VideoId)>,
    ) -> Result<(HashMap<(UserId, VideoId), i64>, i64)> {
        let turned = pairs.map(|(viewer, video)| (video.get(), viewer.get()));
        let pairs = many::filled(turned.collect::<BTreeSet<_>>());
        // LEFT, so that the pairs come first, in their order, and each is two look-ups.
        let sql = format!(
            "SELECT pairs.one, pairs.other, {} AS step, (SELECT v.author_id FROM video v WHERE v.id = vs.video_id AND {}) \
             AS author FROM {} pairs LEFT JOIN video_stat vs ON vs.video_id = pairs.other LIMIT {}{}",
            many::step(self),
            visible!("pairs.one"),
            many::pairs(pairs.len()),
            pairs.len(),
            if self.is_mysql() { " FOR UPDATE" } else { "" }
        );
        let values = pairs.iter().flat_map(|(video, viewer)| [(*viewer).into(), (*video).into()]);
        let (mut visible, mut step) = (HashMap::new(), 1);
        for row in self.rows(&sql, values).await? {
            step = column(&row, "step")?;
            let pair = (UserId::parse(column(&row, "one")?)?, VideoId::parse(column(&row, "other")?)?);
            visible.extend(column::<Option<i64>>(&row, "author")?.map(|author| (pair, author)));
        }
        Ok((visible, step))
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
