//! What is laid over a kept page: counters that changed, and one viewer's marks.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use domain::limits::FEED_PAGE;
use domain::{Result, UserId};
use sea_orm::Value;

use super::pages::{Page, Tip};
use crate::Store;
use crate::card::VideoCard;
use crate::changes::Touched;
use crate::row::{Row, column};

/// What one viewer likes and follows of a page, and whose videos they do not want to see; a bit for each place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub liked: u64,
    pub followed: u64,
    pub unwanted: u64,
}

const _: () = assert!(FEED_PAGE <= u64::BITS as usize);

const COUNTS: &str = "SELECT vs.like_count, vs.comment_count, us.follow_count, us.follower_count, us.work_count, \
                      us.liked_count, us.received_like_count \
                      FROM video_stat vs JOIN user_stat us ON us.user_id = ?2 WHERE vs.video_id = ?1 LIMIT 1";
const MARKS: &str = "SELECT EXISTS (SELECT 1 FROM video_like WHERE user_id = ?1 AND video_id = ?2), \
                     EXISTS (SELECT 1 FROM follow WHERE follower_id = ?1 AND followee_id = ?3), \
                     EXISTS (SELECT 1 FROM barrier WHERE user_id = ?1 AND other_id = ?3) LIMIT 1";

impl Store {
    /// A page of SQLite's with the counters that are not current read again: one statement.
    pub(super) async fn recount(&self, page: &Arc<Page>) -> Result<Arc<Page>> {
        let (versions, begun) = (page.versions_now(&self.database.changes), Instant::now());
        // After a second all of them: another process may have changed any.
        let places =
            if page.is_recent() { page.outdated(&versions) } else { (0..page.cards.len()).collect() };
        let mut cards = page.cards.clone();
        let cards = self.database.read(move |session| {
            Box::pin(async move {
                let keys = places.iter().map(|place| [cards[*place].id, cards[*place].author.id]);
                let found = session.look_up::<2, 7>(COUNTS, keys)?;
                for (place, counts) in places.into_iter().zip(found) {
                    let [likes, comments, author @ ..] = counts.unwrap_or_default();
                    count_video(&mut cards[place], [likes, comments]);
                    count_author(&mut cards[place], author);
                }
                Ok(cards)
            })
        });
        Ok(Arc::new(Page::with(cards.await?, versions, begun)))
    }

    /// A viewer's marks on SQLite: one statement.
    pub(super) async fn marks(&self, page: &Arc<Page>, viewer: UserId) -> Result<Marks> {
        let page = Arc::clone(page);
        self.database
            .read(move |session| {
                Box::pin(async move {
                    let keys = page.cards.iter().map(|card| [viewer.get(), card.id, card.author.id]);
                    let found = session.look_up::<3, 3>(MARKS, keys)?;
                    let bits = |which: usize| {
                        let marks = found.iter().map(|marks| marks.is_some_and(|marks| marks[which] != 0));
                        marks.enumerate().map(|(place, mark)| u64::from(mark) << place).sum()
                    };
                    Ok(Marks { liked: bits(0), followed: bits(1), unwanted: bits(2) })
                })
            })
            .await
    }

    /// On MySQL what may differ for everybody, in one statement: where the feed stands, and the counters.
    pub(super) async fn recount_of_many(&self, page: &Page) -> Result<(Tip, Arc<Page>)> {
        let (versions, begun) = (page.versions_now(&self.database.changes), Instant::now());
        let feed = self.database.changes.version(Touched::Feed);
        let values = [ids(page, |card| card.id), ids(page, |card| card.author.id)].concat();
        let rows = self.database.read(move |session| Box::pin(session.rows(&COUNTS_OF_MANY, values))).await?;
        let (mut cards, mut tip) = (page.cards.clone(), Tip::default());
        for row in &rows {
            let (kind, id, numbers) = read(row)?;
            match kind {
                TIP => tip = Tip { newest: id, revision: numbers[0] },
                VIDEO => {
                    let of = cards.iter_mut().filter(|card| card.id == id);
                    of.for_each(|card| count_video(card, [numbers[0], numbers[1]]));
                }
                _author => {
                    let of = cards.iter_mut().filter(|card| card.author.id == id);
                    of.for_each(|card| count_author(card, numbers));
                }
            }
        }
        self.pages.set_tip(tip, feed, begun);
        Ok((tip, Arc::new(Page::with(cards, versions, begun))))
    }

    /// A viewer's marks on MySQL: one statement.
    pub(super) async fn marks_of_many(&self, page: &Page, viewer: UserId) -> Result<Marks> {
        let viewer = || vec![Value::from(viewer.get())];
        let likes = [viewer(), ids(page, |card| card.id)].concat();
        let authors = [viewer(), ids(page, |card| card.author.id)].concat();
        let values = [likes, authors.clone(), authors].concat();
        let rows = self.database.read(move |session| Box::pin(session.rows(&MARKS_OF_MANY, values))).await?;
        let mut marks = Marks::default();
        for row in &rows {
            let (kind, id) = (column::<i64>(row, "kind")?, column::<i64>(row, "id")?);
            for (place, card) in page.cards.iter().enumerate() {
                match kind {
                    VIDEO => marks.liked |= u64::from(card.id == id) << place,
                    UNWANTED => marks.unwanted |= u64::from(card.author.id == id) << place,
                    _followed => marks.followed |= u64::from(card.author.id == id) << place,
                }
            }
        }
        Ok(marks)
    }
}

const VIDEO: i64 = 1;
const TIP: i64 = 3;
const UNWANTED: i64 = 4;

static COUNTS_OF_MANY: LazyLock<String> = LazyLock::new(|| {
    let holes = holes();
    format!(
        "SELECT {VIDEO} AS kind, vs.video_id AS id, vs.like_count AS a, vs.comment_count AS b, 0 AS c, 0 AS d, 0 AS e \
         FROM video_stat vs WHERE vs.video_id IN ({holes}) \
         UNION ALL SELECT 2, us.user_id, us.follow_count, us.follower_count, us.work_count, us.liked_count, \
         us.received_like_count FROM user_stat us WHERE us.user_id IN ({holes}) \
         UNION ALL SELECT {TIP}, (SELECT COALESCE(MAX(v.published_at), 0) FROM video v), fs.revision, 0, 0, 0, 0 \
         FROM feed_state fs WHERE fs.id = 1 LIMIT 100"
    )
});

static MARKS_OF_MANY: LazyLock<String> = LazyLock::new(|| {
    let holes = holes();
    format!(
        "SELECT {VIDEO} AS kind, l.video_id AS id FROM video_like l WHERE l.user_id = ? AND l.video_id IN ({holes}) \
         UNION ALL SELECT 2, f.followee_id FROM follow f WHERE f.follower_id = ? AND f.followee_id IN ({holes}) \
         UNION ALL SELECT {UNWANTED}, b.other_id FROM barrier b WHERE b.user_id = ? AND b.other_id IN ({holes}) \
         LIMIT 150"
    )
});

/// One text for every length, which the server then has prepared.
fn holes() -> String {
    vec!["?"; FEED_PAGE].join(", ")
}

/// What fills the holes; 0 is nobody's number.
fn ids(page: &Page, of: fn(&VideoCard) -> i64) -> Vec<Value> {
    let ids = page.cards.iter().map(of).chain(std::iter::repeat(0));
    ids.take(FEED_PAGE).map(Value::from).collect()
}

fn read(row: &Row) -> Result<(i64, i64, [i64; 5])> {
    let number = |name| column::<i64>(row, name);
    let numbers = [number("a")?, number("b")?, number("c")?, number("d")?, number("e")?];
    Ok((number("kind")?, number("id")?, numbers))
}

fn count_video(card: &mut VideoCard, [likes, comments]: [i64; 2]) {
    (card.like_count, card.comment_count) = (likes, comments);
}

fn count_author(card: &mut VideoCard, [follows, followers, works, liked, received]: [i64; 5]) {
    let author = &mut card.author;
    (author.follow_count, author.follower_count, author.work_count) = (follows, followers, works);
    (author.liked_count, author.received_like_count) = (liked, received);
}
