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

on_both!(
    a_message_is_answered_as_both_sides_read_it,
    messages_of_one_millisecond_get_increasing_times_in_both_directions,
    a_clock_that_went_back_does_not_reorder_a_conversation,
    a_conversation_is_only_between_its_two_people,
    what_was_received_after_a_moment_is_strictly_later_and_only_the_peers,
    a_reader_who_asks_from_the_last_message_on_misses_and_repeats_none,
    a_message_to_nobody_is_not_sent
);
