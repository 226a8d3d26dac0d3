//! The newest page of the anonymous feed, kept for a minute: who is not logged in goes on watching while the
//! feed or its database is away. A person's own page is never shown from memory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::{Call, Error, Kind, Result, Timestamp};
use proto::{ListFeedRequest, ListFeedResponse};

/// How old the page may be.
const GOOD_FOR: Duration = Duration::from_secs(60);

/// A page is not kept anew before it is this old: copying one costs as much as telling it.
const FRESH: Duration = Duration::from_secs(1);

/// The page, when it was new, and whether it stands in now.
#[derive(Default)]
pub(crate) struct LastPage {
    kept: Mutex<Option<(Instant, ListFeedResponse)>>,
    degraded: AtomicBool,
}

impl LastPage {
    /// What to answer: what the feed said, or what it said last.
    pub(crate) fn stand_in(
        &self,
        call: &Call,
        request: ListFeedRequest,
        answered: Result<ListFeedResponse>,
        now: Instant,
    ) -> Result<ListFeedResponse> {
        // Clients ask for the newest with 0 or with what their clock says.
        let recent = Timestamp::now().millis() - FRESH.as_millis() as i64;
        let is_newest = request.before == 0 || request.before >= recent;
        if call.viewer.is_some() || !is_newest {
            return answered;
        }
        let age = |since: &Instant| now.saturating_duration_since(*since);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match answered {
            Ok(page) => {
                if kept.as_ref().is_none_or(|(since, _)| age(since) >= FRESH) {
                    *kept = Some((now, page.clone()));
                }
                if self.degraded.swap(false, Ordering::Relaxed) {
                    metrics::gauge!("dytt_degraded", "what" => "feed").set(0.0);
                    tracing::info!("the feed is back");
                }
                Ok(page)
            }
            Err(error) if error.kind() == Kind::Unavailable && !matches!(error, Error::Overloaded) => {
                let page = kept.as_ref().filter(|(since, _)| age(since) <= GOOD_FOR);
                let Some((_, page)) = page else { return Err(error) };
                if !self.degraded.swap(true, Ordering::Relaxed) {
                    metrics::gauge!("dytt_degraded", "what" => "feed").set(1.0);
                    tracing::warn!(error = %error.chain(), "the feed is away, its last page is shown");
                }
                Ok(page.clone())
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{TraceId, UserId};

    use super::*;

    #[test]
    fn a_page_stands_in_for_a_minute_for_those_who_are_nobody() {
        let (last, now) = (LastPage::default(), Instant::now());
        let nobody = Call::within(Duration::from_secs(1), None, TraceId(1));
        let ann = Call { viewer: UserId::parse(1).ok(), ..nobody };
        let (newest, older) = (ListFeedRequest { before: 0 }, ListFeedRequest { before: 1_700_000_000_000 });
        let away = || Err(Error::unavailable("away"));
        assert!(last.stand_in(&nobody, newest, away(), now).is_err(), "nothing is kept yet");
        let page = ListFeedResponse { videos: Vec::new(), next_before: 7 };
        last.stand_in(&ann, newest, Ok(ListFeedResponse::default()), now).expect("is passed on");
        last.stand_in(&nobody, newest, Ok(page.clone()), now).expect("is passed on");
        assert_eq!(last.stand_in(&nobody, newest, away(), now + GOOD_FOR).expect("stands in"), page);
        assert!(last.stand_in(&nobody, newest, away(), now + GOOD_FOR * 2).is_err(), "too old");
        assert!(last.stand_in(&ann, newest, away(), now).is_err(), "has a page of her own");
        assert!(last.stand_in(&nobody, older, away(), now).is_err(), "is another page");
        assert!(last.stand_in(&nobody, newest, Err(Error::internal("bug")), now).is_err());
    }
}
