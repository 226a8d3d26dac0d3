//! Notifications: who is told of what, once for many of the same, and of nothing they may not see.

use domain::{CommentId, Timestamp, UserId, VideoId, Visibility};

use super::fixture::{NOW, On, World, content, later, on_both, title};
use crate::{NewVideo, Slice};

/// The occasions a person was told of, the latest first, with who did it last.
async fn told(world: &World, person: UserId) -> Vec<(String, String)> {
    let list = world.store.notifications(person, Slice::NEWEST).await.expect("a list");
    list.into_iter()
        .map(|row| (row.occasion, row.actor.map_or_else(String::new, |actor| actor.name)))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(occasion, actor)| ((*occasion).to_owned(), (*actor).to_owned())).collect()
}

async fn comment(
    world: &World,
    by: UserId,
    video: VideoId,
    to: Option<CommentId>,
    text: &str,
    at: Timestamp,
) -> CommentId {
    let row = world.store.add_comment(by, video, to, content(text), at).await.expect("comment");
    CommentId::parse(row.id).expect("a number")
}

async fn people_are_told_what_others_do_to_them(on: On) {
    let world = World::new(on).await;
    let (ann, bob, eve) = (world.user("ann").await, world.user("bob").await, world.user("eve").await);
    let video = world.video(ann).await;
    let store = &world.store;
    store.like_video(bob, video, later(1)).await.expect("like");
    store.like_video(ann, video, later(1)).await.expect("like");
    store.follow_user(bob, ann, later(2)).await.expect("follow");
    let first = comment(&world, bob, video, None, "hello @eve", later(3)).await;
    let reply = comment(&world, ann, video, Some(first), "hello @bob", later(4)).await;
    store.like_comment(eve, video, reply, later(5)).await.expect("like");
    comment(&world, eve, video, Some(first), "me too", later(6)).await;
    let expected =
        [("comment", "eve"), ("comment_like", "eve"), ("comment", "bob"), ("follow", "bob"), ("like", "bob")];
    assert_eq!(told(&world, ann).await, pairs(&expected), "own likes are no news");
    assert_eq!(
        told(&world, bob).await,
        pairs(&[("reply", "eve"), ("reply", "ann")]),
        "told once, though mentioned"
    );
    assert_eq!(told(&world, eve).await, pairs(&[("mention", "bob")]));
    let row = &store.notifications(eve, Slice::NEWEST).await.expect("a list")[0];
    assert_eq!(row.video.as_ref().map(|video| (video.0, video.3)), Some((video.get(), 2)));
    assert_eq!(row.comment, Some((first.get(), "hello @eve".into(), 0)));
    store.delete_comment(bob, video, first, false).await.expect("delete");
    let left = [("follow", "bob"), ("like", "bob")];
    assert_eq!(told(&world, ann).await, pairs(&left), "what was deleted is no news, replies included");
    store.delete_video(ann, video, NOW).await.expect("delete");
    assert_eq!(told(&world, ann).await, pairs(&left[..1]));
    world.is_sound().await;
}

async fn more_of_the_same_is_told_anew_after_a_minute(on: On) {
    let world = World::new(on).await;
    let (ann, bob, eve) = (world.user("ann").await, world.user("bob").await, world.user("eve").await);
    let video = world.video(ann).await;
    let store = &world.store;
    store.like_video(bob, video, later(0)).await.expect("like");
    store.like_video(eve, video, later(30_000)).await.expect("like");
    assert_eq!(told(&world, ann).await, pairs(&[("like", "bob")]));
    let until = store.notifications(ann, Slice::NEWEST).await.expect("a list")[0].told_at;
    assert_eq!(store.new_notifications(ann).await.expect("a count"), 1);
    store.see_notifications(ann, Timestamp::from_millis(until)).await.expect("see");
    store.see_notifications(ann, NOW).await.expect("see");
    assert_eq!(store.new_notifications(ann).await.expect("a count"), 0);
    store.unlike_video(eve, video).await.expect("unlike");
    store.like_video(eve, video, later(61_000)).await.expect("like");
    assert_eq!(told(&world, ann).await, pairs(&[("like", "eve")]));
    let rows = store.notifications(ann, Slice::NEWEST).await.expect("a list");
    assert!(rows[0].is_new);
    assert_eq!(store.new_notifications(ann).await.expect("a count"), 1);
    let since = store.notifications_after(ann, Timestamp::from_millis(until)).await.expect("a list");
    assert_eq!(since.len(), 1);
    assert!(store.forget_notifications(later(61_001)).await.expect("forget"));
    assert!(!store.forget_notifications(later(61_001)).await.expect("forget"));
    assert_eq!(told(&world, ann).await, []);
}

async fn who_may_not_see_a_video_is_told_nothing_of_it(on: On) {
    let world = World::new(on).await;
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let publish = async |visibility| {
        let video = NewVideo { visibility, title: title("for @bob"), ..world.ready(ann) };
        world.store.publish(video, NOW).await.expect("publish")
    };
    let own = publish(Visibility::Private).await;
    comment(&world, ann, own, None, "again @bob", later(1)).await;
    assert_eq!(told(&world, bob).await, []);
    let shown = publish(Visibility::Public).await;
    assert_eq!(told(&world, bob).await, pairs(&[("mention", "ann")]));
    world.store.set_visibility(ann, shown, Visibility::Private, NOW).await.expect("hide");
    assert_eq!(told(&world, bob).await, []);
}

async fn authors_are_told_what_became_of_their_videos(on: On) {
    let world = World::new(on).await;
    let (ann, bob, admin) = (world.user("ann").await, world.user("bob").await, world.user("admin").await);
    let named = NewVideo { title: title("hello @bob"), ..world.unready(ann) };
    let coming = world.store.publish(named, NOW).await.expect("publish");
    assert_eq!(told(&world, bob).await, [], "nobody sees it yet");
    let job = world.claim_of(coming).await;
    assert!(world.play(&job).await);
    assert_eq!(told(&world, ann).await, pairs(&[("video_ready", "")]));
    assert_eq!(told(&world, bob).await, pairs(&[("mention", "ann")]));
    let bad = world.claim_of(world.processing(ann).await).await;
    let failed = world.store.video_failed(bad.attempt, bad.video, "why".into(), later(1)).await;
    failed.expect("fail");
    let given_up = world.claim_of(world.processing(ann).await).await;
    let dead = world.store.job_dead(given_up.attempt, given_up.video, "no space".into(), later(2)).await;
    assert!(dead.expect("end"));
    let video = world.video(ann).await;
    let said = comment(&world, bob, video, None, "no", later(3)).await;
    world.store.remove_comment(admin, video, said, later(4)).await.expect("remove");
    assert_eq!(told(&world, bob).await[0], ("comment_removed".to_owned(), String::new()));
    world.store.hide_video(admin, video, "why".into(), later(5)).await.expect("hide");
    world.store.restore_video(admin, video, later(6)).await.expect("restore");
    let expected = [
        ("video_restored", ""),
        ("video_hidden", ""),
        ("video_failed", ""),
        ("video_failed", ""),
        ("video_ready", ""),
    ];
    assert_eq!(told(&world, ann).await, pairs(&expected));
    world.is_sound().await;
}

on_both!(
    people_are_told_what_others_do_to_them,
    more_of_the_same_is_told_anew_after_a_minute,
    who_may_not_see_a_video_is_told_nothing_of_it,
    authors_are_told_what_became_of_their_videos,
);
