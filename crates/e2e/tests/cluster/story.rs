//! What must be true after a load: every acknowledged change is visible, no refused one is, and what is not
//! known happened at most once. The calls themselves are `load.rs`'s.

use std::collections::{BTreeMap, BTreeSet};

use e2e::User;
use serde_json::Value;

use crate::front::{Front, How};

/// What is known of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    Is(bool),
    /// Its last change may have happened or not; nobody touches it any more.
    Either,
}

/// Somebody's relation to something; only one worker changes it, one call at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edge {
    Likes { person: usize, video: i64 },
    Follows { person: usize, other: i64 },
}

/// A text that was sent once.
#[derive(Clone, Debug)]
pub struct Text {
    pub place: Place,
    pub text: String,
    pub fact: Fact,
}

/// Where a text is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Comments { video: i64 },
    Chat { person: usize, other: i64 },
}

/// All that one worker did.
#[derive(Default)]
pub struct Story {
    pub people: Vec<User>,
    pub edges: BTreeMap<Edge, Fact>,
    pub texts: Vec<Text>,
    pub names: BTreeMap<String, Fact>,
}

/// What was found.
#[derive(Default)]
pub struct Checked {
    /// How much was looked at.
    pub facts: usize,
    /// Texts of which nobody knew whether they arrived, and how many of them did.
    pub unknown: usize,
    pub happened: usize,
    pub wrong: Vec<String>,
}

impl Story {
    /// What is known after a call that wanted this.
    pub fn note(how: &How, before: Fact, wanted: bool) -> Fact {
        match how {
            How::Done(_) => Fact::Is(wanted),
            How::Refused(..) => before,
            How::Unknown(_) => Fact::Either,
        }
    }

    /// Looks at everything through the gateways.
    pub async fn check(&self, front: &Front, checked: &mut Checked) {
        let wrong = &mut checked.wrong;
        for (index, person) in self.people.iter().enumerate() {
            self.check_edges(front, index, person, wrong).await;
        }
        let places: BTreeSet<Place> = self.texts.iter().map(|text| text.place).collect();
        for place in places {
            let shown = self.read(front, place).await;
            for text in self.texts.iter().filter(|text| text.place == place) {
                let times = shown.iter().filter(|one| one["content"] == text.text.as_str()).count();
                let right = match text.fact {
                    Fact::Is(true) => times == 1,
                    Fact::Is(false) => times == 0,
                    Fact::Either => times <= 1,
                };
                if text.fact == Fact::Either {
                    checked.unknown += 1;
                    checked.happened += times;
                }
                if !right {
                    wrong.push(format!("{text:?} is there {times} times"));
                }
            }
        }
        for (name, fact) in &self.names {
            if let Fact::Is(wanted) = fact
                && front.exists(name).await != *wanted
            {
                wrong.push(format!("{name} should be {wanted}"));
            }
        }
        checked.facts += self.edges.len() + self.texts.len() + self.names.len();
    }

    async fn check_edges(&self, front: &Front, index: usize, person: &User, wrong: &mut Vec<String>) {
        let pairs = [("token", person.token.clone()), ("user_id", person.id.to_string())];
        let ids = |list: Vec<Value>| -> BTreeSet<i64> {
            list.iter().filter_map(|one| one["id"].as_i64()).collect()
        };
        let liked = ids(front.list("/douyin/favorite/list/", &pairs, "video_list").await);
        let followed = ids(front.list("/douyin/relation/follow/list/", &pairs, "user_list").await);
        for (edge, fact) in &self.edges {
            let shown = match edge {
                Edge::Likes { person, video } if *person == index => liked.contains(video),
                Edge::Follows { person, other } if *person == index => followed.contains(other),
                Edge::Likes { .. } | Edge::Follows { .. } => continue,
            };
            if matches!(fact, Fact::Is(wanted) if *wanted != shown) {
                wrong.push(format!("{} {edge:?} should be {fact:?}", person.name));
            }
        }
    }

    async fn read(&self, front: &Front, place: Place) -> Vec<Value> {
        match place {
            Place::Comments { video } => {
                front.list("/douyin/comment/list/", &[("video_id", video.to_string())], "comment_list").await
            }
            Place::Chat { person, other } => {
                let token = self.people[person].token.clone();
                let pairs =
                    [("token", token), ("to_user_id", other.to_string()), ("pre_msg_time", "0".into())];
                front.list("/douyin/message/chat/", &pairs, "message_list").await
            }
        }
    }
}
