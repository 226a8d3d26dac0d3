//! The database's check of itself: silent when all is well, and it finds what was planted.

use std::time::Duration;

use domain::{CommentId, UserId, VideoId};

use super::fixture::{NOW, On, World, content, on_both};
use crate::Finding;

/// Each counter with the key of its row.
const COUNTERS: [(&str, &str, &str); 10] = [
    ("video_stat", "video_id", "like_count"),
    ("video_stat", "video_id", "comment_count"),
    ("video_stat", "video_id", "view_count"),
    ("comment", "id", "reply_count"),
    ("comment", "id", "like_count"),
    ("user_stat", "user_id", "follow_count"),
    ("user_stat", "user_id", "follower_count"),
    ("user_stat", "user_id", "work_count"),
    ("user_stat", "user_id", "liked_count"),
    ("user_stat", "user_id", "received_like_count"),
];

/// A world in which every counter of `author`, of the video and of the second comment is one.
async fn used(on: On) -> (World, UserId, VideoId) {
    let world = World::new(on).await;
    let (author, fan) = (world.user("author").await, world.user("fan").await);
    let video = world.video(author).await;
    world.store.like_video(author, video, NOW).await.expect("like");
    world.store.follow_user(fan, author, NOW).await.expect("follow");
    world.store.follow_user(author, fan, NOW).await.expect("follow");
    world.store.add_comment(fan, video, None, content("text"), NOW).await.expect("comment");
    world.store.send_message(author, fan, content("text"), NOW).await.expect("send");
    world.store.watch_video(fan, video, Duration::from_secs(3600), NOW).await.expect("watch");
    world.processing(author).await;
    let third = world.user("third").await;
    let other = world.video(third).await;
    let root = world.store.add_comment(third, other, None, content("text"), NOW).await.expect("comment");
    let root = CommentId::parse(root.id).expect("a number");
    world.store.add_comment(third, other, Some(root), content("text"), NOW).await.expect("reply");
    world.store.like_comment(third, other, root, NOW).await.expect("like");
    (world, author, video)
}

/// The findings as (place, row).
async fn found(world: &World) -> Vec<(String, i64)> {
    let findings = world.store.check().await.expect("check");
    findings.into_iter().map(|finding| (finding.place, finding.id)).collect()
}

async fn a_fresh_and_a_used_database_are_sound(on: On) {
    World::new(on).await.is_sound().await;
    let (world, ..) = used(on).await;
    world.is_sound().await;
    assert_eq!(world.store.repair_counters().await.expect("repair"), 0);
}

async fn each_wrong_counter_is_found_and_mended(on: On) {
    let (world, author, video) = used(on).await;
    let before = world.dump().await;
    for (table, key, column) in COUNTERS {
        let id = match key {
            "video_id" => video.get(),
            "user_id" => author.get(),
            _ => 2,
        };
        for wrong in [0, 6] {
            world.run(&format!("UPDATE {table} SET {column} = {wrong} WHERE {key} = {id}")).await;
            let place = format!("{table}.{column}");
            let problem = format!("says {wrong}, the rows say 1");
            let finding = Finding { place, id, problem };
            assert_eq!(world.store.check().await.expect("check"), [finding]);
            assert_eq!(world.store.repair_counters().await.expect("repair"), 1, "{table}.{column}");
            assert_eq!(world.dump().await, before, "{table}.{column}");
        }
    }
}

async fn all_wrong_counters_are_found_and_mended_together(on: On) {
    let (world, ..) = used(on).await;
    let before = world.dump().await;
    for (table, _, column) in COUNTERS {
        world.run(&format!("UPDATE {table} SET {column} = 9")).await;
    }
    assert_eq!(found(&world).await.len(), 3 * 3 + 2 * 3 + 5 * 3);
    assert_eq!(world.store.repair_counters().await.expect("repair"), 30);
    assert_eq!(world.dump().await, before);
}

async fn rows_without_counters_are_found(on: On) {
    let (world, author, video) = used(on).await;
    world.run(&format!("DELETE FROM user_stat WHERE user_id = {author}")).await;
    world.run(&format!("DELETE FROM video_stat WHERE video_id = {video}")).await;
    assert_eq!(found(&world).await, [("user".into(), author.get()), ("video".into(), video.get())]);
}

async fn a_ready_video_that_cannot_play_is_found(on: On) {
    let (world, _, video) = used(on).await;
    world.run(&format!("DELETE FROM video_object WHERE video_id = {video} AND object_key LIKE 'p/%'")).await;
    assert_eq!(found(&world).await, [("video".into(), video.get())]);
}

async fn a_ready_video_that_was_never_published_is_found(on: On) {
    let (world, author, video) = used(on).await;
    world.run(&format!("UPDATE video SET published_at = NULL WHERE id = {video}")).await;
    let expected = [("video".into(), video.get()), ("user_stat.work_count".into(), author.get())];
    assert_eq!(found(&world).await, expected);
}

async fn a_processing_video_that_nobody_works_on_is_found(on: On) {
    let (world, ..) = used(on).await;
    for state in ["done", "dead"] {
        world.run(&format!("UPDATE job SET state = '{state}'")).await;
        assert_eq!(found(&world).await, [("video".into(), 2)], "{state}");
    }
    world.run("DELETE FROM job").await;
    assert_eq!(found(&world).await, [("video".into(), 2)]);
}

async fn a_cover_that_is_not_there_is_found(on: On) {
    let (world, _, video) = used(on).await;
    world.run(&format!("DELETE FROM video_object WHERE video_id = {video} AND object_key LIKE 'c/%'")).await;
    assert_eq!(found(&world).await, [("video".into(), video.get())]);
}

async fn a_reference_to_nothing_is_found(on: On) {
    let (world, author, _) = used(on).await;
    world.plant(&format!("INSERT INTO message VALUES (70, {author}, 999, 'text', 1)")).await;
    let findings = world.store.check().await.expect("check");
    let problem = "names a row of user that does not exist".into();
    assert_eq!(findings, [Finding { place: "message".into(), id: 70, problem }]);
}

async fn what_a_vanished_user_leaves_behind_is_found(on: On) {
    let (world, author, _) = used(on).await;
    world.plant(&format!("DELETE FROM user WHERE id = {author}")).await;
    let mut places: Vec<_> = found(&world).await.into_iter().map(|finding| finding.0).collect();
    places.sort_unstable();
    assert_eq!(
        places,
        [
            "conversation",
            "conversation",
            "follow",
            "follow",
            "message",
            "notification",
            "notification",
            "notification",
            "user_stat",
            "user_text",
            "video",
            "video",
            "video_like"
        ]
    );
}

async fn the_check_changes_nothing(on: On) {
    let (world, ..) = used(on).await;
    world.run("UPDATE user_stat SET work_count = 9").await;
    let before = world.dump().await;
    found(&world).await;
    assert_eq!(world.dump().await, before);
}

on_both!(
    a_fresh_and_a_used_database_are_sound,
    each_wrong_counter_is_found_and_mended,
    all_wrong_counters_are_found_and_mended_together,
    rows_without_counters_are_found,
    a_ready_video_that_cannot_play_is_found,
    a_ready_video_that_was_never_published_is_found,
    a_processing_video_that_nobody_works_on_is_found,
    a_cover_that_is_not_there_is_found,
    a_reference_to_nothing_is_found,
    what_a_vanished_user_leaves_behind_is_found,
    the_check_changes_nothing
);
