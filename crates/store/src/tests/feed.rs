//! The feed: order, pages and marks.

use domain::limits::FEED_PAGE;
use domain::{Timestamp, VideoId};
use futures_util::future::join_all;

use super::fixture::{NOW, On, World, later, never, on_both};

async fn an_empty_feed_is_an_empty_page(on: On) {
    let world = World::new(on).await;
    assert_eq!(world.store.feed(never(), None).await.expect("a page"), []);
}

async fn the_newest_publication_comes_first(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let mut videos = Vec::new();
    for millis in [0, 10, 20] {
        let video = world.ready(author);
        videos.push(world.store.publish(video, later(millis)).await.expect("publish").get());
    }
    videos.reverse();
    let page = world.store.feed(never(), None).await.expect("a page");
    assert_eq!(page.iter().map(|card| card.id).collect::<Vec<_>>(), videos);
}

async fn a_page_ends_strictly_before_its_moment(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    world.video(author).await;
    assert_eq!(world.store.feed(NOW, None).await.expect("a page").len(), 0);
    assert_eq!(world.store.feed(later(1), None).await.expect("a page").len(), 1);
}

async fn publish_times_are_unique_even_when_the_clock_stands_or_goes_back(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    for millis in [0, 0, -5000, 1, 50] {
        world.store.publish(world.ready(author), later(millis)).await.expect("publish");
    }
    let page = world.store.feed(never(), None).await.expect("a page");
    let times: Vec<_> =
        page.iter().map(|card| card.published_at.expect("published") - NOW.millis()).collect();
    assert_eq!(times, [50, 3, 2, 1, 0]);
}

async fn pages_of_videos_published_at_one_moment_repeat_and_skip_none(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let published = join_all((0..70).map(|_| world.video(author))).await;
    let mut expected: Vec<_> = published.into_iter().map(VideoId::get).collect();
    expected.sort_unstable();
    let (mut seen, mut lengths) = (Vec::new(), Vec::new());
    let mut before = never();
    for _ in 0..4 {
        let page = world.store.feed(before, None).await.expect("a page");
        lengths.push(page.len());
        let Some(last) = page.last() else { break };
        before = Timestamp::from_millis(last.published_at.expect("published"));
        seen.extend(page.iter().map(|card| card.id));
    }
    assert_eq!(lengths, [FEED_PAGE, FEED_PAGE, 10, 0]);
    seen.sort_unstable();
    assert_eq!(seen, expected);
}

async fn a_video_published_between_two_pages_shifts_neither(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    for _ in 0..FEED_PAGE + 1 {
        world.video(author).await;
    }
    let first = world.store.feed(never(), None).await.expect("a page");
    world.video(author).await;
    let before = Timestamp::from_millis(first.last().expect("a video").published_at.expect("published"));
    let second = world.store.feed(before, None).await.expect("a page");
    assert_eq!(second.len(), 1);
    assert!(first.iter().all(|card| card.id != second[0].id));
}

async fn only_what_is_published_is_in_the_feed(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    world.processing(author).await;
    for viewer in [Some(author), None] {
        assert_eq!(world.store.feed(never(), viewer).await.expect("a page"), []);
    }
}

async fn a_page_carries_counters_and_the_marks_of_its_viewer(on: On) {
    let world = World::new(on).await;
    let (author, fan) = (world.user("author").await, world.user("fan").await);
    let (liked, other) = (world.video(author).await, world.video(fan).await);
    world.store.like_video(fan, liked, NOW).await.expect("like");
    world.store.follow_user(fan, author, NOW).await.expect("follow");
    for (viewer, marked) in [(Some(fan), true), (Some(author), false), (None, false)] {
        let page = world.store.feed(never(), viewer).await.expect("a page");
        let [newer, older] = page.as_slice() else { panic!("two videos, not {page:?}") };
        assert_eq!((newer.id, newer.like_count, newer.is_liked), (other.get(), 0, false));
        assert_eq!((older.id, older.like_count, older.is_liked), (liked.get(), 1, marked), "{viewer:?}");
        assert_eq!(older.author, world.store.user_card(author, viewer).await.expect("a card"));
        assert_eq!(newer.author, world.store.user_card(fan, viewer).await.expect("a card"));
        assert_eq!(older.author.is_followed, marked);
    }
}

on_both!(
    an_empty_feed_is_an_empty_page,
    the_newest_publication_comes_first,
    a_page_ends_strictly_before_its_moment,
    publish_times_are_unique_even_when_the_clock_stands_or_goes_back,
    pages_of_videos_published_at_one_moment_repeat_and_skip_none,
    a_video_published_between_two_pages_shifts_neither,
    only_what_is_published_is_in_the_feed,
    a_page_carries_counters_and_the_marks_of_its_viewer
);
