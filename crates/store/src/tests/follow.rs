//! Follows and the friends they make.

use domain::{Error, Timestamp, UserId};

use super::fixture::{NOW, On, World, content, later, no_user, on_both};
use crate::{Slice, UserCard};

async fn counts(world: &World, user: UserId) -> (i64, i64) {
    let card = world.store.user_card(user, None).await.expect("a card");
    (card.follow_count, card.follower_count)
}

async fn follow(world: &World, from: UserId, to: UserId) {
    world.store.follow_user(from, to, NOW).await.expect("follow");
}

async fn befriend(world: &World, one: UserId, other: UserId) {
    follow(world, one, other).await;
    follow(world, other, one).await;
}

async fn write(world: &World, from: UserId, to: UserId, text: &str, at: Timestamp) {
    world.store.send_message(from, to, content(text), at).await.expect("send");
}

/// Each friend's number with the latest message.
async fn friends(world: &World, user: UserId) -> Vec<(i64, Option<(String, bool)>)> {
    let list = world.store.friends(user).await.expect("a list");
    list.into_iter().map(|friend| (friend.user.id, friend.latest)).collect()
}

fn numbers(cards: &[UserCard]) -> Vec<i64> {
    cards.iter().map(|card| card.id).collect()
}

async fn a_follow_counts_on_both_sides_and_once(on: On) {
    let world = World::new(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    follow(&world, ada, bob).await;
    assert_eq!((counts(&world, ada).await, counts(&world, bob).await), ((1, 0), (0, 1)));
    let before = world.dump().await;
    follow(&world, ada, bob).await;
    assert_eq!(world.dump().await, before);
    world.is_sound().await;
}

async fn a_follow_taken_back_counts_no_more(on: On) {
    let world = World::new(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    befriend(&world, ada, bob).await;
    world.store.unfollow_user(ada, bob).await.expect("unfollow");
    assert_eq!((counts(&world, ada).await, counts(&world, bob).await), ((0, 1), (1, 0)));
    let before = world.dump().await;
    world.store.unfollow_user(ada, bob).await.expect("unfollow again");
    assert_eq!(world.dump().await, before);
    world.is_sound().await;
}

async fn an_unknown_user_is_not_found(on: On) {
    let world = World::new(on).await;
    let ada = world.user("ada").await;
    let before = world.dump().await;
    for result in [
        world.store.follow_user(ada, no_user(), NOW).await.map(|_| ()),
        world.store.unfollow_user(ada, no_user()).await,
        world.store.following(no_user(), None, Slice::NEWEST).await.map(|_| ()),
        world.store.followers(no_user(), None, Slice::NEWEST).await.map(|_| ()),
    ] {
        assert!(matches!(result, Err(Error::UserNotFound(id)) if id == no_user()), "{result:?}");
    }
    assert_eq!(world.store.friends(no_user()).await.expect("a list"), []);
    assert_eq!(world.dump().await, before);
}

async fn the_latest_follow_is_listed_first(on: On) {
    let world = World::new(on).await;
    let [ada, bob, cyd, dan] =
        [world.user("ada").await, world.user("bob").await, world.user("cyd").await, world.user("dan").await];
    for (from, to) in [(ada, dan), (ada, bob), (ada, cyd), (cyd, ada), (bob, ada), (bob, cyd)] {
        follow(&world, from, to).await;
    }
    let following = world.store.following(ada, None, Slice::NEWEST).await.expect("a list");
    assert_eq!(numbers(&following), [cyd, bob, dan].map(UserId::get));
    let followers = world.store.followers(ada, None, Slice::NEWEST).await.expect("a list");
    assert_eq!(numbers(&followers), [bob, cyd].map(UserId::get));
}

async fn both_lists_are_marked_for_their_viewer_not_for_their_owner(on: On) {
    let world = World::new(on).await;
    let [ada, bob, cyd, viewer] = [
        world.user("ada").await,
        world.user("bob").await,
        world.user("cyd").await,
        world.user("viewer").await,
    ];
    for friend in [bob, cyd] {
        befriend(&world, ada, friend).await;
    }
    follow(&world, viewer, bob).await;
    for (seen_by, expected) in
        [(Some(viewer), [false, true]), (Some(ada), [true, true]), (None, [false, false])]
    {
        for list in [
            world.store.following(ada, seen_by, Slice::NEWEST).await,
            world.store.followers(ada, seen_by, Slice::NEWEST).await,
        ] {
            let list = list.expect("a list");
            assert_eq!(numbers(&list), [cyd.get(), bob.get()]);
            let followed: Vec<_> = list.iter().map(|card| card.is_followed).collect();
            assert_eq!(followed, expected, "{seen_by:?}");
        }
    }
}

async fn friends_follow_each_other(on: On) {
    let world = World::new(on).await;
    let [ada, bob, cyd, dan] =
        [world.user("ada").await, world.user("bob").await, world.user("cyd").await, world.user("dan").await];
    befriend(&world, ada, bob).await;
    follow(&world, ada, cyd).await;
    follow(&world, dan, ada).await;
    assert_eq!(friends(&world, ada).await, [(bob.get(), None)]);
    assert_eq!(friends(&world, bob).await, [(ada.get(), None)]);
    assert_eq!((friends(&world, cyd).await, friends(&world, dan).await), (vec![], vec![]));
    let card = &world.store.friends(ada).await.expect("a list")[0].user;
    assert_eq!(*card, world.store.user_card(bob, Some(ada)).await.expect("a card"));
    assert!(card.is_followed);
    world.store.unfollow_user(bob, ada).await.expect("unfollow");
    assert_eq!(friends(&world, ada).await, []);
}

async fn a_friend_comes_with_the_latest_message_and_who_wrote_it(on: On) {
    let world = World::new(on).await;
    let (ada, bob, cyd) = (world.user("ada").await, world.user("bob").await, world.user("cyd").await);
    befriend(&world, ada, bob).await;
    write(&world, ada, bob, "hello", NOW).await;
    write(&world, cyd, ada, "not a friend", later(90)).await;
    write(&world, bob, cyd, "to another", later(91)).await;
    assert_eq!(friends(&world, ada).await, [(bob.get(), Some(("hello".into(), true)))]);
    assert_eq!(friends(&world, bob).await, [(ada.get(), Some(("hello".into(), false)))]);
    // Of the same millisecond as the first: it is still the later one.
    write(&world, bob, ada, "hi", NOW).await;
    assert_eq!(friends(&world, ada).await, [(bob.get(), Some(("hi".into(), false)))]);
    assert_eq!(friends(&world, bob).await, [(ada.get(), Some(("hi".into(), true)))]);
}

async fn friends_are_listed_by_latest_message_then_by_latest_follow(on: On) {
    let world = World::new(on).await;
    let [ada, bob, cyd, dan, eve] = [
        world.user("ada").await,
        world.user("bob").await,
        world.user("cyd").await,
        world.user("dan").await,
        world.user("eve").await,
    ];
    for friend in [bob, cyd, dan, eve] {
        befriend(&world, ada, friend).await;
    }
    let order = async || friends(&world, ada).await.iter().map(|friend| friend.0).collect::<Vec<_>>();
    assert_eq!(order().await, [eve, dan, cyd, bob].map(UserId::get));
    write(&world, ada, bob, "sent", later(1)).await;
    write(&world, dan, ada, "received", later(2)).await;
    assert_eq!(order().await, [dan, bob, eve, cyd].map(UserId::get));
    write(&world, bob, ada, "received", later(3)).await;
    assert_eq!(order().await, [bob, dan, eve, cyd].map(UserId::get));
}

on_both!(
    a_follow_counts_on_both_sides_and_once,
    a_follow_taken_back_counts_no_more,
    an_unknown_user_is_not_found,
    the_latest_follow_is_listed_first,
    both_lists_are_marked_for_their_viewer_not_for_their_owner,
    friends_follow_each_other,
    a_friend_comes_with_the_latest_message_and_who_wrote_it,
    friends_are_listed_by_latest_message_then_by_latest_follow
);
