//! What people are: their pictures, and who may follow a private one.

use domain::{Error, Occasion, VideoId, Visibility};

use super::fixture::{NOW, On, World, later, object, on_both, query};
use crate::{NewVideo, Picture, Relation, Slice};

async fn a_picture_takes_the_place_of_the_one_before_and_is_shown_in_every_card(on: On) {
    let world = World::new(on).await;
    let store = &world.store;
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let video = world.video(ann).await;
    let set = async |which, key: Option<&str>| {
        let picture = key.map(|key| object(key, "picture"));
        store.set_picture(ann, which, picture).await.expect("a picture")
    };
    assert_eq!(set(Picture::Avatar, Some("p/one")).await, None);
    assert_eq!(set(Picture::Background, Some("p/wide")).await, None);
    assert_eq!(set(Picture::Avatar, Some("p/two")).await, Some("p/one".into()));
    world.is_sound().await;
    let card = store.user_card(ann, Some(bob)).await.expect("a card");
    assert_eq!((card.avatar_key.as_deref(), card.background_key.as_deref()), (Some("p/two"), Some("p/wide")));
    let page = world.feed(super::fixture::never(), Some(bob)).await;
    assert_eq!(page[0].author.avatar_key.as_deref(), Some("p/two"));
    assert_eq!(VideoId::parse(page[0].id).expect("a number"), video);
    for (key, needed) in [("p/one", false), ("p/two", true), ("p/wide", true)] {
        assert_eq!(world.needs(key).await, needed, "{key}");
        let listed = store.objects("").await.expect("a list").iter().any(|row| row.key == key);
        assert_eq!(listed, needed, "{key}");
    }
    assert_eq!(set(Picture::Avatar, None).await, Some("p/two".into()));
    assert_eq!(set(Picture::Avatar, None).await, None);
    assert_eq!(store.user_card(ann, None).await.expect("a card").avatar_key, None);
    world.plant("UPDATE user SET avatar_key = 'p/nobodys'").await;
    let found = store.check().await.expect("check");
    assert!(found.iter().all(|finding| finding.problem == "names a picture they do not own"), "{found:?}");
    assert_eq!(found.len(), 2);
}

async fn who_is_private_is_asked_and_shows_strangers_nothing(on: On) {
    let world = World::new(on).await;
    let store = &world.store;
    let (ann, fan, guest) = (world.user("ann").await, world.user("fan").await, world.user("guest").await);
    let shown = world.video(ann).await;
    let made = world.processing(ann).await;
    let private = NewVideo { visibility: Visibility::Private, ..world.ready(ann) };
    let private = store.publish(private, NOW).await.expect("publish");
    store.follow_user(fan, ann, NOW).await.expect("follow");
    store.follow_user(ann, fan, NOW).await.expect("follow");
    store.like_video(ann, shown, NOW).await.expect("like");
    store.set_profile(ann, None, None, Some(true)).await.expect("close");
    assert!(store.is_private(ann).await.expect("a look"));
    assert!(store.withdraw_videos(ann, NOW).await.expect("withdraw"));
    assert!(!store.withdraw_videos(ann, NOW).await.expect("withdraw"), "all at once");
    world.is_sound().await;
    let visibility = async |video| store.files_of(video).await.expect("files").visibility;
    assert_eq!(visibility(shown).await, Visibility::Followers);
    assert_eq!(visibility(made).await, Visibility::Followers);
    assert_eq!(visibility(private).await, Visibility::Private);
    // What still has to be made is put where it belongs when it can be played.
    let job = world.claim_of(made).await;
    assert!(world.play(&job).await);
    let [one, other] = [world.claim_settle().await, world.claim_settle().await];
    let mut settling = [one.video, other.video];
    settling.sort_unstable();
    assert_eq!(settling, [shown, made]);
    let counts = async |viewer| {
        [
            store.videos_of(ann, viewer, Slice::NEWEST).await.expect("a list").len(),
            store.followers(ann, viewer, Slice::NEWEST).await.expect("a list").len(),
            store.following(ann, viewer, Slice::NEWEST).await.expect("a list").len(),
            store.liked_videos(ann, viewer, Slice::NEWEST).await.expect("a list").len(),
        ]
    };
    assert_eq!(counts(None).await, [0; 4]);
    assert_eq!(counts(Some(guest)).await, [0; 4]);
    assert_eq!(counts(Some(fan)).await, [2, 1, 1, 1]);
    assert_eq!(counts(Some(ann)).await, [3, 1, 1, 1]);
    let card = store.user_card(ann, Some(guest)).await.expect("she is there, and says so");
    assert!(card.is_private);
    assert_eq!((card.work_count, card.follower_count), (0, 1));
    assert_eq!(store.search_people(query("ann"), Some(guest), Slice::NEWEST).await.expect("a list").len(), 1);
}

async fn a_request_is_answered_once_taken_back_or_ended_by_a_block(on: On) {
    let world = World::new(on).await;
    let store = &world.store;
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    store.set_profile(ann, None, None, Some(true)).await.expect("close");
    let asks = async || {
        assert!(store.follow_user(bob, ann, NOW).await.expect("ask"));
        let waiting = store.follow_requests(ann, Slice::NEWEST).await.expect("a list");
        assert_eq!(waiting.iter().map(|card| card.id).collect::<Vec<_>>(), [bob.get()]);
    };
    let relation = async || store.relation(bob, ann).await.expect("a relation");
    let nobody_asks = async || {
        assert!(store.follow_requests(ann, Slice::NEWEST).await.expect("a list").is_empty());
        assert_eq!(relation().await, Relation::default());
    };
    asks().await;
    asks().await;
    assert_eq!(relation().await, Relation { is_requested: true, ..Relation::default() });
    let told = store.notifications(ann, Slice::NEWEST).await.expect("a list");
    assert_eq!(told.iter().map(|row| row.occasion.as_str()).collect::<Vec<_>>(), ["follow_request"]);
    store.unfollow_user(bob, ann).await.expect("take back");
    nobody_asks().await;
    asks().await;
    store.answer_follow(ann, bob, false, NOW).await.expect("refuse");
    nobody_asks().await;
    assert!(matches!(store.answer_follow(ann, bob, true, NOW).await, Err(Error::UserNotFound(_))));
    asks().await;
    store.block_user(ann, bob, NOW).await.expect("block");
    store.unblock_user(ann, bob).await.expect("unblock");
    nobody_asks().await;
    asks().await;
    store.answer_follow(ann, bob, true, later(1)).await.expect("accept");
    assert_eq!(relation().await, Relation { is_followed: true, ..Relation::default() });
    assert_eq!(store.user_card(ann, None).await.expect("a card").follower_count, 1);
    let told = store.notifications(bob, Slice::NEWEST).await.expect("a list");
    assert_eq!(told[0].occasion, Occasion::FollowAccepted.as_str());
    // Who follows does not ask, and asks anew when they no longer do.
    assert!(!store.follow_user(bob, ann, NOW).await.expect("again"));
    store.unfollow_user(bob, ann).await.expect("stop");
    asks().await;
    world.is_sound().await;
}

on_both!(
    a_picture_takes_the_place_of_the_one_before_and_is_shown_in_every_card,
    who_is_private_is_asked_and_shows_strangers_nothing,
    a_request_is_answered_once_taken_back_or_ended_by_a_block
);
