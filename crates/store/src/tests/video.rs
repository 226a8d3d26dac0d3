//! Videos on their way from processing to ready or failed, and an author's own list.

use domain::{Error, UserId};

use super::fixture::{LEASE, NOW, On, World, later, made, never, no_user, on_both, rendition};
use crate::{Finished, JobKind, NewObject, Slice};

async fn works(world: &World, user: UserId) -> i64 {
    world.store.user_card(user, None).await.expect("a card").work_count
}

/// How many videos of the author this viewer sees.
async fn seen(world: &World, author: UserId, viewer: Option<UserId>) -> usize {
    world.store.videos_of(author, viewer, Slice::NEWEST).await.expect("a list").len()
}

async fn a_playable_video_is_visible_to_all_at_once(on: On) {
    let world = World::new(on).await;
    let (author, other) = (world.user("author").await, world.user("other").await);
    let new = world.ready(author);
    let id = world.store.publish(new.clone(), NOW).await.expect("publish");
    for viewer in [Some(author), Some(other), None] {
        let list = world.store.videos_of(author, viewer, Slice::NEWEST).await.expect("a list").rows;
        assert_eq!(list, world.feed(never(), viewer).await);
        let [card] = list.as_slice() else { panic!("one video, not {list:?}") };
        assert_eq!((card.id, card.title.as_str()), (id.get(), new.title.as_str()));
        assert_eq!((&card.play_key, &card.cover_key), (&new.play_key, &new.cover_key));
        assert_eq!((card.like_count, card.comment_count, card.published_at), (0, 0, Some(NOW.millis())));
        assert_eq!(card.author.work_count, 1);
    }
    world.is_sound().await;
}

async fn a_processing_video_is_listed_for_its_author_alone_and_counts_for_nobody(on: On) {
    let world = World::new(on).await;
    let (author, other) = (world.user("author").await, world.user("other").await);
    let id = world.processing(author).await;
    let list = world.store.videos_of(author, Some(author), Slice::NEWEST).await.expect("a list").rows;
    assert_eq!(list.iter().map(|card| (card.id, card.published_at)).collect::<Vec<_>>(), [(id.get(), None)]);
    assert_eq!((seen(&world, author, Some(other)).await, seen(&world, author, None).await), (0, 0));
    assert_eq!(works(&world, author).await, 0);
    world.is_sound().await;
}

async fn a_first_rendition_makes_its_video_visible(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let new = world.unready(author);
    let id = world.store.publish(new.clone(), NOW).await.expect("publish");
    let newer = world.video(author).await;
    let job = world.claim_of(id).await;
    assert!(world.play(&job).await);
    let page = world.feed(never(), None).await;
    let order: Vec<_> = page.iter().map(|card| (card.id, card.published_at)).collect();
    let at = NOW.millis();
    assert_eq!(order, [(id.get(), Some(at + 1)), (newer.get(), Some(at))]);
    assert_eq!(page[0].play_key, new.play_key);
    assert_eq!(works(&world, author).await, 2);
    assert!(
        world.needs(&new.play_key).await && world.needs(&new.objects[0].key).await,
        "others are made of it"
    );
    world.is_sound().await;
}

async fn a_finished_job_puts_renditions_in_the_place_of_what_played_until_then(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let new = world.ready(author);
    let id = world.store.publish(new.clone(), NOW).await.expect("publish");
    assert_eq!(world.feed(never(), None).await[0].play_key, new.play_key);
    let job = world.claim_of(id).await;
    let objects = vec![rendition("p/720"), NewObject { role: "480p".into(), ..rendition("p/480") }];
    assert!(world.finish(&job, Finished { objects, ..made("p/made") }).await);
    assert_eq!(world.feed(never(), None).await[0].play_key, "p/720", "kept pages are not believed any more");
    let files = world.store.video(id, None).await.expect("a video").files;
    let mut roles: Vec<_> = files.files.iter().map(|file| file.role.as_str()).collect();
    roles.sort_unstable();
    assert_eq!((roles, files.thumbhash), (vec!["480p", "720p", "cover", "retired"], Some(vec![1, 2, 3])));
    let timeline = world.store.timeline(author, id).await.expect("a timeline");
    let told: Vec<_> =
        timeline.events.iter().map(|event| (event.name.as_str(), event.detail.as_deref())).collect();
    let made = [("rendition", Some("720p")), ("rendition", Some("480p")), ("done", None)];
    assert_eq!(told, [[("received", None), ("checked", None), ("playable", None)], made].concat());
    assert!(world.needs(&new.play_key).await, "who plays it may go on for a while");
    let settle = world.claim_settle().await;
    assert!(world.store.settled(settle.attempt, vec![new.play_key.clone()]).await.expect("settle"));
    assert!(!world.needs(&new.play_key).await);
    world.is_sound().await;
}

async fn a_failed_video_is_gone_for_all_and_names_what_may_be_deleted(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let kept = world.video(author).await;
    let new = world.unready(author);
    let id = world.store.publish(new.clone(), NOW).await.expect("publish");
    let job = world.claim_of(id).await;
    let mut keys = world.store.video_failed(job.attempt, id, "no picture".into(), NOW).await.expect("fail");
    keys.sort_unstable();
    assert_eq!(keys, [new.cover_key.expect("a cover"), new.objects[0].key.clone()]);
    for key in &keys {
        assert!(!world.needs(key).await, "{key}");
    }
    for viewer in [Some(author), None] {
        let list = world.store.videos_of(author, viewer, Slice::NEWEST).await.expect("a list").rows;
        assert_eq!(list.iter().map(|card| card.id).collect::<Vec<_>>(), [kept.get()]);
    }
    assert_eq!(works(&world, author).await, 1);
    world.is_sound().await;
}

async fn a_job_given_up_through_our_fault_keeps_the_upload(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let new = world.unready(author);
    let id = world.store.publish(new.clone(), NOW).await.expect("publish");
    let job = world.claim_of(id).await;
    assert!(world.store.job_dead(job.attempt, id, "no space".into(), NOW).await.expect("end"));
    assert!(world.needs(&new.objects[0].key).await);
    assert!(world.store.videos_of(author, Some(author), Slice::NEWEST).await.expect("a list").is_empty());
    assert!(!world.store.job_dead(job.attempt, id, "again".into(), NOW).await.expect("end"));
    world.is_sound().await;
}

async fn an_attempt_that_was_overtaken_changes_nothing(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let video = world.processing(author).await;
    let old = world.claim().await;
    let end = NOW.after(LEASE);
    let new =
        world.store.claim_job(JobKind::Transcode, end, LEASE).await.expect("claim").expect("the job again");
    let before = world.dump().await;
    assert!(!world.play(&old).await);
    assert_eq!(
        world.store.video_failed(old.attempt, video, "late".into(), NOW).await.expect("fail"),
        [""; 0]
    );
    assert_eq!(world.dump().await, before);
    assert!(world.play(&new).await);
    world.is_sound().await;
}

async fn a_job_ends_once(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    world.processing(author).await;
    let job = world.claim().await;
    assert!(world.finish(&job, made("p/made")).await);
    let before = world.dump().await;
    assert!(!world.finish(&job, made("p/again")).await);
    let keys = world.store.video_failed(job.attempt, job.video, "too late".into(), NOW).await.expect("fail");
    assert_eq!(keys, [""; 0]);
    assert_eq!(world.dump().await, before);
}

async fn a_job_cannot_finish_with_an_object_another_video_has(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let other = world.ready(author);
    world.store.publish(other.clone(), NOW).await.expect("publish");
    let job = world.claim_of(world.processing(author).await).await;
    let before = world.dump().await;
    let result = world.store.video_playable(job.attempt, job.video, rendition(&other.play_key), NOW).await;
    assert!(matches!(result, Err(Error::Internal(_))), "{result:?}");
    assert_eq!(world.dump().await, before);
}

async fn a_video_by_nobody_is_refused_whole(on: On) {
    let world = World::new(on).await;
    let before = world.dump().await;
    for video in [world.ready(no_user()), world.unready(no_user())] {
        let result = world.store.publish(video, NOW).await;
        assert!(matches!(result, Err(Error::Internal(_))), "{result:?}");
    }
    assert_eq!(world.dump().await, before);
}

async fn an_authors_videos_are_listed_newest_first_with_the_viewers_marks(on: On) {
    let world = World::new(on).await;
    let (author, fan) = (world.user("author").await, world.user("fan").await);
    let (older, newer) = (world.video(author).await, world.video(author).await);
    world.video(fan).await;
    world.store.like_video(fan, older, later(1)).await.expect("like");
    world.store.follow_user(fan, author, later(1)).await.expect("follow");
    for (viewer, marked) in [(Some(fan), true), (Some(author), false), (None, false)] {
        let list = world.store.videos_of(author, viewer, Slice::NEWEST).await.expect("a list").rows;
        let flags: Vec<_> =
            list.iter().map(|card| (card.id, card.is_liked, card.author.is_followed)).collect();
        assert_eq!(flags, [(newer.get(), false, marked), (older.get(), marked, marked)], "{viewer:?}");
    }
}

async fn the_videos_of_an_unknown_user_are_not_found(on: On) {
    let world = World::new(on).await;
    let list = world.store.videos_of(no_user(), None, Slice::NEWEST).await;
    assert!(matches!(list, Err(Error::UserNotFound(id)) if id == no_user()), "{list:?}");
}

on_both!(
    a_playable_video_is_visible_to_all_at_once,
    a_processing_video_is_listed_for_its_author_alone_and_counts_for_nobody,
    a_first_rendition_makes_its_video_visible,
    a_finished_job_puts_renditions_in_the_place_of_what_played_until_then,
    a_failed_video_is_gone_for_all_and_names_what_may_be_deleted,
    a_job_given_up_through_our_fault_keeps_the_upload,
    an_attempt_that_was_overtaken_changes_nothing,
    a_job_ends_once,
    a_job_cannot_finish_with_an_object_another_video_has,
    a_video_by_nobody_is_refused_whole,
    an_authors_videos_are_listed_newest_first_with_the_viewers_marks,
    the_videos_of_an_unknown_user_are_not_found
);
