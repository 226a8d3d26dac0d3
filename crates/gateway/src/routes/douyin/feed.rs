//! The feed endpoint: writes a page from the template that was kept of it, and for those who are nobody, where
//! nothing changed, not at all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::{Call, Error, Result, Timestamp};
use proto::{ListFeedRequest, ListFeedResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::card::{VALUES, Video, values, video};
use crate::Gateway;
use crate::address::Base;
use crate::error::Failure;
use crate::pages::{Kept, Page, Pages, Shown};
use crate::params::Params;
use crate::reply::{Reply, written};
use crate::template::Template;
use crate::viewer::Visitor;

/// A moment this close to now asks for the newest page: clients say 0 or what their clock says.
const NOW: Duration = Duration::from_secs(1);

/// One page of the feed.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct FeedBody {
    video_list: Vec<Video>,
    /// The `latest_time` of the next page, in milliseconds.
    next_time: i64,
}

/// At most 30 videos published before a moment, newest first.
#[utoipa::path(get, path = "/douyin/feed/", tag = "feed",
    params(
        ("latest_time" = Option<i64>, Query, description = "UTC milliseconds or seconds; absent or 0: now"),
        ("token" = Option<String>, Query, description = "a bad one counts as none"),
    ),
    responses((status = 200, body = Reply<FeedBody>)))]
pub(super) async fn feed(
    State(gateway): State<Gateway>,
    Visitor(call): Visitor,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    let before = params.moment("latest_time");
    let asked = Asked { call: &call, base: base.as_str(), before, kept: gateway.pages.before(before) };
    let answered = gateway.services.feed.list_feed(&call, asked.request()).await;
    Ok(written(StatusCode::OK, asked.show(&gateway.pages, answered, Instant::now())?))
}

/// A request for a page, and the kept page that is probably its answer.
pub(crate) struct Asked<'a> {
    pub call: &'a Call,
    pub base: &'a str,
    pub before: i64,
    pub kept: Option<Kept>,
}

impl Asked<'_> {
    fn request(&self) -> ListFeedRequest {
        let kept = self.kept.as_ref().map_or(0, |kept| kept.page.texts);
        let shown = self.kept.as_ref().and_then(|kept| kept.shown.as_ref());
        ListFeedRequest { before: self.before, kept, kept_counts: shown.map_or(0, |shown| shown.counts) }
    }

    /// The JSON to answer with.
    pub(crate) fn show(
        &self,
        pages: &Pages,
        answered: Result<ListFeedResponse>,
        now: Instant,
    ) -> Result<Bytes> {
        let is_newest = self.before == 0 || self.before >= Timestamp::now().millis() - NOW.as_millis() as i64;
        let may_stand_in = is_newest && self.call.viewer.is_none();
        match answered {
            Ok(answer) if self.call.viewer.is_some() => self.to_viewer(pages, answer),
            Ok(answer) => {
                let shown = self.to_nobody(pages, answer)?;
                if may_stand_in {
                    pages.answered(&shown, now);
                }
                Ok(shown.json.clone())
            }
            Err(error) if may_stand_in => {
                let shown = pages.stand_in(error, now)?;
                if shown.base == self.base {
                    return Ok(shown.json.clone());
                }
                fill(&shown.page, self.base, &shown.values).map(Bytes::from)
            }
            Err(error) => Err(error),
        }
    }

    fn to_viewer(&self, pages: &Pages, answer: ListFeedResponse) -> Result<Bytes> {
        let values = all_values(&answer);
        if let Some(kept) = self.known(&answer) {
            pages.outcomes.template.increment(1);
            return fill(&kept.page, self.base, &values).map(Bytes::from);
        }
        pages.outcomes.new.increment(1);
        let is_for_all = answer.texts != 0;
        let page = page(answer)?;
        if is_for_all {
            pages.keep(Kept { page: Arc::clone(&page), shown: None }, self.kept.as_ref());
        }
        fill(&page, self.base, &values).map(Bytes::from)
    }

    fn to_nobody(&self, pages: &Pages, answer: ListFeedResponse) -> Result<Arc<Shown>> {
        let (known, counts) = (self.known(&answer), answer.counts);
        let shown = known.and_then(|kept| kept.shown.as_ref()).filter(|shown| shown.counts == counts);
        if let Some(shown) = shown.filter(|shown| shown.base == self.base) {
            pages.outcomes.bytes.increment(1);
            return Ok(Arc::clone(shown));
        }
        let outcome = if known.is_some() { &pages.outcomes.template } else { &pages.outcomes.new };
        outcome.increment(1);
        // Under another address nothing but the address differs, and the feed did not repeat the values.
        let values = shown.map_or_else(|| all_values(&answer), |shown| shown.values.clone());
        let page = known.map_or_else(|| page(answer), |kept| Ok(Arc::clone(&kept.page)))?;
        let mut json = fill(&page, self.base, &values)?;
        json.shrink_to_fit();
        let (base, json) = (self.base.to_owned(), json.into());
        let shown = Arc::new(Shown { page: Arc::clone(&page), counts, values, base, json });
        pages.keep(Kept { page, shown: Some(Arc::clone(&shown)) }, self.kept.as_ref());
        Ok(shown)
    }

    /// The kept page, if it is the answer's.
    fn known(&self, answer: &ListFeedResponse) -> Option<&Kept> {
        self.kept.as_ref().filter(|kept| kept.page.texts == answer.texts)
    }
}

/// A page that was answered in full.
fn page(answer: ListFeedResponse) -> Result<Arc<Page>> {
    let (texts, top) = (answer.texts, answer.videos.first().map(|video| video.published_at));
    let template = Template::of(&reply(&Base::default(), answer)).map_err(Error::internal)?;
    Ok(Arc::new(Page { texts, top, template }))
}

pub(crate) fn reply(base: &Base, answer: ListFeedResponse) -> Reply<FeedBody> {
    let video_list = answer.videos.into_iter().map(|found| video(base, found)).collect();
    Reply::success(FeedBody { video_list, next_time: answer.next_before })
}

fn all_values(answer: &ListFeedResponse) -> Vec<i64> {
    let mut all = Vec::with_capacity(answer.videos.len() * VALUES + 1);
    answer.videos.iter().for_each(|video| all.extend(values(video)));
    all.push(answer.next_before);
    all
}

fn fill(page: &Page, base: &str, values: &[i64]) -> Result<Vec<u8>> {
    let json = page.template.fill(base, values);
    json.ok_or_else(|| Error::internal("the feed's answer is not of the page it names"))
}

#[cfg(test)]
mod tests;
