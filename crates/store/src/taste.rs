//! What the for-you feed is made of: what somebody did with videos, the videos that may be shown to them, and what was shown
//! and why. What these are worth is the services' model.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::{Error, Result, Timestamp, UserId, VideoId};
use sea_orm::Value;

use crate::Store;
use crate::barrier::unwanted;
use crate::card::{VideoCard, column, video_columns, video_joins};
use crate::coalesce::many;
use crate::row::Row;
use crate::session::Session;
use crate::user::number;
use crate::video::sight::visible_author;

/// What somebody watched and liked last says what they like.
const WATCHED: u64 = 100;
const LIKED: u64 = 50;
/// Candidates of each source.
const EACH: u64 = 100;
/// Of so many of the latest videos those that most like are trending.
const TRENDING_OF: u64 = 2_000;
/// How long that is known: it is the same for all.
const TRENDING_FOR: Duration = Duration::from_secs(10);
/// Likes that are looked through for those of people who are followed, and of people who like the same.
const LATEST_LIKES: i64 = 200_000;

/// What somebody did with a video.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signal {
    /// Which.
    pub video: i64,
    /// Who published it.
    pub author: i64,
    /// Its tags.
    pub tags: Vec<i64>,
    /// How much of it was watched, from 0 to 1; nothing when nobody told.
    pub watched: Option<f64>,
    /// It is liked.
    pub is_liked: bool,
    /// It is commented.
    pub is_commented: bool,
    /// They have passed it on.
    pub is_passed_on: bool,
    /// They said that they want no such thing.
    pub is_unwanted: bool,
}

/// What a viewer says of a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// They want no such.
    Unwanted,
    /// They have passed it on.
    PassedOn,
}

/// A video that may be shown, and what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Which.
    pub video: VideoId,
    /// Who published it.
    pub author: UserId,
    /// When.
    pub published_at: Timestamp,
    /// Likes.
    pub likes: i64,
    /// Comments.
    pub comments: i64,
    /// Views.
    pub views: i64,
    /// Its tags.
    pub tags: Vec<i64>,
    /// Whether its author is followed.
    pub is_followed: bool,
    /// Whether somebody who is followed likes it.
    pub in_network: bool,
    /// How many of those who like the same like it.
    pub similar: i64,
    /// When it was shown, watched or liked last; nothing when it never was.
    pub shown_at: Option<Timestamp>,
}

/// The numbers of what is trending, and until when they are.
#[derive(Default)]
pub(crate) struct Trending(Mutex<Option<(Instant, Vec<i64>)>>);

impl Store {
    /// What a viewer did with videos of late: the last 100 they watched and the last 50 they liked. Three statements, two
    /// when there is nothing.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn signals(&self, viewer: UserId) -> Result<Vec<Signal>> {
        let watched = "SELECT w.video_id AS video, v.author_id AS author, v.duration_ms, w.watched_ms, w.is_unwanted, w.is_passed_on, \
                       EXISTS (SELECT 1 FROM video_like l WHERE l.user_id = w.user_id AND l.video_id = w.video_id) AS is_liked, \
                       EXISTS (SELECT 1 FROM comment c WHERE c.author_id = w.user_id AND c.video_id = w.video_id) AS is_commented \
                       FROM video_view w JOIN video v ON v.id = w.video_id WHERE w.user_id = ? \
                       AND w.seen_at > (SELECT taste_since FROM user WHERE id = ?) ORDER BY w.seen_at DESC LIMIT ?";
        let liked = "SELECT l.video_id AS video, v.author_id AS author FROM video_like l JOIN video v ON v.id = l.video_id \
                     WHERE l.user_id = ? AND l.created_at > (SELECT taste_since FROM user WHERE id = ?) \
                     ORDER BY l.id DESC LIMIT ?";
        self.database
            .read(move |session| {
                Box::pin(async move {
                    let of = |rows: u64| [viewer.get().into(), viewer.get().into(), Value::from(rows)];
                    let mut signals = BTreeMap::new();
                    for row in session.rows(watched, of(WATCHED)).await? {
                        let signal = Signal::read(&row)?;
                        signals.insert(signal.video, signal);
                    }
                    for row in session.rows(liked, of(LIKED)).await? {
                        let (video, author) = (column(&row, "video")?, column(&row, "author")?);
                        let known =
                            signals.entry(video).or_insert(Signal { video, author, ..Signal::default() });
                        known.is_liked = true;
                    }
                    let mut tags = tags(session, signals.keys().copied()).await?;
                    for signal in signals.values_mut() {
                        signal.tags = tags.remove(&signal.video).unwrap_or_default();
                    }
                    Ok(signals.into_values().collect())
                })
            })
            .await
    }

    /// Videos that may be shown to a viewer: what is new, what is trending, what those they follow like, what has these
    /// tags, what those like who like the same as they; at most 500, none of their own, none of whom they want nothing of.
    /// Five statements, four where what is trending was asked for within ten seconds; one more for each tag and one for
    /// likes.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn candidates(
        &self,
        viewer: UserId,
        tags_liked: Vec<i64>,
        liked: Vec<i64>,
    ) -> Result<Vec<Candidate>> {
        let trending = self.trending().await?;
        self.database
            .read(move |session| {
                Box::pin(async move {
                    let mut found: BTreeMap<i64, (bool, i64)> =
                        trending.into_iter().map(|video| (video, Default::default())).collect();
                    let fresh = "SELECT id AS video FROM video WHERE published_at IS NOT NULL \
                                 ORDER BY published_at DESC LIMIT ?";
                    for row in session.rows(fresh, [EACH.into()]).await? {
                        found.entry(column(&row, "video")?).or_default();
                    }
                    for video in liked_by_followed(session, viewer).await? {
                        found.entry(video).or_default().0 = true;
                    }
                    let tagged = "SELECT video_id AS video FROM video_tag WHERE tag_id = ? ORDER BY video_id DESC LIMIT ?";
                    for tag in &tags_liked {
                        for row in session.rows(tagged, [(*tag).into(), (EACH / 4).into()]).await? {
                            found.entry(column(&row, "video")?).or_default();
                        }
                    }
                    for (video, count) in liked_by_similar(session, viewer, liked).await? {
                        found.entry(video).or_default().1 = count;
                    }
                    details(session, viewer, found).await
                })
            })
            .await
    }

    /// Videos were chosen for a viewer, each with why: they are kept as shown and answered in that order. Two statements.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn show(
        &self,
        viewer: UserId,
        chosen: Vec<(VideoId, &'static str)>,
        now: Timestamp,
    ) -> Result<Vec<VideoCard>> {
        self.database
            .write(move |session| {
                let chosen = chosen.clone();
                Box::pin(async move {
                    if chosen.is_empty() {
                        return Ok(Vec::new());
                    }
                    impressions(session, viewer, &chosen, now).await?;
                    // bounded: what was chosen, and `in_order` adds a LIMIT.
                    let cards = concat!(
                        "SELECT ",
                        video_columns!(),
                        " FROM video v ",
                        video_joins!(),
                        " WHERE v.published_at IS NOT NULL AND v.id IN "
                    );
                    let ids: Vec<i64> = chosen.iter().map(|(video, _)| video.get()).collect();
                    let viewer = [number(Some(viewer)), number(Some(viewer))];
                    many::in_order(session, cards, viewer, ("video_id", &ids), VideoCard::read).await
                })
            })
            .await
    }

    /// Why a video was shown to a viewer last, and when; nothing when it was not, or long ago. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn why_shown(&self, viewer: UserId, video: VideoId) -> Result<Option<(String, i64)>> {
        let sql = "SELECT why, shown_at FROM impression WHERE user_id = ? AND video_id = ? LIMIT 1";
        let read = |row: &Row| Ok((column(row, "why")?, column(row, "shown_at")?));
        let found = self.database.list(sql, [viewer.get().into(), video.get().into()], read).await?;
        Ok(found.into_iter().next())
    }

    /// A viewer says of a video that they want no such, or have passed it on. Two statements, three when they have watched
    /// it.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when there is no video of that number that the viewer may see.
    pub async fn say_of(
        &self,
        viewer: UserId,
        video: VideoId,
        opinion: Opinion,
        now: Timestamp,
    ) -> Result<()> {
        let column = match opinion {
            Opinion::Unwanted => "is_unwanted",
            Opinion::PassedOn => "is_passed_on",
        };
        self.database
            .write(move |session| {
                Box::pin(async move {
                    visible_author(session, video, Some(viewer)).await?;
                    let new = format!(
                        "INSERT INTO video_view (user_id, video_id, watched_ms, is_counted, seen_at, {column}) \
                         VALUES (?, ?, 0, 0, ?, 1)"
                    );
                    let values = [viewer.get(), video.get(), now.millis()].map(Value::from);
                    if session.insert_new(&new, values).await?.is_none() {
                        let sql = format!(
                            "UPDATE video_view SET {column} = 1, seen_at = ? WHERE user_id = ? AND video_id = ?"
                        );
                        session.change(&sql, [now.millis(), viewer.get(), video.get()].map(Value::from)).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// What a viewer did until now says nothing of what they like any more, and everything may be shown again. Three
    /// statements.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn forget_taste(&self, viewer: UserId, now: Timestamp) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "UPDATE user SET taste_since = ? WHERE id = ?";
                    session.change(sql, [now.millis().into(), viewer.get().into()]).await?;
                    session.change("DELETE FROM impression WHERE user_id = ?", [viewer.get().into()]).await?;
                    let sql = "UPDATE video_view SET is_unwanted = 0 WHERE user_id = ? AND is_unwanted = 1";
                    session.change(sql, [viewer.get().into()]).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Forgets what was shown before a moment, at most 1,000 at once; false when nothing is left of it. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn forget_impressions(&self, before: Timestamp) -> Result<bool> {
        self.database
            .write(move |session| Box::pin(many::forget(session, "impression", "shown_at", before)))
            .await
    }

    /// Of the latest videos those that most like, comment and view. One statement, none when it was asked lately.
    async fn trending(&self) -> Result<Vec<i64>> {
        let kept = || self.trending.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept().clone().filter(|(since, _)| since.elapsed() < TRENDING_FOR);
        if let Some((_, videos)) = known {
            return Ok(videos);
        }
        let sql = "SELECT vs.video_id AS video FROM (SELECT id FROM video WHERE published_at IS NOT NULL \
                   ORDER BY published_at DESC LIMIT ?) latest JOIN video_stat vs ON vs.video_id = latest.id \
                   ORDER BY vs.like_count + 2 * vs.comment_count + vs.view_count / 10 DESC, vs.video_id DESC LIMIT ?";
        let videos =
            self.database.list(sql, [TRENDING_OF.into(), EACH.into()], |row| column(row, "video")).await?;
        *kept() = Some((Instant::now(), videos.clone()));
        Ok(videos)
    }
}

impl Signal {
    fn read(row: &Row) -> Result<Self> {
        let (length, watched): (i64, i64) = (column(row, "duration_ms")?, column(row, "watched_ms")?);
        let is = |name| Ok::<_, Error>(column::<i64>(row, name)? != 0);
        Ok(Self {
            video: column(row, "video")?,
            author: column(row, "author")?,
            tags: Vec::new(),
            watched: (length > 0).then(|| watched as f64 / length as f64),
            is_liked: is("is_liked")?,
            is_commented: is("is_commented")?,
            is_passed_on: is("is_passed_on")?,
            is_unwanted: is("is_unwanted")?,
        })
    }
}

/// What those like of late whom a viewer follows. One statement.
async fn liked_by_followed(session: &Session, viewer: UserId) -> Result<Vec<i64>> {
    let sql = "SELECT l.video_id AS video FROM (SELECT followee_id FROM follow WHERE follower_id = ? \
               ORDER BY id DESC LIMIT ?) ends JOIN video_like l ON l.user_id = ends.followee_id \
               WHERE l.id > (SELECT MAX(id) FROM video_like) - ? ORDER BY l.id DESC LIMIT ?";
    let values = [viewer.get().into(), EACH.into(), LATEST_LIKES.into(), EACH.into()];
    let rows = session.rows(sql, values).await?;
    rows.iter().map(|row| column(row, "video")).collect()
}

/// What those like of late who like the same, with how many of them do. One statement, none without likes.
async fn liked_by_similar(session: &Session, viewer: UserId, liked: Vec<i64>) -> Result<Vec<(i64, i64)>> {
    let liked = many::filled(liked);
    if liked.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT video, COUNT(*) AS people FROM (SELECT l.video_id AS video FROM (SELECT DISTINCT user_id FROM \
         (SELECT user_id FROM video_like WHERE video_id IN {} AND user_id <> ? ORDER BY id DESC LIMIT ?) latest) ends \
         JOIN video_like l ON l.user_id = ends.user_id WHERE l.id > (SELECT MAX(id) FROM video_like) - ? LIMIT 2000) few \
         GROUP BY video ORDER BY people DESC, video DESC LIMIT ?",
        many::list(liked.len())
    );
    let values = liked.into_iter().map(Value::from);
    let rest = [viewer.get().into(), EACH.into(), LATEST_LIKES.into(), EACH.into()];
    let rows = session.rows(&sql, values.chain(rest)).await?;
    rows.iter().map(|row| Ok((column(row, "video")?, column(row, "people")?))).collect()
}

/// What is known of videos, each with whether those like it who are followed and how many who like the same. Two
/// statements, none for none.
async fn details(
    session: &Session,
    viewer: UserId,
    found: BTreeMap<i64, (bool, i64)>,
) -> Result<Vec<Candidate>> {
    // The newest, where there are too many.
    let ids = many::filled(found.keys().rev().take(500).copied());
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT v.id, v.author_id, v.published_at, vs.like_count, vs.comment_count, vs.view_count, \
         EXISTS (SELECT 1 FROM follow f WHERE f.follower_id = ? AND f.followee_id = v.author_id) AS is_followed, \
         (SELECT w.seen_at FROM video_view w JOIN user me ON me.id = w.user_id WHERE w.user_id = ? AND w.video_id = v.id \
         AND w.seen_at > me.taste_since) AS seen_at, \
         (SELECT created_at FROM video_like l WHERE l.user_id = ? AND l.video_id = v.id) AS liked_at, \
         (SELECT shown_at FROM impression i WHERE i.user_id = ? AND i.video_id = v.id) AS shown_at \
         FROM video v JOIN video_stat vs ON vs.video_id = v.id WHERE v.id IN {} AND v.published_at IS NOT NULL \
         AND v.author_id <> ? AND NOT EXISTS (SELECT 1 FROM video_view w WHERE w.user_id = ? AND w.video_id = v.id \
         AND w.is_unwanted = 1) AND NOT {} LIMIT {}",
        many::list(ids.len()),
        unwanted!("?", "v.author_id"),
        ids.len()
    );
    let me = || Value::from(viewer.get());
    let values = [me(), me(), me(), me()].into_iter().chain(ids.iter().map(|id| Value::from(*id)));
    let rows = session.rows(&sql, values.chain([me(), me(), me()])).await?;
    let mut tags = tags(session, ids.into_iter()).await?;
    let read = |row: &Row| {
        let id: i64 = column(row, "id")?;
        let (in_network, similar) = found.get(&id).copied().unwrap_or_default();
        let at = |name| column::<Option<i64>>(row, name);
        let shown_at = at("seen_at")?.max(at("liked_at")?).max(at("shown_at")?);
        Ok(Candidate {
            video: VideoId::parse(id)?,
            author: UserId::parse(column(row, "author_id")?)?,
            published_at: Timestamp::from_millis(column(row, "published_at")?),
            likes: column(row, "like_count")?,
            comments: column(row, "comment_count")?,
            views: column(row, "view_count")?,
            tags: tags.remove(&id).unwrap_or_default(),
            is_followed: column::<i64>(row, "is_followed")? != 0,
            in_network,
            similar,
            shown_at: shown_at.map(Timestamp::from_millis),
        })
    };
    rows.iter().map(read).collect()
}

/// The tags of videos. One statement, none for none.
async fn tags(session: &Session, videos: impl Iterator<Item = i64>) -> Result<HashMap<i64, Vec<i64>>> {
    let videos = many::filled(videos.collect::<BTreeSet<_>>());
    if videos.is_empty() {
        return Ok(HashMap::new());
    }
    // A video has at most ten.
    let sql = format!(
        "SELECT video_id, tag_id FROM video_tag WHERE video_id IN {} LIMIT {}",
        many::list(videos.len()),
        videos.len() * domain::limits::MAX_TAGS
    );
    let mut tags: HashMap<i64, Vec<i64>> = HashMap::new();
    for row in session.rows(&sql, videos.into_iter().map(Value::from)).await? {
        tags.entry(column(&row, "video_id")?).or_default().push(column(&row, "tag_id")?);
    }
    Ok(tags)
}

/// Keeps what is shown. One statement for each 64 rows.
async fn impressions(
    session: &Session,
    viewer: UserId,
    chosen: &[(VideoId, &'static str)],
    now: Timestamp,
) -> Result<()> {
    let again = match session.is_mysql() {
        true => "ON DUPLICATE KEY UPDATE why = VALUES(why), shown_at = VALUES(shown_at)",
        false => {
            "ON CONFLICT (user_id, video_id) DO UPDATE SET why = excluded.why, shown_at = excluded.shown_at"
        }
    };
    // In the order of the index: two pages at once do not wait in a circle.
    let sorted: BTreeMap<i64, &str> = chosen.iter().map(|(video, why)| (video.get(), *why)).collect();
    let row =
        |(video, why): (i64, &str)| [viewer.get().into(), video.into(), why.into(), now.millis().into()];
    let into = "impression (user_id, video_id, why, shown_at)";
    many::put(session, into, sorted.into_iter().map(row).collect(), again).await
}
