//! The for-you feed's ground: what somebody did, what may be shown to them, and what was shown and why.

use std::time::Duration;

use domain::{Timestamp, UserId, VideoId, Visibility};

use super::fixture::{NOW, On, World, content, later, on_both, title};
use crate::{Candidate, NewVideo, Opinion, Signal};

async fn publish(world: &World, author: UserId, text: &str) -> VideoId {
    let video = NewVideo { title: title(text), duration_ms: 10_000, ..world.ready(author) };
    world.store.publish(video, NOW).await.expect("publish")
}

async fn signals(world: &World, viewer: UserId) -> Vec<Signal> {
    world.store.signals(viewer).await.expect("signals")
}

/// What may be shown, with what is known of each, by video.
async fn candidates(world: &World, viewer: UserId, tags: Vec<i64>, liked: &[VideoId]) -> Vec<Candidate> {
    let liked = liked.iter().map(|video| video.get()).collect();
    let mut found = world.store.candidates(viewer, tags, liked).await.expect("candidates");
    found.sort_by_key(|candidate| candidate.video);
    found
}

async fn what_somebody_did_is_told_until_they_want_it_forgotten(on: On) {
    let world = World::new(on).await;
    let (author, viewer) = (world.user("author").await, world.user("viewer").await);
    let (one, two) = (publish(&world, author, "#cat one").await, publish(&world, author, "#dog two").await);
    let three = publish(&world, author, "three").await;
    let store = &world.store;
    store.watch_video(viewer, one, Duration::from_secs(5), later(1)).await.expect("watch");
    store.add_comment(viewer, one, None, content("nice"), later(1)).await.expect("comment");
    store.like_video(viewer, two, later(2)).await.expect("like");
    store.say_of(viewer, three, Opinion::Unwanted, later(3)).await.expect("say so");
    let expected = [
        Signal {
            video: one.get(),
            author: author.get(),
            watched: Some(0.5),
            is_commented: true,
            ..Signal::default()
        },
        Signal { video: two.get(), author: author.get(), is_liked: true, ..Signal::default() },
        Signal {
            video: three.get(),
            author: author.get(),
            watched: Some(0.0),
            is_unwanted: true,
            ..Signal::default()
        },
    ];
    let found = signals(&world, viewer).await;
    let tags: Vec<usize> = found.iter().map(|signal| signal.tags.len()).collect();
    assert_eq!(tags, [1, 1, 0]);
    assert_ne!(found[0].tags, found[1].tags);
    let bare: Vec<_> = found.into_iter().map(|signal| Signal { tags: Vec::new(), ..signal }).collect();
    assert_eq!(bare, expected);
    assert_eq!(signals(&world, author).await, []);
    store.forget_taste(viewer, later(5)).await.expect("forget");
    assert_eq!(signals(&world, viewer).await, []);
    store.watch_video(viewer, one, Duration::from_secs(5), later(9)).await.expect("watch");
    assert_eq!(signals(&world, viewer).await.len(), 1);
    world.is_sound().await;
}

async fn candidates_are_what_others_published_and_is_wanted(on: On) {
    let world = World::new(on).await;
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let (friend, twin, eve) = (world.user("friend").await, world.user("twin").await, world.user("eve").await);
    let store = &world.store;
    let (one, two) = (publish(&world, ann, "#cat one").await, publish(&world, ann, "two").await);
    let own = publish(&world, bob, "#cat own").await;
    publish(&world, eve, "unwanted").await;
    let hidden = NewVideo { visibility: Visibility::Private, ..world.ready(ann) };
    store.publish(hidden, NOW).await.expect("publish");
    store.mute_user(bob, eve, NOW).await.expect("mute");
    store.follow_user(bob, friend, NOW).await.expect("follow");
    store.follow_user(bob, ann, NOW).await.expect("follow");
    store.like_video(friend, two, NOW).await.expect("like");
    for video in [one, two] {
        store.like_video(twin, video, NOW).await.expect("like");
    }
    let found = candidates(&world, bob, vec![1], &[one]).await;
    let known =
        |of: &Candidate| (of.video, of.likes, of.is_followed, of.in_network, of.similar, of.tags.len());
    let expected = [(one, 1, true, false, 1, 1), (two, 2, true, true, 1, 0)];
    assert_eq!(found.iter().map(known).collect::<Vec<_>>(), expected, "not {own}, which is bob's");
    assert!(found.iter().all(|candidate| candidate.shown_at.is_none()));
    store.like_video(bob, one, later(4)).await.expect("like");
    store.say_of(bob, two, Opinion::Unwanted, NOW).await.expect("say so");
    let found = candidates(&world, bob, Vec::new(), &[]).await;
    assert_eq!(found.iter().map(|of| (of.video, of.shown_at)).collect::<Vec<_>>(), [(one, Some(later(4)))]);
    store.forget_taste(bob, later(9)).await.expect("forget");
    let found = candidates(&world, bob, Vec::new(), &[]).await;
    assert_eq!(
        found.iter().map(|of| (of.video, of.shown_at)).collect::<Vec<_>>(),
        [(one, Some(later(4))), (two, None)]
    );
    world.is_sound().await;
}

async fn what_is_shown_is_kept_with_its_reason_and_forgotten(on: On) {
    let world = World::new(on).await;
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let (one, two) = (publish(&world, ann, "one").await, publish(&world, ann, "two").await);
    let store = &world.store;
    let shown = store.show(bob, vec![(two, "fresh"), (one, "tag")], later(1)).await.expect("show");
    assert_eq!(shown.iter().map(|card| card.id).collect::<Vec<_>>(), [two.get(), one.get()]);
    store.show(bob, vec![(one, "similar")], later(2)).await.expect("show");
    let why = async |of: UserId, video| store.why_shown(of, video).await.expect("why");
    assert_eq!(why(bob, one).await, Some(("similar".into(), later(2).millis())));
    assert_eq!(why(bob, two).await, Some(("fresh".into(), later(1).millis())));
    assert_eq!(why(ann, one).await, None);
    let times: Vec<Option<Timestamp>> =
        candidates(&world, bob, Vec::new(), &[]).await.into_iter().map(|of| of.shown_at).collect();
    assert_eq!(times, [Some(later(2)), Some(later(1))]);
    assert!(store.forget_impressions(later(2)).await.expect("forget"));
    assert!(!store.forget_impressions(later(2)).await.expect("forget"));
    assert_eq!((why(bob, two).await, why(bob, one).await.is_some()), (None, true));
    store.forget_taste(bob, later(3)).await.expect("forget");
    assert_eq!(why(bob, one).await, None);
    assert!(store.show(bob, Vec::new(), NOW).await.expect("show").is_empty());
    world.is_sound().await;
}

on_both!(
    what_somebody_did_is_told_until_they_want_it_forgotten,
    candidates_are_what_others_published_and_is_wanted,
    what_is_shown_is_kept_with_its_reason_and_forgotten,
);
