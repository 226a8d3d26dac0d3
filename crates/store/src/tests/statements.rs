//! How many statements a read costs: as many as its documentation says, however long the list.

use domain::limits::{FEED_PAGE, LIST_ROWS};
use domain::{Result, Standing, Timestamp, Verdict};
use futures_util::future::BoxFuture;

use super::crowd::Crowd;
use super::fixture::{NOW, On, World, never, on_both, query, tag, user_name};
use super::stated;
use crate::{Barrier, JobKind, Slice, Thread};

type Read = for<'c> fn(&'c Crowd) -> BoxFuture<'c, Result<usize>>;

/// One row: a method, its statements, and how it is called; the answer's length is returned.
macro_rules! reads {
    ($($name:literal, $statements:literal, |$crowd:ident| $call:expr, $length:expr;)*) => {
        &[$(($name, $statements, |$crowd| Box::pin(async move { $call.await.map($length) }))),*]
    };
}

const READS: &[(&str, u64, Read)] = reads![
    "ping", 1, |c| c.world.store.ping(), |()| 1;
    "is_used", 1, |c| c.world.store.is_used(), usize::from;
    "login_row", 1, |c| c.world.store.login_row(&user_name("hub")), |row| row.iter().len();
    "login_row_of", 1, |c| c.world.store.login_row_of(c.hub), |_| 1;
    "accounts", 1, |c| c.world.store.accounts(Standing::Active, Slice::NEWEST), |list| list.len();
    "invitations", 1, |c| c.world.store.invitations(NOW), |list| list.len();
    "audit_log", 1, |c| c.world.store.audit_log(Slice::NEWEST), |list| list.len();
    "reports", 1, |c| c.world.store.reports(Verdict::Open, Slice::NEWEST), |list| list.len();
    "sessions", 1, |c| c.world.store.sessions(c.hub, NOW), |list| list.len();
    "ended_sessions", 1, |c| c.world.store.ended_sessions(NOW), |list| list.len();
    "leaving", 1, |c| c.world.store.leaving(never()), |list| list.len();
    "undeleted_videos", 1, |c| c.world.store.undeleted_videos(c.hub), |list| list.len();
    "archive", 1, |c| c.world.store.archive(c.hub, "videos", 0), |part| part.rows.len();
    "user_card", 1, |c| c.world.store.user_card(c.hub, Some(c.peer)), |_| 1;
    "revoked_since", 1, |c| c.world.store.revoked_since(NOW), |list| list.len();
    "videos_of", 2, |c| c.world.store.videos_of(c.hub, Some(c.hub), Slice::NEWEST), |list| list.len();
    "feed", 3, |c| c.world.store.feed(never(), Some(c.hub)), |page| page.cards().len();
    "tagged_videos", 1, |c| c.world.store.tagged_videos(tag("cat"), Some(c.hub), Slice::NEWEST), |list| list.len();
    "trending_tags", 1, |c| c.world.store.trending_tags(), |list| list.len();
    "search_videos", 2, |c| c.world.store.search_videos(query("video"), Some(c.hub), Slice { rows: 20, ..Slice::NEWEST }), |list| list.len();
    "search_people", 2, |c| c.world.store.search_people(query("hub"), Some(c.hub), Slice::NEWEST), |list| list.len();
    "search_tags", 2, |c| c.world.store.search_tags(query("ca")), |list| list.len();
    "following_feed", 2, |c| c.world.store.following_feed(c.peer, Slice { rows: 20, ..Slice::NEWEST }), |list| list.len();
    "liked_videos", 2, |c| c.world.store.liked_videos(c.hub, Some(c.peer), Slice::NEWEST), |list| list.len();
    "comments", 2, |c| c.world.store.comments(c.video, Some(c.peer), Thread::All, Slice::NEWEST), |list| list.len();
    "comment_count", 1, |c| c.world.store.comment_count(c.video, None), |_| 1;
    "following", 2, |c| c.world.store.following(c.hub, Some(c.peer), Slice::NEWEST), |list| list.len();
    "followers", 2, |c| c.world.store.followers(c.hub, Some(c.peer), Slice::NEWEST), |list| list.len();
    "friends", 1, |c| c.world.store.friends(c.hub), |list| list.len();
    "conversation", 1, |c| c.world.store.conversation(c.hub, c.peer, Slice::NEWEST), |list| list.len();
    "conversations", 1, |c| c.world.store.conversations(c.hub, false, Slice::NEWEST), |list| list.len();
    "received_after", 1, |c| c.world.store.received_after(c.hub, c.peer, Timestamp::from_millis(0)), |list| list.len();
    "inbox_after", 1, |c| c.world.store.inbox_after(c.hub, Timestamp::from_millis(0)), |list| list.len();
    "barriers", 1, |c| c.world.store.barriers(c.hub, Barrier::Mute, Slice::NEWEST), |list| list.len();
    "relation", 1, |c| c.world.store.relation(c.hub, c.peer), |relation| usize::from(relation.follows);
    "signals", 3, |c| c.world.store.signals(c.hub), |list| list.len();
    "candidates", 5, |c| c.world.store.candidates(c.peer, Vec::new(), Vec::new()), |list| list.len();
    "why_shown", 1, |c| c.world.store.why_shown(c.hub, c.video), |_| 1;
    "notifications", 1, |c| c.world.store.notifications(c.hub, Slice::NEWEST), |list| list.len();
    "notifications_after", 1, |c| c.world.store.notifications_after(c.hub, Timestamp::from_millis(0)), |list| list.len();
    "new_notifications", 1, |c| c.world.store.new_notifications(c.hub), |count| usize::try_from(count).unwrap_or_default();
    "objects", 1, |c| c.world.store.objects(""), |list| list.len();
    "known_objects", 1, |c| c.world.store.known_objects(&["r/0".into(), "r/1".into()]), |keys| keys.len();
    "has_due_job", 1, |c| c.world.store.has_due_job(JobKind::Transcode, NOW), |due| usize::from(!due);
    "bookmarks", 1, |c| c.world.store.bookmarks(c.hub, Slice::NEWEST), |list| list.len();
    "video", 3, |c| c.world.store.video(c.video, Some(c.peer)), |watched| watched.files.files.len();
    "files_of", 2, |c| c.world.store.files_of(c.video), |files| files.files.len();
    "timeline", 2, |c| c.world.store.timeline(c.hub, c.video), |timeline| timeline.events.len() + 1;
    "upload", 2, |c| c.world.store.upload(c.hub, "open".into(), NOW), |upload| upload.parts.len();
    "is_private", 1, |c| c.world.store.is_private(c.hub), |_| 1;
    "follow_requests", 1, |c| c.world.store.follow_requests(c.hub, Slice::NEWEST), |list| list.len();
    "storage", 1, |c| c.world.store.storage(), |storage| storage.kinds.len();
    "shares", 1, |c| c.world.store.shares(c.hub, c.video, NOW), |list| list.len();
    "shared_video", 3, |c| c.world.store.shared_video([7; 32], None, NOW), |watched| watched.files.files.len();
    "words", 1, |c| c.world.store.words(), |list| list.len();
    "held_comments", 1, |c| c.world.store.held_comments(Some(c.hub), Slice::NEWEST), |list| list.len();
    "owner_of_held", 1, |c| c.world.store.owner_of_held(1), |_| 1;
    "identified", 1, |c| c.world.store.identified(&crate::Identity { issuer: "i".into(), subject: "s".into() }), |_| 1;
    "two_factor", 1, |c| c.world.store.two_factor(c.hub), |_| 1;
    "webhooks", 1, |c| c.world.store.webhooks(), |list| list.len();
    "told", 1, |c| c.world.store.told(), |list| list.len();
    "due_webhooks", 1, |c| c.world.store.due_webhooks(never()), |list| list.len();
    "deliveries", 1, |c| c.world.store.deliveries(1, Slice::NEWEST), |list| list.len();
    "is_admin", 1, |c| c.world.store.is_admin(c.hub), |_| 1;
    "job_counts", 1, |c| c.world.store.job_counts(), |counts| counts.len();
    "jobs", 1, |c| c.world.store.jobs(), |list| list.len();
    "check", 21, |c| c.world.store.check(), |findings| findings.len();
];

async fn a_read_costs_its_stated_statements_at_any_length(on: On) {
    for size in [1, LIST_ROWS + 1] {
        let crowd = Crowd::new(on, size).await;
        for (name, stated, read) in READS {
            let before = crowd.world.store.statements();
            let length = read(&crowd).await.expect("read");
            // The file's own check is SQLite's alone.
            let stated = if *name == "check" { crowd.world.pick(21, 20) } else { *stated };
            assert_eq!(crowd.world.store.statements() - before, stated, "{name} of {length} rows");
            let empty =
                ["leaving", "revoked_since", "invitations", "sessions", "ended_sessions", "jobs", "check"]
                    .contains(name);
            assert_eq!(length == 0, empty, "{name} of {length} rows");
        }
    }
}

async fn a_page_of_thirty_videos_by_ten_authors_costs_the_statements_of_a_page_of_one(on: On) {
    let world = World::new(on).await;
    let viewer = world.user("viewer").await;
    for length in [1, FEED_PAGE] {
        for number in world.feed(never(), None).await.len()..length {
            let name = user_name(&format!("author {}", number % 10));
            let author = match world.store.login_row(&name).await.expect("look up") {
                Some(row) => domain::UserId::parse(row.id).expect("a number"),
                None => world.user(name.as_str()).await,
            };
            let video = world.video(author).await;
            world.store.like_video(viewer, video, NOW).await.expect("like");
            world.store.follow_user(viewer, author, NOW).await.expect("follow");
        }
        // At first its newest time and its counters have changed; then nothing has, if it is asked for soon.
        // On MySQL what all share is a statement of its own.
        let (mut cost, least) = (u64::MAX, world.pick(1, 2));
        while cost > least {
            let before = world.store.statements();
            let page = world.feed(never(), Some(viewer)).await;
            assert_eq!(page.len(), length);
            assert!(page.iter().all(|card| card.is_liked && card.author.is_followed));
            cost = world.store.statements() - before;
            assert!(cost <= 3, "{cost}");
        }
    }
}

#[test]
fn every_read_is_measured_here_and_documents_its_statements() {
    for method in stated::methods().into_iter().filter(|method| !method.mutates) {
        let measured = READS.iter().find(|row| row.0 == method.name).map(|row| row.1);
        assert!(measured.is_some(), "{} is not measured", method.name);
        assert_eq!(method.statements, measured, "{}", method.name);
        assert!(
            measured <= Some(4) || ["check", "candidates"].contains(&method.name.as_str()),
            "{}",
            method.name
        );
    }
}

on_both!(
    a_read_costs_its_stated_statements_at_any_length,
    a_page_of_thirty_videos_by_ten_authors_costs_the_statements_of_a_page_of_one
);
