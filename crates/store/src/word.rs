//! Words a site does not want to read, and comments that wait because of them.

use domain::{CommentId, Content, Error, Result, Timestamp, UnwantedWord, UserId, VideoId, WordAction};
use sea_orm::Value;

use crate::Store;
use crate::administration::audit;
use crate::card::{UserCard, column, user_columns};
use crate::coalesce::{Operation, many};
use crate::comment::{CommentRow, NewComment};
use crate::row::{Row, read_all};
use crate::slice::{Listed, Slice};
use crate::user::number;
use crate::video::sight::visible_author;

/// The most words.
const MOST_WORDS: usize = 1000;

/// A word a site does not want to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordRow {
    /// Its number.
    pub id: i64,
    /// As it was typed.
    pub word: String,
    /// As it is looked for.
    pub key: String,
    /// What becomes of a text with it.
    pub action: WordAction,
    /// UTC milliseconds.
    pub created_at: i64,
}

/// A comment that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldComment {
    /// Its number, which is not the one it gets as a comment.
    pub id: i64,
    /// Under which video.
    pub video: i64,
    /// What it replies to.
    pub parent: Option<i64>,
    /// What it says.
    pub content: String,
    /// Because of which word.
    pub word: String,
    /// UTC milliseconds.
    pub created_at: i64,
    /// Who wrote it.
    pub author: UserCard,
}

impl Store {
    /// All words, the first first. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn words(&self) -> Result<Vec<WordRow>> {
        let sql = "SELECT id, word, word_key, action, created_at FROM word_rule ORDER BY id LIMIT 1000";
        let read = |row: &Row| {
            Ok(WordRow {
                id: column(row, "id")?,
                word: column(row, "word")?,
                key: column(row, "word_key")?,
                action: WordAction::parse(&column::<String>(row, "action")?).map_err(Error::internal)?,
                created_at: column(row, "created_at")?,
            })
        };
        self.database.list(sql, [], read).await
    }

    /// Adds a word, or says anew what becomes of texts with it; its number. Three statements, one when
    /// refused.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there are 1,000 already.
    pub async fn put_word(
        &self,
        admin: UserId,
        word: UnwantedWord,
        action: WordAction,
        now: Timestamp,
    ) -> Result<i64> {
        self.database
            .write(move |session| {
                let word = word.clone();
                Box::pin(async move {
                    let sql = "SELECT id, word_key FROM word_rule LIMIT 1000";
                    let rows = session.rows(sql, []).await?;
                    let read = |row: &Row| Ok((column(row, "id")?, column(row, "word_key")?));
                    let words = read_all::<(i64, String)>(&rows, read)?;
                    let known = words.iter().find(|(_, key)| key == word.key()).map(|(id, _)| *id);
                    let id = match known {
                        Some(id) => {
                            let sql = "UPDATE word_rule SET word = ?, action = ? WHERE id = ?";
                            let values = [word.as_str().into(), action.as_str().into(), id.into()];
                            session.change(sql, values).await?;
                            id
                        }
                        None if words.len() >= MOST_WORDS => {
                            let problem = format!("would be one more than {MOST_WORDS}: remove one");
                            return Err(Error::Invalid { name: "word".into(), problem });
                        }
                        None => {
                            let sql = "INSERT INTO word_rule (word, word_key, action, created_at) VALUES (?, ?, ?, ?)";
                            let values: [Value; 4] = [
                                word.as_str().into(),
                                word.key().into(),
                                action.as_str().into(),
                                now.millis().into(),
                            ];
                            session.insert(sql, values).await?
                        }
                    };
                    audit(session, admin, "word_put", &format!("word {id}"), word.as_str(), now).await?;
                    Ok(id)
                })
            })
            .await
    }

    /// Removes a word. Two statements, one when refused.
    ///
    /// # Errors
    /// [`Error::WordNotFound`].
    pub async fn delete_word(&self, admin: UserId, word: i64, now: Timestamp) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    if session.change("DELETE FROM word_rule WHERE id = ?", [word.into()]).await? == 0 {
                        return Err(Error::WordNotFound);
                    }
                    audit(session, admin, "word_deleted", &format!("word {word}"), "", now).await
                })
            })
            .await
    }

    /// Keeps a comment until somebody lets it through. Two statements.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when there is no video of that number that the viewer may see.
    pub async fn hold_comment(
        &self,
        viewer: UserId,
        (video, parent): (VideoId, Option<CommentId>),
        content: Content,
        word: String,
        now: Timestamp,
    ) -> Result<()> {
        self.database
            .write(move |session| {
                let (content, word) = (content.clone(), word.clone());
                Box::pin(async move {
                    let owner = visible_author(session, video, Some(viewer)).await?;
                    let sql = "INSERT INTO held_comment (owner_id, video_id, author_id, parent_id, content, word_key, \
                               created_at) VALUES (?, ?, ?, (SELECT id FROM comment WHERE id = ?), ?, ?, ?)";
                    let values: [Value; 7] = [
                        owner.get().into(),
                        video.get().into(),
                        viewer.get().into(),
                        parent.map(CommentId::get).into(),
                        content.as_str().into(),
                        word.into(),
                        now.millis().into(),
                    ];
                    session.insert(sql, values).await.map(|_| ())
                })
            })
            .await
    }

    /// Comments that wait under somebody's videos, or under all, the latest first. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn held_comments(&self, owner: Option<UserId>, slice: Slice) -> Result<Listed<HeldComment>> {
        macro_rules! select_held {
            ($which:literal) => {
                concat!(
                    "SELECT h.id AS place, h.video_id, h.parent_id, h.content, h.word_key, h.created_at, ",
                    user_columns!(),
                    " FROM held_comment h LEFT JOIN user u ON u.id = h.author_id \
                     LEFT JOIN user_stat us ON us.user_id = u.id WHERE us.user_id IS NOT NULL AND ",
                    $which,
                    " h.id < ? ORDER BY h.id DESC LIMIT ?"
                )
            };
        }
        let (sql, values) = match owner {
            Some(owner) => {
                (select_held!("h.owner_id = ? AND"), vec![number(Some(owner)), Value::from(owner.get())])
            }
            None => (select_held!(""), vec![number(None)]),
        };
        let read = |row: &Row| {
            Ok(HeldComment {
                id: column(row, "place")?,
                video: column(row, "video_id")?,
                parent: column(row, "parent_id")?,
                content: column(row, "content")?,
                word: column(row, "word_key")?,
                created_at: column(row, "created_at")?,
                author: UserCard::read(row)?,
            })
        };
        self.database.list_part(sql, values, slice, read).await
    }

    /// Who may let a comment through that waits: who published the video, besides administrators. One statement.
    ///
    /// # Errors
    /// [`Error::HeldCommentNotFound`].
    pub async fn owner_of_held(&self, held: i64) -> Result<UserId> {
        let sql = "SELECT owner_id FROM held_comment WHERE id = ? LIMIT 1";
        let found =
            self.database.list(sql, [held.into()], |row| UserId::parse(column(row, "owner_id")?)).await?;
        found.first().copied().ok_or(Error::HeldCommentNotFound)
    }

    /// Lets a comment through that waits: from now on it is one, as if it had been written now. Seven statements; a reply
    /// nine, and more for who is mentioned.
    ///
    /// # Errors
    /// [`Error::HeldCommentNotFound`]; [`Error::VideoNotFound`] and [`Error::CommentNotFound`] when its author may no longer
    /// write it there.
    pub async fn release_comment(&self, held: i64, now: Timestamp) -> Result<CommentRow> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "SELECT video_id, author_id, parent_id, content FROM held_comment WHERE id = ? LIMIT 1";
                    let row = session.row(sql, [held.into()]).await?.ok_or(Error::HeldCommentNotFound)?;
                    let parent: Option<i64> = column(&row, "parent_id")?;
                    let new = NewComment {
                        viewer: UserId::parse(column(&row, "author_id")?)?,
                        video: VideoId::parse(column(&row, "video_id")?)?,
                        parent: parent.map(CommentId::parse).transpose()?,
                        content: Content::parse(&column::<String>(&row, "content")?)?,
                        now,
                    };
                    let sql = "DELETE FROM held_comment WHERE id = ?";
                    if session.change(sql, [held.into()]).await? == 0 {
                        return Err(Error::HeldCommentNotFound);
                    }
                    let batch = [new];
                    let mut added = NewComment::carry_out(session, &batch).await?;
                    added.pop().unwrap_or_else(|| Err(Error::internal("a comment without an answer")))
                })
            })
            .await
    }

    /// Throws a comment away that waits. One statement.
    ///
    /// # Errors
    /// [`Error::HeldCommentNotFound`].
    pub async fn drop_comment(&self, held: i64) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    match session.change("DELETE FROM held_comment WHERE id = ?", [held.into()]).await? {
                        0 => Err(Error::HeldCommentNotFound),
                        _ => Ok(()),
                    }
                })
            })
            .await
    }

    /// Throws comments away that have waited since before a moment, at most 1,000 at once; false when nothing is left of
    /// that. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn forget_held(&self, before: Timestamp) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move { many::forget(session, "held_comment", "created_at", before).await })
            })
            .await
    }
}
