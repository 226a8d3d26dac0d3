//! What lists are made of: a user and a video as one viewer sees them, and the columns that make them.

use domain::Result;
use domain::limits::LIST_ROWS;
use sea_orm::Value;

use crate::row::Row;
pub(crate) use crate::row::{column, read_all};

/// A person with counters; `is_followed` is for the viewer of the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCard {
    /// The user's number.
    pub id: i64,
    /// The name as typed.
    pub name: String,
    /// What they call themselves; empty for their name.
    pub display_name: String,
    /// What they say of themselves; may be empty.
    pub signature: String,
    /// The object of their small picture.
    pub avatar_key: Option<String>,
    /// The object of their wide picture.
    pub background_key: Option<String>,
    /// Whether who wants to follow them has to ask.
    pub is_private: bool,
    /// How many this user follows.
    pub follow_count: i64,
    /// How many follow this user.
    pub follower_count: i64,
    /// Videos published.
    pub work_count: i64,
    /// Videos this user likes.
    pub liked_count: i64,
    /// Likes received over all own videos.
    pub received_like_count: i64,
    /// Whether the viewer follows this user.
    pub is_followed: bool,
}

/// A video with its author; `is_liked` is for the viewer of the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoCard {
    /// The video's number.
    pub id: i64,
    /// Who published it.
    pub author: UserCard,
    /// Its title.
    pub title: String,
    /// The object that plays, once it is ready.
    pub play_key: String,
    /// The cover, once there is one.
    pub cover_key: Option<String>,
    /// Likes.
    pub like_count: i64,
    /// Comments.
    pub comment_count: i64,
    /// Whether the viewer likes it.
    pub is_liked: bool,
    /// UTC milliseconds; nothing while it is still processing.
    pub published_at: Option<i64>,
}

/// A friend: follows and is followed back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Friend {
    /// The person.
    pub user: UserCard,
    /// The latest message between the two and whether the viewer wrote it.
    pub latest: Option<(String, bool)>,
}

/// Columns of a user `u` with its `us` stat row. One `?`: the viewer, 0 for nobody.
macro_rules! user_columns {
    () => {
        "u.id AS user_id, u.name AS user_name, u.display_name, u.signature, u.avatar_key, u.background_key, \
         u.is_private, us.follow_count, us.follower_count, us.work_count, \
         us.liked_count, us.received_like_count, \
         EXISTS (SELECT 1 FROM follow seen WHERE seen.follower_id = ? AND seen.followee_id = u.id) AS is_followed"
    };
}

/// Columns of a video `v` with its `vs` stat row and its author. Two `?`: the viewer, twice.
macro_rules! video_columns {
    () => {
        concat!(
            "v.id AS video_id, v.title, v.play_key, v.cover_key, v.published_at, vs.like_count, \
             vs.comment_count, \
             EXISTS (SELECT 1 FROM video_like mine WHERE mine.user_id = ? AND mine.video_id = v.id) AS is_liked, ",
            crate::card::user_columns!()
        )
    };
}

/// What `video_columns!` joins to a `v` that stands before it.
macro_rules! video_joins {
    () => {
        // LEFT, because MariaDB orders the inner joins of this query badly; the rows always exist.
        "LEFT JOIN video_stat vs ON vs.video_id = v.id \
         LEFT JOIN user u ON u.id = v.author_id \
         LEFT JOIN user_stat us ON us.user_id = u.id"
    };
}

pub(crate) use {user_columns, video_columns, video_joins};

impl UserCard {
    pub(crate) fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: column(row, "user_id")?,
            name: column(row, "user_name")?,
            display_name: column(row, "display_name")?,
            signature: column(row, "signature")?,
            avatar_key: column(row, "avatar_key")?,
            background_key: column(row, "background_key")?,
            is_private: column::<i64>(row, "is_private")? != 0,
            follow_count: column(row, "follow_count")?,
            follower_count: column(row, "follower_count")?,
            work_count: column(row, "work_count")?,
            liked_count: column(row, "liked_count")?,
            received_like_count: column(row, "received_like_count")?,
            is_followed: column::<i64>(row, "is_followed")? != 0,
        })
    }
}

impl VideoCard {
    pub(crate) fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: column(row, "video_id")?,
            author: UserCard::read(row)?,
            title: column(row, "title")?,
            play_key: column(row, "play_key")?,
            cover_key: column(row, "cover_key")?,
            like_count: column(row, "like_count")?,
            comment_count: column(row, "comment_count")?,
            is_liked: column::<i64>(row, "is_liked")? != 0,
            published_at: column(row, "published_at")?,
        })
    }
}

/// The length of an unpaged list, as a parameter.
pub(crate) fn rows_limit() -> Value {
    u64::try_from(LIST_ROWS).unwrap_or(u64::MAX).into()
}
