//! Uploads in parts: what counts, what is refused, and what is forgotten.

use domain::{Error, UserId};

use super::fixture::{NOW, On, World, later, on_both};
use crate::NewVideo;

async fn received(world: &World, user: UserId, name: &str) -> i64 {
    world.store.upload(user, name.into(), NOW).await.expect("an upload").received
}

async fn parts_are_taken_in_their_order_and_each_once(on: On) {
    let world = World::new(on).await;
    let user = world.user("user").await;
    world.upload(user, "one", 1000).await;
    assert_eq!(world.append(user, "one", 0, 400).await.ok(), Some(400));
    let before = world.dump().await;
    for (start, bytes) in [(0, 400), (399, 10), (401, 10), (400, 601)] {
        let refused = world.append(user, "one", start, bytes).await;
        assert!(matches!(refused, Err(Error::UploadMoved)), "{start} {bytes}: {refused:?}");
    }
    assert_eq!(world.dump().await, before);
    assert_eq!(world.append(user, "one", 400, 600).await.ok(), Some(1000));
    let found = world.store.upload(user, "one".into(), NOW).await.expect("an upload");
    assert_eq!(found.parts.iter().map(|part| part.start).collect::<Vec<_>>(), [0, 400]);
    assert!(world.needs("o/one-400-600").await);
    world.is_sound().await;
}

async fn an_upload_is_its_owners_and_has_its_time(on: On) {
    let world = World::new(on).await;
    let (user, other) = (world.user("user").await, world.user("other").await);
    world.upload(user, "one", 1000).await;
    world.append(user, "one", 0, 400).await.expect("append");
    for gone in [
        world.append(other, "one", 400, 10).await.map(|_| ()),
        world.store.upload(other, "one".into(), NOW).await.map(|_| ()),
        world.store.end_upload(other, "one".into(), NOW).await.map(|_| ()),
        world.store.upload(user, "one".into(), later(200_000)).await.map(|_| ()),
    ] {
        assert!(matches!(gone, Err(Error::UploadNotFound)), "{gone:?}");
    }
    assert_eq!(world.store.forget_uploads(later(199_999)).await.expect("forget"), [""; 0]);
    assert_eq!(world.store.forget_uploads(later(200_000)).await.expect("forget"), ["o/one-0-400"]);
    assert!(!world.needs("o/one-0-400").await);
    world.is_sound().await;
}

async fn an_account_has_so_many_uploads_and_bytes_and_no_more(on: On) {
    let world = World::new(on).await;
    let user = world.user("user").await;
    for name in ["one", "two", "three"] {
        world.upload(user, name, 10).await;
    }
    let refused = world.try_upload(user, "four", 10).await;
    assert!(matches!(refused, Err(Error::QuotaExceeded)), "{refused:?}");
    world.store.end_upload(user, "two".into(), NOW).await.expect("end");
    world.upload(user, "four", 10).await;
    let other = world.user("other").await;
    world.video(other).await;
    let row = |bytes| crate::UploadRow {
        name: format!("of {bytes}"),
        bytes,
        received: 0,
        expires_at: later(9),
        parts: Vec::new(),
    };
    let begin = async |bytes| world.store.create_upload(other, row(bytes), (9, 2500), NOW).await;
    assert!(matches!(begin(501).await, Err(Error::QuotaExceeded)), "a video of 2000 bytes is there");
    assert!(begin(500).await.is_ok());
    assert!(matches!(begin(1).await, Err(Error::QuotaExceeded)));
}

async fn an_upload_is_published_once_and_whole(on: On) {
    let world = World::new(on).await;
    let (user, other) = (world.user("user").await, world.user("other").await);
    world.upload(user, "one", 1000).await;
    world.append(user, "one", 0, 999).await.expect("append");
    let of_it = |author| NewVideo { upload: Some("one".into()), ..world.ready(author) };
    let before = world.dump().await;
    for author in [user, other] {
        let refused = world.store.publish(of_it(author), NOW).await;
        assert!(matches!(refused, Err(Error::UploadNotFound)), "{refused:?}");
    }
    assert_eq!(world.dump().await, before);
    assert_eq!(received(&world, user, "one").await, 999);
    world.append(user, "one", 999, 1).await.expect("append");
    world.store.publish(of_it(user), NOW).await.expect("publish");
    let again = world.store.publish(of_it(user), NOW).await;
    assert!(matches!(again, Err(Error::UploadNotFound)), "{again:?}");
    world.is_sound().await;
}

on_both!(
    parts_are_taken_in_their_order_and_each_once,
    an_upload_is_its_owners_and_has_its_time,
    an_account_has_so_many_uploads_and_bytes_and_no_more,
    an_upload_is_published_once_and_whole
);
