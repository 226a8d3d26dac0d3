//! Chat messages.

use e2e::{Platform, User, shape};

const CHAT: &str = "/douyin/message/chat/";
const ACTION: &str = "/douyin/message/action/";

/// Servers of this API differ: "create_time".
#[tokio::test]
async fn a_message_is_there_for_both_sides_at_once_in_ascending_time() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    for (number, (from, to)) in [(&ann, &bob), (&bob, &ann), (&ann, &bob)].into_iter().enumerate() {
        platform.message(from, to, &format!("message {number}")).await.ok();
        for (reader, other) in [(&ann, &bob), (&bob, &ann)] {
            let messages = platform.chat(reader, other, 0).await;
            assert_eq!(messages.len(), number + 1);
            messages.iter().for_each(shape::message);
            assert!(messages.is_sorted_by_key(|message| shape::integer(message, "id")));
            assert!(messages.is_sorted_by_key(|message| shape::integer(message, "create_time")));
            let last = &messages[number];
            assert_eq!((&last["from_user_id"], &last["to_user_id"]), (&from.id.into(), &to.id.into()));
        }
    }
    platform.finish().await;
}

/// Servers of this API differ: "chat with pre_msg_time>0": the app's polling.
#[tokio::test]
async fn polling_brings_each_answer_once_and_never_ones_own_words() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    platform.message(&bob, &ann, "hello").await.ok();
    let opened = platform.chat(&ann, &bob, 0).await;
    let mut since = shape::integer(&opened[0], "create_time");
    for round in 0..20 {
        platform.message(&ann, &bob, "a question").await.ok();
        platform.message(&bob, &ann, &format!("answer {round}")).await.ok();
        let news = platform.chat(&ann, &bob, since).await;
        let texts: Vec<&str> = news.iter().map(|message| shape::text(message, "content")).collect();
        assert_eq!(texts, [format!("answer {round}")]);
        since = shape::integer(&news[0], "create_time");
        assert!(platform.chat(&ann, &bob, since).await.is_empty());
    }
    assert_eq!(platform.chat(&ann, &bob, 0).await.len(), 41, "opening it again shows everything");
    platform.finish().await;
}

/// Servers of this API differ: "who may message".
#[tokio::test]
async fn anybody_may_write_to_anybody_else() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    assert!(platform.chat(&ann, &bob, 0).await.is_empty());
    platform.message(&ann, &bob, "we never met").await.ok();
    platform.message(&ann, &ann, "to myself").await.refused(100_003);
    let nobody = User { id: 99, ..ann.clone() };
    platform.message(&ann, &nobody, "anybody there").await.refused(110_001);
    let stranger = platform.register("eve").await;
    assert!(platform.chat(&stranger, &bob, 0).await.is_empty(), "other people's words stay theirs");
    platform.finish().await;
}

#[tokio::test]
async fn a_message_has_1_to_255_characters_and_one_kind_of_action() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    platform.message(&ann, &bob, &"长".repeat(255)).await.ok();
    platform.message(&ann, &bob, &"长".repeat(256)).await.refused(100_003);
    platform.message(&ann, &bob, "  ").await.refused(100_002);
    for action in ["", "0", "2", "x"] {
        let pairs: e2e::Pairs = &[("to_user_id", &bob.id), ("action_type", &action), ("content", &"text")];
        platform.act(&ann, ACTION, pairs).await.refused(100_002);
    }
    platform.get(CHAT, &[("to_user_id", &bob.id)]).await.refused(100_004);
    platform.see(&ann, CHAT, &[]).await.refused(100_002);
    assert_eq!(platform.chat(&ann, &bob, 0).await.len(), 1);
    platform.finish().await;
}

#[tokio::test]
async fn a_nonsense_cursor_opens_the_whole_conversation() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    platform.message(&ann, &bob, "hello").await.ok();
    for cursor in ["", "0", "-5", "now", "1e400", "9223372036854775808"] {
        let pairs: e2e::Pairs = &[("to_user_id", &bob.id), ("pre_msg_time", &cursor)];
        assert_eq!(platform.see(&ann, CHAT, pairs).await.list("message_list").len(), 1, "{cursor}");
    }
    platform.finish().await;
}
