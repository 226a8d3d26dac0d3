//! The comment service.

use domain::{Call, CommentId, Content, Error, Result, Timestamp, VideoId, WordAction};
use proto::{
    AddCommentRequest, Comment, CommentCount, CommentList, CommentService, CountCommentsRequest,
    DecideHeldCommentRequest, DeleteCommentRequest, DeleteWordRequest, Done, HeldComment, HeldCommentList,
    LikeCommentRequest, ListCommentsRequest, ListHeldCommentsRequest, ListWordsRequest, PutWordRequest,
    RemoveCommentRequest, UnlikeCommentRequest, UnwantedWord, WordList,
};
use store::{CommentRow, Store, Thread, WordRow};

use crate::{Admins, Words, card};

/// What people say under videos.
pub struct Comments {
    /// Where the comments are.
    pub store: Store,
    /// Who administrates.
    pub admins: Admins,
    /// What the site does not want to read.
    pub words: Words,
}

#[async_trait::async_trait]
impl CommentService for Comments {
    async fn add_comment(&self, call: &Call, request: AddCommentRequest) -> Result<Comment> {
        let video = VideoId::parse(request.video_id)?;
        let content = Content::parse(&request.content)?;
        let parent = Some(request.parent_id).filter(|id| *id != 0).map(CommentId::parse).transpose()?;
        let (viewer, now) = (call.viewer()?, Timestamp::now());
        if let Some(word) = self.words.admit("content", content.as_str()).await? {
            self.store.hold_comment(viewer, (video, parent), content, word, now).await?;
            return Ok(Comment { is_held: true, ..Comment::default() });
        }
        Ok(comment(self.store.add_comment(viewer, video, parent, content, now).await?))
    }

    async fn list_held_comments(
        &self,
        call: &Call,
        request: ListHeldCommentsRequest,
    ) -> Result<HeldCommentList> {
        let owner = match request.all {
            true => self.admins.the(call).await.map(|_admin| None)?,
            false => Some(call.viewer()?),
        };
        let found = self.store.held_comments(owner, card::slice(request.slice)).await?;
        Ok(HeldCommentList { next: found.next, comments: found.into_iter().map(held).collect() })
    }

    async fn decide_held_comment(&self, call: &Call, request: DecideHeldCommentRequest) -> Result<Done> {
        let DecideHeldCommentRequest { held_id, show } = request;
        let owner = self.store.owner_of_held(held_id).await?;
        if call.viewer()? != owner && self.admins.the(call).await.is_err() {
            return Err(Error::HeldCommentNotFound);
        }
        match show {
            true => drop(self.store.release_comment(held_id, Timestamp::now()).await?),
            false => self.store.drop_comment(held_id).await?,
        }
        Ok(Done {})
    }

    async fn list_words(&self, call: &Call, _request: ListWordsRequest) -> Result<WordList> {
        self.admins.the(call).await?;
        Ok(WordList { words: self.store.words().await?.into_iter().map(word).collect() })
    }

    async fn put_word(&self, call: &Call, request: PutWordRequest) -> Result<UnwantedWord> {
        let admin = self.admins.the(call).await?;
        let (wanted, action) =
            (domain::UnwantedWord::parse(&request.word)?, WordAction::parse(&request.action)?);
        let now = Timestamp::now();
        let id = self.store.put_word(admin, wanted.clone(), action, now).await?;
        let (word, action) = (wanted.as_str().to_owned(), action.as_str().to_owned());
        Ok(UnwantedWord { id, word, action, created_at: now.millis() })
    }

    async fn delete_word(&self, call: &Call, request: DeleteWordRequest) -> Result<Done> {
        let admin = self.admins.the(call).await?;
        self.store.delete_word(admin, request.word_id, Timestamp::now()).await?;
        Ok(Done {})
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
        is_held: false,
    }
}

fn held(row: store::HeldComment) -> HeldComment {
    HeldComment {
        id: row.id,
        author: Some(card::user(row.author)),
        video_id: row.video,
        parent_id: row.parent.unwrap_or(0),
        content: row.content,
        word: row.word,
        created_at: row.created_at,
    }
}

fn word(row: WordRow) -> UnwantedWord {
    UnwantedWord {
        id: row.id,
        word: row.word,
        action: row.action.as_str().to_owned(),
        created_at: row.created_at,
    }
}
