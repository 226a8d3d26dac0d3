//! Comments: counting, order, and who may delete one.

use domain::{CommentId, Error, UserId, VideoId};

use super::fixture::{NOW, On, World, content, later, no_user, no_video, on_both};
use crate::{Slice, Thread};

async fn said(world: &World, by: UserId, video: VideoId, text: &str) -> CommentId {
    let row = world.store.add_comment(by, video, None, content(text), NOW).await.expect("add a comment");
    CommentId::parse(row.id).expect("a number")
}

async fn shown(world: &World, video: VideoId) -> Vec<String> {
    let list = world.store.comments(video, None, Thread::All, Slice::NEWEST).await.expect("a list");
    list.into_iter().map(|row| row.content).collect()
}

async fn a_comment_is_answered_as_it_is_listed(on: On) {
    let world = World::new(on).await;
    let (author, guest) = (world.user("author").await, world.user("guest").await);
    let video = world.video(author).await;
    world.store.follow_user(guest, author, NOW).await.expect("follow");
    let row = world
        .store
        .add_comment(guest, video, None, content(" 好 👍 "), later(3))
        .await
        .expect("add a comment");
    assert_eq!((row.content.as_str(), row.created_at), ("好 👍", later(3).millis()));
    assert_eq!(row.author, world.store.user_card(guest, Some(guest)).await.expect("a card"));
    assert_eq!(
        world.store.comments(video, Some(guest), Thread::All, Slice::NEWEST).await.expect("a list").rows,
        [row]
    );
    world.is_sound().await;
}

async fn comments_are_listed_newest_first_whatever_the_clock_said(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let (video, other) = (world.video(author).await, world.video(author).await);
    for (text, at) in [("one", later(9)), ("two", NOW), ("three", NOW)] {
        world.store.add_comment(author, video, None, content(text), at).await.expect("add a comment");
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
    world.store.delete_comment(author, video, first, false).await.expect("delete");
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
        let result = world.store.delete_comment(user, video, comment, false).await;
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
    let nowhere = world.store.delete_comment(author, no_video(), comment, false).await;
    assert!(matches!(nowhere, Err(Error::VideoNotFound(_))), "{nowhere:?}");
    for (video, comment) in [(other, comment), (video, unknown)] {
        let result = world.store.delete_comment(author, video, comment, false).await;
        assert!(matches!(result, Err(Error::CommentNotFound(id)) if id == comment), "{result:?}");
    }
    assert_eq!(world.dump().await, before);
    world.store.delete_comment(author, video, comment, false).await.expect("delete");
    let again = world.store.delete_comment(author, video, comment, false).await;
    assert!(matches!(again, Err(Error::CommentNotFound(id)) if id == comment), "{again:?}");
    world.is_sound().await;
}

async fn the_number_of_a_deleted_comment_is_never_given_again(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let video = world.video(author).await;
    let first = said(&world, author, video, "first").await;
    world.store.delete_comment(author, video, first, false).await.expect("delete");
    assert!(said(&world, author, video, "second").await > first);
}

async fn only_a_published_video_has_comments(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let processing = world.processing(author).await;
    let before = world.dump().await;
    for video in [no_video(), processing] {
        let added = world.store.add_comment(author, video, None, content("early"), NOW).await;
        assert!(matches!(added, Err(Error::VideoNotFound(id)) if id == video), "{added:?}");
        let listed = world.store.comments(video, Some(author), Thread::All, Slice::NEWEST).await;
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
    let result = world.store.add_comment(no_user(), video, None, content("boo"), NOW).await;
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
        let list = world.store.comments(video, seen_by, Thread::All, Slice::NEWEST).await.expect("a list");
        let followed: Vec<_> = list.iter().map(|row| row.author.is_followed).collect();
        assert_eq!(followed, expected, "{seen_by:?}");
    }
}

async fn replies_are_counted_listed_apart_and_go_with_what_they_reply_to(on: On) {
    let world = World::new(on).await;
    let (author, guest) = (world.user("author").await, world.user("guest").await);
    let (video, other) = (world.video(author).await, world.video(author).await);
    let (root, elsewhere) =
        (said(&world, guest, video, "root").await, said(&world, guest, other, "elsewhere").await);
    let reply = |parent, text| world.store.add_comment(author, video, Some(parent), content(text), NOW);
    let first = reply(root, "first").await.expect("reply");
    reply(root, "second").await.expect("reply");
    assert_eq!(first.parent, Some(root.get()));
    let first = CommentId::parse(first.id).expect("a number");
    for wrong in [elsewhere, first, CommentId::parse(999_999).expect("a number")] {
        let result = reply(wrong, "nowhere").await;
        assert!(matches!(result, Err(Error::CommentNotFound(id)) if id == wrong), "{result:?}");
    }
    let texts = async |which| {
        let list = world.store.comments(video, None, which, Slice::NEWEST).await.expect("a list");
        list.into_iter().map(|row| (row.content, row.reply_count)).collect::<Vec<_>>()
    };
    assert_eq!(texts(Thread::Roots).await, [("root".into(), 2)]);
    assert_eq!(texts(Thread::RepliesTo(root)).await, [("second".into(), 0), ("first".into(), 0)]);
    assert_eq!(texts(Thread::All).await, [("second".into(), 0), ("first".into(), 0), ("root".into(), 2)]);
    world.store.delete_comment(author, video, first, false).await.expect("delete");
    assert_eq!(texts(Thread::Roots).await, [("root".into(), 1)]);
    world.is_sound().await;
    world.store.delete_comment(guest, video, root, false).await.expect("delete");
    assert_eq!(world.store.comment_count(video, None).await.expect("a count"), 0);
    world.is_sound().await;
}

async fn a_like_of_a_comment_counts_once_and_only_under_its_video(on: On) {
    let world = World::new(on).await;
    let (author, guest) = (world.user("author").await, world.user("guest").await);
    let (video, other) = (world.video(author).await, world.video(author).await);
    let comment = said(&world, author, video, "text").await;
    let likes = async |viewer| {
        let list = world.store.comments(video, Some(viewer), Thread::All, Slice::NEWEST).await;
        list.map(|list| (list[0].like_count, list[0].is_liked)).expect("a list")
    };
    for _twice in 0..2 {
        world.store.like_comment(guest, video, comment, NOW).await.expect("like");
        assert_eq!((likes(guest).await, likes(author).await), ((1, true), (1, false)));
    }
    let wrong = world.store.like_comment(guest, other, comment, NOW).await;
    assert!(matches!(wrong, Err(Error::CommentNotFound(id)) if id == comment), "{wrong:?}");
    let nowhere = world.store.unlike_comment(guest, no_video(), comment).await;
    assert!(matches!(nowhere, Err(Error::VideoNotFound(_))), "{nowhere:?}");
    world.is_sound().await;
    for _twice in 0..2 {
        world.store.unlike_comment(guest, video, comment).await.expect("unlike");
        assert_eq!(likes(guest).await, (0, false));
    }
    world.store.like_comment(author, video, comment, NOW).await.expect("like");
    world.store.delete_comment(author, video, comment, false).await.expect("delete");
    world.is_sound().await;
}

async fn who_published_a_video_may_delete_what_is_said_under_it(on: On) {
    let world = World::new(on).await;
    let (author, guest, other) =
        (world.user("author").await, world.user("guest").await, world.user("other").await);
    let video = world.video(author).await;
    let comment = said(&world, guest, video, "rude").await;
    let result = world.store.delete_comment(other, video, comment, true).await;
    assert!(matches!(result, Err(Error::PermissionDenied)), "{result:?}");
    world.store.delete_comment(author, video, comment, true).await.expect("delete");
    assert_eq!(shown(&world, video).await, [""; 0]);
    world.is_sound().await;
}

async fn the_replies_of_a_deleted_video_are_forgotten_and_counted(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let video = world.video(author).await;
    let root = said(&world, author, video, "root").await;
    for number in 0..600 {
        let text = content(&number.to_string());
        world.store.add_comment(author, video, Some(root), text, NOW).await.expect("reply");
    }
    world.store.delete_video(author, video, NOW).await.expect("delete");
    while world.store.forget_reactions(video).await.expect("forget") {
        world.is_sound().await;
    }
    let left = world.texts("SELECT content AS text FROM comment").await;
    assert_eq!(left, [""; 0]);
}

on_both!(
    replies_are_counted_listed_apart_and_go_with_what_they_reply_to,
    a_like_of_a_comment_counts_once_and_only_under_its_video,
    who_published_a_video_may_delete_what_is_said_under_it,
    the_replies_of_a_deleted_video_are_forgotten_and_counted,
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
