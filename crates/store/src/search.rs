//! Search: people, videos and tags by the words they are found by. Each change of a text changes its words in the same
//! transaction; the index of the words is the database's own.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use domain::{Query, Result, UserId, VideoId, Word, words};
use sea_orm::Value;

use crate::Store;
use crate::barrier::blocked;
use crate::card::{UserCard, VideoCard, column, user_columns, video_columns, video_joins};
use crate::coalesce::many;
use crate::row::{Row, read_all};
use crate::session::Session;
use crate::slice::{Listed, Slice};
use crate::tag::TagRow;
use crate::user::number;
use crate::video::sight::visible;

/// Of what is found the newest are ranked: what a question costs does not grow with how common its words are.
const RANKED: usize = 512;
/// Tags that are told of those that begin alike.
const TAGS: u64 = 20;
/// What ten times the likes are worth: as much as being this much newer.
const TENFOLD_MS: f64 = 30.0 * 24.0 * 3_600_000.0;
/// Above any number of followers: who is called just that comes first.
const IS_CALLED_THAT: i64 = 1 << 40;
/// Places between one worth and the next, for those that are worth the same.
const PLACES: i64 = 1024;

const _: () = assert!(RANKED < PLACES as usize);

impl Store {
    /// Videos with all these words in their titles that the viewer may see: of the newest 512 those first that are new and
    /// liked, where ten times the likes are worth thirty days. Two statements, one when nothing is found.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn search_videos(
        &self,
        query: Query,
        viewer: Option<UserId>,
        slice: Slice,
    ) -> Result<Listed<VideoCard>> {
        let found = found("video", self.database.is_mysql());
        let candidates = format!(
            "SELECT v.id, COALESCE(v.published_at, v.created_at) AS at, vs.like_count FROM ({found}) found \
             JOIN video v ON v.id = found.id JOIN video_stat vs ON vs.video_id = v.id WHERE {} LIMIT ?",
            visible!("?")
        );
        let viewer = number(viewer);
        let asked = [asked(&query, self.database.is_mysql()), (RANKED as u64).into()];
        let search = Search {
            candidates,
            asked: asked.into_iter().chain(std::iter::repeat_n(viewer.clone(), 4)).collect(),
            worth: video_worth,
            // bounded: what is shown of a part, and `in_order` adds a LIMIT.
            cards: concat!("SELECT ", video_columns!(), " FROM video v ", video_joins!(), " WHERE v.id IN "),
            key: "video_id",
            viewer: vec![viewer.clone(), viewer],
            read: VideoCard::read,
        };
        self.ranked(search, slice).await
    }

    /// People with all these words in what they are called, but those who block the viewer or are blocked: who is called
    /// just that, then of the newest 512 those first whom many follow. Two statements, one when nobody is found.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn search_people(
        &self,
        query: Query,
        viewer: Option<UserId>,
        slice: Slice,
    ) -> Result<Listed<UserCard>> {
        let found = found("user", self.database.is_mysql());
        let candidates = format!(
            "SELECT u.id, us.follower_count, CASE WHEN u.name_key = ? THEN 1 ELSE 0 END AS is_called_that FROM \
             (SELECT id FROM user WHERE name_key = ? UNION SELECT id FROM ({found}) few) found \
             JOIN user u ON u.id = found.id JOIN user_stat us ON us.user_id = u.id \
             WHERE u.standing = 'active' AND NOT {} LIMIT ?",
            blocked!("?", "u.id")
        );
        let key = Value::from(query.key());
        let search = Search {
            candidates,
            asked: vec![
                key.clone(),
                key,
                asked(&query, self.database.is_mysql()),
                (RANKED as u64).into(),
                number(viewer),
            ],
            worth: user_worth,
            // bounded: as above.
            cards: concat!(
                "SELECT ",
                user_columns!(),
                " FROM user u JOIN user_stat us ON us.user_id = u.id WHERE u.id IN "
            ),
            key: "user_id",
            viewer: vec![number(viewer)],
            read: UserCard::read,
        };
        self.ranked(search, slice).await
    }

    /// Tags that begin with what was typed: just that one first, then those of the latest videos, of the first 100 in
    /// their order at most 20, with how many videos have them, counted up to 1,000. Two statements, one when nothing is
    /// found.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn search_tags(&self, query: Query) -> Result<Vec<TagRow>> {
        let sql = "SELECT few.id, few.name, CASE WHEN few.name_key = ? THEN 1 ELSE 0 END AS is_that, \
                   (SELECT MAX(x.video_id) FROM video_tag x WHERE x.tag_id = few.id) AS latest FROM \
                   (SELECT id, name, name_key FROM tag WHERE name_key >= ? AND name_key < ? ORDER BY name_key LIMIT 100) few \
                   ORDER BY is_that DESC, latest DESC LIMIT ?";
        let key = query.key().to_owned();
        let end = format!("{key}{}", char::MAX);
        self.database
            .read(move |session| {
                Box::pin(async move {
                    let values = [key.clone().into(), key.into(), end.into(), TAGS.into()];
                    let rows = session.rows(sql, values).await?;
                    let tags: Vec<i64> = read_all(&rows, |row| column(row, "id"))?;
                    let counts = count_videos(session, &tags).await?;
                    let read = |(row, id): (&Row, &i64)| {
                        let videos = counts.get(id).copied().unwrap_or_default();
                        Ok(TagRow { name: column(row, "name")?, videos })
                    };
                    rows.iter().zip(&tags).map(read).collect()
                })
            })
            .await
    }

    async fn ranked<T: Send + 'static>(&self, search: Search<T>, slice: Slice) -> Result<Listed<T>> {
        self.database.read(move |session| Box::pin(async move { search.run(session, slice).await })).await
    }
}

/// How many videos have each of these tags, counted up to 1,000. One statement, none without tags.
async fn count_videos(session: &Session, tags: &[i64]) -> Result<BTreeMap<i64, i64>> {
    // bounded: one row for each.
    let one =
        "SELECT ? AS id, COUNT(*) AS videos FROM (SELECT 1 FROM video_tag WHERE tag_id = ? LIMIT 1000) some";
    let tags = many::filled(tags.iter().copied());
    if tags.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sql = vec![one; tags.len()].join(" UNION ALL ");
    let rows = session.rows(&sql, tags.into_iter().flat_map(|tag| [Value::from(tag), tag.into()])).await?;
    rows.iter().map(|row| Ok((column(row, "id")?, column(row, "videos")?))).collect()
}

/// What is asked of the database, first for what is ranked, then for what is shown.
struct Search<T> {
    /// With the number of a row as `id`, and what its worth is made of; all but the last value are `asked`.
    candidates: String,
    asked: Vec<Value>,
    worth: fn(&Row) -> Result<i64>,
    /// Up to the numbers of what is shown; all values before those are `viewer`.
    cards: &'static str,
    /// The column of that number.
    key: &'static str,
    viewer: Vec<Value>,
    read: fn(&Row) -> Result<T>,
}

impl<T> Search<T> {
    async fn run(self, session: &Session, slice: Slice) -> Result<Listed<T>> {
        let values = self.asked.into_iter().chain([(RANKED as u64 + 1).into()]);
        let mut found = Vec::new();
        for row in session.rows(&self.candidates, values).await? {
            found.push((column(&row, "id")?, (self.worth)(&row)?));
        }
        let Listed { rows: ids, next } = part(found, slice);
        let rows = many::in_order(session, self.cards, self.viewer, (self.key, &ids), self.read).await?;
        Ok(Listed { rows, next })
    }
}

/// The part of what was found that is asked for, the worthiest first. A place tells the worth and, among equals, how many
/// came before.
fn part(mut found: Vec<(i64, i64)>, slice: Slice) -> Listed<i64> {
    found.sort_unstable_by_key(|(id, worth)| Reverse((*worth, *id)));
    let mut places: Vec<(i64, i64)> = Vec::with_capacity(found.len());
    let (mut equal, mut before) = (0, None);
    for (id, worth) in found {
        equal = if before == Some(worth) { equal + 1 } else { 0 };
        before = Some(worth);
        places.push((id, (worth + 1) * PLACES - equal));
    }
    let begin = places.partition_point(|(_, place)| *place >= slice.before);
    let rest = &places[begin..];
    let shown = &rest[..rest.len().min(slice.rows)];
    let next = shown.last().filter(|_| shown.len() < rest.len()).map_or(0, |(_, place)| *place);
    Listed { rows: shown.iter().map(|(id, _)| *id).collect(), next }
}

fn video_worth(row: &Row) -> Result<i64> {
    let (at, likes): (i64, i64) = (column(row, "at")?, column(row, "like_count")?);
    Ok(at + ((1.0 + likes as f64).log10() * TENFOLD_MS) as i64)
}

fn user_worth(row: &Row) -> Result<i64> {
    let (followers, is_called_that): (i64, i64) =
        (column(row, "follower_count")?, column(row, "is_called_that")?);
    Ok(followers + is_called_that * IS_CALLED_THAT)
}

/// The newest rows of an index in which all the words are: two `?`, the words and how many.
fn found(of: &str, is_mysql: bool) -> String {
    match is_mysql {
        true => format!(
            "SELECT {of}_id AS id FROM {of}_text WHERE MATCH (words) AGAINST (? IN BOOLEAN MODE) \
             ORDER BY {of}_id DESC LIMIT ?"
        ),
        false => format!(
            "SELECT rowid AS id FROM {of}_text_fts WHERE {of}_text_fts MATCH ? ORDER BY rowid DESC LIMIT ?"
        ),
    }
}

/// All the words, as the database's index is asked for them.
fn asked(query: &Query, is_mysql: bool) -> Value {
    let sign = if is_mysql { "+" } else { "" };
    let word = |word: &Word| format!("{sign}{}{}", word.text, if word.is_beginning { "*" } else { "" });
    query.words().iter().map(word).collect::<Vec<_>>().join(" ").into()
}

/// Says what a new video is found by. One statement.
pub(crate) async fn find_video(session: &Session, video: VideoId, title: &str) -> Result<()> {
    let sql = "INSERT INTO video_text (words, video_id) VALUES (?, ?)";
    session.change(sql, [words(title).into(), video.get().into()]).await.map(|_| ())
}

/// Says what a video is found by after its title changed. One statement.
pub(crate) async fn find_video_anew(session: &Session, video: VideoId, title: &str) -> Result<()> {
    let sql = "UPDATE video_text SET words = ? WHERE video_id = ?";
    session.change(sql, [words(title).into(), video.get().into()]).await.map(|_| ())
}

/// Says what a new person is found by. One statement.
pub(crate) async fn find_user(session: &Session, user: UserId, name: &str) -> Result<()> {
    let sql = "INSERT INTO user_text (words, user_id) VALUES (?, ?)";
    session.change(sql, [words(name).into(), user.get().into()]).await.map(|_| ())
}

/// Says what a person is found by after their display name changed. Two statements.
pub(crate) async fn find_user_anew(session: &Session, user: UserId) -> Result<()> {
    let sql = "SELECT name, display_name FROM user WHERE id = ? LIMIT 1";
    let Some(row) = session.row(sql, [user.get().into()]).await? else { return Ok(()) };
    let (name, display_name): (String, String) = (column(&row, "name")?, column(&row, "display_name")?);
    let sql = "UPDATE user_text SET words = ? WHERE user_id = ?";
    session
        .change(sql, [words(&format!("{name} {display_name}")).into(), user.get().into()])
        .await
        .map(|_| ())
}
