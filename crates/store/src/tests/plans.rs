//! How SQLite means to run the statements that were really sent: by index, and in the index's order.

use domain::{CommentId, Result, Signature, Standing, Timestamp, Verdict, Visibility};
use futures_util::future::BoxFuture;

use super::crowd::Crowd;
use super::fixture::{LEASE, NOW, On, content, later, never, query, tag, user_name};
use crate::{Barrier, Entry, JobKind, Opinion, Slice, Thread};

type Call = for<'c> fn(&'c Crowd) -> BoxFuture<'c, Result<()>>;

/// One row: a method, whether its rows may be sorted, and how it is called.
macro_rules! calls {
    ($($name:literal, $order:ident, |$crowd:ident| $call:expr;)*) => {
        &[$(($name, Order::$order, |$crowd| Box::pin(async move { $call.await.map(|_| ()) }))),*]
    };
}

/// Where the order of a list comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// The index is in that order.
    Index,
    /// The rows are sorted, and something else bounds them.
    Sorted,
}

const CALLS: &[(&str, Order, Call)] = calls![
    "login_row", Index, |c| c.world.store.login_row(&user_name("hub"));
    "login_row_of", Index, |c| c.world.store.login_row_of(c.hub);
    "set_profile", Index, |c| c.world.store.set_profile(c.hub, None, Signature::parse("me").ok(), None);
    "accounts", Index, |c| c.world.store.accounts(Standing::Active, Slice::NEWEST);
    "invitations", Index, |c| c.world.store.invitations(NOW);
    "audit_log", Index, |c| c.world.store.audit_log(Slice::NEWEST);
    "set_standing", Index, |c| c.world.store.set_standing(c.hub, c.peer, Standing::Active, "why".into(), NOW);
    "ask_once", Index, |c| c.world.store.ask_once(c.hub, "name".into(), vec![7; 32], NOW);
    "answered", Index, |c| c.world.store.answered(c.hub, "name".into(), None);
    "sessions", Index, |c| c.world.store.sessions(c.hub, NOW);
    "ended_sessions", Index, |c| c.world.store.ended_sessions(NOW);
    "open_session", Index, |c| c.world.store.open_session(c.hub, "phone".into(), NOW);
    "renew_session", Index, |c| c.world.store.renew_session(c.hub, 1, 0, NOW);
    "user_card", Index, |c| c.world.store.user_card(c.hub, Some(c.peer));
    "revoked_since", Index, |c| c.world.store.revoked_since(NOW);
    "videos_of", Index, |c| c.world.store.videos_of(c.hub, Some(c.peer), Slice::NEWEST);
    "feed", Index, |c| c.world.store.feed(never(), Some(c.peer));
    "bookmarks", Index, |c| c.world.store.bookmarks(c.hub, Slice::NEWEST);
    "bookmark", Index, |c| c.world.store.bookmark(c.peer, c.video, NOW);
    "following_feed", Sorted, |c| c.world.store.following_feed(c.peer, Slice { rows: 20, ..Slice::NEWEST });
    "liked_videos", Index, |c| c.world.store.liked_videos(c.hub, Some(c.peer), Slice::NEWEST);
    "reports", Index, |c| c.world.store.reports(Verdict::Open, Slice::NEWEST);
    "tagged_videos", Index, |c| c.world.store.tagged_videos(tag("cat"), Some(c.hub), Slice::NEWEST);
    "search_videos", Sorted, |c| c.world.store.search_videos(query("video"), Some(c.hub), Slice::NEWEST);
    "search_people", Sorted, |c| c.world.store.search_people(query("hub"), Some(c.hub), Slice::NEWEST);
    "search_tags", Sorted, |c| c.world.store.search_tags(query("ca"));
    "comments", Index, |c| c.world.store.comments(c.video, Some(c.peer), Thread::All, Slice::NEWEST);
    "comments, roots", Index, |c| c.world.store.comments(c.video, Some(c.peer), Thread::Roots, Slice::NEWEST);
    "comments, replies", Index, |c| c.world.store.comments(c.video, Some(c.peer), Thread::RepliesTo(CommentId::parse(1)?), Slice::NEWEST);
    "like_comment", Index, |c| c.world.store.like_comment(c.peer, c.video, CommentId::parse(1)?, NOW);
    "comment_count", Index, |c| c.world.store.comment_count(c.video, None);
    "following", Index, |c| c.world.store.following(c.hub, Some(c.peer), Slice::NEWEST);
    "followers", Index, |c| c.world.store.followers(c.hub, Some(c.peer), Slice::NEWEST);
    "friends", Sorted, |c| c.world.store.friends(c.hub);
    "conversations", Index, |c| c.world.store.conversations(c.hub, false, Slice::NEWEST);
    "conversations, requests", Index, |c| c.world.store.conversations(c.hub, true, Slice::NEWEST);
    "conversation", Sorted, |c| c.world.store.conversation(c.hub, c.peer, Slice::NEWEST);
    "inbox_after", Index, |c| c.world.store.inbox_after(c.hub, Timestamp::from_millis(0));
    "received_after", Index, |c| c.world.store.received_after(c.hub, c.peer, Timestamp::from_millis(0));
    "barriers", Index, |c| c.world.store.barriers(c.hub, Barrier::Block, Slice::NEWEST);
    "relation", Index, |c| c.world.store.relation(c.hub, c.peer);
    "signals", Index, |c| c.world.store.signals(c.hub);
    "candidates", Sorted, |c| c.world.store.candidates(c.peer, vec![1, 2], vec![1, 2]);
    "show", Index, |c| c.world.store.show(c.peer, vec![(c.video, "fresh")], NOW);
    "why_shown", Index, |c| c.world.store.why_shown(c.peer, c.video);
    "say_of", Index, |c| c.world.store.say_of(c.peer, c.video, Opinion::PassedOn, NOW);
    "forget_taste", Index, |c| c.world.store.forget_taste(c.peer, NOW);
    "forget_impressions", Index, |c| c.world.store.forget_impressions(NOW);
    "notifications", Index, |c| c.world.store.notifications(c.hub, Slice::NEWEST);
    "notifications_after", Index, |c| c.world.store.notifications_after(c.hub, NOW);
    "new_notifications", Index, |c| c.world.store.new_notifications(c.hub);
    "see_notifications", Index, |c| c.world.store.see_notifications(c.hub, NOW);
    "forget_notifications", Index, |c| c.world.store.forget_notifications(NOW);
    "shared_video", Sorted, |c| c.world.store.shared_video([7; 32], None, NOW);
    "objects", Sorted, |c| c.world.store.objects("");
    "known_objects", Index, |c| c.world.store.known_objects(&["r/0".into(), "r/1".into()]);
    "create_user", Index, |c| c.world.store.create_user(user_name("new"), "hash".into(), Entry::Open, NOW);
    "publish", Index, |c| c.world.store.publish(c.world.ready(c.hub), NOW);
    "publish, with a job", Index, |c| c.world.store.publish(c.world.unready(c.hub), NOW);
    "video", Sorted, |c| c.world.store.video(c.video, Some(c.peer));
    "timeline", Index, |c| c.world.store.timeline(c.hub, c.video);
    "files_of", Sorted, |c| c.world.store.files_of(c.video);
    "set_visibility", Index, |c| c.world.store.set_visibility(c.hub, c.video, Visibility::Followers, NOW);
    "forget_uploads", Index, |c| c.world.store.forget_uploads(NOW);
    "create_upload", Index, |c| c.world.try_upload(c.hub, "new", 10);
    "append_upload", Index, |c| c.world.append(c.hub, "open", 400, 5);
    "upload", Index, |c| c.world.store.upload(c.hub, "open".into(), NOW);
    "is_admin", Index, |c| c.world.store.is_admin(c.hub);
    "job_counts", Index, |c| c.world.store.job_counts();
    "jobs", Sorted, |c| c.world.store.jobs();
    "claim_job", Sorted, |c| c.world.store.claim_job(JobKind::Transcode, later(9), LEASE);
    "follow_user", Index, |c| c.world.store.follow_user(c.hub, c.peer, NOW);
    "unfollow_user", Index, |c| c.world.store.unfollow_user(c.hub, c.peer);
    "like_video", Index, |c| c.world.store.like_video(c.peer, c.video, NOW);
    "unlike_video", Index, |c| c.world.store.unlike_video(c.peer, c.video);
    "add_comment", Index, |c| c.world.store.add_comment(c.hub, c.video, None, content("text"), NOW);
    "send_message", Index, |c| c.world.store.send_message(c.hub, c.peer, content("text"), NOW);
    "delete_video", Index, |c| c.world.store.delete_video(c.hub, c.video, NOW);
    "forget_reactions", Sorted, |c| c.world.store.forget_reactions(c.video);
    "forget_shares", Index, |c| c.world.store.forget_shares(never());
    "held_comments", Index, |c| c.world.store.held_comments(Some(c.hub), Slice::NEWEST);
    "forget_held", Index, |c| c.world.store.forget_held(never());
    "claim_delivery", Index, |c| c.world.store.claim_delivery(1, never(), LEASE);
    "deliveries", Index, |c| c.world.store.deliveries(1, Slice::NEWEST);
    "forget_deliveries", Index, |c| c.world.store.forget_deliveries(never());
    "follow_requests", Index, |c| c.world.store.follow_requests(c.hub, Slice::NEWEST);
    "forget_person", Index, |c| c.world.store.forget_person(c.peer);
    "archive", Index, |c| c.world.store.archive(c.peer, "files", 0);
    "block_user", Index, |c| c.world.store.block_user(c.peer, c.hub, NOW);
    "unblock_user", Index, |c| c.world.store.unblock_user(c.peer, c.hub);
    "mute_user", Index, |c| c.world.store.mute_user(c.peer, c.hub, NOW);
];

#[tokio::test]
async fn no_statement_reads_a_whole_table_and_lists_come_in_the_order_of_an_index() {
    let crowd = Crowd::new(On::Sqlite, 40).await;
    for (name, order, call) in CALLS {
        sent(&crowd);
        call(&crowd).await.expect("call");
        for sql in sent(&crowd) {
            for step in plan(&crowd, &sql).await {
                // What a subquery has already gathered may be read through; a table may not.
                let gathered = [
                    "(subquery",
                    "SCAN ends",
                    "SCAN few",
                    "SCAN latest",
                    "SCAN found",
                    "SCAN some",
                    "SCAN news",
                    // A full-text index that is asked for words.
                    "VIRTUAL TABLE INDEX 192:M",
                    "SCAN pairs",
                    "SCAN CONSTANT ROW",
                    "VALUES CLAUSE",
                ];
                let scans = step.starts_with("SCAN") && !gathered.iter().any(|known| step.contains(known));
                assert!(!scans, "{name}: {step}\n{sql}");
                let sorts = step.contains("TEMP B-TREE");
                assert!(!sorts || *order == Order::Sorted, "{name}: {step}\n{sql}");
            }
        }
    }
}

#[tokio::test]
async fn the_check_above_would_notice_a_scan_and_a_sort() {
    let crowd = Crowd::new(On::Sqlite, 1).await;
    let steps = plan(&crowd, "SELECT * FROM video ORDER BY title").await;
    assert!(steps.iter().any(|step| step.starts_with("SCAN video")), "{steps:?}");
    assert!(steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
}

/// The statements sent since the last time.
fn sent(crowd: &Crowd) -> Vec<String> {
    std::mem::take(&mut *crowd.world.store.database.probe.texts.lock().expect("the texts"))
}

async fn plan(crowd: &Crowd, sql: &str) -> Vec<String> {
    crowd.world.column(&format!("EXPLAIN QUERY PLAN {sql}"), "detail").await
}
