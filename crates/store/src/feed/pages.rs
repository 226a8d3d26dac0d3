//! The pages that are kept in memory: a bounded number, by the moment before which their videos were published.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::Timestamp;
use metrics::Counter;

use crate::card::{UserCard, VideoCard};
use crate::changes::{Changes, Touched};

/// What was read from the database is believed for so long: another process may have changed it.
const BELIEVED: Duration = Duration::from_secs(1);
/// Pages kept at once, of some 15 KiB each.
const PAGES: usize = 256;

/// A page as everybody sees it.
#[derive(Debug)]
pub struct Page {
    /// The newest video first; nobody's marks.
    pub cards: Vec<VideoCard>,
    /// Identifies the contents of all that is not a number; never 0.
    pub texts: u64,
    /// Identifies all contents; never 0.
    pub counts: u64,
    /// What changed last when this was read, card by card: of the video, and of its author. Nothing when that is
    /// not known, because something changed meanwhile.
    versions: Vec<Option<(u64, u64)>>,
    /// When its reading began.
    begun: Instant,
}

impl Page {
    /// What was read since this moment, of the changes and of time.
    pub(super) fn new(cards: Vec<VideoCard>, changes: &Changes, moment: u64, begun: Instant) -> Self {
        let versions: Vec<_> = cards.iter().map(|card| Some(versions(card, changes))).collect();
        let known = changes.moment() == moment;
        Self::with(cards, if known { versions } else { vec![None; versions.len()] }, begun)
    }

    /// What was read after asking for these versions, since a moment.
    pub(super) fn with(cards: Vec<VideoCard>, versions: Vec<Option<(u64, u64)>>, begun: Instant) -> Self {
        let (texts, counts) = tags(&cards);
        Self { cards, texts, counts, versions, begun }
    }

    /// Whether its reading began after this moment: everything committed before is in it.
    pub(super) fn is_since(&self, moment: Instant) -> bool {
        self.begun >= moment
    }

    /// The versions to ask for before the counters of these cards are read again.
    pub(super) fn versions_now(&self, changes: &Changes) -> Vec<Option<(u64, u64)>> {
        self.cards.iter().map(|card| Some(versions(card, changes))).collect()
    }

    /// Whether it was read so lately that other processes are believed to have changed nothing.
    pub(super) fn is_recent(&self) -> bool {
        self.begun.elapsed() < BELIEVED
    }

    /// The places of cards whose counters are not current.
    pub(super) fn outdated(&self, now: &[Option<(u64, u64)>]) -> Vec<usize> {
        (0..self.cards.len())
            .filter(|place| self.versions[*place].is_none() || self.versions[*place] != now[*place])
            .collect()
    }

    fn is_current(&self, changes: &Changes) -> bool {
        let same =
            |(card, version): (&VideoCard, &Option<(u64, u64)>)| *version == Some(versions(card, changes));
        self.is_recent() && self.cards.iter().zip(&self.versions).all(same)
    }
}

fn versions(card: &VideoCard, changes: &Changes) -> (u64, u64) {
    (changes.version(Touched::Video(card.id)), changes.version(Touched::User(card.author.id)))
}

/// The tag of the texts, and of texts and counts.
fn tags(cards: &[VideoCard]) -> (u64, u64) {
    let mut tag = DefaultHasher::new();
    for VideoCard { id, author, title, play_key, cover_key, published_at, .. } in cards {
        (id, title, play_key, cover_key, published_at).hash(&mut tag);
        (author.id, &author.name, &author.display_name, &author.signature).hash(&mut tag);
    }
    let texts = tag.finish().max(1);
    for VideoCard { like_count, comment_count, author, .. } in cards {
        let UserCard { follow_count, follower_count, work_count, liked_count, received_like_count, .. } =
            author;
        (like_count, comment_count, follow_count, follower_count).hash(&mut tag);
        (work_count, liked_count, received_like_count).hash(&mut tag);
    }
    (texts, tag.finish().max(1))
}

/// The pages of one process.
pub(crate) struct Pages {
    pub(super) hits: Counter,
    pub(super) misses: Counter,
    slots: Mutex<HashMap<Name, Arc<Slot>>>,
    uses: AtomicU64,
    known: Mutex<Option<Known>>,
}

/// Where the feed stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tip {
    /// The latest publish time, 0 when there is none.
    pub newest: i64,
    /// Grows when what was published changes or goes.
    pub revision: i64,
}

/// A tip, and since when it is known.
#[derive(Clone, Copy)]
struct Known {
    tip: Tip,
    version: u64,
    begun: Instant,
}

/// What identifies a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name {
    /// Its videos were published before this.
    pub before: i64,
    revision: i64,
}

/// The place of one page.
pub(super) struct Slot {
    pub name: Name,
    /// Held by whoever renews the page.
    pub turn: tokio::sync::Mutex<()>,
    page: Mutex<Option<Arc<Page>>>,
    used: AtomicU64,
}

impl Default for Pages {
    fn default() -> Self {
        // Looking them up costs several times what counting does.
        let counter = |outcome| metrics::counter!("dytt_store_feed_pages_total", "outcome" => outcome);
        let (hits, misses) = (counter("hit"), counter("miss"));
        Self { hits, misses, slots: Mutex::default(), uses: AtomicU64::new(0), known: Mutex::default() }
    }
}

impl Pages {
    /// The place of the page before a moment; the newest page's name is that of the newest video.
    pub(super) fn slot(&self, before: Timestamp, tip: Tip) -> Arc<Slot> {
        let (name, used) = (name(before, tip), self.uses.fetch_add(1, Ordering::Relaxed));
        let mut slots = held(&self.slots);
        if let Some(slot) = slots.get(&name) {
            slot.used.store(used, Ordering::Relaxed);
            return Arc::clone(slot);
        }
        if slots.len() >= PAGES {
            let oldest = slots.values().min_by_key(|slot| slot.used.load(Ordering::Relaxed));
            if let Some(oldest) = oldest.map(|slot| slot.name) {
                slots.remove(&oldest);
            }
        }
        let turn = tokio::sync::Mutex::default();
        let slot = Arc::new(Slot { name, turn, page: Mutex::default(), used: AtomicU64::new(used) });
        slots.insert(name, Arc::clone(&slot));
        slot
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        held(&self.slots).len()
    }

    /// Where the feed stands, when it was ever asked for, and whether that is still believed.
    pub(super) fn tip(&self, changes: &Changes) -> Option<(Tip, bool)> {
        let Known { tip, version, begun } = (*held(&self.known))?;
        Some((tip, version == changes.version(Touched::Feed) && begun.elapsed() < BELIEVED))
    }

    /// Where the feed stands, when its reading began after this moment.
    pub(super) fn tip_since(&self, moment: Instant) -> Option<Tip> {
        held(&self.known).filter(|known| known.begun >= moment).map(|known| known.tip)
    }

    /// Keeps where the feed stands, read after asking for this version of it, since a moment.
    pub(super) fn set_tip(&self, tip: Tip, version: u64, begun: Instant) {
        let mut known = held(&self.known);
        if known.is_none_or(|known| (known.version, known.begun) <= (version, begun)) {
            *known = Some(Known { tip, version, begun });
        }
    }
}

impl Slot {
    /// The page as it was last read.
    pub(super) fn kept(&self) -> Option<Arc<Page>> {
        held(&self.page).clone()
    }

    /// The page if nothing of it has changed.
    pub(super) fn current(&self, changes: &Changes) -> Option<Arc<Page>> {
        self.kept().filter(|page| page.is_current(changes))
    }

    pub(super) fn keep(&self, page: &Arc<Page>) {
        *held(&self.page) = Some(Arc::clone(page));
    }
}

/// The name of the page before a moment, when the feed stands here.
pub(super) fn name(before: Timestamp, tip: Tip) -> Name {
    Name { before: before.millis().min(tip.newest + 1), revision: tip.revision }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
