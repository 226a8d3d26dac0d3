//! Pages of the feed: newest first by publish time. What else could rank a feed is not here.

use domain::limits::FEED_PAGE;
use domain::{Result, Timestamp, UserId};

use crate::Store;
use crate::card::{VideoCard, read_all, video_columns, video_joins};
use crate::user::number;

impl Store {
    /// The newest published videos before a moment, strictly. One statement at any page length.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn feed(&self, before: Timestamp, viewer: Option<UserId>) -> Result<Vec<VideoCard>> {
        let sql = concat!(
            "SELECT ",
            video_columns!(),
            " FROM video v ",
            video_joins!(),
            " WHERE v.published_at < ? ORDER BY v.published_at DESC LIMIT ?"
        );
        let page = u64::try_from(FEED_PAGE).unwrap_or(u64::MAX);
        let values = [number(viewer), number(viewer), before.millis().into(), page.into()];
        read_all(&self.read().rows(sql, values).await?, VideoCard::read)
    }
}
