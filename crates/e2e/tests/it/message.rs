//! Chat messages.

use e2e::{Platform, shape};

const CHAT: &str = "/douyin/message/chat/";
const ACTION: &str = "/douyin/message/action/";

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
