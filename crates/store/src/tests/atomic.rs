//! Every mutation, interrupted at every statement: nothing of it may stay.

use std::sync::atomic::Ordering;

use domain::{CommentId, Error, JobId, Result, UserId, VideoId};
use futures_util::future::BoxFuture;

use super::fixture::{LEASE, NOW, On, World, content, later, object, on_both, user_name};
use super::stated;
use crate::{Job, Store};

/// Some of everything, so that each mutation has something to change.
struct Scene {
    world: World,
    author: UserId,
    viewer: UserId,
    fresh: VideoId,
    liked: VideoId,
    job: Job,
    overtaken: Job,
    given_up: JobId,
    comment: CommentId,
}

impl Scene {
    async fn new(on: On) -> Self {
        let world = World::new(on).await;
        let (author, viewer) = (world.user("author").await, world.user("viewer").await);
        let (fresh, liked) = (world.video(author).await, world.video(author).await);
        world.store.like_video(viewer, liked, NOW).await.expect("like");
        world.store.follow_user(viewer, author, NOW).await.expect("follow");
        let comment = world.store.add_comment(viewer, liked, content("first"), NOW).await.expect("comment");
        world.store.send_message(viewer, author, content("hello"), NOW).await.expect("send");
        world.processing(author).await;
        let given_up = world.claim().await;
        let dead = world.store.job_dead(given_up.attempt, given_up.video, "no space".into()).await;
        assert!(dead.expect("ends"));
        world.processing(author).await;
        let overtaken = world.claim().await;
        world.store.release_job(overtaken.attempt, NOW, true, "crashed".into()).await.expect("release");
        let job = world.claim().await;
        world.processing(author).await;
        let comment = CommentId::parse(comment.id).expect("a number");
        let given_up = given_up.attempt.job;
        Self { world, author, viewer, fresh, liked, job, overtaken, given_up, comment }
    }

    fn store(&self) -> &Store {
        &self.world.store
    }
}

type Mutation = for<'s> fn(&'s Scene) -> BoxFuture<'s, Result<()>>;

/// One row: a method, its statements, how many more they are on MySQL, and how it is called.
macro_rules! mutations {
    ($($name:literal, $statements:literal + $mysql:literal, |$scene:ident| $call:expr;)*) => {
        &[$(($name, $statements, $mysql, |$scene| Box::pin(async move { $call.await.map(|_| ()) }))),*]
    };
}

/// The first row of a method is the one with the number its documentation begins with.
const MUTATIONS: &[(&str, u64, u64, Mutation)] = mutations![
    "create_user", 2 + 0, |s| s.store().create_user(user_name("new"), "hash".into(), NOW);
    "set_password_hash", 1 + 0, |s| s.store().set_password_hash(s.viewer, "other".into());
    "revoke_tokens", 1 + 0, |s| s.store().revoke_tokens(s.viewer, NOW);
    "publish", 5 + 1, |s| s.store().publish(s.world.ready(s.author), NOW);
    "publish, with a job", 4 + 1, |s| s.store().publish(s.world.unready(s.author), NOW);
    "video_ready", 6 + 1, |s| ready(s, &s.job, Some(s.job.source_key.clone()));
    "video_ready, source kept", 5 + 1, |s| ready(s, &s.job, None);
    "video_ready, overtaken", 1 + 1, |s| ready(s, &s.overtaken, None);
    "video_failed", 4 + 0, |s| s.store().video_failed(s.job.attempt, s.job.video, "why".into());
    "video_failed, overtaken", 1 + 0, |s| s.store().video_failed(s.overtaken.attempt, s.job.video, "why".into());
    "job_dead", 2 + 0, |s| s.store().job_dead(s.job.attempt, s.job.video, "why".into());
    "job_dead, overtaken", 1 + 0, |s| s.store().job_dead(s.overtaken.attempt, s.job.video, "why".into());
    "retry_job", 2 + 0, |s| s.store().retry_job(s.given_up, NOW);
    "retry_job, not dead", 1 + 0, |s| s.store().retry_job(s.job.attempt.job, NOW);
    "cancel_job", 5 + 0, |s| s.store().cancel_job(s.job.attempt.job);
    "claim_job", 2 + 0, |s| s.store().claim_job(NOW, LEASE);
    "claim_job, none due", 1 + 0, |s| s.store().claim_job(later(-1), LEASE);
    "extend_lease", 1 + 0, |s| s.store().extend_lease(s.job.attempt, later(5));
    "release_job", 1 + 0, |s| s.store().release_job(s.job.attempt, later(5), true, "why".into());
    "like_video", 4 + 0, |s| s.store().like_video(s.viewer, s.fresh, NOW);
    "like_video, repeated", 1 + 0, |s| s.store().like_video(s.viewer, s.liked, NOW);
    "unlike_video", 4 + 0, |s| s.store().unlike_video(s.viewer, s.liked);
    "unlike_video, without one", 1 + 0, |s| s.store().unlike_video(s.viewer, s.fresh);
    "add_comment", 4 + 0, |s| s.store().add_comment(s.viewer, s.fresh, content("text"), NOW);
    "delete_comment", 2 + 1, |s| s.store().delete_comment(s.viewer, s.liked, s.comment);
    "delete_comment, another's", 2 + 1, |s| denied(s);
    "follow_user", 3 + 1, |s| s.store().follow_user(s.author, s.viewer, NOW);
    "follow_user, repeated", 1 + 1, |s| s.store().follow_user(s.viewer, s.author, NOW);
    "unfollow_user", 3 + 1, |s| s.store().unfollow_user(s.viewer, s.author);
    "unfollow_user, without one", 1 + 1, |s| s.store().unfollow_user(s.author, s.viewer);
    "send_message", 2 + 1, |s| s.store().send_message(s.author, s.viewer, content("text"), NOW);
    "repair_counters", 7 + 2, |s| s.store().repair_counters();
];

async fn ready(scene: &Scene, job: &Job, unneeded: Option<String>) -> Result<bool> {
    let play = object(&job.play_key);
    scene.store().video_ready(job.attempt, job.video, unneeded, play, NOW).await
}

async fn denied(scene: &Scene) -> Result<()> {
    match scene.store().delete_comment(scene.author, scene.liked, scene.comment).await {
        Err(Error::PermissionDenied) => Ok(()),
        other => other,
    }
}

async fn a_mutation_that_fails_at_any_statement_leaves_every_table_as_it_was(on: On) {
    for (name, stated, mysql, mutation) in MUTATIONS {
        let scene = Scene::new(on).await;
        let untouched = scene.world.dump().await;
        let mut measured = 0;
        while let Err(error) = failing_at(&scene, measured + 1, *mutation).await {
            measured += 1;
            assert!(
                error.chain().contains("made to fail"),
                "{name}, statement {measured}: {}",
                error.chain()
            );
            assert_eq!(scene.world.dump().await, untouched, "{name}, statement {measured}");
            scene.world.is_sound().await;
        }
        assert_eq!(measured, stated + scene.world.pick(0, *mysql), "{name}");
        scene.world.is_sound().await;
    }
}

async fn failing_at(scene: &Scene, statement: u64, mutation: Mutation) -> Result<()> {
    let probe = &scene.store().database.probe;
    probe.fail_at.store(probe.statements() + statement, Ordering::Relaxed);
    let result = mutation(scene).await;
    probe.fail_at.store(0, Ordering::Relaxed);
    result
}

#[test]
fn every_mutation_is_interrupted_here_and_documents_its_statements() {
    let documented: Vec<_> = stated::methods().into_iter().filter(|method| method.mutates).collect();
    assert_eq!(documented.len(), 20, "{documented:?}");
    for method in documented {
        let measured = MUTATIONS.iter().find(|row| row.0 == method.name).map(|row| (row.1, row.2));
        assert!(measured.is_some(), "{} is not interrupted", method.name);
        assert_eq!(
            method.statements.map(|number| (number, method.more_on_mysql)),
            measured,
            "{}",
            method.name
        );
    }
}

on_both!(a_mutation_that_fails_at_any_statement_leaves_every_table_as_it_was);
