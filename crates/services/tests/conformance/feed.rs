//! The feed: newest first, page after page, nothing twice and nothing skipped.

use domain::Call;
use proto::{FollowUserRequest, LikeVideoRequest, ListFeedRequest, ListFeedResponse, Video};

use crate::world::{World, nobody};

#[tokio::test]
async fn an_empty_feed_restarts_at_the_newest() {
    let world = World::start().await;
    let before = domain::Timestamp::now().millis();
    let page = world.feed.list_feed(&nobody(), ListFeedRequest::default()).await.expect("answers");
    assert!(page.videos.is_empty() && page.next_before >= before);
    world.finish().await;
}

#[tokio::test]
async fn a_page_ends_where_the_next_begins() {
    let world = World::start().await;
    let ann = world.somebody("ann").await;
    let mut published = Vec::new();
    for title in ["one", "two", "three"] {
        published.insert(0, world.clip(&ann, title).await);
    }
    let page = world.feed.list_feed(&ann, ListFeedRequest::default()).await.expect("answers");
    let seen: Vec<i64> = page.videos.iter().map(|video| video.id).collect();
    assert_eq!(seen, published);
    assert_eq!(page.next_before, page.videos[2].published_at);
    let second = ListFeedRequest { before: page.videos[0].published_at, ..Default::default() };
    let rest = world.feed.list_feed(&ann, second).await.expect("answers");
    assert_eq!(rest.videos.iter().map(|video| video.id).collect::<Vec<_>>(), published[1..]);
    let third = ListFeedRequest { before: page.next_before, ..Default::default() };
    let end = world.feed.list_feed(&ann, third).await.expect("answers");
    assert!(end.videos.is_empty());
    world.finish().await;
}

#[tokio::test]
async fn a_like_neither_reorders_the_feed_nor_hides_its_viewer() {
    let world = World::start().await;
    let (ann, bob) = (world.somebody("ann").await, world.somebody("bob").await);
    let old = world.clip(&ann, "old").await;
    let new = world.clip(&ann, "new").await;
    world.like.like_video(&bob, LikeVideoRequest { video_id: old }).await.expect("likes");
    let page = world.feed.list_feed(&bob, ListFeedRequest::default()).await.expect("answers");
    let seen: Vec<_> = page.videos.iter().map(|video| (video.id, video.is_liked, video.like_count)).collect();
    assert_eq!(seen, [(new, false, 0), (old, true, 1)]);
    let page = world.feed.list_feed(&ann, ListFeedRequest::default()).await.expect("answers");
    assert!(page.videos.iter().all(|video| !video.is_liked));
    world.finish().await;
}

/// The newest page, by who has kept it with these tags.
async fn page(world: &World, call: &Call, (kept, kept_counts): (u64, u64)) -> ListFeedResponse {
    let request = ListFeedRequest { before: 0, kept, kept_counts };
    let page = world.feed.list_feed(call, request).await.expect("answers");
    assert!(page.texts != 0 && page.counts != 0, "0 means that nothing is kept");
    page
}

/// What may differ while the texts are the same.
fn bare(page: &ListFeedResponse) -> Vec<Video> {
    let mut videos = page.videos.clone();
    for video in &mut videos {
        video.author.as_mut().expect("an author").name.clear();
        (video.title, video.play_key, video.cover_key) = Default::default();
    }
    videos
}

#[tokio::test]
async fn of_a_kept_page_comes_what_may_differ() {
    let world = World::start().await;
    let (ann, bob) = (world.somebody("ann").await, world.somebody("bob").await);
    world.clip(&ann, "短视频").await;
    let video = world.clip(&ann, "clip").await;
    let whole = page(&world, &nobody(), (0, 0)).await;
    let (texts, counts) = (whole.texts, whole.counts);
    for wrong in [(texts ^ 1, counts), (0, counts), (counts, texts)] {
        assert_eq!(page(&world, &nobody(), wrong).await, whole, "is sent whole");
    }
    assert_eq!(page(&world, &nobody(), (texts, 0)).await.videos, bare(&whole));
    let nothing = page(&world, &nobody(), (texts, counts)).await;
    assert_eq!(nothing, ListFeedResponse { videos: Vec::new(), ..whole.clone() });
    let hers = page(&world, &bob, (texts, counts)).await;
    assert_eq!(
        (hers.videos, hers.texts, hers.counts),
        (bare(&whole), texts, counts),
        "marks are told always"
    );

    world.like.like_video(&bob, LikeVideoRequest { video_id: video }).await.expect("likes");
    let request = FollowUserRequest { user_id: ann.viewer().expect("is ann").get() };
    world.follow.follow_user(&bob, request).await.expect("follows");
    let hers = page(&world, &bob, (texts, counts)).await;
    let marks =
        |video: &Video| (video.is_liked, video.author.as_ref().is_some_and(|author| author.is_followed));
    assert_eq!(hers.videos.iter().map(marks).collect::<Vec<_>>(), [(true, true), (false, true)]);
    assert_eq!((hers.videos[0].like_count, hers.texts), (1, texts));
    assert_ne!(hers.counts, counts);
    assert_eq!(bare(&hers), hers.videos, "without texts");
    let changed = page(&world, &nobody(), (texts, counts)).await;
    assert_eq!(changed.videos.iter().map(marks).collect::<Vec<_>>(), [(false, false); 2]);
    assert_eq!(changed.counts, hers.counts, "marks are in no tag");
    assert!(page(&world, &nobody(), (texts, changed.counts)).await.videos.is_empty());
    world.finish().await;
}

#[tokio::test]
async fn a_page_is_another_when_a_video_is_published() {
    let world = World::start().await;
    let ann = world.somebody("ann").await;
    let empty = page(&world, &nobody(), (0, 0)).await;
    world.clip(&ann, "clip").await;
    let one = page(&world, &nobody(), (empty.texts, empty.counts)).await;
    assert_eq!(one.videos.iter().map(|video| &*video.title).collect::<Vec<_>>(), ["clip"]);
    world.clip(&ann, "clip").await;
    let two = page(&world, &ann, (one.texts, one.counts)).await;
    assert_eq!(two.videos.iter().map(|video| &*video.title).collect::<Vec<_>>(), ["clip"; 2]);
    world.finish().await;
}
