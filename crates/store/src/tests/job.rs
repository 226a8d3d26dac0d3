//! Jobs: who holds one, for how long, and what an attempt that lost it may still do: nothing.

use std::time::Duration;

use domain::Timestamp;

use super::fixture::{LEASE, NOW, On, World, later, made, on_both};
use crate::{Job, JobKind, Slice};

async fn claim_at(world: &World, now: Timestamp) -> Option<Job> {
    world.store.claim_job(JobKind::Transcode, now, LEASE).await.expect("claim")
}

async fn every_video_waits_as_a_job(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    assert_eq!(claim_at(&world, NOW).await, None);
    for video in [world.video(author).await, world.processing(author).await] {
        assert_eq!(claim_at(&world, later(-1)).await, None);
        let job = world.claim().await;
        assert_eq!((job.video, job.attempts), (video, 1));
    }
    assert_eq!(world.store.claim_job(JobKind::Settle, NOW, LEASE).await.expect("claim"), None);
}

async fn the_oldest_due_job_is_claimed_first(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    for millis in [20, 0, 10] {
        world.store.publish(world.unready(author), later(millis)).await.expect("publish");
    }
    let mut order = Vec::new();
    for _ in 0..3 {
        order.push(claim_at(&world, later(20)).await.expect("a job").video.get());
    }
    assert_eq!(order, [2, 3, 1]);
}

async fn a_lease_holds_until_its_last_millisecond_and_not_longer(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    world.processing(author).await;
    let first = world.claim().await;
    let end = NOW.after(LEASE);
    assert_eq!(claim_at(&world, end.before(Duration::from_millis(1))).await, None);
    let second = claim_at(&world, end).await.expect("the job again");
    assert_eq!((second.video, second.attempts), (first.video, 2));
    assert_eq!(second.attempt.job, first.attempt.job);
    assert!(second.attempt.fence > first.attempt.fence);
}

async fn a_prolonged_lease_ends_later(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    world.processing(author).await;
    let job = world.claim().await;
    let until = NOW.after(LEASE * 3);
    assert!(world.store.extend_lease(job.attempt, until, 0).await.expect("extend"));
    assert_eq!(claim_at(&world, NOW.after(LEASE * 2)).await, None);
    assert!(claim_at(&world, until).await.is_some());
}

async fn an_expired_lease_that_nobody_took_is_still_its_holders(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    world.processing(author).await;
    let job = world.claim().await;
    assert!(world.store.extend_lease(job.attempt, NOW.after(LEASE * 9), 0).await.expect("extend"));
    assert!(world.play(&job).await);
}

async fn a_lost_attempt_neither_prolongs_nor_releases(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    world.processing(author).await;
    let old = world.claim().await;
    let new = claim_at(&world, NOW.after(LEASE)).await.expect("the job again");
    let before = world.dump().await;
    assert!(!world.store.extend_lease(old.attempt, later(1), 0).await.expect("extend"));
    world.store.release_job(old.attempt, NOW, false, "late".into()).await.expect("release");
    assert_eq!(world.dump().await, before);
    assert!(world.store.extend_lease(new.attempt, NOW.after(LEASE * 3), 0).await.expect("extend"));
}

async fn a_released_job_is_due_when_it_was_said_and_not_held_any_more(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    world.processing(author).await;
    let job = world.claim().await;
    world.store.release_job(job.attempt, later(500), true, "no encoder".into()).await.expect("release");
    assert!(!world.store.extend_lease(job.attempt, later(900), 0).await.expect("extend"));
    assert!(!world.play(&job).await);
    assert_eq!(world.texts("SELECT error AS text FROM job").await, ["no encoder"]);
    assert_eq!(claim_at(&world, later(499)).await, None);
    assert!(claim_at(&world, later(500)).await.is_some());
}

async fn a_failed_attempt_counts_and_a_clean_stop_does_not(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    world.processing(author).await;
    let mut attempts = Vec::new();
    let mut fences = Vec::new();
    for counts in [false, false, true, true, false] {
        let job = world.claim().await;
        attempts.push(job.attempts);
        fences.push(job.attempt.fence);
        world.store.release_job(job.attempt, NOW, counts, "why".into()).await.expect("release");
    }
    assert_eq!(attempts, [1, 1, 1, 2, 3]);
    assert_eq!(fences, [1, 2, 3, 4, 5]);
}

async fn an_ended_job_is_never_claimed_again(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    world.processing(author).await;
    world.processing(author).await;
    let done = world.claim().await;
    assert!(world.finish(&done, made("p/made")).await);
    let dead = world.claim().await;
    world.store.video_failed(dead.attempt, dead.video, "broken".into(), NOW).await.expect("fail");
    assert_eq!(
        world
            .store
            .claim_job(JobKind::Transcode, Timestamp::from_millis(i64::MAX), LEASE)
            .await
            .expect("claim"),
        None
    );
    let ends = world.texts("SELECT state || ' ' || COALESCE(error, '-') AS text FROM job WHERE kind = 'transcode' ORDER BY id").await;
    assert_eq!(ends, ["done -", "dead broken"]);
}

async fn a_dead_job_is_tried_again_when_its_upload_is_there(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let (kept, broken) = (world.processing(author).await, world.processing(author).await);
    let job = world.claim().await;
    assert_eq!(job.video, kept);
    assert!(!world.store.retry_job(job.attempt.job, NOW).await.expect("retry"), "somebody works on it");
    assert!(world.store.job_dead(job.attempt, kept, "no space".into(), NOW).await.expect("ends"));
    let refused = world.claim().await;
    world.store.video_failed(refused.attempt, broken, "no picture".into(), NOW).await.expect("fails");
    let listed = world.store.jobs().await.expect("a list");
    let shown: Vec<_> =
        listed.iter().map(|job| (job.video, job.state.as_str(), job.error.as_deref())).collect();
    assert_eq!(shown, [(kept, "dead", Some("no space")), (broken, "dead", Some("no picture"))]);
    assert_eq!(world.store.job_counts().await.expect("counts"), [0, 0, 2]);
    assert!(!world.store.retry_job(refused.attempt.job, NOW).await.expect("retry"), "its upload is gone");
    assert!(world.store.retry_job(job.attempt.job, NOW).await.expect("retry"));
    let again = world.claim().await;
    assert_eq!((again.video, again.attempts), (kept, 1));
    assert_eq!(world.store.job_counts().await.expect("counts"), [0, 1, 1]);
    assert!(world.play(&again).await);
    assert!(world.finish(&again, made("p/made")).await);
    let left = world.store.jobs().await.expect("a list");
    assert_eq!(left.iter().map(|job| job.kind.as_str()).collect::<Vec<_>>(), ["transcode"], "the dead one");
    world.is_sound().await;
}

async fn a_cancelled_job_is_nobodys_and_leaves_nothing(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let new = world.unready(author);
    world.store.publish(new.clone(), NOW).await.expect("publish");
    let job = world.claim().await;
    let keys = world.store.cancel_job(job.attempt.job, NOW).await.expect("cancel").expect("the job");
    assert!(keys.contains(&new.objects[0].key));
    assert!(!world.store.extend_lease(job.attempt, later(5), 0).await.expect("extend"));
    assert!(!world.play(&job).await);
    assert_eq!(
        world
            .store
            .claim_job(JobKind::Transcode, Timestamp::from_millis(i64::MAX), LEASE)
            .await
            .expect("claim"),
        None
    );
    assert!(world.store.videos_of(author, Some(author), Slice::NEWEST).await.expect("a list").is_empty());
    assert_eq!(
        world.store.cancel_job(domain::JobId::parse(999).expect("a number"), NOW).await.expect("cancel"),
        None
    );
    world.is_sound().await;
}

on_both!(
    a_dead_job_is_tried_again_when_its_upload_is_there,
    a_cancelled_job_is_nobodys_and_leaves_nothing,
    every_video_waits_as_a_job,
    the_oldest_due_job_is_claimed_first,
    a_lease_holds_until_its_last_millisecond_and_not_longer,
    a_prolonged_lease_ends_later,
    an_expired_lease_that_nobody_took_is_still_its_holders,
    a_lost_attempt_neither_prolongs_nor_releases,
    a_released_job_is_due_when_it_was_said_and_not_held_any_more,
    a_failed_attempt_counts_and_a_clean_stop_does_not,
    an_ended_job_is_never_claimed_again
);
