//! The rows: every table's, one after the other, the counters equal to what they count. How they get into a
//! database is the writers'.

use std::collections::HashSet;

use anyhow::{Result, anyhow};
use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};
use domain::words;
use sha2::{Digest, Sha256};

use super::{Dataset, END, PASSWORD, Rng, SPAN, published_at};

const OPENINGS: [&str; 12] = [
    "成都的夜晚",
    "My first 10 km 🏃",
    "三分钟学会红烧肉 🍲",
    "Sunset",
    "猫又上桌了 😼",
    "周末去哪儿",
    "How I fixed my bike",
    "下雨天听的歌 🎵",
    "Street food 🍜",
    "高考加油",
    "一个人的旅行",
    "Behind the scenes 🎬",
];
const ENDINGS: [&str; 8] =
    ["第一集", "part two", "✨", "看到最后有惊喜", "(no cuts)", "在家也能做 👍", "vlog", "你们觉得怎么样？"];
const REMARKS: [&str; 10] = [
    "哈哈哈哈",
    "first!",
    "太好看了 😍",
    "where is this?",
    "求教程",
    "same here",
    "已收藏 👍",
    "❤️❤️❤️",
    "这是什么歌？",
    "I did not expect that ending",
];
/// Comments a user writes on average.
const COMMENTS: u64 = 5;
/// Messages in each conversation.
const MESSAGES: u64 = 20;
/// Most likes of one user, and the spread of their number: of a thousand users one likes 20 times the median.
const MOST_LIKES: f64 = 5_000.0;
const LIKES_SIGMA: f64 = 1.0;
/// Share of all users that follow the one with the most followers.
const FOLLOWERS_OF_STAR: f64 = 0.5;
/// The platform's cost of a password's hash: memory in KiB, passes, lanes.
const HASH_COST: (u32, u32, u32) = (19_456, 2, 1);

/// A table and the columns that are filled; the others have their defaults.
#[derive(Debug)]
pub(super) struct Table {
    pub name: &'static str,
    pub columns: &'static [&'static str],
}

/// A value in a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell<'a> {
    Number(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

use Cell::{Bytes, Number, Text};

static USER: Table =
    Table { name: "user", columns: &["id", "name", "name_key", "password_hash", "created_at"] };
static USER_STAT: Table = Table {
    name: "user_stat",
    columns: &[
        "user_id",
        "follow_count",
        "follower_count",
        "work_count",
        "liked_count",
        "received_like_count",
    ],
};
static USER_TEXT: Table = Table { name: "user_text", columns: &["user_id", "words"] };
static VIDEO: Table = Table {
    name: "video",
    columns: &["id", "author_id", "title", "state", "play_key", "cover_key", "published_at", "created_at"],
};
static VIDEO_STAT: Table =
    Table { name: "video_stat", columns: &["video_id", "like_count", "comment_count"] };
static VIDEO_TEXT: Table = Table { name: "video_text", columns: &["video_id", "words"] };
static VIDEO_OBJECT: Table =
    Table { name: "video_object", columns: &["object_key", "video_id", "bytes", "sha256"] };
static VIDEO_LIKE: Table =
    Table { name: "video_like", columns: &["id", "user_id", "video_id", "created_at"] };
static COMMENT: Table =
    Table { name: "comment", columns: &["id", "video_id", "author_id", "content", "created_at"] };
static FOLLOW: Table = Table { name: "follow", columns: &["id", "follower_id", "followee_id", "created_at"] };
static MESSAGE: Table =
    Table { name: "message", columns: &["id", "sender_id", "receiver_id", "content", "created_at"] };

/// The tables that are filled, in this order.
pub(super) static TABLES: [&Table; 11] = [
    &USER,
    &USER_STAT,
    &USER_TEXT,
    &VIDEO,
    &VIDEO_STAT,
    &VIDEO_TEXT,
    &VIDEO_OBJECT,
    &VIDEO_LIKE,
    &COMMENT,
    &FOLLOW,
    &MESSAGE,
];

/// Takes one row of a table.
pub(super) type Put<'p> = dyn FnMut(&'static Table, &[Cell<'_>]) -> Result<()> + 'p;

/// Something a user did to a video or to another user: when, who, whom. Sorts by time, as it happened.
type Act = (i64, u32, u32);

/// Everything the counters count.
struct Acts {
    /// The author of each video, the first video's first.
    authors: Vec<u32>,
    likes: Vec<Act>,
    comments: Vec<Act>,
    follows: Vec<Act>,
}

impl Dataset {
    /// Every row, table by table in the order of [`TABLES`].
    pub(super) fn each_row(&self, put: &mut Put<'_>) -> Result<()> {
        let acts = self.acts();
        self.put_users(&acts, put)?;
        self.put_videos(&acts, put)?;
        for object in self.objects() {
            let hash = Sha256::digest(object.content());
            let (video, bytes) = (object.video.cast_signed(), object.bytes as i64);
            put(&VIDEO_OBJECT, &[Text(&object.key), Number(video), Number(bytes), Bytes(&hash)])?;
        }
        for (id, (at, user, video)) in (1..).zip(acts.likes) {
            put(&VIDEO_LIKE, &[Number(id), Number(user.into()), Number(video.into()), Number(at)])?;
        }
        let mut rng = Rng::with_seed(self.seed + 2);
        for (id, (at, user, video)) in (1..).zip(acts.comments) {
            let text = Text(REMARKS[rng.usize(..REMARKS.len())]);
            put(&COMMENT, &[Number(id), Number(video.into()), Number(user.into()), text, Number(at)])?;
        }
        for (id, (at, from, to)) in (1..).zip(acts.follows) {
            put(&FOLLOW, &[Number(id), Number(from.into()), Number(to.into()), Number(at)])?;
        }
        self.put_messages(put)
    }

    fn acts(&self) -> Acts {
        let mut rng = Rng::with_seed(self.seed + 3);
        let authors = (0..self.videos).map(|_| self.author(&mut rng) as u32).collect();
        let mut acts = Acts { authors, likes: Vec::new(), comments: Vec::new(), follows: Vec::new() };
        let most = MOST_LIKES.min(self.videos as f64 / 10.0);
        for user in 1..=self.users {
            let count = (self.likes_of_half * (LIKES_SIGMA * normal(&mut rng)).exp()).min(most);
            for video in distinct(count as usize, &mut rng, |rng| self.video(rng)) {
                acts.likes.push((self.after(video, &mut rng), user as u32, video as u32));
            }
        }
        for _ in 0..self.users * COMMENTS {
            let (user, video) = (self.user(&mut rng), self.video(&mut rng));
            acts.comments.push((self.after(video, &mut rng), user as u32, video as u32));
        }
        let heaviest = self.fame.weight(self.star());
        for author in 1..=self.users {
            let share = FOLLOWERS_OF_STAR * self.fame.weight(author) / heaviest;
            let followers = (self.users as f64 * share) as usize;
            for user in distinct(followers, &mut rng, |rng| self.user(rng)) {
                if user != author {
                    acts.follows.push((END - rng.i64(0..SPAN), user as u32, author as u32));
                }
            }
        }
        acts.likes.sort_unstable();
        acts.comments.sort_unstable();
        acts.follows.sort_unstable();
        acts
    }

    /// A moment at which a video was there.
    fn after(&self, video: u64, rng: &mut Rng) -> i64 {
        rng.i64(published_at(self.videos, video)..=END)
    }

    fn put_users(&self, acts: &Acts, put: &mut Put<'_>) -> Result<()> {
        let hash = password_hash()?;
        for user in 1..=self.users {
            let name = Self::user_name(user);
            // Lower-case ASCII is its own key.
            let row = [Number(user.cast_signed()), Text(&name), Text(&name), Text(&hash), Number(END - SPAN)];
            put(&USER, &row)?;
        }
        let mut stats = vec![[0; 5]; self.users as usize + 1];
        for (_, from, to) in &acts.follows {
            stats[*from as usize][0] += 1;
            stats[*to as usize][1] += 1;
        }
        for author in &acts.authors {
            stats[*author as usize][2] += 1;
        }
        for (_, user, video) in &acts.likes {
            stats[*user as usize][3] += 1;
            stats[acts.authors[*video as usize - 1] as usize][4] += 1;
        }
        for (user, counts) in (0..).zip(stats).skip(1) {
            let [a, b, c, d, e] = counts.map(Number);
            put(&USER_STAT, &[Number(user), a, b, c, d, e])?;
        }
        for user in 1..=self.users {
            put(&USER_TEXT, &[Number(user.cast_signed()), Text(&words(&Self::user_name(user)))])?;
        }
        Ok(())
    }

    fn put_videos(&self, acts: &Acts, put: &mut Put<'_>) -> Result<()> {
        let mut rng = Rng::with_seed(self.seed + 4);
        let mut titles = Vec::with_capacity(acts.authors.len());
        for (video, author) in (1..).zip(&acts.authors) {
            let (opening, ending) = (rng.usize(..OPENINGS.len()), rng.usize(..ENDINGS.len()));
            let title = format!("{} {} #{video}", OPENINGS[opening], ENDINGS[ending]);
            let (play, cover) = (self.play_object(video).key, self.cover_object(video).key);
            let (id, author) = (Number(video.cast_signed()), Number((*author).into()));
            let at = published_at(self.videos, video);
            let keys = [Text(&play), Text(&cover)];
            put(
                &VIDEO,
                &[id, author, Text(&title), Text("ready"), keys[0], keys[1], Number(at), Number(at)],
            )?;
            titles.push(title);
        }
        let mut stats = vec![[0; 2]; self.videos as usize + 1];
        acts.likes.iter().for_each(|(_, _, video)| stats[*video as usize][0] += 1);
        acts.comments.iter().for_each(|(_, _, video)| stats[*video as usize][1] += 1);
        for (video, [likes, comments]) in (0..).zip(stats).skip(1) {
            put(&VIDEO_STAT, &[Number(video), Number(likes), Number(comments)])?;
        }
        for (video, title) in (1..).zip(titles) {
            put(&VIDEO_TEXT, &[Number(video), Text(&words(&title))])?;
        }
        Ok(())
    }

    /// All conversations at once, a minute between two messages of each.
    fn put_messages(&self, put: &mut Put<'_>) -> Result<()> {
        let mut rng = Rng::with_seed(self.seed + 5);
        let mut id = 0;
        for turn in 0..MESSAGES {
            let at = END - (MESSAGES - turn).cast_signed() * 60_000;
            for chat in 0..self.chats() {
                let (one, other) = self.chat_of(chat);
                let (from, to) = if turn % 2 == 0 { (one, other) } else { (other, one) };
                id += 1;
                let (from, to) = (Number(from.cast_signed()), Number(to.cast_signed()));
                let text = Text(REMARKS[rng.usize(..REMARKS.len())]);
                put(&MESSAGE, &[Number(id), from, to, text, Number(at)])?;
            }
        }
        Ok(())
    }
}

/// The hash of [`PASSWORD`] as the platform would make it, but for its salt, which is always the same.
pub(crate) fn password_hash() -> Result<String> {
    let (memory, passes, lanes) = HASH_COST;
    let params = Params::new(memory, passes, lanes, None).map_err(|error| anyhow!("{error}"))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: PasswordHash = argon2
        .hash_password_with_salt(PASSWORD.as_bytes(), b"salt of a bench.")
        .map_err(|error| anyhow!("{error}"))?;
    Ok(hash.to_string())
}

/// So many different numbers, in the order they were drawn; fewer when chance brings the same again and
/// again.
fn distinct(count: usize, rng: &mut Rng, mut draw: impl FnMut(&mut Rng) -> u64) -> Vec<u64> {
    let (mut seen, mut drawn) = (HashSet::with_capacity(count), Vec::with_capacity(count));
    for _ in 0..count * 8 {
        if drawn.len() == count {
            break;
        }
        let number = draw(rng);
        if seen.insert(number) {
            drawn.push(number);
        }
    }
    drawn
}

/// A number of the normal distribution with mean 0 and deviation 1 (Box and Muller).
fn normal(rng: &mut Rng) -> f64 {
    let (one, other) = (1.0 - rng.f64(), rng.f64());
    (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
}
