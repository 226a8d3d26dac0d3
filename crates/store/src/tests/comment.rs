//! Comments: counting, order, and who may delete one.

use domain::{CommentId, Error, UserId, VideoId};

use super::fixture::{NOW, On, World, content, later, no_user, no_video, on_both};
use crate::Slice;

async fn said(world: &World, by: UserId, video: VideoId, text: &str) -> CommentId {
    let row = world.store.add_comment(by, video, content(text), NOW).await.expect("add a comment");
    CommentId::parse(row.id).expect("a number")
}

async fn shown(world: &World, video: VideoId) -> Vec<String> {
    let list = world.store.comments(video, None, Slice::NEWEST).await.expect("a list");
    list.into_iter().map(|row| row.content).collect()
}

async fn a_comment_is_answered_as_it_is_listed(on: On) {
    let world = World::new(on).await;
    let (author, guest) = (world.user("author").await, world.user("guest").await);
    let video = world.video(author).await;
    world.store.follow_user(guest, author, NOW).await.expect("follow");
    let row =
        world.store.add_comment(guest, video, content(" 好 👍 "), later(3)).await.expect("add a comment");
    assert_eq!((row.content.as_str(), row.created_at), ("好 👍", later(3).millis()));
    assert_eq!(row.author, world.store.user_card(guest, Some(guest)).await.expect("a card"));
    assert_eq!(world.store.comments(video, Some(guest), Slice::NEWEST).await.expect("a list").rows, [row]);
    world.is_sound().await;
}

async fn comments_are_listed_newest_first_whatever_the_clock_said(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let (video, other) = (world.video(author).await, world.video(author).await);
    for (text, at) in [("one", later(9)), ("two", NOW), ("three", NOW)] {
        world.store.add_comment(author, video, content(text), at).await.expect("add a comment");
    }
    said(&world, author, other, "elsewhere").await;
    assert_eq!(shown(&world, video).await, ["three", "two", "one"]);
}

async fn adding_and_deleting_are_counted(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let video = world.video(author).await;
    let first = said(&world, author, video, "first").await;
    said(&world, author, video, "second").await;
    assert_eq!(world.store.comment_count(video, None).await.expect("a count"), 2);
    world.store.delete_comment(author, video, first).await.expect("delete");
    assert_eq!(world.store.comment_count(video, None).await.expect("a count"), 1);
    assert_eq!(shown(&world, video).await, ["second"]);
    world.is_sound().await;
}

async fn nobody_deletes_the_comment_of_another_not_even_the_videos_author(on: On) {
    let world = World::new(on).await;
    let (author, guest, other) =
        (world.user("author").await, world.user("guest").await, world.user("other").await);
    let video = world.video(author).await;
    let comment = said(&world, guest, video, "mine").await;
    let before = world.dump().await;
    for user in [author, other] {
        let result = world.store.delete_comment(user, video, comment).await;
        assert!(matches!(result, Err(Error::PermissionDenied)), "{result:?}");
    }
    assert_eq!(world.dump().await, before);
}

async fn a_comment_is_deleted_only_under_its_own_video_and_only_once(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let (video, other) = (world.video(author).await, world.video(author).await);
    let comment = said(&world, author, video, "here").await;
    let unknown = CommentId::parse(999_999).expect("a number");
    let before = world.dump().await;
    let nowhere = world.store.delete_comment(author, no_video(), comment).await;
    assert!(matches!(nowhere, Err(Error::VideoNotFound(_))), "{nowhere:?}");
    for (video, comment) in [(other, comment), (video, unknown)] {
        let result = world.store.delete_comment(author, video, comment).await;
        assert!(matches!(result, Err(Error::CommentNotFound(id)) if id == comment), "{result:?}");
    }
    assert_eq!(world.dump().await, before);
    world.store.delete_comment(author, video, comment).await.expect("delete");
    let again = world.store.delete_comment(author, video, comment).await;
    assert!(matches!(again, Err(Error::CommentNotFound(id)) if id == comment), "{again:?}");
    world.is_sound().await;
}

async fn the_number_of_a_deleted_comment_is_never_given_again(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let video = world.video(author).await;
    let first = said(&world, author, video, "first").await;
    world.store.delete_comment(author, video, first).await.expect("delete");
    assert!(said(&world, author, video, "second").await > first);
}

async fn only_a_published_video_has_comments(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let processing = world.processing(author).await;
    let before = world.dump().await;
    for video in [no_video(), processing] {
        let added = world.store.add_comment(author, video, content("early"), NOW).await;
        assert!(matches!(added, Err(Error::VideoNotFound(id)) if id == video), "{added:?}");
        let listed = world.store.comments(video, Some(author), Slice::NEWEST).await;
        assert!(matches!(listed, Err(Error::VideoNotFound(id)) if id == video), "{listed:?}");
        let counted = world.store.comment_count(video, None).await;
        assert!(matches!(counted, Err(Error::VideoNotFound(id)) if id == video), "{counted:?}");
    }
    assert_eq!(world.dump().await, before);
}

async fn a_comment_by_nobody_is_refused_whole(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let video = world.video(author).await;
    let before = world.dump().await;
    let result = world.store.add_comment(no_user(), video, content("boo"), NOW).await;
    assert!(matches!(result, Err(Error::Internal(_))), "{result:?}");
    assert_eq!(world.dump().await, before);
}

async fn authors_of_comments_are_marked_for_the_viewer(on: On) {
    let world = World::new(on).await;
    let (author, guest, viewer) =
        (world.user("author").await, world.user("guest").await, world.user("viewer").await);
    let video = world.video(author).await;
    said(&world, guest, video, "guest").await;
    said(&world, author, video, "author").await;
    world.store.follow_user(viewer, guest, NOW).await.expect("follow");
    world.store.follow_user(guest, author, NOW).await.expect("follow");
    for (seen_by, expected) in [
        (Some(viewer), [false, true]),
        (Some(guest), [true, false]),
        (Some(author), [false; 2]),
        (None, [false; 2]),
    ] {
        let list = world.store.comments(video, seen_by, Slice::NEWEST).await.expect("a list");
        let followed: Vec<_> = list.iter().map(|row| row.author.is_followed).collect();
        assert_eq!(followed, expected, "{seen_by:?}");
    }
}

on_both!(
    a_comment_is_answered_as_it_is_listed,
    comments_are_listed_newest_first_whatever_the_clock_said,
    adding_and_deleting_are_counted,
    nobody_deletes_the_comment_of_another_not_even_the_videos_author,
    a_comment_is_deleted_only_under_its_own_video_and_only_once,
    the_number_of_a_deleted_comment_is_never_given_again,
    only_a_published_video_has_comments,
    a_comment_by_nobody_is_refused_whole,
    authors_of_comments_are_marked_for_the_viewer
);
