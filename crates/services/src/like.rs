//! The like service, which also keeps bookmarks.

use domain::{Call, Result, Timestamp, UserId, VideoId};
use proto::{Done, LikeService, LikeVideoRequest, ListBookmarksRequest, ListLikedVideosRequest, VideoList};
use store::Store;

use crate::card;

/// Who likes what, and wants to find what again.
pub struct Likes {
    /// Where the likes are.
    pub store: Store,
}

#[async_trait::async_trait]
impl LikeService for Likes {
    async fn like_video(&self, call: &Call, request: LikeVideoRequest) -> Result<Done> {
        let video = VideoId::parse(request.video_id)?;
        self.store.like_video(call.viewer()?, video, Timestamp::now()).await?;
        Ok(Done {})
    }

    async fn unlike_video(&self, call: &Call, request: LikeVideoRequest) -> Result<Done> {
        let video = VideoId::parse(request.video_id)?;
        self.store.unlike_video(call.viewer()?, video).await?;
        Ok(Done {})
    }

    async fn bookmark_video(&self, call: &Call, request: LikeVideoRequest) -> Result<Done> {
        let video = VideoId::parse(request.video_id)?;
        self.store.bookmark(call.viewer()?, video, Timestamp::now()).await?;
        Ok(Done {})
    }

    async fn unbookmark_video(&self, call: &Call, request: LikeVideoRequest) -> Result<Done> {
        self.store.unbookmark(call.viewer()?, VideoId::parse(request.video_id)?).await?;
        Ok(Done {})
    }

    async fn list_bookmarks(&self, call: &Call, request: ListBookmarksRequest) -> Result<VideoList> {
        Ok(card::videos(self.store.bookmarks(call.viewer()?, card::slice(request.slice)).await?))
    }

    async fn list_liked_videos(&self, call: &Call, request: ListLikedVideosRequest) -> Result<VideoList> {
        let user = UserId::parse(request.user_id)?;
        Ok(card::videos(self.store.liked_videos(user, call.viewer, card::slice(request.slice)).await?))
    }
}
