//! Accounts: registration, login, profiles, revocation.

use domain::Error;
use proto::{Credentials, GetUserRequest, RevokedSinceRequest};

use crate::world::{World, nobody};

fn login(name: &str, password: &str) -> Credentials {
    Credentials { name: name.into(), password: password.into(), ..Credentials::default() }
}

#[tokio::test]
async fn who_registers_can_log_in_under_any_spelling_of_the_name() {
    let world = World::start().await;
    let account = world.user.register(&nobody(), login("José", "secret-1")).await.expect("registers");
    for name in ["José", "JOSÉ", " jose\u{301} "] {
        let found = world.user.login(&nobody(), login(name, "secret-1")).await.expect("logs in");
        assert_eq!(found.user_id, account.user_id, "{name}");
    }
    let again = world.user.register(&nobody(), login("jose\u{301}", "secret-2")).await;
    assert!(matches!(again, Err(Error::UsernameTaken)));
    world.finish().await;
}

#[tokio::test]
async fn an_unknown_user_and_a_wrong_password_are_one_answer() {
    let world = World::start().await;
    world.somebody("ann").await;
    for (name, password) in [("ann", "wrong-one"), ("nobody", "secret-1"), ("ann", "x")] {
        let found = world.user.login(&nobody(), login(name, password)).await;
        assert!(matches!(found, Err(Error::WrongPassword)), "{name}");
    }
    world.finish().await;
}

#[tokio::test]
async fn names_and_passwords_have_limits() {
    let world = World::start().await;
    let long = "长".repeat(65);
    for (name, password) in [
        ("", "secret-1"),
        (long.as_str(), "secret-1"),
        ("a\u{200b}b", "secret-1"),
        ("bob", ""),
        ("bob", "12345"),
    ] {
        assert!(
            world.user.register(&nobody(), login(name, password)).await.is_err(),
            "{name:?} {password:?}"
        );
    }
    world.user.register(&nobody(), login(&"长".repeat(64), "密码密码密码")).await.expect("registers");
    world.finish().await;
}

#[tokio::test]
async fn a_hundred_who_want_one_name_get_it_once() {
    let world = World::start().await;
    let tries = (0..100).map(|_| {
        let users = world.user.clone();
        // Behind a full queue for hashes whoever comes is sent away, and comes again.
        tokio::spawn(async move {
            loop {
                let answer = users.register(&nobody(), login("only", "secret-1")).await;
                if !matches!(answer, Err(Error::Overloaded)) {
                    return answer;
                }
                tokio::task::yield_now().await;
            }
        })
    });
    let mut won = 0;
    for attempt in tries.collect::<Vec<_>>() {
        match attempt.await.expect("ends") {
            Ok(_) => won += 1,
            Err(error) => assert!(matches!(error, Error::UsernameTaken), "{error}"),
        }
    }
    assert_eq!(won, 1);
    world.finish().await;
}

#[tokio::test]
async fn a_profile_is_shown_as_its_viewer_sees_it() {
    let world = World::start().await;
    let (ann, bob) = (world.somebody("ann").await, world.somebody("bob").await);
    let bobs = GetUserRequest { user_id: bob.viewer().expect("is somebody").get() };
    world
        .follow
        .follow_user(&ann, proto::FollowUserRequest { user_id: bobs.user_id })
        .await
        .expect("follows");
    assert!(world.user.get_user(&ann, bobs).await.expect("shows").is_followed);
    let own = world.user.get_user(&bob, bobs).await.expect("shows");
    assert!(!own.is_followed && own.follower_count == 1);
    assert!(!world.user.get_user(&nobody(), bobs).await.expect("shows").is_followed);
    let missing = world.user.get_user(&ann, GetUserRequest { user_id: 99 }).await;
    assert!(matches!(missing, Err(Error::UserNotFound(_))));
    world.finish().await;
}

#[tokio::test]
async fn nothing_is_revoked_at_first() {
    let world = World::start().await;
    world.somebody("ann").await;
    let revoked =
        world.user.revoked_since(&nobody(), RevokedSinceRequest { since: 0 }).await.expect("answers");
    assert_eq!(revoked.accounts, []);
    world.finish().await;
}
