//! People whom an identity provider knows.

use domain::{Error, Result, UserId};

use super::fixture::{NOW, On, World, known, on_both, user_name};
use crate::{Entry, Identity};

async fn join(world: &World, name: &str, identity: Identity) -> Result<UserId> {
    world.store.create_identified(user_name(name), "hash".into(), Entry::Open, identity, NOW).await
}

async fn found(world: &World, identity: &Identity) -> Option<i64> {
    world.store.identified(identity).await.expect("a look").map(|row| row.id)
}

async fn a_person_is_known_by_provider_and_word_to_the_letter(on: On) {
    let world = World::new(on).await;
    let ann = join(&world, "ann", known("A1")).await.expect("joins").get();
    let elsewhere = Identity { issuer: "https://other.example".into(), ..known("A1") };
    let bob = join(&world, "bob", elsewhere.clone()).await.expect("joins").get();
    assert_eq!(found(&world, &known("A1")).await, Some(ann));
    assert_eq!(found(&world, &elsewhere).await, Some(bob));
    for other in ["a1", "A1 ", ""] {
        assert_eq!(found(&world, &known(other)).await, None, "{other:?}");
    }
}

async fn nobody_has_two_accounts_by_one_word_and_a_refused_one_leaves_no_name(on: On) {
    let world = World::new(on).await;
    let ann = join(&world, "ann", known("A1")).await.expect("joins").get();
    for (name, word) in [("again", "A1"), ("ann", "A2")] {
        let refused = join(&world, name, known(word)).await;
        assert!(matches!(refused, Err(Error::UsernameTaken)), "{name}: {refused:?}");
    }
    assert_eq!(found(&world, &known("A1")).await, Some(ann));
    assert_eq!(found(&world, &known("A2")).await, None);
    assert!(world.store.login_row(&user_name("again")).await.expect("a look").is_none());
}

async fn who_is_gone_is_known_no_more(on: On) {
    let world = World::new(on).await;
    let ann = join(&world, "ann", known("A1")).await.expect("joins");
    world.store.delete_account(ann, NOW).await.expect("delete");
    while world.store.forget_person(ann).await.expect("forget") {}
    assert_eq!(found(&world, &known("A1")).await, None);
}

on_both! {
    a_person_is_known_by_provider_and_word_to_the_letter,
    nobody_has_two_accounts_by_one_word_and_a_refused_one_leaves_no_name,
    who_is_gone_is_known_no_more,
}
