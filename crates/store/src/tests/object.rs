//! Objects: which are needed, page by page.

use domain::Error;

use super::fixture::{NOW, On, World, on_both};
use crate::ObjectRow;

async fn the_objects_of_a_video_are_known_and_no_others(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    world.video(author).await;
    for (asked, known) in [
        (vec!["p/0", "c/0"], vec!["c/0", "p/0"]),
        (vec!["p/99", "p/0", "p/0", "P/0", "p", ""], vec!["p/0"]),
        (vec!["p/%"], vec![]),
        (vec![], vec![]),
    ] {
        let keys: Vec<_> = asked.into_iter().map(String::from).collect();
        let mut found: Vec<_> =
            world.store.known_objects(&keys).await.expect("look up").into_iter().collect();
        found.sort_unstable();
        assert_eq!(found, known, "{keys:?}");
    }
}

async fn a_thousand_keys_are_looked_up_together(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    world.video(author).await;
    let mut keys: Vec<_> = (1..1000).map(|number| format!("x/{number}")).collect();
    keys.push("p/0".into());
    assert_eq!(world.store.known_objects(&keys).await.expect("look up").len(), 1);
}

async fn objects_are_listed_by_key_strictly_after_the_last_one(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let video = world.video(author).await;
    let [cover, play] = ["c/0", "p/0"].map(|key| ObjectRow {
        key: key.into(),
        video_id: video.get(),
        bytes: 1000,
        sha256: vec![7; 32],
    });
    for (after, expected) in [
        ("", vec![cover.clone(), play.clone()]),
        ("c/0", vec![play.clone()]),
        ("d", vec![play]),
        ("p/0", vec![]),
    ] {
        assert_eq!(world.store.objects(after).await.expect("a page"), expected, "{after}");
    }
}

async fn pages_of_objects_cover_all_of_them_once(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let video = world.video(author).await;
    let zeros = "00".repeat(32);
    let sql = format!(
        "INSERT INTO video_object (object_key, video_id, bytes, sha256) \
         WITH RECURSIVE d (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM d WHERE i < 50), \
         n (i) AS (SELECT ones.i + 51 * more.i FROM d more, d ones) \
         SELECT 'r/' || i, {video}, i, X'{zeros}' FROM n WHERE i BETWEEN 1 AND 2100"
    );
    world.run(&sql).await;
    let (mut keys, mut lengths) = (Vec::new(), Vec::new());
    let mut after = String::new();
    for _ in 0..4 {
        let page = world.store.objects(&after).await.expect("a page");
        lengths.push(page.len());
        let Some(last) = page.last() else { break };
        after.clone_from(&last.key);
        keys.extend(page.into_iter().map(|object| object.key));
    }
    assert_eq!(lengths, [1000, 1000, 102, 0]);
    assert!(keys.is_sorted_by(|one, next| one < next));
}

async fn an_object_belongs_to_one_video(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let new = world.ready(author);
    world.store.publish(new.clone(), NOW).await.expect("publish");
    let before = world.dump().await;
    let again = world.store.publish(new, NOW).await;
    assert!(matches!(again, Err(Error::Internal(_))), "{again:?}");
    assert_eq!(world.dump().await, before);
}

on_both!(
    the_objects_of_a_video_are_known_and_no_others,
    a_thousand_keys_are_looked_up_together,
    objects_are_listed_by_key_strictly_after_the_last_one,
    pages_of_objects_cover_all_of_them_once,
    an_object_belongs_to_one_video
);
