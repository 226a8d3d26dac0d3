//! What a batch comes to: the same as its operations one after the other, whole or not at all, in a number of
//! statements that does not grow with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::{Error, Result, Timestamp, UserId, VideoId};

use super::crowd::Crowd;
use super::fixture::{NOW, On, World, content, later, no_user, no_video, on_both};
use crate::card::column;
use crate::coalesce::Operation;
use crate::comment::NewComment;
use crate::follow::Follow;
use crate::like::Like;
use crate::message::NewMessage;
use crate::{Slice, Thread};

/// Carries out a batch in one transaction.
async fn carry_out<O: Operation>(world: &World, batch: Vec<O>) -> Result<Vec<Result<O::Answer>>> {
    let batch = Arc::new(batch);
    world
        .store
        .database
        .write(move |session| Box::pin(async move { O::carry_out(session, &batch).await }))
        .await
}

/// People and, of each but the last, a published video.
async fn scene(world: &World, size: usize) -> (Vec<UserId>, Vec<VideoId>) {
    let (mut people, mut videos) = (Vec::new(), Vec::new());
    for number in 0..size {
        people.push(world.user(&format!("user {number}")).await);
    }
    for author in &people[1..] {
        videos.push(world.video(*author).await);
    }
    (people, videos)
}

/// From whom to what, since when; of each person the earliest first.
type Stored = BTreeMap<i64, Vec<(i64, i64)>>;

/// What one wish makes of what is stored, as if it were alone.
fn wish(stored: &mut Stored, from: i64, to: i64, since: Option<Timestamp>) {
    let row = stored.entry(from).or_default();
    let place = row.iter().position(|(target, _)| *target == to);
    match (place, since) {
        (None, Some(since)) => row.push((to, since.millis())),
        (Some(place), None) => {
            row.remove(place);
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
}

/// What a table holds, by the numbers of its rows.
async fn stored(world: &World, table: &str, from: &str, to: &str) -> Stored {
    let sql = format!("SELECT {from} AS a, {to} AS b, created_at AS c FROM {table} ORDER BY id LIMIT 10000");
    let (a, b, c) =
        (world.column(&sql, "a").await, world.column(&sql, "b").await, world.column(&sql, "c").await);
    let mut all = Stored::new();
    for ((from, to), since) in a.into_iter().zip(b).zip(c) {
        all.entry(from).or_default().push((to, since));
    }
    all
}

/// A chance of wishes: few people and targets, so that they repeat and undo each other.
fn since(chance: &mut fastrand::Rng) -> Option<Timestamp> {
    chance.bool().then(|| later(chance.i64(0..1_000_000)))
}

async fn likes_in_batches_come_to_what_they_would_one_by_one(on: On) {
    let world = World::new(on).await;
    let (people, mut videos) = scene(&world, 6).await;
    let hidden = [world.processing(people[0]).await, no_video()];
    videos.extend(hidden);
    let (mut model, mut chance) = (Stored::new(), fastrand::Rng::with_seed(7));
    for round in 0..30 {
        let size = chance.usize(1..100);
        let make = |_| {
            let (viewer, video) = (people[chance.usize(..6)], videos[chance.usize(..videos.len())]);
            Like { viewer, video, since: since(&mut chance) }
        };
        let batch: Vec<_> = (0..size).map(make).collect();
        for like in batch.iter().filter(|like| !hidden.contains(&like.video)) {
            wish(&mut model, like.viewer.get(), like.video.get(), like.since);
        }
        let answers = carry_out(&world, batch.clone()).await.expect("carry out");
        for (like, answer) in batch.iter().zip(answers) {
            match answer {
                Ok(()) => assert!(!hidden.contains(&like.video)),
                Err(Error::VideoNotFound(video)) => assert!(video == like.video && hidden.contains(&video)),
                Err(error) => panic!("{}", error.chain()),
            }
        }
        model.retain(|_, row| !row.is_empty());
        assert_eq!(stored(&world, "video_like", "user_id", "video_id").await, model, "round {round}");
        world.is_sound().await;
    }
}

async fn follows_in_batches_come_to_what_they_would_one_by_one(on: On) {
    let world = World::new(on).await;
    let (mut people, _) = scene(&world, 8).await;
    people.push(no_user());
    let (mut model, mut chance) = (Stored::new(), fastrand::Rng::with_seed(8));
    for round in 0..30 {
        let size = chance.usize(1..100);
        let make = |_| {
            let (viewer, user) = (people[chance.usize(..8)], people[chance.usize(..9)]);
            Follow { viewer, user, since: since(&mut chance) }
        };
        let batch: Vec<_> = (0..size).map(make).collect();
        for follow in batch.iter().filter(|follow| follow.user != no_user()) {
            wish(&mut model, follow.viewer.get(), follow.user.get(), follow.since);
        }
        let answers = carry_out(&world, batch.clone()).await.expect("carry out");
        for (follow, answer) in batch.iter().zip(answers) {
            assert_eq!(matches!(answer, Err(Error::UserNotFound(id)) if id == no_user()), answer.is_err());
            assert_eq!(answer.is_err(), follow.user == no_user());
        }
        model.retain(|_, row| !row.is_empty());
        assert_eq!(stored(&world, "follow", "follower_id", "followee_id").await, model, "round {round}");
        world.is_sound().await;
    }
}

async fn comments_of_a_batch_are_answered_as_they_are_listed(on: On) {
    let world = World::new(on).await;
    let (people, videos) = scene(&world, 5).await;
    let make = |at: usize| {
        let video = if at % 10 == 9 { no_video() } else { videos[at % 4] };
        let (viewer, content) = (people[at % 5], content(&format!("comment {at}")));
        NewComment { viewer, video, parent: None, content, now: later(at as i64) }
    };
    // More than one INSERT takes.
    let batch: Vec<_> = (0..150).map(make).collect();
    let answers = carry_out(&world, batch.clone()).await.expect("carry out");
    let mut told = BTreeMap::<i64, Vec<_>>::new();
    for (new, answer) in batch.iter().zip(answers) {
        match answer {
            Ok(row) => {
                assert_eq!((row.content.as_str(), row.created_at), (new.content.as_str(), new.now.millis()));
                assert_eq!(row.author.id, new.viewer.get());
                told.entry(new.video.get()).or_default().insert(0, row);
            }
            Err(error) => assert!(matches!(error, Error::VideoNotFound(id) if id == no_video())),
        }
    }
    for video in videos {
        let listed =
            world.store.comments(video, None, Thread::All, Slice::NEWEST).await.expect("a list").rows;
        assert_eq!(listed, told[&video.get()]);
        assert_eq!(world.store.comment_count(video, None).await.expect("a count"), listed.len() as i64);
    }
    world.is_sound().await;
}

async fn messages_of_a_batch_have_times_of_their_own_in_each_conversation(on: On) {
    let world = World::new(on).await;
    let (people, _) = scene(&world, 4).await;
    world.store.send_message(people[0], people[1], content("before"), later(7)).await.expect("send");
    let make = |at: usize| {
        let (sender, receiver) = (people[at % 4], people[(at + 1 + at / 4) % 4]);
        let receiver = if at % 10 == 9 { no_user() } else { receiver };
        NewMessage { sender, receiver, content: content(&format!("message {at}")), now: NOW }
    };
    let batch: Vec<_> = (0..150).map(make).filter(|new| new.sender != new.receiver).collect();
    let answers = carry_out(&world, batch.clone()).await.expect("carry out");
    let mut told = BTreeMap::<_, Vec<_>>::new();
    for (new, answer) in batch.iter().zip(answers) {
        match answer {
            Ok(row) => {
                assert_eq!(row.content, new.content.as_str());
                let pair = (new.sender.min(new.receiver), new.sender.max(new.receiver));
                told.entry(pair).or_default().push(row);
            }
            Err(error) => assert!(matches!(error, Error::UserNotFound(id) if id == no_user())),
        }
    }
    for ((one, other), mut sent) in told {
        let mut listed = world.store.conversation(one, other, Slice::NEWEST).await.expect("a list").rows;
        listed.reverse();
        listed.retain(|row| row.content != "before");
        assert_eq!(listed, sent);
        let first = if (one, other) == (people[0], people[1]) { later(8) } else { NOW };
        assert_eq!(sent[0].created_at, first.millis());
        assert!(sent.is_sorted_by(|row, next| row.created_at + 1 == next.created_at && row.id < next.id));
        sent.clear();
    }
    world.is_sound().await;
}

/// Batches that have something of everything: what comes, what goes, what repeats, what is refused.
macro_rules! for_each_batch {
    (|$world:ident, $name:ident, $batch:ident| $body:block, $on:expr) => {
        for_each_batch!(@ $world, $name, $batch, $body, $on, "like", |people, videos, at| Like {
            viewer: people[at % 5], video: videos[at % 4], since: (at % 3 > 0).then_some(NOW)
        });
        for_each_batch!(@ $world, $name, $batch, $body, $on, "follow", |people, _videos, at| Follow {
            viewer: people[at % 5], user: people[(at + 1) % 4], since: (at % 3 > 0).then_some(NOW)
        });
        for_each_batch!(@ $world, $name, $batch, $body, $on, "comment", |people, videos, at| NewComment {
            viewer: people[at % 5], video: videos[at % 4], parent: None, content: content("text"), now: NOW
        });
        for_each_batch!(@ $world, $name, $batch, $body, $on, "message", |people, _videos, at| NewMessage {
            sender: people[at % 4], receiver: people[4], content: content("text"), now: NOW
        });
    };
    (@ $world:ident, $name:ident, $batch:ident, $body:block, $on:expr, $what:literal,
     |$people:ident, $videos:ident, $at:ident| $make:expr) => {{
        let $world = World::new($on).await;
        let ($people, $videos) = scene(&$world, 5).await;
        let _unused = &$videos;
        let $name = $what;
        // What the even ones take back.
        for at in 0..20 {
            let (one, other) = ($people[at % 5], $people[(at + 1) % 4]);
            $world.store.like_video(one, $videos[at % 4], NOW).await.expect("like");
            if one != other && at % 2 == 0 {
                $world.store.follow_user(one, other, NOW).await.expect("follow");
            }
        }
        $world.store.unlike_video($people[1], $videos[1]).await.expect("unlike");
        let $batch = |size: usize| (0..size).map(|$at| $make).collect::<Vec<_>>();
        $body
    }};
}

async fn a_batch_that_fails_at_any_statement_leaves_every_table_as_it_was(on: On) {
    for_each_batch!(
        |world, name, batch| {
            let untouched = world.dump().await;
            let probe = &world.store.database.probe;
            let mut statement = 1;
            loop {
                probe.fail_at.store(probe.statements() + statement, Ordering::Relaxed);
                let result = carry_out(&world, batch(50)).await;
                probe.fail_at.store(0, Ordering::Relaxed);
                let Err(error) = result else { break };
                assert!(error.chain().contains("made to fail"), "{name}: {}", error.chain());
                assert_eq!(world.dump().await, untouched, "{name}, statement {statement}");
                statement += 1;
            }
            assert!(statement > 2, "{name} failed nowhere");
            assert_ne!(world.dump().await, untouched, "{name}");
            world.is_sound().await;
        },
        on
    );
}

async fn a_large_batch_sends_no_more_statements_than_a_small_one(on: On) {
    for_each_batch!(
        |world, name, batch| {
            let mut sent = Vec::new();
            for size in [13, 64] {
                let before = world.store.statements();
                let answers = carry_out(&world, batch(size)).await.expect("carry out");
                assert_eq!(answers.len(), size, "{name}");
                sent.push(world.store.statements() - before);
            }
            assert!(sent[1] <= sent[0] && sent[0] <= 6, "{name}: {sent:?}");
            world.is_sound().await;
        },
        on
    );
}

/// How the database means to run each statement of a batch: (table, kind of access).
async fn plan(world: &World, sql: &str) -> Vec<(String, String)> {
    // Numbers of rows that are there, each another one.
    let mut number = 0;
    let filled = |part: &str| {
        number = number % 300 + 1;
        format!("{part}{number}")
    };
    let (parts, last) = sql.rsplit_once('?').expect("parameters");
    let sql = format!("{}{last}", parts.split('?').map(filled).collect::<String>());
    match world.on {
        On::Sqlite => {
            let steps: Vec<String> = world.column(&format!("EXPLAIN QUERY PLAN {sql}"), "detail").await;
            let words = |step: &String| step.split_once(' ').map(|(kind, of)| (of.into(), kind.into()));
            steps.iter().filter_map(words).collect()
        }
        On::MySql => {
            let rows = world.rows(&format!("EXPLAIN {sql}")).await;
            let text = |row, name| column::<Option<String>>(row, name).expect("a text").unwrap_or_default();
            rows.iter().map(|row| (text(row, "table"), text(row, "type"))).collect()
        }
    }
}

async fn no_statement_of_a_batch_reads_a_whole_table(on: On) {
    let crowd = Crowd::new(on, 400).await;
    let world = &crowd.world;
    if on == On::MySql {
        // Plans are made from what the server knows of the tables.
        world.rows("ANALYZE TABLE user, user_stat, video, video_stat, video_like, follow, message").await;
    }
    let person = |at: i64| UserId::parse(crowd.peer.get() + at).expect("a number");
    let video = |at: i64| VideoId::parse(crowd.video.get() + at).expect("a number");
    world.store.database.probe.texts.lock().expect("the texts").clear();
    let since = |at: i64| (at % 2 == 0).then_some(NOW);
    let like = |at| Like { viewer: person(at), video: video(at), since: since(at) };
    carry_out(world, (0..16).map(like).collect()).await.expect("like");
    let follow = |at| Follow { viewer: crowd.hub, user: person(at), since: since(at) };
    carry_out(world, (0..16).map(follow).collect()).await.expect("follow");
    let say = |at| NewComment {
        viewer: person(at),
        video: video(at),
        parent: None,
        content: content("text"),
        now: NOW,
    };
    carry_out(world, (0..16).map(say).collect()).await.expect("comment");
    let send =
        |at| NewMessage { sender: crowd.hub, receiver: person(at), content: content("text"), now: NOW };
    carry_out(world, (0..16).map(send).collect()).await.expect("send");
    let texts = std::mem::take(&mut *world.store.database.probe.texts.lock().expect("the texts"));
    assert!(texts.len() >= world.pick(12, 15), "{texts:?}");
    for sql in texts.iter().filter(|sql| !sql.starts_with("INSERT")) {
        for (table, kind) in plan(world, sql).await {
            let gathered = ["pairs", "<derived", "CONSTANT ROW"].iter().any(|known| table.contains(known));
            assert!(gathered || !["SCAN", "ALL"].contains(&kind.as_str()), "{table}: {kind}\n{sql}");
        }
    }
}

on_both!(
    no_statement_of_a_batch_reads_a_whole_table,
    likes_in_batches_come_to_what_they_would_one_by_one,
    follows_in_batches_come_to_what_they_would_one_by_one,
    comments_of_a_batch_are_answered_as_they_are_listed,
    messages_of_a_batch_have_times_of_their_own_in_each_conversation,
    a_batch_that_fails_at_any_statement_leaves_every_table_as_it_was,
    a_large_batch_sends_no_more_statements_than_a_small_one
);
