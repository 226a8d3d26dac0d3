//! Pages of the feed, kept: their texts as JSON templates, and what was shown of them to those who are nobody.
//! Of the newest one, who is not logged in goes on watching for a minute while the feed or its database is
//! away. Whether a page is still what the feed says is the feed's to tell; a person's own is never kept.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use domain::{Error, Kind, Result};
use metrics::Counter;

use crate::template::Template;

/// Most memory of all kept pages, in bytes: about a thousand.
const MAX_BYTES: usize = 32 << 20;

/// What is shown under a longer address, in bytes, is not kept: no host is that long, but a header may be.
const MAX_BASE_BYTES: usize = 280;

/// How old the page may be that stands in.
const GOOD_FOR: Duration = Duration::from_secs(60);

/// What of a page hardly ever changes.
#[derive(Debug)]
pub(crate) struct Page {
    /// The feed's tag of it; 0 when it gave none, and then the page is not kept.
    pub texts: u64,
    /// When its first video was published; none on an empty page, which is not kept either.
    pub top: Option<i64>,
    pub template: Template,
}

/// A page as it was last shown to somebody who is nobody.
#[derive(Debug)]
pub(crate) struct Shown {
    pub page: Arc<Page>,
    /// The feed's tag of texts and counts.
    pub counts: u64,
    /// What filled the template.
    pub values: Vec<i64>,
    /// The address its links begin with.
    pub base: String,
    pub json: Bytes,
}

/// A kept page.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub page: Arc<Page>,
    pub shown: Option<Arc<Shown>>,
}

#[derive(Default)]
pub(crate) struct Pages {
    pub outcomes: Outcomes,
    kept: Mutex<Shelf>,
    /// What stands in, and since when it is kept.
    newest: Mutex<Option<(Instant, Arc<Shown>)>>,
    degraded: AtomicBool,
}

/// Counts how much of a page that was shown was kept. Each is looked up once: that costs several times what
/// counting does.
pub(crate) struct Outcomes {
    /// All of it.
    pub bytes: Counter,
    pub template: Counter,
    /// Nothing.
    pub new: Counter,
}

impl Default for Outcomes {
    fn default() -> Self {
        let [bytes, template, new] = ["bytes", "template", "new"]
            .map(|outcome| metrics::counter!("dytt_feed_pages_total", "outcome" => outcome));
        Self { bytes, template, new }
    }
}

/// Pages by when their first video was published, each with when it was last used.
#[derive(Default)]
struct Shelf {
    pages: BTreeMap<i64, (u64, Kept)>,
    bytes: usize,
    uses: u64,
}

impl Pages {
    /// The page that a moment's answer probably is: of those kept, the last that begins before it. So the
    /// clock of a client that asks for what is newest, to the millisecond, finds what all others find.
    pub(crate) fn before(&self, moment: i64) -> Option<Kept> {
        let moment = if moment > 0 { moment } else { i64::MAX };
        let mut shelf = lock(&self.kept);
        shelf.uses += 1;
        let now = shelf.uses;
        let (_, (used, kept)) = shelf.pages.range_mut(..moment).next_back()?;
        *used = now;
        Some(kept.clone())
    }

    /// Keeps a page in place of the one that began at the same moment, and lets go of those not used for
    /// longest where room is short. A guess that was wrong and begins later goes too: its first video is gone.
    pub(crate) fn keep(&self, kept: Kept, guess: Option<&Kept>) {
        let mut shelf = lock(&self.kept);
        if let Some(gone) = guess.and_then(|guess| guess.page.top).filter(|top| Some(*top) > kept.page.top) {
            shelf.remove(gone);
        }
        let long = kept.shown.as_ref().is_some_and(|shown| shown.base.len() > MAX_BASE_BYTES);
        let Some(top) = kept.page.top.filter(|_| !long && kept.page.texts != 0) else { return };
        shelf.remove(top);
        shelf.uses += 1;
        shelf.bytes += kept.bytes();
        let used = shelf.uses;
        shelf.pages.insert(top, (used, kept));
        while shelf.bytes > MAX_BYTES {
            let idle = shelf.pages.iter().min_by_key(|(_, (used, _))| *used).map(|(top, _)| *top);
            let Some(idle) = idle else { break };
            shelf.remove(idle);
        }
    }

    /// The feed answered with its newest page: from now on that may stand in.
    pub(crate) fn answered(&self, newest: &Arc<Shown>, now: Instant) {
        *lock(&self.newest) = Some((now, Arc::clone(newest)));
        if self.degraded.swap(false, Ordering::Relaxed) {
            metrics::gauge!("dytt_degraded", "what" => "feed").set(0.0);
            tracing::info!("the feed is back");
        }
    }

    /// The newest page instead of the feed's answer, if the feed is away and was here a minute ago.
    pub(crate) fn stand_in(&self, error: Error, now: Instant) -> Result<Arc<Shown>> {
        if error.kind() != Kind::Unavailable || matches!(error, Error::Overloaded) {
            return Err(error);
        }
        let newest = lock(&self.newest).clone();
        let fresh = newest.filter(|(since, _)| now.saturating_duration_since(*since) <= GOOD_FOR);
        let Some((_, shown)) = fresh else { return Err(error) };
        if !self.degraded.swap(true, Ordering::Relaxed) {
            metrics::gauge!("dytt_degraded", "what" => "feed").set(1.0);
            tracing::warn!(error = %error.chain(), "the feed is away, its last page is shown");
        }
        Ok(shown)
    }
}

impl Shelf {
    fn remove(&mut self, top: i64) {
        if let Some((_, gone)) = self.pages.remove(&top) {
            self.bytes -= gone.bytes();
        }
    }
}

impl Kept {
    fn bytes(&self) -> usize {
        let shown = |shown: &Arc<Shown>| shown.values.len() * 8 + shown.base.len() + shown.json.len();
        size_of::<(i64, u64, Self, Page, Shown)>()
            + self.page.template.bytes()
            + self.shown.as_ref().map_or(0, shown)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(top: i64, texts: u64, bytes: usize) -> Kept {
        let template = Template::of(&"x".repeat(bytes)).expect("JSON");
        Kept { page: Arc::new(Page { texts, top: Some(top), template }), shown: None }
    }

    fn found(pages: &Pages, moment: i64) -> Option<i64> {
        pages.before(moment).and_then(|kept| kept.page.top)
    }

    #[test]
    fn a_moment_finds_the_page_that_begins_before_it() {
        let pages = Pages::default();
        assert_eq!(found(&pages, 0), None);
        for top in [100, 300, 200] {
            pages.keep(page(top, 1, 10), None);
        }
        let moments = [(0, Some(300)), (301, Some(300)), (i64::MAX, Some(300)), (300, Some(200))];
        for (moment, top) in moments.into_iter().chain([(101, Some(100)), (100, None)]) {
            assert_eq!(found(&pages, moment), top, "{moment}");
        }
    }

    #[test]
    fn a_page_takes_the_place_of_the_one_that_began_with_it() {
        let pages = Pages::default();
        pages.keep(page(100, 1, 1000), None);
        let before = lock(&pages.kept).bytes;
        pages.keep(page(100, 2, 1000), None);
        assert_eq!(pages.before(0).expect("a page").page.texts, 2);
        assert_eq!(lock(&pages.kept).bytes, before);
    }

    #[test]
    fn a_page_whose_first_video_is_gone_is_let_go() {
        let pages = Pages::default();
        for top in [100, 200, 300] {
            pages.keep(page(top, 1, 10), None);
        }
        let (newest, second) = (pages.before(0).expect("a page"), pages.before(300).expect("a page"));
        pages.keep(page(400, 1, 10), Some(&newest));
        assert_eq!(found(&pages, 400), Some(300), "is no longer the newest, but there");
        pages.keep(page(100, 1, 10), Some(&second));
        assert_eq!(found(&pages, 300), Some(100));
        let Kept { page: empty, .. } = page(0, 1, 10);
        let empty = Page { texts: empty.texts, top: None, template: Template::of(&"").expect("JSON") };
        pages.keep(Kept { page: Arc::new(empty), shown: None }, pages.before(400).as_ref());
        assert_eq!(found(&pages, 400), Some(100));
    }

    #[test]
    fn room_is_made_where_nobody_looked_for_longest() {
        let pages = Pages::default();
        for top in 1..=64 {
            pages.keep(page(top, 1, MAX_BYTES / 32), None);
            assert_eq!(found(&pages, 2), Some(1), "is in use");
            assert!(lock(&pages.kept).bytes <= MAX_BYTES);
        }
        assert_eq!(found(&pages, 3), Some(1), "the second page went first");
        let kept: Vec<i64> = lock(&pages.kept).pages.keys().copied().collect();
        assert_eq!(lock(&pages.kept).bytes, kept.len() * page(1, 1, MAX_BYTES / 32).bytes());
    }

    #[test]
    fn what_has_no_tag_or_no_sensible_address_is_not_kept() {
        let pages = Pages::default();
        pages.keep(page(100, 0, 10), None);
        let Kept { page, .. } = page(100, 1, 10);
        let shown = |base: String| {
            let (page, json) = (Arc::clone(&page), Bytes::new());
            Some(Arc::new(Shown { page, counts: 1, values: Vec::new(), base, json }))
        };
        pages.keep(Kept { page: Arc::clone(&page), shown: shown("h".repeat(MAX_BASE_BYTES + 1)) }, None);
        assert_eq!(found(&pages, 0), None);
        pages.keep(Kept { page: Arc::clone(&page), shown: shown("h".repeat(MAX_BASE_BYTES)) }, None);
        assert_eq!(found(&pages, 0), Some(100));
    }
}
