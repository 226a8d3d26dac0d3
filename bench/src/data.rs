//! The dataset: who exists, what they published and how often each of it is asked for. The same seed makes
//! the same rows in either database. What is done to the platform with it is the scenarios'.

mod mysql;
mod objects;
mod rows;
mod sqlite;
#[cfg(test)]
pub(crate) mod tests;

pub use fastrand::Rng;
pub(crate) use rows::password_hash;

/// The password of every user.
pub const PASSWORD: &str = "bench-pass";

/// When the newest video was published, in UTC milliseconds. It does not move, or the rows would.
const END: i64 = 1_760_000_000_000;
const DAY: i64 = 24 * 60 * 60 * 1000;
/// The time in which everything happened.
const SPAN: i64 = 14 * DAY;
/// The time after which a video is watched half as often.
const HALF_LIFE: i64 = 2 * DAY;
/// Videos on a page of the feed.
const PAGE: u64 = 30;
const RANGE_FILE_BYTES: usize = 50 * 1024 * 1024;

/// A platform's content, as a rule to make it by and as what the scenarios draw from. Users and videos are
/// numbered from 1, videos in the order of their publication.
#[derive(Clone)]
pub struct Dataset {
    /// How many users there are.
    pub users: u64,
    /// How many videos there are.
    pub videos: u64,
    /// What everything is drawn by.
    pub seed: u64,
    /// The length of the file for range reads, in bytes.
    range_file_bytes: usize,
    /// Half of the users like fewer videos than this.
    likes_of_half: f64,
    popularity: Weighted,
    fame: Weighted,
}

impl Dataset {
    /// The dataset of this size: `1k`, `100k` or `1m` videos.
    pub fn scale(name: &str) -> Option<Self> {
        match name {
            "1k" => Some(Self::new(1_000, 1_000, 10.0)),
            "100k" => Some(Self::new(100_000, 100_000, 40.0)),
            "1m" => Some(Self::new(100_000, 1_000_000, 40.0)),
            _ => None,
        }
    }

    fn new(users: u64, videos: u64, likes_of_half: f64) -> Self {
        let seed = 20_260_101;
        let recency = |video: u64| {
            let age = END - published_at(videos, video);
            (-(age as f64) / HALF_LIFE as f64).exp2()
        };
        let mut ranks = shuffled(videos, seed);
        for (video, weight) in (1..).zip(&mut ranks) {
            *weight = weight.powf(-0.99) * recency(video);
        }
        let mut fame = shuffled(users, seed + 1);
        fame.iter_mut().for_each(|rank| *rank = rank.powf(-1.1));
        Self {
            users,
            videos,
            seed,
            range_file_bytes: RANGE_FILE_BYTES,
            likes_of_half,
            popularity: Weighted::new(ranks),
            fame: Weighted::new(fame),
        }
    }

    /// The name of a user; [`PASSWORD`] is everybody's password.
    pub fn user_name(user: u64) -> String {
        format!("bench-{user}")
    }

    /// Chance for one of the callers of a run: another for each, the same in each run.
    pub fn rng(&self, caller: u64) -> Rng {
        Rng::with_seed(self.seed ^ (caller + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// A video, by popularity (Zipf, s = 0.99) and recency (half-life of two days).
    pub fn video(&self, rng: &mut Rng) -> u64 {
        self.popularity.pick(rng)
    }

    /// A user, any as likely as the other: those who watch.
    pub fn user(&self, rng: &mut Rng) -> u64 {
        rng.u64(1..=self.users)
    }

    /// A user, by fame (Zipf, s = 1.1): those who are watched and followed.
    pub fn author(&self, rng: &mut Rng) -> u64 {
        self.fame.pick(rng)
    }

    /// A user and another one whom that one might follow.
    pub fn follow(&self, rng: &mut Rng) -> (u64, u64) {
        let author = self.author(rng);
        loop {
            let user = self.user(rng);
            if user != author {
                return (user, author);
            }
        }
    }

    /// Two users who have written to each other.
    pub fn chat(&self, rng: &mut Rng) -> (u64, u64) {
        self.chat_of(rng.u64(0..self.chats()))
    }

    /// The video that is watched most.
    pub fn hot_video(&self) -> u64 {
        self.popularity.heaviest()
    }

    /// The user with the most followers: half of all.
    pub fn star(&self) -> u64 {
        self.fame.heaviest()
    }

    /// The `latest_time` at which the feed's page of this number begins, the first being 0; after the last
    /// page it begins again.
    pub fn cursor(&self, page: u64) -> i64 {
        let pages = self.videos.div_ceil(PAGE);
        published_at(self.videos, self.videos - page % pages * PAGE) + 1
    }

    /// A moment within the time in which videos were published.
    pub fn moment(&self, rng: &mut Rng) -> i64 {
        rng.i64(published_at(self.videos, 1)..=END)
    }

    /// How many pairs of users have written to each other.
    fn chats(&self) -> u64 {
        self.users / 10
    }

    /// Neighbours by number, so that nothing has to be remembered.
    fn chat_of(&self, chat: u64) -> (u64, u64) {
        (chat * 10 + 1, chat * 10 + 2)
    }
}

/// When a video was published, in UTC milliseconds: evenly spread, so each in a moment of its own.
fn published_at(videos: u64, video: u64) -> i64 {
    END - (videos - video).cast_signed() * (SPAN / videos.cast_signed())
}

/// The ranks 1 to `count` in an order of chance.
fn shuffled(count: u64, seed: u64) -> Vec<f64> {
    let mut ranks: Vec<f64> = (1..=count).map(|rank| rank as f64).collect();
    Rng::with_seed(seed).shuffle(&mut ranks);
    ranks
}

/// Numbers from 1, each as likely as its weight says.
#[derive(Clone)]
pub(crate) struct Weighted {
    /// The sum of the weights up to and with each number.
    sums: Vec<f64>,
}

impl Weighted {
    pub(crate) fn new(mut weights: Vec<f64>) -> Self {
        let mut sum = 0.0;
        for weight in &mut weights {
            sum += *weight;
            *weight = sum;
        }
        Self { sums: weights }
    }

    pub(crate) fn pick(&self, rng: &mut Rng) -> u64 {
        let total = self.sums.last().copied().unwrap_or(0.0);
        let point = rng.f64() * total;
        // The last bit of a product may round up to the total.
        self.sums.partition_point(|sum| *sum <= point).min(self.sums.len() - 1) as u64 + 1
    }

    fn weight(&self, number: u64) -> f64 {
        let at = number as usize - 1;
        self.sums[at] - if at == 0 { 0.0 } else { self.sums[at - 1] }
    }

    fn heaviest(&self) -> u64 {
        let heavier = |one: &u64, other: &u64| self.weight(*one).total_cmp(&self.weight(*other));
        (1..=self.sums.len() as u64).max_by(heavier).unwrap_or(1)
    }
}
