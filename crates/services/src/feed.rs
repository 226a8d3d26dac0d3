//! The feed service: newest first.

use domain::{Call, Result, Timestamp};
use proto::{FeedService, ListFeedRequest, ListFeedResponse};
use store::Store;

use crate::card;

/// What to watch next.
pub struct Feed {
    /// Where the videos are.
    pub store: Store,
}

#[async_trait::async_trait]
impl FeedService for Feed {
    async fn list_feed(&self, call: &Call, request: ListFeedRequest) -> Result<ListFeedResponse> {
        // Publish times run ahead of the clock when many videos appear within a millisecond: the newest
        // page has no upper end.
        let before = if request.before > 0 { request.before } else { i64::MAX };
        let cards = self.store.feed(Timestamp::from_millis(before), call.viewer).await?;
        let oldest = cards.last().and_then(|card| card.published_at);
        let next_before = oldest.unwrap_or_else(|| Timestamp::now().millis());
        Ok(ListFeedResponse { videos: card::videos(cards).videos, next_before })
    }
}
