//! What a person is shown next: a small weighted model over what they watched, liked, commented and did not want. Every
//! part of a video's worth is a number between 0 and 1 (affinities between -1 and 1) times a weight that an operator can
//! set, and the largest part is why it is shown. Where candidates come from is the store's.

use std::collections::HashMap;

use domain::{Timestamp, UserId, VideoId};
use store::{Candidate, Signal};

/// What each part of a worth counts, and what is done beside it.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// How new it is: half as much after each `half_life_hours`.
    pub fresh: f64,
    /// Hours.
    pub half_life_hours: f64,
    /// How many like, comment and view it, as a logarithm.
    pub popular: f64,
    /// Its author is followed.
    pub followed: f64,
    /// Somebody who is followed likes it.
    pub network: f64,
    /// Its tags are those of what was liked and watched.
    pub tag: f64,
    /// Its author is the one of what was liked and watched.
    pub author: f64,
    /// People like it who like the same.
    pub similar: f64,
    /// The share of what is shown that hardly anybody has seen yet, so that it gets its chance.
    pub explore: f64,
    /// What the worth of an author's next video is multiplied by for each that is shown already.
    pub same_author: f64,
}

impl Weights {
    /// Whether these can be used.
    ///
    /// # Errors
    /// Names the key that is wrong, and what would be right.
    pub fn check(&self) -> Result<(), String> {
        let parts = [
            ("fresh", self.fresh),
            ("popular", self.popular),
            ("followed", self.followed),
            ("network", self.network),
            ("tag", self.tag),
            ("author", self.author),
            ("similar", self.similar),
        ];
        for (key, weight) in parts {
            if !(0.0..=100.0).contains(&weight) {
                return Err(format!("feed.{key} must be between 0 and 100, not {weight}"));
            }
        }
        for (key, share) in [("explore", self.explore), ("same_author", self.same_author)] {
            if !(0.0..=1.0).contains(&share) {
                return Err(format!("feed.{key} must be between 0 and 1, not {share}"));
            }
        }
        match self.half_life_hours {
            hours if (0.1..=100_000.0).contains(&hours) => Ok(()),
            hours => Err(format!("feed.half_life_hours must be between 0.1 and 100000, not {hours}")),
        }
    }
}

/// Why a video is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Why {
    /// It is new.
    Fresh,
    /// Many like it.
    Popular,
    /// Its author is followed.
    Followed,
    /// Somebody who is followed likes it.
    Network,
    /// Its tags are liked.
    Tag,
    /// What its author makes is liked.
    Author,
    /// People who like the same like it.
    Similar,
    /// Hardly anybody has seen it yet.
    Explore,
}

impl Why {
    /// The word it is told and stored by.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Popular => "popular",
            Self::Followed => "followed",
            Self::Network => "network",
            Self::Tag => "tag",
            Self::Author => "author",
            Self::Similar => "similar",
            Self::Explore => "explore",
        }
    }
}

/// What a signal says: how much is wanted, or not, of the like. Who watched a third of a video neither liked nor skipped it.
fn worth(signal: &Signal) -> f64 {
    if signal.is_unwanted {
        return -2.0;
    }
    let watched = signal.watched.map_or(0.0, |share| share.clamp(0.0, 1.0) - 1.0 / 3.0);
    let one = |is: bool| f64::from(u8::from(is));
    watched + one(signal.is_liked) + one(signal.is_passed_on) + 0.8 * one(signal.is_commented)
}

/// What somebody likes: tags and authors, each from -1 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Taste {
    tags: HashMap<i64, f64>,
    authors: HashMap<i64, f64>,
}

impl Taste {
    /// Learns from what somebody did. A few signals in agreement say nearly as much as many.
    pub(crate) fn of(signals: &[Signal]) -> Self {
        let mut taste = Self::default();
        for signal in signals {
            let worth = worth(signal);
            *taste.authors.entry(signal.author).or_default() += worth;
            for tag in &signal.tags {
                *taste.tags.entry(*tag).or_default() += worth;
            }
        }
        for affinity in taste.tags.values_mut().chain(taste.authors.values_mut()) {
            *affinity = (*affinity / 3.0).tanh();
        }
        taste
    }

    /// The tags that are liked most, at most so many.
    pub(crate) fn liked_tags(&self, count: usize) -> Vec<i64> {
        let mut liked: Vec<_> = self.tags.iter().filter(|(_, affinity)| **affinity > 0.0).collect();
        liked.sort_by(|(one, a), (other, b)| b.total_cmp(a).then(one.cmp(other)));
        liked.into_iter().take(count).map(|(tag, _)| *tag).collect()
    }

    /// The best of a video's tags, or the worst if that is disliked more.
    fn of_tags(&self, tags: &[i64]) -> f64 {
        let affinities = tags.iter().filter_map(|tag| self.tags.get(tag)).copied();
        affinities.fold(0.0, |most: f64, one| if one.abs() > most.abs() { one } else { most })
    }
}

/// Views below which a video counts as one that hardly anybody has seen.
const UNKNOWN_BELOW: i64 = 20;

/// The parts of a video's worth, each with its weight.
fn parts(of: &Candidate, taste: &Taste, weights: &Weights, now: Timestamp) -> [(Why, f64); 7] {
    let hours = now.millis().saturating_sub(of.published_at.millis()).max(0) as f64 / 3_600_000.0;
    let fresh = (-hours / weights.half_life_hours).exp2();
    // A thousand likes are half of what is possible, a million all of it.
    let reactions = of.likes as f64 + 2.0 * of.comments as f64 + of.views as f64 / 10.0;
    let popular = ((1.0 + reactions).log10() / 6.0).min(1.0);
    let is = |is: bool| f64::from(u8::from(is));
    let similar = 1.0 - (-(of.similar as f64) / 3.0).exp();
    let author = taste.authors.get(&of.author.get()).copied().unwrap_or_default();
    [
        (Why::Fresh, weights.fresh * fresh),
        (Why::Popular, weights.popular * popular),
        (Why::Followed, weights.followed * is(of.is_followed)),
        (Why::Network, weights.network * is(of.in_network)),
        (Why::Tag, weights.tag * taste.of_tags(&of.tags)),
        (Why::Author, weights.author * author),
        (Why::Similar, weights.similar * similar),
    ]
}

/// A candidate with the sum of its parts, and the largest of them.
struct Rated {
    candidate: Candidate,
    worth: f64,
    why: Why,
}

impl Rated {
    fn new(candidate: Candidate, taste: &Taste, weights: &Weights, now: Timestamp) -> Self {
        let parts = parts(&candidate, taste, weights, now);
        let largest = parts.iter().max_by(|one, other| one.1.total_cmp(&other.1));
        let (worth, why) =
            (parts.iter().map(|(_, part)| part).sum(), largest.map_or(Why::Fresh, |part| part.0));
        Self { candidate, worth, why }
    }

    /// What it is worth after so many of its author's. What is disliked does not become better by being one of many.
    fn after(&self, others: i32, weights: &Weights) -> f64 {
        if self.worth > 0.0 { self.worth * weights.same_author.powi(others) } else { self.worth }
    }
}

/// Chooses what is shown, in order, with why: first what never was, then what was shown longest ago. `chance` gives a
/// number from 0 up to 1 each time.
pub(crate) fn choose(
    candidates: Vec<Candidate>,
    taste: &Taste,
    weights: &Weights,
    now: Timestamp,
    rows: usize,
    chance: &mut dyn FnMut() -> f64,
) -> Vec<(VideoId, Why)> {
    let rated = candidates.into_iter().map(|candidate| Rated::new(candidate, taste, weights, now));
    let (mut new, mut old): (Vec<_>, Vec<_>) = rated.partition(|rated| rated.candidate.shown_at.is_none());
    let (mut chosen, mut authors) = (Vec::with_capacity(rows), HashMap::<UserId, i32>::new());
    while chosen.len() < rows && !new.is_empty() {
        let explored = if chance() < weights.explore { unknown(&new, chance()) } else { None };
        let place = explored.unwrap_or_else(|| best(&new, &authors, weights));
        let Rated { candidate, why, .. } = new.swap_remove(place);
        *authors.entry(candidate.author).or_default() += 1;
        chosen.push((candidate.video, if explored.is_some() { Why::Explore } else { why }));
    }
    old.sort_by_key(|rated| (rated.candidate.shown_at, rated.candidate.video));
    let left = rows - chosen.len();
    chosen.extend(old.into_iter().take(left).map(|rated| (rated.candidate.video, rated.why)));
    chosen
}

/// The place of one that hardly anybody has seen, any as likely as the other; nothing without such.
fn unknown(rated: &[Rated], draw: f64) -> Option<usize> {
    let unknown = |place: &usize| rated[*place].candidate.views < UNKNOWN_BELOW;
    let places: Vec<usize> = (0..rated.len()).filter(unknown).collect();
    places.get((draw * places.len() as f64) as usize).copied()
}

/// The place of the worthiest, where so many of each author's are chosen already; of equals the newest.
fn best(rated: &[Rated], authors: &HashMap<UserId, i32>, weights: &Weights) -> usize {
    let worth = |place: usize| {
        let Rated { candidate, .. } = &rated[place];
        (rated[place].after(authors.get(&candidate.author).copied().unwrap_or(0), weights), candidate.video)
    };
    let better = |one: &usize, other: &usize| {
        let (one, other) = (worth(*one), worth(*other));
        one.0.total_cmp(&other.0).then(one.1.cmp(&other.1))
    };
    (0..rated.len()).max_by(better).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000 * 3_600_000);
    const WEIGHTS: Weights = Weights {
        fresh: 1.0,
        half_life_hours: 48.0,
        popular: 1.0,
        followed: 0.8,
        network: 0.6,
        tag: 1.6,
        author: 1.0,
        similar: 1.2,
        explore: 0.1,
        same_author: 0.5,
    };

    fn video(number: i64, author: i64) -> Candidate {
        Candidate {
            video: VideoId::parse(number).expect("a number"),
            author: UserId::parse(author).expect("a number"),
            published_at: Timestamp::from_millis(NOW.millis() - 24 * 3_600_000),
            likes: 0,
            comments: 0,
            views: 1000,
            tags: Vec::new(),
            is_followed: false,
            in_network: false,
            similar: 0,
            shown_at: None,
        }
    }

    fn chosen(candidates: Vec<Candidate>, taste: &Taste, rows: usize) -> Vec<(i64, Why)> {
        let weights = Weights { explore: 0.0, ..WEIGHTS };
        let chosen = choose(candidates, taste, &weights, NOW, rows, &mut || 0.5);
        chosen.into_iter().map(|(video, why)| (video.get(), why)).collect()
    }

    #[test]
    fn each_part_lifts_a_video_and_tells_why() {
        let plain = || (2..9).map(|number| video(number, number));
        let signals =
            [Signal { author: 50, tags: vec![7], is_liked: true, watched: Some(1.0), ..Signal::default() }];
        let taste = Taste::of(&signals);
        let first = |lifted: Candidate| chosen(plain().chain([lifted]).collect(), &taste, 1)[0];
        let base = || video(1, 1);
        assert_eq!(first(Candidate { published_at: NOW, ..base() }), (1, Why::Fresh));
        assert_eq!(first(Candidate { likes: 100_000, ..base() }), (1, Why::Popular));
        assert_eq!(first(Candidate { is_followed: true, ..base() }), (1, Why::Followed));
        assert_eq!(first(Candidate { in_network: true, ..base() }), (1, Why::Fresh), "the larger part");
        assert_eq!(first(Candidate { tags: vec![6, 7], ..base() }), (1, Why::Tag));
        assert_eq!(first(Candidate { similar: 9, ..base() }), (1, Why::Similar));
        assert_eq!(first(video(1, 50)).0, 1, "by an author who is liked");
    }

    #[test]
    fn what_is_skipped_or_unwanted_sinks() {
        for signal in [
            Signal { author: 1, tags: vec![7], watched: Some(0.0), ..Signal::default() },
            Signal { author: 1, tags: vec![7], is_liked: true, is_unwanted: true, ..Signal::default() },
        ] {
            let taste = Taste::of(&[signal]);
            let tagged = Candidate { tags: vec![7], ..video(9, 3) };
            let order = chosen(vec![video(8, 1), tagged, video(2, 2)], &taste, 3);
            assert_eq!(order[0].0, 2, "{order:?}");
            assert!(taste.liked_tags(5).is_empty());
        }
    }

    #[test]
    fn one_author_does_not_fill_a_page() {
        let of_one = (1..6).map(|number| Candidate { likes: 100, ..video(number, 1) });
        let others = (6..11).map(|number| video(number, number));
        let order = chosen(of_one.chain(others).collect(), &Taste::default(), 4);
        let by_one = order.iter().filter(|(number, _)| *number < 6).count();
        assert!(by_one <= 2, "{order:?}");
    }

    #[test]
    fn what_was_shown_comes_after_the_rest_the_longest_ago_first() {
        let shown = |number, at| Candidate {
            likes: 1000,
            shown_at: Some(Timestamp::from_millis(at)),
            ..video(number, number)
        };
        let order = chosen(vec![shown(1, 30), shown(2, 10), shown(3, 20), video(4, 4)], &Taste::default(), 3);
        assert_eq!(order.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [4, 2, 3]);
        assert_eq!(chosen(Vec::new(), &Taste::default(), 3), []);
    }

    #[test]
    fn a_share_is_what_hardly_anybody_has_seen() {
        let known = (1..50).map(|number| Candidate { likes: 1000, ..video(number, number) });
        let unknown = (100..110).map(|number| Candidate { views: 0, ..video(number, number) });
        let mut state = 1_u64;
        let mut chance = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let order = choose(known.chain(unknown).collect(), &Taste::default(), &WEIGHTS, NOW, 40, &mut chance);
        let explored = order.iter().filter(|(_, why)| *why == Why::Explore).count();
        assert!((1..=9).contains(&explored), "{explored}");
        assert_eq!(order.iter().map(|(video, _)| video).collect::<HashSet<_>>().len(), 40, "each once");
    }
}
