//! Comments under videos. Who may delete one is part of the statement that deletes it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::{CommentId, Content, Error, Result, Timestamp, UserId, VideoId};
use futures_util::future::BoxFuture;
use sea_orm::Value;

use crate::Store;
use crate::card::{UserCard, column, read_all, user_columns};
use crate::changes::Touched;
use crate::coalesce::{Coalesced, Operation, Queues, many};
use crate::row::Row;
use crate::session::Session;
use crate::slice::{Listed, Slice};
use crate::user::number;
use crate::video::sight::{visible, visible_author};

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
    /// [`Error::VideoNotFound`] when there is no video of that number that the viewer may see.
    pub async fn add_comment(
        &self,
        viewer: UserId,
        video: VideoId,
        content: Content,
        now: Timestamp,
    ) -> Result<CommentRow> {
        self.write_together(NewComment { viewer, video, content, now }).await
    }

    /// Deletes the viewer's own comment. Two statements, on MySQL one more; when refused, the last tells why.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`], [`Error::CommentNotFound`] when the video has no such comment,
    /// [`Error::PermissionDenied`] when another wrote it.
    pub async fn delete_comment(&self, viewer: UserId, video: VideoId, comment: CommentId) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    session.hold_video(video).await?;
                    let sql = "DELETE FROM comment WHERE id = ? AND video_id = ? AND author_id = ?";
                    let values = [comment.get().into(), video.get().into(), viewer.get().into()];
                    if session.change(sql, values).await? == 0 {
                        return Err(why_not(session, viewer, video, comment).await?);
                    }
                    count(session, &BTreeMap::from([(video.get(), [-1])])).await
                })
            })
            .await
    }

    /// The comments under a video, newest first. Two statements.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when there is no video of that number that the viewer may see.
    pub async fn comments(
        &self,
        video: VideoId,
        viewer: Option<UserId>,
        slice: Slice,
    ) -> Result<Listed<CommentRow>> {
        let sql = concat!(
            "SELECT c.id AS place, c.id AS comment_id, c.content, c.created_at, ",
            user_columns!(),
            " FROM comment c LEFT JOIN user u ON u.id = c.author_id \
             LEFT JOIN user_stat us ON us.user_id = u.id WHERE c.video_id = ? AND c.id < ? \
             ORDER BY c.id DESC LIMIT ?"
        );
        let [before, limit] = slice.values();
        let values = [number(viewer), video.get().into(), before, limit];
        self.database
            .read(move |session| {
                Box::pin(async move {
                    visible_author(session, video, viewer).await?;
                    slice.read(&session.rows(sql, values).await?, read)
                })
            })
            .await
    }

    /// How many comments a video has. One statement.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when there is no video of that number that the viewer may see.
    pub async fn comment_count(&self, video: VideoId, viewer: Option<UserId>) -> Result<i64> {
        let sql = concat!(
            "SELECT vs.comment_count FROM video v JOIN video_stat vs ON vs.video_id = v.id WHERE v.id = ? AND ",
            visible!("?"),
            " LIMIT 1"
        );
        let values = [video.get().into(), number(viewer), number(viewer), number(viewer)];
        self.database
            .read(move |session| {
                Box::pin(async move {
                    let row = session.row(sql, values).await?;
                    column(&row.ok_or(Error::VideoNotFound(video))?, "comment_count")
                })
            })
            .await
    }
}

/// Why a comment was not the viewer's to delete. One statement.
async fn why_not(session: &Session, viewer: UserId, video: VideoId, comment: CommentId) -> Result<Error> {
    let sql = concat!(
        "SELECT c.id AS comment_id FROM video v LEFT JOIN comment c ON c.video_id = v.id AND c.id = ? \
         WHERE v.id = ? AND ",
        visible!("?"),
        " LIMIT 1"
    );
    let viewer = number(Some(viewer));
    let values = [comment.get().into(), video.get().into(), viewer.clone(), viewer.clone(), viewer];
    let found = session.row(sql, values).await?;
    let Some(row) = found else { return Ok(Error::VideoNotFound(video)) };
    let others: Option<i64> = column(&row, "comment_id")?;
    Ok(if others.is_some() { Error::PermissionDenied } else { Error::CommentNotFound(comment) })
}

/// A comment to be added.
#[derive(Clone)]
pub(crate) struct NewComment {
    pub(crate) viewer: UserId,
    pub(crate) video: VideoId,
    pub(crate) content: Content,
    pub(crate) now: Timestamp,
}

impl NewComment {
    fn row(&self) -> [Value; 4] {
        let (video, viewer) = (self.video.get(), self.viewer.get());
        [video.into(), viewer.into(), self.content.as_str().into(), self.now.millis().into()]
    }
}

impl Operation for NewComment {
    type Answer = CommentRow;
    const NAME: &'static str = "comments";

    fn key(&self) -> i64 {
        self.video.get()
    }

    fn queues(all: &Coalesced) -> &Queues<Self> {
        &all.comments
    }

    fn carry_out<'s>(
        session: &'s Session,
        batch: &'s [Self],
    ) -> BoxFuture<'s, Result<Vec<Result<CommentRow>>>> {
        Box::pin(async move {
            let (visible, step) =
                session.hold_visible(batch.iter().map(|new| (new.viewer, new.video))).await?;
            let added: Vec<_> =
                batch.iter().filter(|new| visible.contains(&(new.viewer, new.video))).collect();
            let into = "comment (video_id, author_id, content, created_at)";
            let numbers =
                many::insert(session, into, added.iter().map(|new| new.row()).collect(), step).await?;
            let mut videos = BTreeMap::new();
            for new in &added {
                videos.entry(new.video.get()).or_insert([0])[0] += 1;
            }
            count(session, &videos).await?;
            let authors = cards(session, added.iter().map(|new| new.viewer).collect()).await?;
            let mut numbers = numbers.into_iter();
            let answer = |new: &NewComment| {
                if !visible.contains(&(new.viewer, new.video)) {
                    return Err(Error::VideoNotFound(new.video));
                }
                let id = numbers.next().ok_or_else(|| Error::internal("a comment without a number"))?;
                let author = authors.get(&new.viewer.get()).ok_or(Error::UserNotFound(new.viewer))?.clone();
                let content = new.content.as_str().to_owned();
                Ok(CommentRow { id, author, content, created_at: new.now.millis() })
            };
            Ok(batch.iter().map(answer).collect())
        })
    }
}

/// People as they see themselves: nobody follows themselves. One statement, none for nobody.
async fn cards(session: &Session, people: BTreeSet<UserId>) -> Result<HashMap<i64, UserCard>> {
    let people = many::filled(people);
    if people.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        concat!(
            "SELECT ",
            user_columns!(),
            " FROM user u JOIN user_stat us ON us.user_id = u.id WHERE u.id IN {} LIMIT {}"
        ),
        many::list(people.len()),
        people.len()
    );
    let values = [number(None)].into_iter().chain(people.iter().map(|person| person.get().into()));
    let cards = read_all(&session.rows(&sql, values).await?, UserCard::read)?;
    Ok(cards.into_iter().map(|card| (card.id, card)).collect())
}

/// Invariant: comment_count equals the rows of comment; both change in this transaction. One statement, none
/// for no video.
async fn count(session: &Session, by: &BTreeMap<i64, [i64; 1]>) -> Result<()> {
    many::add(session, ("video_stat", "video_id"), ["comment_count"], by).await?;
    by.keys().for_each(|video| session.touched(Touched::Video(*video)));
    Ok(())
}

fn read(row: &Row) -> Result<CommentRow> {
    Ok(CommentRow {
        id: column(row, "comment_id")?,
        author: UserCard::read(row)?,
        content: column(row, "content")?,
        created_at: column(row, "created_at")?,
    })
}
