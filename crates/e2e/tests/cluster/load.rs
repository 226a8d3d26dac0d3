//! People at work: eight of them at a time do a seeded mix of everything through both gateways, until they are
//! stopped, and remember how each call ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use e2e::User;
use fastrand::Rng;
use tokio::task::JoinHandle;

use crate::cluster::Cluster;
use crate::front::{Ended, Front, How};
use crate::story::{Checked, Edge, Fact, Place, Story, Text};
use crate::summary::{Kind, Noted, Summary};

const WORKERS: usize = 8;
const PEOPLE_EACH: usize = 3;
const VIDEOS: usize = 3;
/// Each worker's pause between the beginnings of two calls: together up to 100 a second, well below what the
/// cluster can do, so that a failure is the fault's and not the load's.
const PACE: Duration = Duration::from_millis(80);
/// Comments and messages a worker writes at most: lists show the newest 500.
const MOST_TEXTS: usize = 150;
/// What one load does at most.
const MOST_CALLS: usize = 16_000;

/// A load under way.
pub struct Load {
    pub front: Arc<Front>,
    began: Instant,
    stop: Arc<AtomicBool>,
    workers: Vec<JoinHandle<Worker>>,
}

impl Drop for Load {
    /// A scenario that failed leaves nobody at work for the next one.
    fn drop(&mut self) {
        self.workers.iter().for_each(JoinHandle::abort);
    }
}

/// A load that has ended.
pub struct Done {
    pub calls: Vec<Noted>,
    front: Arc<Front>,
    stories: Vec<Story>,
}

struct Worker {
    front: Arc<Front>,
    rng: Rng,
    began: Instant,
    story: Story,
    videos: Vec<i64>,
    everybody: Vec<i64>,
    name: String,
    calls: Vec<Noted>,
}

impl Load {
    /// Registers people, publishes videos, and lets them begin.
    pub async fn start(cluster: &Arc<Cluster>, name: &str, seed: u64) -> Self {
        let front = Arc::new(Front::new(cluster));
        let mut people = Vec::new();
        for number in 0..WORKERS * PEOPLE_EACH {
            people.push(front.join(&format!("{name} {number}")).await);
        }
        let mut videos = Vec::new();
        for number in 0..VIDEOS {
            videos.push(front.video(&people[0], &format!("{name} {number}")).await);
        }
        let everybody: Vec<i64> = people.iter().map(|person| person.id).collect();
        let (stop, began) = (Arc::new(AtomicBool::new(false)), Instant::now());
        let workers = people.chunks(PEOPLE_EACH).enumerate().map(|(number, own)| {
            let worker = Worker {
                front: Arc::clone(&front),
                rng: Rng::with_seed(seed * 100 + number as u64),
                began,
                story: Story { people: own.to_vec(), ..Story::default() },
                videos: videos.clone(),
                everybody: everybody.clone(),
                name: format!("{name} {number}"),
                calls: Vec::new(),
            };
            tokio::spawn(worker.work(Arc::clone(&stop)))
        });
        let workers = workers.collect();
        Self { front, began, stop, workers }
    }

    /// The time since the load began, to cut summaries by.
    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Lets the calls under way end.
    pub async fn stop(mut self) -> Done {
        self.stop.store(true, Ordering::Relaxed);
        let mut done = Done { calls: Vec::new(), front: Arc::clone(&self.front), stories: Vec::new() };
        for worker in std::mem::take(&mut self.workers) {
            let worker = worker.await.expect("a worker works");
            done.calls.extend(worker.calls);
            done.stories.push(worker.story);
        }
        done
    }
}

impl Done {
    /// All calls.
    pub fn summary(&self) -> Summary {
        self.between(Duration::ZERO, Duration::MAX)
    }

    /// The calls that ended between these moments.
    pub fn between(&self, from: Duration, to: Duration) -> Summary {
        Summary::of(&self.calls, from, to)
    }

    /// Every acknowledged change is there, no refused one is, and the database agrees with itself.
    ///
    /// # Panics
    /// When that is not so.
    pub async fn verify(&self, cluster: &Cluster) -> usize {
        let mut checked = Checked::default();
        for story in &self.stories {
            story.check(&self.front, &mut checked).await;
        }
        let Checked { facts, unknown, happened, wrong } = checked;
        assert!(facts > 0, "a load that changed nothing shows nothing");
        assert!(wrong.is_empty(), "{} of {facts} facts are wrong:\n{}", wrong.len(), wrong.join("\n"));
        if unknown > 0 {
            println!("of {unknown} texts that nobody knew the fate of {happened} arrived");
        }
        cluster.fsck().await;
        facts
    }
}

impl Worker {
    async fn work(mut self, stop: Arc<AtomicBool>) -> Self {
        let mut pace = tokio::time::interval(PACE);
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !stop.load(Ordering::Relaxed) && self.calls.len() < MOST_CALLS / WORKERS {
            pace.tick().await;
            match self.rng.u8(0..100) {
                0..30 => self.like().await,
                30..45 => self.follow().await,
                45..51 => self.comment().await,
                51..58 => self.message().await,
                58..60 => self.register().await,
                60..72 => self.read("feed", "/douyin/feed/", false).await,
                72..84 => self.read("feed of a viewer", "/douyin/feed/", true).await,
                84..92 => self.read("favourites", "/douyin/favorite/list/", true).await,
                _ => self.read("profile", "/douyin/user/", true).await,
            }
        }
        self
    }

    fn person(&mut self) -> (usize, User) {
        let index = self.rng.usize(0..self.story.people.len());
        (index, self.story.people[index].clone())
    }

    fn note(&mut self, what: &'static str, kind: Kind, ended: &Ended) {
        let failed = match &ended.how {
            How::Done(_) => None,
            How::Refused(http, code) => Some(format!("{http}/{code}")),
            How::Unknown(seen) => Some(seen.clone()),
        };
        self.calls.push(Noted { at: self.began.elapsed(), took: ended.took, what, kind, failed });
    }

    async fn read(&mut self, what: &'static str, path: &str, signed: bool) {
        let (_, person) = self.person();
        let pairs = [("token", person.token), ("user_id", person.id.to_string())];
        let ended = self.front.get(path, if signed { &pairs } else { &[] }).await;
        self.note(what, Kind::Read, &ended);
    }

    async fn like(&mut self) {
        let (index, person) = self.person();
        let video = self.videos[self.rng.usize(0..self.videos.len())];
        let pairs = [("token", person.token), ("video_id", video.to_string())];
        self.turn(Edge::Likes { person: index, video }, "like", "/douyin/favorite/action/", &pairs).await;
    }

    async fn follow(&mut self) {
        let (index, person) = self.person();
        let other = self.other(person.id);
        let pairs = [("token", person.token), ("to_user_id", other.to_string())];
        self.turn(Edge::Follows { person: index, other }, "follow", "/douyin/relation/action/", &pairs).await;
    }

    /// Somebody else.
    fn other(&mut self, person: i64) -> i64 {
        loop {
            let other = self.everybody[self.rng.usize(0..self.everybody.len())];
            if other != person {
                return other;
            }
        }
    }

    /// Makes an edge what it is not.
    async fn turn(&mut self, edge: Edge, what: &'static str, path: &str, pairs: &[(&str, String)]) {
        let before = self.story.edges.get(&edge).copied().unwrap_or(Fact::Is(false));
        let Fact::Is(is) = before else { return };
        let action = ("action_type", if is { "2" } else { "1" }.to_owned());
        let ended = self.front.post(path, &[pairs, &[action]].concat()).await;
        self.note(what, Kind::Repeatable, &ended);
        self.story.edges.insert(edge, Story::note(&ended.how, before, !is));
    }

    async fn comment(&mut self) {
        let (_, person) = self.person();
        let video = self.videos[self.rng.usize(0..self.videos.len())];
        let pairs = [("token", person.token), ("video_id", video.to_string())];
        let path = "/douyin/comment/action/";
        self.write(Place::Comments { video }, "comment", path, "comment_text", &pairs).await;
    }

    async fn message(&mut self) {
        let (index, person) = self.person();
        let other = self.other(person.id);
        let pairs = [("token", person.token), ("to_user_id", other.to_string())];
        let path = "/douyin/message/action/";
        self.write(Place::Chat { person: index, other }, "message", path, "content", &pairs).await;
    }

    async fn write(
        &mut self,
        place: Place,
        what: &'static str,
        path: &str,
        field: &str,
        pairs: &[(&str, String)],
    ) {
        let number = self.story.texts.len();
        if number >= MOST_TEXTS {
            return;
        }
        let text = format!("{} says {number}", self.name);
        let more = [("action_type", "1".to_owned()), (field, text.clone())];
        let ended = self.front.post(path, &[pairs, &more].concat()).await;
        self.note(what, Kind::Once, &ended);
        let fact = Story::note(&ended.how, Fact::Is(false), true);
        self.story.texts.push(Text { place, text, fact });
    }

    async fn register(&mut self) {
        let name = format!("{} new {}", self.name, self.story.names.len());
        let pairs = [("username", name.clone()), ("password", "a password of tests".to_owned())];
        let ended = self.front.post("/douyin/user/register/", &pairs).await;
        self.note("register", Kind::Once, &ended);
        self.story.names.insert(name, Story::note(&ended.how, Fact::Is(false), true));
    }
}
