//! A request that is sent again: done once, answered alike, and never answered as another.

use super::fixture::{NOW, On, World, later, on_both};
use crate::{Asked, KeptAnswer};

const DAY: i64 = 24 * 3600 * 1000;

async fn a_name_is_of_one_request_of_one_account_for_a_day(on: On) {
    let world = World::new(on).await;
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let ask = async |by, what: u8, at| {
        world.store.ask_once(by, "Name".into(), vec![what; 32], later(at)).await.expect("ask")
    };
    assert_eq!(ask(ann, 1, 0).await, Asked::First);
    assert_eq!(ask(bob, 2, 0).await, Asked::First);
    assert_eq!(ask(ann, 1, 5).await, Asked::Before(NOW));
    assert_eq!(ask(ann, 2, 5).await, Asked::Other);
    let answer = KeptAnswer {
        status: 201,
        kind: Some("application/json".into()),
        location: None,
        body: vec![0, 255, b'{'],
    };
    world.store.answered(ann, "Name".into(), Some(answer.clone())).await.expect("keep");
    assert_eq!(ask(ann, 1, DAY).await, Asked::Answered(answer));
    assert_eq!(ask(ann, 2, DAY).await, Asked::Other);
    assert_eq!(ask(bob, 2, 5).await, Asked::Before(NOW));
    assert_eq!(ask(ann, 2, DAY + 1).await, Asked::First, "it is forgotten");
    world.store.answered(bob, "Name".into(), None).await.expect("give back");
    assert_eq!(ask(bob, 3, 5).await, Asked::First, "nothing was done");
    assert_eq!(world.store.ask_once(bob, "name".into(), vec![4; 32], NOW).await.expect("ask"), Asked::First);
}

on_both!(a_name_is_of_one_request_of_one_account_for_a_day);
