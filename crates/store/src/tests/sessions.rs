//! Sessions: renewed in turn, ended for both when two have one, and never more than an account can look through.

use super::fixture::{NOW, On, World, later, no_user, on_both};
use crate::OpenSession;

const DAY: i64 = 24 * 3600 * 1000;

async fn a_renewal_that_was_used_before_ends_the_session(on: On) {
    let world = World::new(on).await;
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let id = world.store.open_session(ann, "phone".into(), NOW).await.expect("open");
    let renew = async |by, generation, at: i64| {
        world.store.renew_session(by, id, generation, later(1000 * at)).await.expect("renew")
    };
    assert_eq!(renew(bob, 0, 1).await, None, "another's");
    assert_eq!(renew(ann, 0, 1).await, Some(OpenSession { id, generation: 1, token_epoch: 0 }));
    assert_eq!(
        renew(ann, 0, 5).await,
        Some(OpenSession { id, generation: 1, token_epoch: 0 }),
        "at once again"
    );
    assert_eq!(world.store.ended_sessions(NOW).await.expect("list"), [0; 0]);
    assert_eq!(renew(ann, 0, 60).await, None);
    assert_eq!(world.store.ended_sessions(NOW).await.expect("list"), [id]);
    assert_eq!(renew(ann, 1, 61).await, None, "it has ended");
    assert!(world.store.sessions(ann, later(61_000)).await.expect("list").is_empty());
    assert!(world.store.end_session(ann, id, later(61_000)).await.is_err());
}

async fn a_session_that_is_not_renewed_is_over_and_forgotten(on: On) {
    let world = World::new(on).await;
    let ann = world.user("ann").await;
    let id = world.store.open_session(ann, "phone".into(), NOW).await.expect("open");
    assert!(world.store.renew_session(ann, id, 0, later(29 * DAY)).await.expect("renew").is_some());
    assert_eq!(world.store.renew_session(ann, id, 1, later(60 * DAY)).await.expect("renew"), None);
    for day in 0..102 {
        let at = later(61 * DAY + day);
        world.store.open_session(ann, format!("device {day}"), at).await.expect("open");
    }
    let listed = world.store.sessions(ann, later(61 * DAY + 102)).await.expect("list");
    assert_eq!(
        (listed.len(), listed[0].device.as_str(), listed[99].device.as_str()),
        (100, "device 101", "device 2")
    );
    assert_eq!(world.texts("SELECT device AS text FROM session").await.len(), 100);
    assert!(world.store.sessions(no_user(), NOW).await.expect("list").is_empty());
}

async fn a_new_password_ends_every_login(on: On) {
    let world = World::new(on).await;
    let ann = world.user("ann").await;
    let old = world.store.open_session(ann, "phone".into(), NOW).await.expect("open");
    let open = world.store.change_password(ann, "new".into(), "phone".into(), NOW).await.expect("change");
    assert_eq!((open.token_epoch, open.generation), (1, 0));
    let listed = world.store.sessions(ann, NOW).await.expect("list");
    assert_eq!(listed.iter().map(|row| row.id).collect::<Vec<_>>(), [open.id]);
    assert_eq!(world.store.ended_sessions(NOW).await.expect("list"), [old]);
    assert_eq!(world.store.login_row_of(ann).await.expect("a row").password_hash, "new");
    assert_eq!(world.store.revoked_since(NOW).await.expect("list")[0].token_epoch, 1);
}

on_both!(
    a_renewal_that_was_used_before_ends_the_session,
    a_session_that_is_not_renewed_is_over_and_forgotten,
    a_new_password_ends_every_login,
);
