//! Accounts: names, logins, revocation, and how a person looks to a viewer.

use domain::{Error, Timestamp};

use super::fixture::{NOW, On, World, later, no_user, on_both, user_name};
use crate::{Account, Entry, UserCard};

async fn a_new_user_counts_nothing_and_is_shown_as_typed(on: On) {
    let world = World::new(on).await;
    let id = world.user("  Zoë 中 ").await;
    let card = world.store.user_card(id, None).await.expect("a card");
    let expected = UserCard {
        id: id.get(),
        name: "Zoë 中".into(),
        display_name: String::new(),
        signature: String::new(),
        avatar_key: None,
        background_key: None,
        is_private: false,
        follow_count: 0,
        follower_count: 0,
        work_count: 0,
        liked_count: 0,
        received_like_count: 0,
        is_followed: false,
    };
    assert_eq!(card, expected);
    world.is_sound().await;
}

async fn a_name_is_taken_in_every_spelling(on: On) {
    let world = World::new(on).await;
    world.user("José").await;
    let before = world.dump().await;
    for spelling in ["José", "JOSE\u{301}", "josÉ", "ｊｏｓé"] {
        let second = world.store.create_user(user_name(spelling), "hash".into(), Entry::Open, NOW).await;
        assert!(matches!(second, Err(Error::UsernameTaken)), "{spelling}: {second:?}");
    }
    assert_eq!(world.dump().await, before);
    world.user("Jose").await;
}

async fn a_login_is_found_under_every_spelling(on: On) {
    let world = World::new(on).await;
    let id = world.user("José").await;
    let row = world.store.login_row(&user_name("JOSE\u{301}")).await.expect("look up").expect("the account");
    assert_eq!((row.id, row.password_hash.as_str(), row.token_epoch), (id.get(), "hash", 0));
    assert_eq!(world.store.login_row(&user_name("nobody")).await.expect("look up"), None);
}

async fn a_new_password_hash_replaces_one_users_old_one(on: On) {
    let world = World::new(on).await;
    let (ada, _) = (world.user("ada").await, world.user("bob").await);
    world.store.set_password_hash(ada, "other".into()).await.expect("set");
    for (name, hash) in [("ada", "other"), ("bob", "hash")] {
        let row = world.store.login_row(&user_name(name)).await.expect("look up").expect("the account");
        assert_eq!(row.password_hash, hash, "{name}");
    }
}

async fn an_unknown_user_has_no_card(on: On) {
    let world = World::new(on).await;
    let card = world.store.user_card(no_user(), None).await;
    assert!(matches!(card, Err(Error::UserNotFound(id)) if id == no_user()), "{card:?}");
}

async fn a_card_tells_whether_the_viewer_follows(on: On) {
    let world = World::new(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    world.store.follow_user(ada, bob, NOW).await.expect("follow");
    for (who, viewer, followed) in
        [(bob, Some(ada), true), (ada, Some(bob), false), (bob, None, false), (bob, Some(bob), false)]
    {
        let card = world.store.user_card(who, viewer).await.expect("a card");
        assert_eq!(card.is_followed, followed, "{who} seen by {viewer:?}");
    }
}

async fn revoking_raises_one_users_epoch_each_time(on: On) {
    let world = World::new(on).await;
    let (ada, _) = (world.user("ada").await, world.user("bob").await);
    world.store.revoke_tokens(ada, NOW).await.expect("revoke");
    world.store.revoke_tokens(ada, later(5)).await.expect("revoke again");
    for (name, epoch) in [("ada", 2), ("bob", 0)] {
        let row = world.store.login_row(&user_name(name)).await.expect("look up").expect("the account");
        assert_eq!(row.token_epoch, epoch, "{name}");
    }
}

async fn revocations_are_listed_from_their_own_moment_on(on: On) {
    let world = World::new(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    world.user("never revoked").await;
    world.store.revoke_tokens(ada, NOW).await.expect("revoke");
    world.store.revoke_tokens(bob, later(1)).await.expect("revoke");
    let [ada, bob] = [ada, bob].map(|id| Account { id: id.get(), token_epoch: 1 });
    let beginning = Timestamp::from_millis(0);
    for (since, expected) in
        [(beginning, vec![bob, ada]), (NOW, vec![bob, ada]), (later(1), vec![bob]), (later(2), vec![])]
    {
        assert_eq!(world.store.revoked_since(since).await.expect("list"), expected, "{since:?}");
    }
}

on_both!(
    a_new_user_counts_nothing_and_is_shown_as_typed,
    a_name_is_taken_in_every_spelling,
    a_login_is_found_under_every_spelling,
    a_new_password_hash_replaces_one_users_old_one,
    an_unknown_user_has_no_card,
    a_card_tells_whether_the_viewer_follows,
    revoking_raises_one_users_epoch_each_time,
    revocations_are_listed_from_their_own_moment_on
);
