//! Pages of the feed: newest first by publish time. What else could rank a feed is not here.

mod following;
mod overlay;
mod pages;

use std::sync::Arc;
use std::time::Instant;

use domain::limits::FEED_PAGE;
use domain::{Result, Timestamp, UserId};

use crate::Store;
use crate::card::{VideoCard, column, video_columns, video_joins};
use crate::changes::Touched;
use crate::row::Row;
use crate::user::number;

use overlay::Marks;
pub use pages::Page;
pub(crate) use pages::Pages;
use pages::{Slot, Tip, name};

/// How often a viewer's page is looked up because a video was published meanwhile.
const TRIES: u32 = 3;

/// A page as one viewer sees it.
#[derive(Clone, Debug)]
pub struct FeedPage {
    /// What is the same for all; its cards carry nobody's marks.
    pub page: Arc<Page>,
    marks: Marks,
}

impl FeedPage {
    /// Whether the viewer likes the video at this place of the page, and follows its author.
    #[must_use]
    pub fn marks(&self, place: usize) -> (bool, bool) {
        (self.marks.liked >> place & 1 != 0, self.marks.followed >> place & 1 != 0)
    }

    /// Whether some of it is not for this viewer, who wants to see nothing of its author.
    #[must_use]
    pub fn has_unwanted(&self) -> bool {
        self.marks.unwanted != 0
    }

    /// The cards with the viewer's marks, without those of authors the viewer wants to see nothing of.
    #[must_use]
    pub fn cards(&self) -> Vec<VideoCard> {
        let marked = |(place, card): (usize, &VideoCard)| {
            let mut card = card.clone();
            (card.is_liked, card.author.is_followed) = self.marks(place);
            card
        };
        let wanted = |(place, _): &(usize, &VideoCard)| self.marks.unwanted >> place & 1 == 0;
        self.page.cards.iter().enumerate().filter(wanted).map(marked).collect()
    }
}

impl Store {
    /// The newest published videos before a moment, strictly. What this process changed shows at once, what
    /// another did within a second; a viewer sees every publication and all of their own changes at once. Three
    /// statements at any page length; where the page is in memory one for a viewer and none for nobody, each
    /// second one. On MySQL a viewer's page in memory takes one more, shared by all who ask while it waits its turn.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn feed(&self, before: Timestamp, viewer: Option<UserId>) -> Result<FeedPage> {
        if let (Some(viewer), true) = (viewer, self.database.is_mysql()) {
            return self.feed_of_many(before, viewer).await;
        }
        let slot = self.pages.slot(before, self.tip().await?);
        let page = self.current(&slot).await?;
        let marks = match viewer {
            Some(viewer) => self.marks(&page, viewer).await?,
            None => Marks::default(),
        };
        Ok(FeedPage { page, marks })
    }

    /// Where others write too, a viewer's page is looked up anew but for its texts. Whether a newer video is
    /// there is learnt on the way, and again if need be.
    async fn feed_of_many(&self, before: Timestamp, viewer: UserId) -> Result<FeedPage> {
        let asked = Instant::now();
        let tip = match self.pages.tip(&self.database.changes) {
            Some((tip, _)) => tip,
            None => self.tip().await?,
        };
        let mut slot = self.pages.slot(before, tip);
        let mut tries = 0;
        loop {
            let (tip, page) = self.since(&slot, asked).await?;
            tries += 1;
            if slot.name == name(before, tip) || tries == TRIES {
                let marks = self.marks_of_many(&page, viewer).await?;
                return Ok(FeedPage { page, marks });
            }
            slot = self.pages.slot(before, tip);
        }
    }

    /// The latest publish time and the page of a slot, read after a moment. Who waits for a turn shares what the
    /// next one reads.
    async fn since(&self, slot: &Slot, moment: Instant) -> Result<(Tip, Arc<Page>)> {
        let _turn = slot.turn.lock().await;
        let page = match slot.kept() {
            Some(page) => page,
            None => {
                self.pages.misses.increment(1);
                self.load(slot.name.before).await?
            }
        };
        let (tip, page) = match self.pages.tip_since(moment) {
            Some(tip) if page.is_since(moment) => (tip, page),
            _older => self.recount_of_many(&page).await?,
        };
        slot.keep(&page);
        Ok((tip, page))
    }

    /// The page of a slot, with counters that are current.
    async fn current(&self, slot: &Slot) -> Result<Arc<Page>> {
        if let Some(page) = slot.current(&self.database.changes) {
            self.pages.hits.increment(1);
            return Ok(page);
        }
        // One renews it, the others wait for that one.
        let _turn = slot.turn.lock().await;
        if let Some(page) = slot.current(&self.database.changes) {
            return Ok(page);
        }
        self.pages.misses.increment(1);
        let page = match slot.kept().filter(|_| !self.database.is_mysql()) {
            Some(page) => self.recount(&page).await?,
            None => self.load(slot.name.before).await?,
        };
        slot.keep(&page);
        Ok(page)
    }

    async fn load(&self, before: i64) -> Result<Arc<Page>> {
        let sql = concat!(
            "SELECT ",
            video_columns!(),
            " FROM video v ",
            video_joins!(),
            " WHERE v.published_at < ? ORDER BY v.published_at DESC LIMIT ?"
        );
        let page = u64::try_from(FEED_PAGE).unwrap_or(u64::MAX);
        let values = [number(None), number(None), before.into(), page.into()];
        let (moment, begun) = (self.database.changes.moment(), Instant::now());
        let cards = self.database.list(sql, values, VideoCard::read).await?;
        Ok(Arc::new(Page::new(cards, &self.database.changes, moment, begun)))
    }

    /// Where the feed stands. Others may publish too, so it is asked for once a second.
    async fn tip(&self) -> Result<Tip> {
        let (version, begun) = (self.database.changes.version(Touched::Feed), Instant::now());
        if let Some((tip, true)) = self.pages.tip(&self.database.changes) {
            return Ok(tip);
        }
        let sql = "SELECT (SELECT COALESCE(MAX(published_at), 0) FROM video) AS newest, revision \
                   FROM feed_state WHERE id = 1 LIMIT 1";
        let read = |row: &Row| Ok(Tip { newest: column(row, "newest")?, revision: column(row, "revision")? });
        let tip = self.database.list(sql, [], read).await?.first().copied().unwrap_or_default();
        self.pages.set_tip(tip, version, begun);
        Ok(tip)
    }
}
