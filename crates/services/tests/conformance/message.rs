//! Messages: in order, to both sides, polled without repeats.

use domain::{Call, Error};
use futures_util::StreamExt;
use proto::event::Kind;
use proto::{ListMessagesRequest, Message, SendMessageRequest, WatchRequest};

use crate::world::{World, nobody};

fn id(call: &Call) -> i64 {
    call.viewer().expect("is somebody").get()
}

async fn send(world: &World, from: &Call, to: &Call, content: &str) -> Message {
    let request = SendMessageRequest { receiver_id: id(to), content: content.into() };
    world.message.send_message(from, request).await.expect("sends")
}

async fn read(world: &World, viewer: &Call, peer: &Call, after: i64) -> Vec<String> {
    let request = ListMessagesRequest { peer_id: id(peer), after, slice: None };
    let list = world.message.list_messages(viewer, request).await.expect("lists");
    list.messages.into_iter().map(|message| message.content).collect()
}

#[tokio::test]
async fn a_window_opens_with_both_sides_and_then_polls_for_the_other() {
    let world = World::start().await;
    let (ann, bob) = (world.somebody("ann").await, world.somebody("bob").await);
    send(&world, &ann, &bob, "one").await;
    let second = send(&world, &bob, &ann, "two").await;
    assert_eq!(read(&world, &ann, &bob, 0).await, ["two", "one"]);
    assert_eq!(read(&world, &bob, &ann, 0).await, ["two", "one"]);
    assert!(read(&world, &ann, &bob, second.created_at).await.is_empty(), "strictly later");
    send(&world, &ann, &bob, "three").await;
    send(&world, &bob, &ann, "four").await;
    assert_eq!(read(&world, &ann, &bob, second.created_at).await, ["four"], "not one's own");
    world.finish().await;
}

#[tokio::test]
async fn messages_of_one_conversation_never_share_a_millisecond() {
    let world = World::start().await;
    let (ann, bob) = (world.somebody("ann").await, world.somebody("bob").await);
    let mut last = 0;
    for turn in 0..50 {
        let (from, to) = if turn % 2 == 0 { (&ann, &bob) } else { (&bob, &ann) };
        let sent = send(&world, from, to, "hi").await;
        assert!(sent.created_at > last);
        last = sent.created_at;
    }
    world.finish().await;
}

#[tokio::test]
async fn anybody_may_write_to_anybody_else_who_exists() {
    let world = World::start().await;
    let (ann, bob) = (world.somebody("ann").await, world.somebody("bob").await);
    send(&world, &ann, &bob, "hello stranger").await;
    let to = async |call: &Call, receiver_id, content: &str| {
        world.message.send_message(call, SendMessageRequest { receiver_id, content: content.into() }).await
    };
    assert!(matches!(to(&ann, id(&ann), "me").await, Err(Error::SelfMessage)));
    assert!(matches!(to(&ann, 99, "who").await, Err(Error::UserNotFound(_))));
    assert!(matches!(to(&ann, id(&bob), " ").await, Err(Error::BadParameter { .. })));
    assert!(matches!(to(&ann, id(&bob), &"x".repeat(256)).await, Err(Error::Invalid { .. })));
    assert!(matches!(to(&nobody(), id(&bob), "hi").await, Err(Error::TokenMissing)));
    world.finish().await;
}

#[tokio::test]
async fn a_listener_gets_what_it_is_sent_by_anybody_once_and_in_order() {
    let world = World::start().await;
    let (ann, bob, eve) =
        (world.somebody("ann").await, world.somebody("bob").await, world.somebody("eve").await);
    let known = send(&world, &bob, &ann, "known").await;
    send(&world, &bob, &ann, "missed").await;
    let after = known.created_at;
    let mut inbox = world.message.watch(&ann, WatchRequest { after }).await.expect("listens");
    let mut next = async || match inbox.next().await.expect("a message").expect("is well").kind {
        Some(Kind::Message(message)) => message.content,
        other => panic!("{other:?} is no message"),
    };
    // What was sent just before may come once more.
    let first = next().await;
    assert!(["known", "missed"].contains(&first.as_str()), "{first}");
    if first == "known" {
        assert_eq!(next().await, "missed");
    }
    send(&world, &eve, &ann, "from eve").await;
    send(&world, &ann, &bob, "not to ann").await;
    send(&world, &bob, &ann, "from bob").await;
    assert_eq!((next().await.as_str(), next().await.as_str()), ("from eve", "from bob"));
    send(&world, &bob, &ann, "and once more").await;
    assert_eq!(next().await, "and once more", "nothing comes twice");
    drop(inbox);
    let Err(error) = world.message.watch(&nobody(), WatchRequest { after: 0 }).await else {
        panic!("nobody has no inbox")
    };
    assert_eq!(error.reason(), "token_missing");
    world.finish().await;
}
