//! A user with many of everything, and the proof that no list shows more than it may.

use domain::limits::LIST_ROWS;
use domain::{Happening, Timestamp, UserId, VideoId};

use super::fixture::{NOW, On, World, on_both};
use crate::{Slice, Thread};

/// A hub with a number of followers who are followed back, videos, liked videos and comments, and as many
/// messages to and from one peer, in a world of their own.
pub(super) struct Crowd {
    pub(super) world: World,
    pub(super) hub: UserId,
    pub(super) peer: UserId,
    pub(super) video: VideoId,
}

impl Crowd {
    pub(super) async fn new(on: On, size: usize) -> Self {
        let world = World::new(on).await;
        let hub = world.user("hub").await;
        let (first_user, first_video) = (hub.get() + 1, 1);
        let at = NOW.millis();
        let zeros = "00".repeat(32);
        let last = i64::try_from(size).expect("a small number") - 1;
        for rows in [
            format!(
                "user (id, name, name_key, password_hash, created_at) \
                     SELECT {first_user} + i, 'guest ' || i, 'guest ' || i, 'hash', {at}"
            ),
            format!("user_stat (user_id) SELECT {first_user} + i"),
            format!("follow (follower_id, followee_id, created_at) SELECT {first_user} + i, {hub}, {at}"),
            format!("follow (follower_id, followee_id, created_at) SELECT {hub}, {first_user} + i, {at}"),
            format!(
                "video (id, author_id, title, state, play_key, published_at, created_at) \
                     SELECT {first_video} + i, {hub}, 'title', 'ready', 'r/' || i, {at} + i, {at}"
            ),
            "tag (id, name_key, name) SELECT 1 + i, CASE WHEN i = 0 THEN 'cat' ELSE 'tag' || i END, 'tag'"
                .into(),
            format!("video_tag (tag_id, video_id) SELECT 1, {first_video} + i"),
            format!("video_stat (video_id) SELECT {first_video} + i"),
            format!("video_text (video_id, words) SELECT {first_video} + i, 'zzvideo'"),
            format!("user_text (user_id, words) SELECT {first_user} + i, 'zzguest'"),
            format!(
                "video_object (object_key, video_id, bytes, sha256) \
                     SELECT 'r/' || i, {first_video} + i, 1, X'{zeros}'"
            ),
            format!("video_like (user_id, video_id, created_at) SELECT {hub}, {first_video} + i, {at}"),
            format!(
                "report (reporter_id, video_id, reason, detail, verdict, created_at) \
                     SELECT {hub}, {first_video} + i, 'spam', '', 'open', {at}"
            ),
            format!(
                "follow_request (requester_id, user_id, created_at) SELECT {first_user} + i, {hub}, {at}"
            ),
            format!(
                "held_comment (owner_id, video_id, author_id, content, word_key, created_at) SELECT {hub}, {first_video}, {first_user} + i, i, 'a', {at}"
            ),
            format!("word_rule (word, word_key, action, created_at) SELECT i, i, 'hold', {at}"),
            format!("bookmark (user_id, video_id, created_at) SELECT {hub}, {first_video} + i, {at}"),
            format!(
                "comment (video_id, author_id, content, created_at) SELECT {first_video}, {hub}, i, {at}"
            ),
            format!(
                "message (sender_id, receiver_id, content, created_at) \
                     SELECT {hub}, {first_user}, 'sent ' || i, {at} + 2 * i"
            ),
            format!(
                "message (sender_id, receiver_id, content, created_at) \
                     SELECT {first_user}, {hub}, 'got ' || i, {at} + 2 * i + 1"
            ),
            format!(
                "notification (user_id, about, occasion, actor_id, video_id, told_at) \
                     SELECT {hub}, 'like/' || i, 'like', {first_user} + i, {first_video} + i, {at} + i"
            ),
            format!(
                "conversation (user_id, peer_id, message_id, has_written) \
                     SELECT {hub}, {first_user} + i, 1 + i, 1"
            ),
        ] {
            let numbers = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i <";
            let (into, select) = rows.split_once("SELECT").expect("a selection");
            world.run(&format!("INSERT INTO {into} {numbers} {last}) SELECT {select} FROM n")).await;
        }
        world.store.repair_counters().await.expect("count");
        let until = Timestamp::from_millis(at + 1000);
        let first = VideoId::parse(first_video).expect("a number");
        world.store.share_video(hub, first, [7; 32], (NOW, until)).await.expect("share");
        let hook = "https://example.org/".to_owned();
        world
            .store
            .create_webhook(hub, hook, vec![Happening::CommentCreated], vec![7; 32], NOW)
            .await
            .expect("a webhook");
        world
            .run(&format!(
                "INSERT INTO delivery (webhook_id, event, payload, state, due_at, created_at) \
            WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {last}) \
            SELECT 1, 'comment.created', '{{}}', 'waiting', {at}, {at} FROM n"
            ))
            .await;
        // Of nobody who is in the other lists.
        let muted = world.user("muted").await;
        world.store.mute_user(hub, muted, NOW).await.expect("mute");
        world.upload(hub, "open", 1000).await;
        world.append(hub, "open", 0, 400).await.expect("append");
        let peer = UserId::parse(first_user).expect("a number");
        Self { world, hub, peer, video: VideoId::parse(first_video).expect("a number") }
    }
}

async fn every_list_holds_at_most_500_rows_and_they_are_the_newest(on: On) {
    let crowd = Crowd::new(on, LIST_ROWS + 1).await;
    crowd.world.is_sound().await;
    let (store, hub, oldest_video) = (&crowd.world.store, crowd.hub, crowd.video.get());
    let videos = store.videos_of(hub, None, Slice::NEWEST).await.expect("a list");
    assert_eq!(videos.len(), LIST_ROWS);
    assert!(videos.iter().all(|card| card.id > oldest_video));
    let liked = store.liked_videos(hub, None, Slice::NEWEST).await.expect("a list");
    assert_eq!(liked.len(), LIST_ROWS);
    assert!(liked.iter().all(|card| card.id > oldest_video));
    let comments = store.comments(crowd.video, None, Thread::All, Slice::NEWEST).await.expect("a list");
    assert_eq!(comments.len(), LIST_ROWS);
    assert!(comments.iter().all(|row| row.content != "0"));
    for people in
        [store.following(hub, None, Slice::NEWEST).await, store.followers(hub, None, Slice::NEWEST).await]
    {
        let people = people.expect("a list");
        assert_eq!(people.len(), LIST_ROWS);
        assert!(people.iter().all(|card| card.id != crowd.peer.get()));
    }
    assert_eq!(store.comment_count(crowd.video, None).await.expect("a count"), 501);
    assert_eq!(store.user_card(hub, None).await.expect("a card").follower_count, 501);
}

async fn friends_beyond_the_bound_are_those_without_news(on: On) {
    let crowd = Crowd::new(on, LIST_ROWS + 1).await;
    let friends = crowd.world.store.friends(crowd.hub).await.expect("a list");
    assert_eq!(friends.len(), LIST_ROWS);
    assert_eq!(friends[0].user.id, crowd.peer.get());
    assert_eq!(friends[0].latest, Some(("got 500".into(), false)));
    assert!(friends.iter().all(|friend| friend.user.id != crowd.peer.get() + 1));
}

async fn a_long_conversation_shows_its_end_and_new_messages_come_from_their_beginning(on: On) {
    let crowd = Crowd::new(on, LIST_ROWS + 1).await;
    let (store, hub, peer) = (&crowd.world.store, crowd.hub, crowd.peer);
    let conversation = store.conversation(hub, peer, Slice::NEWEST).await.expect("a list");
    assert_eq!(conversation.len(), LIST_ROWS);
    assert!(conversation.is_sorted_by(|one, next| one.created_at > next.created_at));
    assert_eq!(
        (conversation[499].content.as_str(), conversation[0].content.as_str()),
        ("sent 251", "got 500")
    );
    let received = store.received_after(hub, peer, Timestamp::from_millis(0)).await.expect("a list");
    assert_eq!(received.len(), LIST_ROWS);
    assert_eq!((received[0].content.as_str(), received[499].content.as_str()), ("got 0", "got 499"));
    let after = Timestamp::from_millis(received[499].created_at);
    assert_eq!(store.received_after(hub, peer, after).await.expect("a list").len(), 1);
}

async fn a_one_sided_conversation_is_bounded_too(on: On) {
    let crowd = Crowd::new(on, LIST_ROWS + 1).await;
    crowd.world.run("DELETE FROM message WHERE content LIKE 'got%'").await;
    let conversation =
        crowd.world.store.conversation(crowd.peer, crowd.hub, Slice::NEWEST).await.expect("a list");
    assert_eq!((conversation.len(), conversation[0].content.as_str()), (LIST_ROWS, "sent 500"));
}

/// Every list is told in parts that together are the whole of it, without a row twice.
async fn lists_are_whole_in_parts(on: On) {
    let crowd = Crowd::new(on, LIST_ROWS + 1).await;
    let (store, hub, peer, video) = (&crowd.world.store, crowd.hub, crowd.peer, crowd.video);
    macro_rules! whole {
        ($list:expr, $name:expr) => {{
            let (mut seen, mut slice) = (Vec::new(), Slice { rows: 50, ..Slice::NEWEST });
            loop {
                let part = ($list)(slice).await.expect("a list");
                assert!(part.len() <= 50);
                seen.extend(part.iter().map($name));
                if part.next == 0 {
                    break seen;
                }
                slice.before = part.next;
            }
        }};
    }
    let people = LIST_ROWS + 1;
    let listed = [
        (whole!(|slice| store.followers(hub, None, slice), |user| user.id), people),
        (whole!(|slice| store.following(hub, None, slice), |user| user.id), people),
        (whole!(|slice| store.videos_of(hub, None, slice), |video| video.id), people),
        (whole!(|slice| store.liked_videos(hub, None, slice), |video| video.id), people),
        (whole!(|slice| store.bookmarks(hub, slice), |video| video.id), people),
        (whole!(|slice| store.comments(video, None, Thread::All, slice), |comment| comment.id), people),
        (whole!(|slice| store.conversation(hub, peer, slice), |message| message.created_at), 2 * people),
    ];
    for (number, (mut seen, expected)) in listed.into_iter().enumerate() {
        assert_eq!(seen.len(), expected, "list {number}");
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), expected, "list {number}");
    }
}

async fn at_most_ten_thousand_revocations_are_listed_the_latest_ones(on: On) {
    let world = World::new(on).await;
    let sql = "INSERT INTO user (id, name, name_key, password_hash, revoked_at, created_at) \
               WITH RECURSIVE d (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM d WHERE i < 150), \
               n (i) AS (SELECT ones.i + 151 * more.i FROM d more, d ones) \
               SELECT i, i, i, 'hash', i, 0 FROM n WHERE i BETWEEN 1 AND 10001";
    assert_eq!(world.run(sql).await, 10_001);
    let revoked = world.store.revoked_since(Timestamp::from_millis(0)).await.expect("a list");
    assert_eq!((revoked.len(), revoked[0].id, revoked[9_999].id), (10_000, 10_001, 2));
}

on_both!(
    every_list_holds_at_most_500_rows_and_they_are_the_newest,
    friends_beyond_the_bound_are_those_without_news,
    a_long_conversation_shows_its_end_and_new_messages_come_from_their_beginning,
    a_one_sided_conversation_is_bounded_too,
    lists_are_whole_in_parts,
    at_most_ten_thousand_revocations_are_listed_the_latest_ones
);
