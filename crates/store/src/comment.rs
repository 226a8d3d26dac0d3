//! Comments under videos. Who may delete one is part of the statement that deletes it.

use domain::{CommentId, Content, Error, Result, Timestamp, UserId, VideoId};
use sea_orm::QueryResult;

use crate::Store;
use crate::card::{UserCard, column, read_all, rows_limit, user_columns};
use crate::session::Session;
use crate::user::{card, number};
use crate::video::published_author;

/// A comment with its author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentRow {
    /// The comment's number.
    pub id: i64,
    /// Who wrote it.
    pub author: UserCard,
    /// What it says.
    pub content: String,
    /// UTC milliseconds.
    pub created_at: i64,
}

impl Store {
    /// Adds a comment. Four statements.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when there is no published video of that number.
    pub async fn add_comment(
        &self,
        viewer: UserId,
        video: VideoId,
        content: Content,
        now: Timestamp,
    ) -> Result<CommentRow> {
        self.write(move |session| {
            Box::pin(async move {
                session.hold_published(video).await?;
                let sql =
                    "INSERT INTO comment (video_id, author_id, content, created_at) VALUES (?, ?, ?, ?)";
                let content = content.as_str().to_owned();
                let values =
                    [video.get().into(), viewer.get().into(), content.as_str().into(), now.millis().into()];
                let id = session.insert(sql, values).await?;
                count(session, video, 1).await?;
                let author = card(session, viewer, Some(viewer)).await?;
                Ok(CommentRow { id, author, content, created_at: now.millis() })
            })
        })
        .await
    }

    /// Deletes the viewer's own comment. Two statements, on MySQL one more; when refused, the last tells why.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`], [`Error::CommentNotFound`] when the video has no such comment,
    /// [`Error::PermissionDenied`] when another wrote it.
    pub async fn delete_comment(&self, viewer: UserId, video: VideoId, comment: CommentId) -> Result<()> {
        self.write(move |session| {
            Box::pin(async move {
                session.hold_video(video).await?;
                let sql = "DELETE FROM comment WHERE id = ? AND video_id = ? AND author_id = ?";
                let values = [comment.get().into(), video.get().into(), viewer.get().into()];
                if session.change(sql, values).await? == 0 {
                    return Err(why_not(session, video, comment).await?);
                }
                count(session, video, -1).await
            })
        })
        .await
    }

    /// The comments under a video, newest first, at most 500. Two statements.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when there is no published video of that number.
    pub async fn comments(&self, video: VideoId, viewer: Option<UserId>) -> Result<Vec<CommentRow>> {
        let session = self.read();
        published_author(&session, video).await?;
        let sql = concat!(
            "SELECT c.id AS comment_id, c.content, c.created_at, ",
            user_columns!(),
            " FROM comment c LEFT JOIN user u ON u.id = c.author_id \
             LEFT JOIN user_stat us ON us.user_id = u.id WHERE c.video_id = ? ORDER BY c.id DESC LIMIT ?"
        );
        let rows = session.rows(sql, [number(viewer), video.get().into(), rows_limit()]).await?;
        read_all(&rows, read)
    }

    /// How many comments a video has. One statement.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when there is no published video of that number.
    pub async fn comment_count(&self, video: VideoId) -> Result<i64> {
        let sql = "SELECT vs.comment_count FROM video v JOIN video_stat vs ON vs.video_id = v.id \
                   WHERE v.id = ? AND v.published_at IS NOT NULL LIMIT 1";
        let row = self.read().row(sql, [video.get().into()]).await?;
        column(&row.ok_or(Error::VideoNotFound(video))?, "comment_count")
    }
}

/// Why a comment was not the viewer's to delete. One statement.
async fn why_not(session: &Session, video: VideoId, comment: CommentId) -> Result<Error> {
    let sql = "SELECT c.id AS comment_id FROM video v LEFT JOIN comment c ON c.video_id = v.id AND c.id = ? \
               WHERE v.id = ? AND v.published_at IS NOT NULL LIMIT 1";
    let found = session.row(sql, [comment.get().into(), video.get().into()]).await?;
    let Some(row) = found else { return Ok(Error::VideoNotFound(video)) };
    let others: Option<i64> = column(&row, "comment_id")?;
    Ok(if others.is_some() { Error::PermissionDenied } else { Error::CommentNotFound(comment) })
}

/// Invariant: comment_count equals the rows of comment; both change in this transaction.
async fn count(session: &Session, video: VideoId, by: i64) -> Result<()> {
    let sql = "UPDATE video_stat SET comment_count = comment_count + ? WHERE video_id = ?";
    session.change(sql, [by.into(), video.get().into()]).await?;
    Ok(())
}

fn read(row: &QueryResult) -> Result<CommentRow> {
    Ok(CommentRow {
        id: column(row, "comment_id")?,
        author: UserCard::read(row)?,
        content: column(row, "content")?,
        created_at: column(row, "created_at")?,
    })
}
