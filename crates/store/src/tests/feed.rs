//! The feed: order, pages and marks.

use std::time::{Duration, Instant};

use domain::limits::FEED_PAGE;
use domain::{CommentId, Timestamp, VideoId};
use futures_util::future::join_all;

use super::fixture::{NOW, On, World, content, later, never, on_both};

async fn an_empty_feed_is_an_empty_page(on: On) {
    let world = World::new(on).await;
    assert_eq!(world.feed(never(), None).await, []);
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
    let page = world.feed(never(), None).await;
    assert_eq!(page.iter().map(|card| card.id).collect::<Vec<_>>(), videos);
}

async fn a_page_ends_strictly_before_its_moment(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    world.video(author).await;
    assert_eq!(world.feed(NOW, None).await.len(), 0);
    assert_eq!(world.feed(later(1), None).await.len(), 1);
}

async fn publish_times_are_unique_even_when_the_clock_stands_or_goes_back(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    for millis in [0, 0, -5000, 1, 50] {
        world.store.publish(world.ready(author), later(millis)).await.expect("publish");
    }
    let page = world.feed(never(), None).await;
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
        let page = world.feed(before, None).await;
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
    let first = world.feed(never(), None).await;
    world.video(author).await;
    let before = Timestamp::from_millis(first.last().expect("a video").published_at.expect("published"));
    let second = world.feed(before, None).await;
    assert_eq!(second.len(), 1);
    assert!(first.iter().all(|card| card.id != second[0].id));
}

async fn only_what_is_published_is_in_the_feed(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    world.processing(author).await;
    for viewer in [Some(author), None] {
        assert_eq!(world.feed(never(), viewer).await, []);
    }
}

async fn a_page_carries_counters_and_the_marks_of_its_viewer(on: On) {
    let world = World::new(on).await;
    let (author, fan) = (world.user("author").await, world.user("fan").await);
    let (liked, other) = (world.video(author).await, world.video(fan).await);
    world.store.like_video(fan, liked, NOW).await.expect("like");
    world.store.follow_user(fan, author, NOW).await.expect("follow");
    for (viewer, marked) in [(Some(fan), true), (Some(author), false), (None, false)] {
        let page = world.feed(never(), viewer).await;
        let [newer, older] = page.as_slice() else { panic!("two videos, not {page:?}") };
        assert_eq!((newer.id, newer.like_count, newer.is_liked), (other.get(), 0, false));
        assert_eq!((older.id, older.like_count, older.is_liked), (liked.get(), 1, marked), "{viewer:?}");
        assert_eq!(older.author, world.store.user_card(author, viewer).await.expect("a card"));
        assert_eq!(newer.author, world.store.user_card(fan, viewer).await.expect("a card"));
        assert_eq!(older.author.is_followed, marked);
    }
}

async fn what_this_process_changes_shows_to_everybody_at_once(on: On) {
    let world = World::new(on).await;
    let (author, fan) = (world.user("author").await, world.user("fan").await);
    let video = world.video(author).await;
    let seen = async || {
        let card = world.feed(never(), None).await.remove(0);
        let author = card.author;
        (card.like_count, card.comment_count, author.received_like_count, author.follower_count)
    };
    assert_eq!(seen().await, (0, 0, 0, 0));
    world.store.like_video(fan, video, NOW).await.expect("like");
    assert_eq!(seen().await, (1, 0, 1, 0));
    let comment = world.store.add_comment(fan, video, None, content("nice"), NOW).await.expect("comment");
    assert_eq!(seen().await, (1, 1, 1, 0));
    world.store.follow_user(fan, author, NOW).await.expect("follow");
    assert_eq!(seen().await, (1, 1, 1, 1));
    let comment = CommentId::parse(comment.id).expect("a number");
    world.store.delete_comment(fan, video, comment, false).await.expect("delete");
    world.store.unlike_video(fan, video).await.expect("unlike");
    world.store.unfollow_user(fan, author).await.expect("unfollow");
    assert_eq!(seen().await, (0, 0, 0, 0));
    let newer = world.video(author).await;
    assert_eq!(world.feed(never(), None).await[0].id, newer.get());
    assert_eq!(world.feed(never(), None).await[0].author.work_count, 2);
}

async fn what_another_process_changes_shows_to_its_viewer_at_once_and_soon_to_all(on: On) {
    let world = World::new(on).await;
    let (author, fan) = (world.user("author").await, world.user("fan").await);
    let video = world.video(author).await;
    assert_eq!(world.feed(never(), Some(fan)).await[0].like_count, 0);
    let other = world.second().await;
    other.like_video(fan, video, NOW).await.expect("like");
    other.follow_user(fan, author, NOW).await.expect("follow");
    let mine = world.feed(never(), Some(fan)).await.remove(0);
    assert!(mine.is_liked && mine.author.is_followed);
    if on == On::MySql {
        assert_eq!((mine.like_count, mine.author.follower_count), (1, 1));
    }
    let newer = other.publish(world.ready(author), NOW).await.expect("publish");
    if on == On::MySql {
        assert_eq!(
            world.feed(never(), Some(fan)).await[0].id,
            newer.get(),
            "a viewer sees a publication at once"
        );
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let page = world.feed(never(), None).await;
        if page[0].id == newer.get() && page[1].like_count == 1 && page[1].author.follower_count == 1 {
            break;
        }
        assert!(Instant::now() < deadline, "{page:?}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn any_number_of_pages_is_asked_for_and_a_bounded_one_kept() {
    let world = World::new(On::Sqlite).await;
    let author = world.user("author").await;
    let video = world.video(author).await;
    for millis in (1..1000).rev() {
        assert_eq!(world.feed(later(-millis), None).await, []);
    }
    assert_eq!(world.feed(never(), None).await[0].id, video.get());
    assert!(world.store.pages.len() <= 256);
}

on_both!(
    what_this_process_changes_shows_to_everybody_at_once,
    what_another_process_changes_shows_to_its_viewer_at_once_and_soon_to_all,
    an_empty_feed_is_an_empty_page,
    the_newest_publication_comes_first,
    a_page_ends_strictly_before_its_moment,
    publish_times_are_unique_even_when_the_clock_stands_or_goes_back,
    pages_of_videos_published_at_one_moment_repeat_and_skip_none,
    a_video_published_between_two_pages_shifts_neither,
    only_what_is_published_is_in_the_feed,
    a_page_carries_counters_and_the_marks_of_its_viewer
);
