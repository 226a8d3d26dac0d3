//! Messages: their times never repeat within a conversation, and readers miss none.

use domain::{Error, Timestamp, UserId};

use super::fixture::{NOW, On, World, content, later, no_user, on_both};
use crate::{MessageRow, Slice};

async fn send(world: &World, from: UserId, to: UserId, text: &str, at: Timestamp) -> MessageRow {
    world.store.send_message(from, to, content(text), at).await.expect("send")
}

async fn a_message_is_answered_as_both_sides_read_it(on: On) {
    let world = World::new(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let sent = send(&world, ada, bob, " 你好 ", NOW).await;
    let expected = MessageRow {
        id: sent.id,
        sender_id: ada.get(),
        receiver_id: bob.get(),
        content: "你好".into(),
        created_at: NOW.millis(),
    };
    assert_eq!(sent, expected);
    assert_eq!(
        world.store.conversation(ada, bob, Slice::NEWEST).await.expect("a list").rows,
        std::slice::from_ref(&sent)
    );
    assert_eq!(world.store.conversation(bob, ada, Slice::NEWEST).await.expect("a list").rows, [sent]);
    world.is_sound().await;
}

async fn messages_of_one_millisecond_get_increasing_times_in_both_directions(on: On) {
    let world = World::new(on).await;
    let (ada, bob, cyd) = (world.user("ada").await, world.user("bob").await, world.user("cyd").await);
    let mut times = Vec::new();
    for (from, to) in [(ada, bob), (bob, ada), (bob, ada), (ada, bob)] {
        times.push(send(&world, from, to, "text", NOW).await.created_at - NOW.millis());
    }
    assert_eq!(times, [0, 1, 2, 3]);
    // Another conversation has times of its own.
    assert_eq!(send(&world, ada, cyd, "text", NOW).await.created_at, NOW.millis());
}

async fn a_clock_that_went_back_does_not_reorder_a_conversation(on: On) {
    let world = World::new(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    send(&world, ada, bob, "first", later(1000)).await;
    send(&world, bob, ada, "second", NOW).await;
    send(&world, ada, bob, "third", later(2000)).await;
    let list = world.store.conversation(ada, bob, Slice::NEWEST).await.expect("a list");
    let texts: Vec<_> = list.iter().map(|message| message.content.as_str()).collect();
    assert_eq!(texts, ["third", "second", "first"]);
    let times: Vec<_> = list.iter().map(|message| message.created_at - NOW.millis()).collect();
    assert_eq!(times, [2000, 1001, 1000]);
}

async fn a_conversation_is_only_between_its_two_people(on: On) {
    let world = World::new(on).await;
    let (ada, bob, cyd) = (world.user("ada").await, world.user("bob").await, world.user("cyd").await);
    let ours = send(&world, ada, bob, "ours", NOW).await;
    for (from, to) in [(ada, cyd), (cyd, ada), (bob, cyd), (cyd, bob)] {
        send(&world, from, to, "theirs", NOW).await;
    }
    assert_eq!(world.store.conversation(ada, bob, Slice::NEWEST).await.expect("a list").rows, [ours]);
    assert_eq!(world.store.conversation(ada, no_user(), Slice::NEWEST).await.expect("a list").rows, []);
}

async fn what_was_received_after_a_moment_is_strictly_later_and_only_the_peers(on: On) {
    let world = World::new(on).await;
    let (ada, bob, cyd) = (world.user("ada").await, world.user("bob").await, world.user("cyd").await);
    let first = send(&world, bob, ada, "first", NOW).await;
    send(&world, ada, bob, "own", NOW).await;
    send(&world, cyd, ada, "from another", NOW).await;
    let second = send(&world, bob, ada, "second", NOW).await;
    let after = async |millis| {
        let after = Timestamp::from_millis(millis);
        world.store.received_after(ada, bob, after).await.expect("a list")
    };
    assert_eq!(after(0).await, [first.clone(), second.clone()]);
    assert_eq!(after(first.created_at - 1).await, [first.clone(), second.clone()]);
    assert_eq!(after(first.created_at).await, std::slice::from_ref(&second));
    assert_eq!(after(second.created_at).await, []);
}

async fn a_reader_who_asks_from_the_last_message_on_misses_and_repeats_none(on: On) {
    let world = World::new(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let mut last = Timestamp::from_millis(0);
    let mut read = Vec::new();
    for burst in 1..=4 {
        for number in 0..burst {
            send(&world, bob, ada, &format!("{burst}.{number}"), NOW).await;
        }
        let new = world.store.received_after(ada, bob, last).await.expect("a list");
        last = Timestamp::from_millis(new.last().expect("something new").created_at);
        read.extend(new.into_iter().map(|message| message.content));
    }
    assert_eq!(read, ["1.0", "2.0", "2.1", "3.0", "3.1", "3.2", "4.0", "4.1", "4.2", "4.3"]);
}

async fn a_message_to_nobody_is_not_sent(on: On) {
    let world = World::new(on).await;
    let ada = world.user("ada").await;
    let before = world.dump().await;
    let result = world.store.send_message(ada, no_user(), content("hello?"), NOW).await;
    assert!(matches!(result, Err(Error::UserNotFound(id)) if id == no_user()), "{result:?}");
    let result = world.store.send_message(no_user(), ada, content("boo"), NOW).await;
    assert!(matches!(result, Err(Error::Internal(_))), "{result:?}");
    assert_eq!(world.dump().await, before);
}

/// Whom a viewer writes with: their names, what was written last, and how much of it is news.
async fn conversations(world: &World, viewer: UserId, requests: bool) -> Vec<(String, String, i64)> {
    let list = world.store.conversations(viewer, requests, Slice::NEWEST).await.expect("a list");
    list.into_iter().map(|row| (row.peer.name, row.latest.content, row.unread)).collect()
}

async fn a_conversation_stands_where_its_last_message_is_and_tells_what_is_unread(on: On) {
    let world = World::new(on).await;
    let (ada, bob, cyd) = (world.user("ada").await, world.user("bob").await, world.user("cyd").await);
    send(&world, ada, cyd, "to cyd", NOW).await;
    send(&world, ada, bob, "to bob", NOW).await;
    let row = |name: &str, text: &str, unread| (name.to_owned(), text.to_owned(), unread);
    assert_eq!(conversations(&world, ada, false).await, [row("bob", "to bob", 0), row("cyd", "to cyd", 0)]);
    let first = send(&world, cyd, ada, "one", NOW).await;
    send(&world, cyd, ada, "two", NOW).await;
    assert_eq!(conversations(&world, ada, false).await, [row("cyd", "two", 2), row("bob", "to bob", 0)]);
    for _twice in 0..2 {
        world.store.read_messages(ada, cyd, first.id).await.expect("read");
        assert_eq!(conversations(&world, ada, false).await[0], row("cyd", "two", 1));
    }
    // Who answers has read.
    send(&world, ada, cyd, "three", NOW).await;
    world.store.read_messages(ada, cyd, first.id).await.expect("what was read stays so");
    assert_eq!(conversations(&world, ada, false).await[0], row("cyd", "three", 0));
    assert_eq!(conversations(&world, cyd, false).await, [row("ada", "three", 1)]);
    for (viewer, peer, message) in [(bob, ada, first.id), (ada, bob, first.id), (ada, cyd, 999)] {
        let wrong = world.store.read_messages(viewer, peer, message).await;
        assert!(matches!(wrong, Err(Error::Invalid { .. })), "{wrong:?}");
    }
    world.is_sound().await;
}

async fn what_a_stranger_writes_is_a_request_until_it_is_answered_or_they_are_followed(on: On) {
    let world = World::new(on).await;
    let (ada, bob, cyd) = (world.user("ada").await, world.user("bob").await, world.user("cyd").await);
    send(&world, bob, ada, "hello", NOW).await;
    send(&world, cyd, ada, "hi", NOW).await;
    let row = |name: &str, text: &str, unread| (name.to_owned(), text.to_owned(), unread);
    assert_eq!(conversations(&world, ada, false).await, []);
    assert_eq!(conversations(&world, ada, true).await, [row("cyd", "hi", 1), row("bob", "hello", 1)]);
    world.store.follow_user(ada, bob, NOW).await.expect("follow");
    send(&world, ada, cyd, "well", NOW).await;
    assert_eq!(conversations(&world, ada, true).await, []);
    assert_eq!(conversations(&world, ada, false).await, [row("cyd", "well", 0), row("bob", "hello", 1)]);
    world.is_sound().await;
}

on_both!(
    a_conversation_stands_where_its_last_message_is_and_tells_what_is_unread,
    what_a_stranger_writes_is_a_request_until_it_is_answered_or_they_are_followed,
    a_message_is_answered_as_both_sides_read_it,
    messages_of_one_millisecond_get_increasing_times_in_both_directions,
    a_clock_that_went_back_does_not_reorder_a_conversation,
    a_conversation_is_only_between_its_two_people,
    what_was_received_after_a_moment_is_strictly_later_and_only_the_peers,
    a_reader_who_asks_from_the_last_message_on_misses_and_repeats_none,
    a_message_to_nobody_is_not_sent
);
