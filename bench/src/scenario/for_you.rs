//! The for-you feed on a population with planted tastes: how much of what people are shown is to their taste, how much of
//! the catalogue is shown to anybody, and what it costs; beside the newest and the most liked. A change of weights
//! (`DYTT_FEED__TAG=…`) has a figure here.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rusqlite::Connection as Database;
use serde_json::Value;

use super::Stage;
use crate::data::Rng;
use crate::load::{Connection, Request, Verdict};
use crate::report::{Bound, Figures};

/// What videos are about, one topic each, and how many of them somebody likes.
const TOPICS: u64 = 12;
const FAVOURITES: usize = 2;
/// Videos that each person likes of those, and of any.
const TASTED: usize = 12;
const CHANCE: usize = 3;
/// People who are shown something, and how much.
const PEOPLE: u64 = 200;
const PAGES: usize = 3;
const ROWS: usize = 20;

const FOR_YOU: &str = "platform, for you";
const NEWEST: &str = "newest first";
const POPULAR: &str = "most liked first";

pub async fn for_you(stage: &mut Stage<'_>) -> Result<()> {
    let site = stage.site;
    let Some(file) = site.platform.database.strip_prefix("sqlite:") else {
        println!("for-you: tastes are planted in SQLite alone");
        return Ok(());
    };
    let mut database = Database::open(file).context("open the database")?;
    database.busy_timeout(Duration::from_secs(10))?;
    let mut rng = site.dataset.rng(7);
    let planted = Planted::new(site.dataset.users, site.dataset.videos, &mut rng);
    planted.write(&mut database).context("plant tastes")?;
    let ranked = |order: &str| -> Result<Vec<u64>> {
        let sql = format!(
            "SELECT v.id FROM video v JOIN video_stat s ON s.video_id = v.id ORDER BY {order} LIMIT 2000"
        );
        let mut statement = database.prepare(&sql)?;
        let rows = statement.query_map([], |row| row.get::<_, i64>(0))?;
        rows.map(|id| Ok(id?.cast_unsigned())).collect()
    };
    let orders =
        [(NEWEST, ranked("v.published_at DESC")?), (POPULAR, ranked("s.like_count DESC, v.id DESC")?)];
    let mut shown = [Shown::default(), Shown::default(), Shown::default()];
    let mut connection = Connection::new(site.platform.target.addresses[0]);
    let mut times = Vec::new();
    for user in 1..=PEOPLE.min(site.dataset.users) {
        for _ in 0..PAGES {
            let page = format!("/api/v1/feeds/for-you?limit={ROWS}");
            let asked = Instant::now();
            let (answer, body) = connection.fetch(&Request::get_as(site.token(user), page)).await?;
            times.push(asked.elapsed());
            ensure!(answer.verdict == Verdict::Accepted, "{}", String::from_utf8_lossy(&body));
            let page: Value = serde_json::from_slice(&body).context("read a page")?;
            let items = page["items"].as_array().into_iter().flatten();
            let videos = items.filter_map(|item| item["id"].as_u64());
            shown[0].add(&planted, user, videos);
        }
        for ((_, order), shown) in orders.iter().zip(&mut shown[1..]) {
            let new = order.iter().filter(|video| !planted.likes(user).contains(video)).copied();
            shown.add(&planted, user, new.take(PAGES * ROWS));
        }
    }
    stage.add(figures(&stage.scenario, times));
    for (name, shown) in [FOR_YOU, NEWEST, POPULAR].into_iter().zip(&shown) {
        println!(
            "{name}: {:.1} % to people's taste, {:.1} % of the catalogue",
            100.0 * shown.hit_rate(),
            100.0 * shown.seen.len() as f64 / site.dataset.videos as f64
        );
    }
    let own = shown[0].hit_rate();
    for (name, other) in [(NEWEST, &shown[1]), (POPULAR, &shown[2])] {
        let text = format!("hit rate × that of the {name}");
        stage.report.judge("for you", &text, Bound::AtLeast(2.0), &[own / other.hit_rate()]);
    }
    let coverage = shown[0].seen.len() as f64 / shown[2].seen.len().max(1) as f64;
    stage.report.judge(
        "for you",
        "coverage × that of the most liked first",
        Bound::AtLeast(2.0),
        &[coverage],
    );
    stage.check()
}

/// Who likes what.
struct Planted {
    /// The topic of each video, the first video's first.
    topics: Vec<u64>,
    /// The topics each person likes, and the videos they say so of.
    people: Vec<(Vec<u64>, HashSet<u64>)>,
}

impl Planted {
    fn new(users: u64, videos: u64, rng: &mut Rng) -> Self {
        let topics: Vec<u64> = (0..videos).map(|_| rng.u64(..TOPICS)).collect();
        let person = |rng: &mut Rng| {
            let mut all: Vec<u64> = (0..TOPICS).collect();
            rng.shuffle(&mut all);
            let favourites = all[..FAVOURITES].to_vec();
            let of_taste: Vec<u64> =
                (1..=videos).filter(|video| favourites.contains(&topics[*video as usize - 1])).collect();
            let mut liked: HashSet<u64> = rng.choose_multiple(of_taste, TASTED).into_iter().collect();
            liked.extend((0..CHANCE).map(|_| rng.u64(1..=videos)));
            (favourites, liked)
        };
        let people = (0..users).map(|_| person(rng)).collect();
        Self { topics, people }
    }

    fn likes(&self, user: u64) -> &HashSet<u64> {
        &self.people[user as usize - 1].1
    }

    /// Tags and likes in place of those there are, with counters that are right.
    fn write(&self, database: &mut Database) -> Result<()> {
        let transaction = database.transaction()?;
        transaction.execute_batch("DELETE FROM video_like; DELETE FROM video_tag; DELETE FROM tag")?;
        for topic in 0..TOPICS {
            let name = format!("topic{topic}");
            transaction.execute(
                "INSERT INTO tag (id, name_key, name) VALUES (?1, ?2, ?2)",
                (topic.cast_signed() + 1, name),
            )?;
        }
        let mut tagged = transaction.prepare("INSERT INTO video_tag (tag_id, video_id) VALUES (?, ?)")?;
        for (video, topic) in (1_i64..).zip(&self.topics) {
            tagged.execute((topic.cast_signed() + 1, video))?;
        }
        drop(tagged);
        let mut liked =
            transaction.prepare("INSERT INTO video_like (user_id, video_id, created_at) VALUES (?, ?, 1)")?;
        for (user, (_, likes)) in (1_i64..).zip(&self.people) {
            for video in likes {
                liked.execute((user, video.cast_signed()))?;
            }
        }
        drop(liked);
        transaction.execute_batch(
            "UPDATE video_stat SET like_count = (SELECT COUNT(*) FROM video_like l WHERE l.video_id = video_stat.video_id); \
             UPDATE user_stat SET liked_count = (SELECT COUNT(*) FROM video_like l WHERE l.user_id = user_stat.user_id), \
             received_like_count = (SELECT COUNT(*) FROM video_like l JOIN video v ON v.id = l.video_id \
             WHERE v.author_id = user_stat.user_id)",
        )?;
        Ok(transaction.commit()?)
    }
}

/// What people were shown.
#[derive(Default)]
struct Shown {
    rows: usize,
    hits: usize,
    seen: HashSet<u64>,
}

impl Shown {
    fn add(&mut self, planted: &Planted, user: u64, videos: impl Iterator<Item = u64>) {
        for video in videos {
            let topic = planted.topics[video as usize - 1];
            self.rows += 1;
            self.hits += usize::from(planted.people[user as usize - 1].0.contains(&topic));
            self.seen.insert(video);
        }
    }

    fn hit_rate(&self) -> f64 {
        self.hits as f64 / self.rows.max(1) as f64
    }
}

/// What pages took.
fn figures(scenario: &str, mut times: Vec<Duration>) -> Figures {
    times.sort_unstable();
    let millis = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let took: Duration = times.iter().sum();
    Figures {
        scenario: scenario.into(),
        variant: FOR_YOU.into(),
        per_second: times.len() as f64 / took.as_secs_f64(),
        accepted: times.len() as u64,
        p50_ms: millis(0.5),
        p90_ms: millis(0.9),
        p99_ms: millis(0.99),
        max_ms: millis(1.0),
        ..Figures::default()
    }
}
