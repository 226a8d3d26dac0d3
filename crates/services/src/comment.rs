//! The comment service.

use domain::{Call, CommentId, Content, Result, Timestamp, VideoId};
use proto::{
    AddCommentRequest, Comment, CommentCount, CommentList, CommentService, CountCommentsRequest,
    DeleteCommentRequest, Done, LikeCommentRequest, ListCommentsRequest, RemoveCommentRequest,
    UnlikeCommentRequest,
};
use store::{CommentRow, Store, Thread};

use crate::{Admins, card};

/// What people say under videos.
pub struct Comments {
    /// Where the comments are.
    pub store: Store,
    /// Who administrates.
    pub admins: Admins,
}

#[async_trait::async_trait]
impl CommentService for Comments {
    async fn add_comment(&self, call: &Call, request: AddCommentRequest) -> Result<Comment> {
        let video = VideoId::parse(request.video_id)?;
        let content = Content::parse(&request.content)?;
        let parent = Some(request.parent_id).filter(|id| *id != 0).map(CommentId::parse).transpose()?;
        let row = self.store.add_comment(call.viewer()?, video, parent, content, Timestamp::now()).await?;
        Ok(comment(row))
    }

    async fn delete_comment(&self, call: &Call, request: DeleteCommentRequest) -> Result<Done> {
        let video = VideoId::parse(request.video_id)?;
        let comment = CommentId::parse(request.comment_id)?;
        self.store.delete_comment(call.viewer()?, video, comment, request.moderate).await?;
        Ok(Done {})
    }

    async fn remove_comment(&self, call: &Call, request: RemoveCommentRequest) -> Result<Done> {
        let admin = self.admins.the(call).await?;
        let (video, comment) = (VideoId::parse(request.video_id)?, CommentId::parse(request.comment_id)?);
        self.store.remove_comment(admin, video, comment, Timestamp::now()).await?;
        Ok(Done {})
    }

    async fn like_comment(&self, call: &Call, request: LikeCommentRequest) -> Result<Done> {
        let (video, comment) = (VideoId::parse(request.video_id)?, CommentId::parse(request.comment_id)?);
        self.store.like_comment(call.viewer()?, video, comment, Timestamp::now()).await?;
        Ok(Done {})
    }

    async fn unlike_comment(&self, call: &Call, request: UnlikeCommentRequest) -> Result<Done> {
        let (video, comment) = (VideoId::parse(request.video_id)?, CommentId::parse(request.comment_id)?);
        self.store.unlike_comment(call.viewer()?, video, comment).await?;
        Ok(Done {})
    }

    async fn list_comments(&self, call: &Call, request: ListCommentsRequest) -> Result<CommentList> {
        let video = VideoId::parse(request.video_id)?;
        let which = match request.parent_id {
            None => Thread::All,
            Some(0) => Thread::Roots,
            Some(comment) => Thread::RepliesTo(CommentId::parse(comment)?),
        };
        let rows = self.store.comments(video, call.viewer, which, card::slice(request.slice)).await?;
        Ok(CommentList { next: rows.next, comments: rows.into_iter().map(comment).collect() })
    }

    async fn count_comments(&self, call: &Call, request: CountCommentsRequest) -> Result<CommentCount> {
        Ok(CommentCount {
            count: self.store.comment_count(VideoId::parse(request.video_id)?, call.viewer).await?,
        })
    }
}

fn comment(row: CommentRow) -> Comment {
    Comment {
        id: row.id,
        author: Some(card::user(row.author)),
        content: row.content,
        created_at: row.created_at,
        parent_id: row.parent.unwrap_or(0),
        reply_count: row.reply_count,
        like_count: row.like_count,
        is_liked: row.is_liked,
    }
}
