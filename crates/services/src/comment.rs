//! The comment service.

use domain::{Call, CommentId, Content, Result, Timestamp, VideoId};
use proto::{
    AddCommentRequest, Comment, CommentCount, CommentList, CommentService, CountCommentsRequest,
    DeleteCommentRequest, Done, ListCommentsRequest,
};
use store::{CommentRow, Store};

use crate::card;

/// What people say under videos.
pub struct Comments {
    /// Where the comments are.
    pub store: Store,
}

#[async_trait::async_trait]
impl CommentService for Comments {
    async fn add_comment(&self, call: &Call, request: AddCommentRequest) -> Result<Comment> {
        let video = VideoId::parse(request.video_id)?;
        let content = Content::parse(&request.content)?;
        let row = self.store.add_comment(call.viewer()?, video, content, Timestamp::now()).await?;
        Ok(comment(row))
    }

    async fn delete_comment(&self, call: &Call, request: DeleteCommentRequest) -> Result<Done> {
        let video = VideoId::parse(request.video_id)?;
        let comment = CommentId::parse(request.comment_id)?;
        self.store.delete_comment(call.viewer()?, video, comment).await?;
        Ok(Done {})
    }

    async fn list_comments(&self, call: &Call, request: ListCommentsRequest) -> Result<CommentList> {
        let rows = self
            .store
            .comments(VideoId::parse(request.video_id)?, call.viewer, card::slice(request.slice))
            .await?;
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
    }
}
