//! Comments under videos. Who may delete one is part of the statement that deletes it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::{CommentId, Content, Error, Occasion, Result, Timestamp, UserId, VideoId};
use futures_util::future::BoxFuture;
use sea_orm::Value;

use crate::Store;
use crate::barrier::unwanted;
use crate::card::{UserCard, column, read_all, user_columns};
use crate::changes::Touched;
use crate::coalesce::{Coalesced, Operation, Queues, many};
use crate::notification::{News, mentioned, tell};
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
    /// The comment it replies to.
    pub parent: Option<i64>,
    /// Replies to it.
    pub reply_count: i64,
    /// Likes of it.
    pub like_count: i64,
    /// Whether the viewer likes it.
    pub is_liked: bool,
}

/// Which comments of a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thread {
    /// All, replies among the others.
    All,
    /// Those that reply to none.
    Roots,
    /// The replies to one.
    RepliesTo(CommentId),
}

/// The list of those that a condition names. Two `?` before the condition's: the viewer, twice; one
/// after them: the viewer, who is not shown what unwanted people say.
macro_rules! select_comments {
    ($which:literal) => {
        concat!(
            "SELECT c.id AS place, c.id AS comment_id, c.content, c.created_at, c.parent_id, c.reply_count, \
             c.like_count AS comment_like_count, EXISTS (SELECT 1 FROM comment_like mine WHERE mine.user_id = ? \
             AND mine.comment_id = c.id) AS is_liked, ",
            user_columns!(),
            " FROM comment c LEFT JOIN user u ON u.id = c.author_id \
             LEFT JOIN user_stat us ON us.user_id = u.id WHERE ",
            $which,
            " AND NOT ",
            unwanted!("?", "c.author_id"),
            " AND c.id < ? ORDER BY c.id DESC LIMIT ?"
        )
    };
}

impl Store {
    /// Adds a comment, or a reply to one. Five statements, a reply seven; one more and one for each who is mentioned.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when there is no video of that number that the viewer may see,
    /// [`Error::CommentNotFound`] when it has no comment of the parent's number that is not a reply itself.
    pub async fn add_comment(
        &self,
        viewer: UserId,
        video: VideoId,
        parent: Option<CommentId>,
        content: Content,
        now: Timestamp,
    ) -> Result<CommentRow> {
        self.write_together(NewComment { viewer, video, parent, content, now }).await
    }

    /// Deletes a comment and its replies. Its author may, and whoever published the video where `moderate` is set.
    /// Three statements, on MySQL one more; of a reply, or a comment that has some, four.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`], [`Error::CommentNotFound`] when the video has no such comment,
    /// [`Error::PermissionDenied`] when the viewer may not.
    pub async fn delete_comment(
        &self,
        viewer: UserId,
        video: VideoId,
        comment: CommentId,
        moderate: bool,
    ) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    session.hold_video(video).await?;
                    let Some(said) = Said::find(session, video, comment).await? else {
                        visible_author(session, video, Some(viewer)).await?;
                        return Err(Error::CommentNotFound(comment));
                    };
                    if viewer.get() != said.author && !(moderate && viewer.get() == said.publisher) {
                        visible_author(session, video, Some(viewer)).await?;
                        return Err(Error::PermissionDenied);
                    }
                    said.delete(session).await
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
        which: Thread,
        slice: Slice,
    ) -> Result<Listed<CommentRow>> {
        let (sql, parent) = match which {
            Thread::All => (select_comments!("c.video_id = ?"), None),
            Thread::Roots => (select_comments!("c.video_id = ? AND c.parent_id IS NULL"), None),
            Thread::RepliesTo(comment) => {
                (select_comments!("c.video_id = ? AND c.parent_id = ?"), Some(comment.get().into()))
            }
        };
        let values = [number(viewer), number(viewer), video.get().into()].into_iter().chain(parent);
        let values = Vec::from_iter(values.chain([number(viewer)]).chain(slice.values()));
        self.database
            .read(move |session| {
                Box::pin(async move {
                    visible_author(session, video, viewer).await?;
                    slice.read(&session.rows(sql, values).await?, read)
                })
            })
            .await
    }

    /// Likes a comment; a repeated like changes nothing. Five statements, three when repeated.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when there is no video of that number that the viewer may see,
    /// [`Error::CommentNotFound`] when it has no such comment.
    pub async fn like_comment(
        &self,
        viewer: UserId,
        video: VideoId,
        comment: CommentId,
        now: Timestamp,
    ) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let counted = "UPDATE comment SET like_count = like_count + 1 WHERE id = ? AND video_id = ? AND \
                                   NOT EXISTS (SELECT 1 FROM comment_like l WHERE l.user_id = ? AND l.comment_id = comment.id)";
                    if react(session, viewer, video, comment, counted).await? {
                        let sql = "INSERT INTO comment_like (user_id, comment_id, created_at) VALUES (?, ?, ?)";
                        let values = [viewer.get().into(), comment.get().into(), now.millis().into()];
                        session.change(sql, values).await?;
                        let said = Said::find(session, video, comment).await?;
                        let news = said.map(|said| News {
                            to: said.author,
                            occasion: Occasion::CommentLike,
                            actor: Some(viewer.get()),
                            video: Some(video),
                            comment: Some(comment.get()),
                            at: now,
                        });
                        tell(session, news).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Takes a like of a comment back; without one nothing changes. Three statements.
    ///
    /// # Errors
    /// As [`Store::like_comment`].
    pub async fn unlike_comment(&self, viewer: UserId, video: VideoId, comment: CommentId) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let counted = "UPDATE comment SET like_count = like_count - 1 WHERE id = ? AND video_id = ? AND \
                                   EXISTS (SELECT 1 FROM comment_like l WHERE l.user_id = ? AND l.comment_id = comment.id)";
                    if react(session, viewer, video, comment, counted).await? {
                        let sql = "DELETE FROM comment_like WHERE user_id = ? AND comment_id = ?";
                        session.change(sql, [viewer.get().into(), comment.get().into()]).await?;
                    }
                    Ok(())
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
        let values =
            Vec::from_iter([video.get().into()].into_iter().chain(std::iter::repeat_n(number(viewer), 4)));
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

/// A comment with what it takes to delete it, which holds while its video is held.
pub(crate) struct Said {
    id: i64,
    video: i64,
    pub(crate) author: i64,
    /// Who published the video.
    publisher: i64,
    parent: Option<i64>,
    replies: i64,
    pub(crate) content: String,
}

impl Said {
    /// One statement.
    pub(crate) async fn find(session: &Session, video: VideoId, comment: CommentId) -> Result<Option<Self>> {
        let sql = "SELECT c.author_id, c.parent_id, c.reply_count, c.content, v.author_id AS publisher_id \
                   FROM comment c JOIN video v ON v.id = c.video_id WHERE c.id = ? AND c.video_id = ? LIMIT 1";
        let row = session.row(sql, [comment.get().into(), video.get().into()]).await?;
        let read = |row: Row| {
            Ok(Self {
                id: comment.get(),
                video: video.get(),
                author: column(&row, "author_id")?,
                publisher: column(&row, "publisher_id")?,
                parent: column(&row, "parent_id")?,
                replies: column(&row, "reply_count")?,
                content: column(&row, "content")?,
            })
        };
        row.map(read).transpose()
    }

    /// With its replies. Two statements, three when it is a reply or has some.
    pub(crate) async fn delete(self, session: &Session) -> Result<()> {
        if self.replies > 0 {
            session.change("DELETE FROM comment WHERE parent_id = ?", [self.id.into()]).await?;
        }
        session.change("DELETE FROM comment WHERE id = ?", [self.id.into()]).await?;
        if let Some(parent) = self.parent {
            count_replies(session, &BTreeMap::from([(parent, [-1])])).await?;
        }
        count(session, &BTreeMap::from([(self.video, [-1 - self.replies])])).await
    }
}

/// Who may see which video, and who published it.
type Visible = HashMap<(UserId, VideoId), i64>;
/// Comments that are no replies: the videos they are under, and who wrote them.
type Roots = HashMap<i64, (i64, i64)>;

/// A comment to be added.
#[derive(Clone)]
pub(crate) struct NewComment {
    pub(crate) viewer: UserId,
    pub(crate) video: VideoId,
    pub(crate) parent: Option<CommentId>,
    pub(crate) content: Content,
    pub(crate) now: Timestamp,
}

impl NewComment {
    fn row(&self) -> [Value; 5] {
        let [video, viewer, now] = [self.video.get(), self.viewer.get(), self.now.millis()].map(Value::from);
        [video, viewer, self.content.as_str().into(), now, self.parent.map(CommentId::get).into()]
    }

    /// Why it cannot be added, if it cannot.
    fn problem(&self, visible: &Visible, roots: &Roots) -> Option<Error> {
        if !visible.contains_key(&(self.viewer, self.video)) {
            return Some(Error::VideoNotFound(self.video));
        }
        let parent = self
            .parent
            .filter(|parent| roots.get(&parent.get()).map(|(video, _)| *video) != Some(self.video.get()));
        parent.map(Error::CommentNotFound)
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
            let roots = roots(session, batch.iter().filter_map(|new| new.parent)).await?;
            let added: Vec<_> = batch.iter().filter(|new| new.problem(&visible, &roots).is_none()).collect();
            let into = "comment (video_id, author_id, content, created_at, parent_id)";
            let mut replies = BTreeMap::new();
            for parent in added.iter().filter_map(|new| new.parent) {
                replies.entry(parent.get()).or_insert([0])[0] += 1;
            }
            count_replies(session, &replies).await?;
            let numbers =
                many::insert(session, into, added.iter().map(|new| new.row()).collect(), step).await?;
            let mut videos = BTreeMap::new();
            for new in &added {
                videos.entry(new.video.get()).or_insert([0])[0] += 1;
            }
            count(session, &videos).await?;
            tell(session, news(session, (&added, &numbers), &visible, &roots).await?).await?;
            let authors = cards(session, added.iter().map(|new| new.viewer).collect()).await?;
            let mut numbers = numbers.into_iter();
            let answer = |new: &NewComment| {
                if let Some(problem) = new.problem(&visible, &roots) {
                    return Err(problem);
                }
                let id = numbers.next().ok_or_else(|| Error::internal("a comment without a number"))?;
                let author = authors.get(&new.viewer.get()).ok_or(Error::UserNotFound(new.viewer))?.clone();
                let content = new.content.as_str().to_owned();
                let (created_at, parent) = (new.now.millis(), new.parent.map(CommentId::get));
                let (reply_count, like_count, is_liked) = (0, 0, false);
                Ok(CommentRow { id, author, content, created_at, parent, reply_count, like_count, is_liked })
            };
            Ok(batch.iter().map(answer).collect())
        })
    }
}

/// Who is told of comments: who published the video, who wrote what is replied to, who is mentioned; each once.
async fn news(
    session: &Session,
    (added, numbers): (&[&NewComment], &[i64]),
    visible: &Visible,
    roots: &Roots,
) -> Result<Vec<News>> {
    let mut all = Vec::new();
    for (new, number) in added.iter().zip(numbers) {
        let (by, id) = (new.viewer.get(), CommentId::parse(*number)?);
        let of = |to, occasion| News {
            to,
            occasion,
            actor: Some(by),
            video: Some(new.video),
            comment: Some(*number),
            at: new.now,
        };
        let replied = new.parent.and_then(|parent| roots.get(&parent.get()));
        let mut told: Vec<News> =
            replied.map(|(_, author)| of(*author, Occasion::Reply)).into_iter().collect();
        told.extend(visible.get(&(new.viewer, new.video)).map(|author| of(*author, Occasion::Comment)));
        told.extend(mentioned(session, new.content.as_str(), (by, new.video, Some(id)), new.now).await?);
        let mut people = BTreeSet::new();
        told.retain(|news| people.insert(news.to));
        all.extend(told);
    }
    Ok(all)
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

/// Of these comments those that are no replies. One statement, none for none.
async fn roots(session: &Session, comments: impl Iterator<Item = CommentId>) -> Result<Roots> {
    let comments = many::filled(comments.map(CommentId::get).collect::<BTreeSet<_>>());
    if comments.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        "SELECT id, video_id, author_id FROM comment WHERE id IN {} AND parent_id IS NULL LIMIT {}",
        many::list(comments.len()),
        comments.len()
    );
    let rows = session.rows(&sql, comments.into_iter().map(Value::from)).await?;
    let root = |row: &Row| Ok((column(row, "id")?, (column(row, "video_id")?, column(row, "author_id")?)));
    rows.iter().map(root).collect()
}

/// Invariant: reply_count equals the rows of comment that name it; both change in this transaction, which holds the
/// video. One statement, none for no comment.
pub(crate) async fn count_replies(session: &Session, by: &BTreeMap<i64, [i64; 1]>) -> Result<()> {
    many::add(session, ("comment", "id"), ["reply_count"], by).await
}

/// Counts a like that is about to change; false when it is as it should be. Invariant: like_count equals the rows of
/// comment_like; both change in one transaction, the counter first: it holds the comment, so that likes of one wait for
/// each other. Two statements, three when nothing is to change.
async fn react(
    session: &Session,
    viewer: UserId,
    video: VideoId,
    comment: CommentId,
    counted: &str,
) -> Result<bool> {
    visible_author(session, video, Some(viewer)).await?;
    let values = [comment.get(), video.get(), viewer.get()].map(Value::from);
    if session.change(counted, values).await? > 0 {
        return Ok(true);
    }
    Said::find(session, video, comment).await?.map(|_| false).ok_or(Error::CommentNotFound(comment))
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
        parent: column(row, "parent_id")?,
        reply_count: column(row, "reply_count")?,
        like_count: column(row, "comment_like_count")?,
        is_liked: column::<i64>(row, "is_liked")? != 0,
    })
}
