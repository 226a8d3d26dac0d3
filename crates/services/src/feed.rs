//! The feed service: chosen for somebody, or newest first, of all or of those one follows; and of a page the caller has kept only what may differ.

use domain::limits::MAX_TAG_CHARS;
use domain::{Call, Error, Query, Result, Tag, Timestamp, VideoId};
use proto::{
    Done, FeedService, ForgetTasteRequest, GetWhyRequest, ListFeedRequest, ListFeedResponse,
    ListFollowingFeedRequest, ListForYouRequest, ListTaggedRequest, ListTrendingRequest, PassOnRequest,
    SearchRequest, TagList, User, Video, VideoList, WantNoSuchRequest, Why,
};
use store::{Opinion, Page, Store, TagRow, VideoCard};

use crate::card;
use crate::ranking::{Taste, Weights, choose};

/// What to watch next.
pub struct Feed {
    /// Where the videos are.
    pub store: Store,
    /// What counts when videos are chosen for somebody.
    pub weights: Weights,
}

/// Videos that are chosen for somebody at once.
const USUAL: usize = 20;
const MOST: usize = 50;
/// The tags that are liked most, of which videos may be chosen.
const TAGS: usize = 5;
/// The likes that others may share.
const LIKED: usize = 16;

#[async_trait::async_trait]
impl FeedService for Feed {
    async fn list_following(&self, call: &Call, request: ListFollowingFeedRequest) -> Result<VideoList> {
        let slice = card::slice(request.slice);
        Ok(card::videos(self.store.following_feed(call.viewer()?, slice).await?))
    }

    async fn list_tagged(&self, call: &Call, request: ListTaggedRequest) -> Result<VideoList> {
        let tag = Tag::parse(&request.tag).ok_or_else(|| Error::Invalid {
            name: "tag".into(),
            problem: format!(
                "must be a word of 1 to {MAX_TAG_CHARS} letters, digits and _, not digits alone"
            ),
        })?;
        let found = self.store.tagged_videos(tag, call.viewer, card::slice(request.slice)).await?;
        Ok(card::videos(found))
    }

    async fn list_trending(&self, _call: &Call, _request: ListTrendingRequest) -> Result<TagList> {
        Ok(tags(self.store.trending_tags().await?))
    }

    async fn list_for_you(&self, call: &Call, request: ListForYouRequest) -> Result<VideoList> {
        let viewer = call.viewer()?;
        let rows =
            usize::try_from(request.rows).ok().filter(|rows| (1..=MOST).contains(rows)).unwrap_or(USUAL);
        let signals = self.store.signals(viewer).await?;
        let taste = Taste::of(&signals);
        let liked = signals.iter().filter(|signal| signal.is_liked).map(|signal| signal.video);
        let liked = liked.take(LIKED).collect();
        let candidates = self.store.candidates(viewer, taste.liked_tags(TAGS), liked).await?;
        let now = Timestamp::now();
        let chosen = choose(candidates, &taste, &self.weights, now, rows, &mut fastrand::f64);
        let chosen = chosen.into_iter().map(|(video, why)| (video, why.as_str())).collect();
        let videos = self.store.show(viewer, chosen, now).await?;
        Ok(VideoList { videos: videos.into_iter().map(card::video).collect(), next: 0 })
    }

    async fn get_why(&self, call: &Call, request: GetWhyRequest) -> Result<Why> {
        let found = self.store.why_shown(call.viewer()?, VideoId::parse(request.video_id)?).await?;
        let (why, shown_at) = found.unwrap_or_default();
        Ok(Why { why, shown_at })
    }

    async fn want_no_such(&self, call: &Call, request: WantNoSuchRequest) -> Result<Done> {
        let video = VideoId::parse(request.video_id)?;
        self.store.say_of(call.viewer()?, video, Opinion::Unwanted, Timestamp::now()).await?;
        Ok(Done {})
    }

    async fn pass_on(&self, call: &Call, request: PassOnRequest) -> Result<Done> {
        let video = VideoId::parse(request.video_id)?;
        self.store.say_of(call.viewer()?, video, Opinion::PassedOn, Timestamp::now()).await?;
        Ok(Done {})
    }

    async fn forget_taste(&self, call: &Call, _request: ForgetTasteRequest) -> Result<Done> {
        self.store.forget_taste(call.viewer()?, Timestamp::now()).await?;
        Ok(Done {})
    }

    async fn search_videos(&self, call: &Call, request: SearchRequest) -> Result<VideoList> {
        let query = Query::parse(&request.query)?;
        Ok(card::videos(self.store.search_videos(query, call.viewer, card::slice(request.slice)).await?))
    }

    async fn search_tags(&self, _call: &Call, request: SearchRequest) -> Result<TagList> {
        // With its sign or without.
        let typed = request.query.trim_start_matches(['#', '＃']);
        Ok(tags(self.store.search_tags(Query::parse(typed)?).await?))
    }

    async fn list_feed(&self, call: &Call, request: ListFeedRequest) -> Result<ListFeedResponse> {
        // Publish times run ahead of the clock when many videos appear within a millisecond: the newest
        // page has no upper end.
        let before = if request.before > 0 { request.before } else { i64::MAX };
        let found = self.store.feed(Timestamp::from_millis(before), call.viewer).await?;
        let Page { cards, texts, counts, .. } = &*found.page;
        let (texts, counts) = (*texts, *counts);
        let oldest = cards.last().and_then(|card| card.published_at);
        let next_before = oldest.unwrap_or_else(|| Timestamp::now().millis());
        if found.has_unwanted() {
            let videos = found.cards().into_iter().map(card::video).collect();
            return Ok(ListFeedResponse { videos, next_before, texts: 0, counts: 0 });
        }
        let videos = if request.kept != texts {
            found.cards().into_iter().map(card::video).collect()
        } else if request.kept_counts != counts || call.viewer.is_some() {
            cards.iter().enumerate().map(|(place, card)| bare(card, found.marks(place))).collect()
        } else {
            Vec::new()
        };
        Ok(ListFeedResponse { videos, next_before, texts, counts })
    }
}

fn tags(rows: Vec<TagRow>) -> TagList {
    let tag = |TagRow { name, videos }| proto::Tag { name, videos };
    TagList { tags: rows.into_iter().map(tag).collect() }
}

/// A video without its texts.
fn bare(card: &VideoCard, (is_liked, is_followed): (bool, bool)) -> Video {
    let author = User {
        id: card.author.id,
        follow_count: card.author.follow_count,
        follower_count: card.author.follower_count,
        is_followed,
        received_like_count: card.author.received_like_count,
        work_count: card.author.work_count,
        liked_count: card.author.liked_count,
        ..User::default()
    };
    Video {
        id: card.id,
        author: Some(author),
        like_count: card.like_count,
        comment_count: card.comment_count,
        is_liked,
        ready: card.published_at.is_some(),
        published_at: card.published_at.unwrap_or(0),
        ..Video::default()
    }
}
