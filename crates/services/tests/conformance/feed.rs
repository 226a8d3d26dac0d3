//! The feed: newest first, page after page, nothing twice and nothing skipped.

use proto::{LikeVideoRequest, ListFeedRequest};

use crate::world::{World, nobody};

#[tokio::test]
async fn an_empty_feed_restarts_at_the_newest() {
    let world = World::start().await;
    let before = domain::Timestamp::now().millis();
    let page = world.feed.list_feed(&nobody(), ListFeedRequest { before: 0 }).await.expect("answers");
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
    let page = world.feed.list_feed(&ann, ListFeedRequest { before: 0 }).await.expect("answers");
    let seen: Vec<i64> = page.videos.iter().map(|video| video.id).collect();
    assert_eq!(seen, published);
    assert_eq!(page.next_before, page.videos[2].published_at);
    let second = ListFeedRequest { before: page.videos[0].published_at };
    let rest = world.feed.list_feed(&ann, second).await.expect("answers");
    assert_eq!(rest.videos.iter().map(|video| video.id).collect::<Vec<_>>(), published[1..]);
    let end =
        world.feed.list_feed(&ann, ListFeedRequest { before: page.next_before }).await.expect("answers");
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
    let page = world.feed.list_feed(&bob, ListFeedRequest { before: 0 }).await.expect("answers");
    let seen: Vec<_> = page.videos.iter().map(|video| (video.id, video.is_liked, video.like_count)).collect();
    assert_eq!(seen, [(new, false, 0), (old, true, 1)]);
    let page = world.feed.list_feed(&ann, ListFeedRequest { before: 0 }).await.expect("answers");
    assert!(page.videos.iter().all(|video| !video.is_liked));
    world.finish().await;
}
