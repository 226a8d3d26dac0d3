//! What the seam between gateway and services costs for a page of the feed: as a trait call, and through the
//! codec that stands between processes, without any socket.

use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use domain::{Call, Result, TraceId};
use futures_util::FutureExt;
use prost::Message;
use proto::{
    Done, FeedService, ForgetTasteRequest, GetWhyRequest, ListFeedRequest, ListFeedResponse,
    ListFollowingFeedRequest, ListForYouRequest, ListTaggedRequest, ListTrendingRequest, PassOnRequest,
    RemoteFeedService, SearchRequest, TagList, User, Video, VideoList, WantNoSuchRequest, Why, serve_feed,
};

/// A feed that has its answer ready.
struct Ready(ListFeedResponse);

#[async_trait::async_trait]
impl FeedService for Ready {
    async fn list_feed(&self, _: &Call, _: ListFeedRequest) -> Result<ListFeedResponse> {
        Ok(self.0.clone())
    }

    async fn list_following(&self, _: &Call, _: ListFollowingFeedRequest) -> Result<VideoList> {
        Ok(VideoList::default())
    }

    async fn list_tagged(&self, _: &Call, _: ListTaggedRequest) -> Result<VideoList> {
        Ok(VideoList::default())
    }

    async fn list_trending(&self, _: &Call, _: ListTrendingRequest) -> Result<TagList> {
        Ok(TagList::default())
    }

    async fn list_for_you(&self, _: &Call, _: ListForYouRequest) -> Result<VideoList> {
        Ok(VideoList::default())
    }

    async fn get_why(&self, _: &Call, _: GetWhyRequest) -> Result<Why> {
        Ok(Why::default())
    }

    async fn want_no_such(&self, _: &Call, _: WantNoSuchRequest) -> Result<Done> {
        Ok(Done {})
    }

    async fn pass_on(&self, _: &Call, _: PassOnRequest) -> Result<Done> {
        Ok(Done {})
    }

    async fn forget_taste(&self, _: &Call, _: ForgetTasteRequest) -> Result<Done> {
        Ok(Done {})
    }

    async fn search_videos(&self, _: &Call, _: SearchRequest) -> Result<VideoList> {
        Ok(VideoList::default())
    }

    async fn search_tags(&self, _: &Call, _: SearchRequest) -> Result<TagList> {
        Ok(TagList::default())
    }
}

/// 30 videos, with their texts or without.
fn page(has_texts: bool) -> ListFeedResponse {
    let text = |text: String| if has_texts { text } else { String::new() };
    let video = |number: i64| Video {
        id: 1_000_000 + number,
        author: Some(User {
            id: 20_000 + number,
            name: text(format!("用户{number}")),
            follow_count: 12 * number,
            follower_count: 3_456 * number,
            received_like_count: 78_901 * number,
            work_count: 2 * number,
            liked_count: 40 + number,
            is_followed: number % 3 == 0,
            display_name: text("小雨".to_owned()),
            signature: text("周末去爬山".to_owned()),
            avatar_key: format!("p/{:032x}.jpg", 7),
            background_key: String::new(),
            is_private: false,
        }),
        title: text(format!("周末去爬山 第{number}集 🎬 sunset")),
        play_key: text(format!("p/{number:032x}.mp4")),
        cover_key: text(format!("p/{number:032x}.jpg")),
        like_count: 987 * number,
        comment_count: 65 * number,
        is_liked: number % 5 == 0,
        ready: true,
        published_at: 1_790_000_000_000 - number,
    };
    ListFeedResponse { videos: (1..=30).map(video).collect(), next_before: 7, texts: 5, counts: 7 }
}

fn ask(feed: &dyn FeedService, call: &Call) -> ListFeedResponse {
    let answer = feed.list_feed(call, ListFeedRequest::default()).now_or_never();
    answer.expect("nothing is waited for").expect("answers")
}

fn seam(criterion: &mut Criterion) {
    let call = Call::within(Duration::from_secs(3600), None, TraceId(1));
    for (name, page) in [("whole page", page(true)), ("page without texts", page(false))] {
        let mut group = criterion.benchmark_group(name);
        let bytes = page.encode_to_vec();
        let near: Arc<dyn FeedService> = Arc::new(Ready(page.clone()));
        let far = RemoteFeedService(serve_feed(Arc::clone(&near)));
        group.bench_function("trait call", |bencher| bencher.iter(|| ask(near.as_ref(), &call)));
        group.bench_function("call through the codec", |bencher| bencher.iter(|| ask(&far, &call)));
        group.bench_function("encode", |bencher| bencher.iter(|| page.encode_to_vec()));
        group.bench_function("decode", |bencher| {
            bencher.iter(|| ListFeedResponse::decode(bytes.as_slice()).expect("decodes"));
        });
        group.finish();
    }
}

criterion_group!(benches, seam);
criterion_main!(benches);
