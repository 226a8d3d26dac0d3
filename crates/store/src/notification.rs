//! Notifications: what people are told of. Whatever happens to somebody says so in its own transaction; more of the same
//! about the same is one row, told anew.

use std::collections::BTreeMap;

use domain::{CommentId, Occasion, Result, Timestamp, UserId, VideoId, mentions};
use sea_orm::Value;

use crate::Store;
use crate::barrier::unwanted;
use crate::card::{UserCard, column, rows_limit, user_columns};
use crate::coalesce::many;
use crate::row::Row;
use crate::session::Session;
use crate::slice::{Listed, Slice};
use crate::user::number;
use crate::video::sight::{visible, visible_author};

/// More of the same is told at most this often.
const AGAIN_AFTER_MS: i64 = 60_000;
/// Unread ones are counted up to here.
const COUNTED: u64 = 100;

/// What somebody is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationRow {
    /// Its number.
    pub id: i64,
    /// Why they are told, by [`Occasion::as_str`].
    pub occasion: String,
    /// UTC milliseconds: when it happened last.
    pub told_at: i64,
    /// Who did it last; nobody where the platform itself did.
    pub actor: Option<UserCard>,
    /// The video it is about, with its title, its cover and its likes.
    pub video: Option<(i64, String, Option<String>, i64)>,
    /// The comment it is about, with what it says and its likes.
    pub comment: Option<(i64, String, i64)>,
    /// Whether it was told since they looked last.
    pub is_new: bool,
}

/// Those of a viewer that a condition names, whose videos they may still see and whose actors they want to see. Seven
/// `?`, each the viewer.
macro_rules! select_notifications {
    ($which:literal) => {
        // bounded: the condition ends with a LIMIT.
        concat!(
            "SELECT n.id, n.occasion, n.told_at, n.told_at AS place, n.told_at > me.notified_at AS is_new, ",
            user_columns!(),
            ", v.id AS video, v.title, v.cover_key, vs.like_count, c.id AS comment, c.content, \
             c.like_count AS comment_likes FROM notification n JOIN user me ON me.id = n.user_id \
             LEFT JOIN user u ON u.id = n.actor_id LEFT JOIN user_stat us ON us.user_id = u.id \
             LEFT JOIN video v ON v.id = n.video_id LEFT JOIN video_stat vs ON vs.video_id = v.id \
             LEFT JOIN comment c ON c.id = n.comment_id WHERE n.user_id = ? \
             AND (v.id IS NULL OR (v.author_id = ? AND v.state NOT IN ('deleting', 'gone')) OR ",
            visible!("?"),
            ") AND NOT ",
            unwanted!("n.user_id", "n.actor_id"),
            " AND ",
            $which
        )
    };
}

impl Store {
    /// What a viewer is told of, the latest first. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn notifications(&self, viewer: UserId, slice: Slice) -> Result<Listed<NotificationRow>> {
        let sql = select_notifications!("n.told_at < ? ORDER BY n.told_at DESC LIMIT ?");
        let values = std::iter::repeat_n(number(Some(viewer)), 7);
        self.database.list_part(sql, values, slice, NotificationRow::read).await
    }

    /// What a viewer was told of strictly after a moment, the earliest first, at most 500. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn notifications_after(
        &self,
        viewer: UserId,
        after: Timestamp,
    ) -> Result<Vec<NotificationRow>> {
        let sql = select_notifications!("n.told_at > ? ORDER BY n.told_at LIMIT ?");
        let values =
            std::iter::repeat_n(number(Some(viewer)), 7).chain([after.millis().into(), rows_limit()]);
        self.database.list(sql, values, NotificationRow::read).await
    }

    /// How much a viewer was told of since they looked last, counted up to 100. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn new_notifications(&self, viewer: UserId) -> Result<i64> {
        let sql = concat!(
            "SELECT COUNT(*) AS count FROM (SELECT 1 FROM notification n WHERE n.user_id = ? AND n.told_at > \
             (SELECT notified_at FROM user WHERE id = ?) AND NOT ",
            unwanted!("n.user_id", "n.actor_id"),
            " LIMIT ?) news"
        );
        let values = [viewer.get().into(), viewer.get().into(), COUNTED.into()];
        let counts = self.database.list(sql, values, |row| column(row, "count")).await?;
        Ok(counts.first().copied().unwrap_or(0))
    }

    /// A viewer has seen what they were told of until then; what was seen stays so. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn see_notifications(&self, viewer: UserId, until: Timestamp) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "UPDATE user SET notified_at = ? WHERE id = ? AND notified_at < ?";
                    let until = Value::from(until.millis());
                    session.change(sql, [until.clone(), viewer.get().into(), until]).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Forgets what was told before a moment, at most 1,000 at once; false when nothing is left of it. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn forget_notifications(&self, before: Timestamp) -> Result<bool> {
        self.database
            .write(move |session| Box::pin(many::forget(session, "notification", "told_at", before)))
            .await
    }
}

impl NotificationRow {
    fn read(row: &Row) -> Result<Self> {
        let actor = column::<Option<i64>>(row, "user_id")?;
        let (video, comment): (Option<i64>, Option<i64>) = (column(row, "video")?, column(row, "comment")?);
        let video = video
            .map(|id| Ok((id, column(row, "title")?, column(row, "cover_key")?, column(row, "like_count")?)));
        let comment = comment.map(|id| Ok((id, column(row, "content")?, column(row, "comment_likes")?)));
        Ok(Self {
            id: column(row, "id")?,
            occasion: column(row, "occasion")?,
            told_at: column(row, "told_at")?,
            actor: actor.map(|_| UserCard::read(row)).transpose()?,
            video: video.transpose()?,
            comment: comment.transpose()?,
            is_new: column::<i64>(row, "is_new")? != 0,
        })
    }
}

/// Something that happened to somebody.
#[derive(Clone, Copy, Debug)]
pub(crate) struct News {
    pub(crate) to: i64,
    pub(crate) occasion: Occasion,
    pub(crate) actor: Option<i64>,
    pub(crate) video: Option<VideoId>,
    pub(crate) comment: Option<i64>,
    pub(crate) at: Timestamp,
}

impl News {
    /// What the platform itself did to a video.
    pub(crate) fn of_video(to: i64, occasion: Occasion, video: VideoId, at: Timestamp) -> Self {
        Self { to, occasion, actor: None, video: Some(video), comment: None, at }
    }

    fn about(&self) -> String {
        let video = self.video.map(VideoId::get);
        // Whom it is about, what was said, or the video, whose title may mention somebody as its comments do.
        let subject = if self.occasion == Occasion::Follow { self.actor } else { self.comment.or(video) };
        let of = if self.comment.is_none() && self.occasion == Occasion::Mention { "title" } else { "" };
        format!("{}/{of}{}", self.occasion.as_str(), subject.unwrap_or_default())
    }
}

/// Tells people what happened to them; nobody is told of what they did themselves. One statement for each 64 rows, none for
/// none.
pub(crate) async fn tell(session: &Session, news: impl IntoIterator<Item = News>) -> Result<()> {
    let others = news.into_iter().filter(|news| news.actor != Some(news.to));
    // In the order of the index: transactions that tell the same people do not wait in a circle.
    let rows: BTreeMap<(i64, String), News> = others.map(|news| ((news.to, news.about()), news)).collect();
    let again = match session.is_mysql() {
        true => format!(
            "ON DUPLICATE KEY UPDATE \
             actor_id = IF(VALUES(told_at) > told_at + {AGAIN_AFTER_MS}, VALUES(actor_id), actor_id), \
             told_at = IF(VALUES(told_at) > told_at + {AGAIN_AFTER_MS}, VALUES(told_at), told_at)"
        ),
        false => format!(
            "ON CONFLICT (user_id, about) DO UPDATE SET actor_id = excluded.actor_id, told_at = excluded.told_at \
             WHERE excluded.told_at > notification.told_at + {AGAIN_AFTER_MS}"
        ),
    };
    let row = |(place, ((to, about), news)): (usize, ((i64, String), News))| {
        [
            to.into(),
            about.into(),
            news.occasion.as_str().into(),
            news.actor.into(),
            news.video.map(VideoId::get).into(),
            news.comment.into(),
            // Apart, so that a part of the list ends between two of them.
            (news.at.millis() + place as i64).into(),
        ]
    };
    let into = "notification (user_id, about, occasion, actor_id, video_id, comment_id, told_at)";
    many::put(session, into, rows.into_iter().enumerate().map(row).collect(), &again).await
}

/// Those whom a text names and who may see the video it belongs to, as news. One statement and one for each of them, none
/// when nobody is named.
pub(crate) async fn mentioned(
    session: &Session,
    text: &str,
    (by, video, comment): (i64, VideoId, Option<CommentId>),
    at: Timestamp,
) -> Result<Vec<News>> {
    let keys: Vec<String> = mentions(text).iter().map(domain::UserName::key).collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let keys = many::filled(keys.iter().map(String::as_str));
    let sql = format!(
        "SELECT id FROM user WHERE standing = 'active' AND name_key IN {} LIMIT {}",
        many::list(keys.len()),
        keys.len()
    );
    let mut news = Vec::new();
    for row in session.rows(&sql, keys.into_iter().map(Value::from)).await? {
        let person = UserId::parse(column(&row, "id")?)?;
        match visible_author(session, video, Some(person)).await {
            Ok(_) => news.push(News {
                to: person.get(),
                occasion: Occasion::Mention,
                actor: Some(by),
                video: Some(video),
                comment: comment.map(CommentId::get),
                at,
            }),
            Err(domain::Error::VideoNotFound(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(news)
}
