//! Chat: who reads what, when, and how the app asks for more.

use std::fmt::Display;
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::FutureExt;

use super::ask::Pairs;
use super::object::{self, Kind, MESSAGE};
use super::seen::Seen;
use super::stage::{NOBODY, Person, Stage};
use super::trouble::Checked;
use super::{Rule, must, should};

/// How often a question is asked and answered as fast as it goes.
const ROUNDS: usize = 5;
const DAY_SECONDS: u64 = 86_400;

pub(super) fn rules() -> Vec<Rule> {
    vec![
        must("message.read-at-once", "the demo suite")
            .says("Both sides read a message as soon as it was accepted.", |w| at_once(w).boxed()),
        must("message.fields", "the app, which picks the side by from_user_id")
            .says("A message has every field, and tells who wrote it to whom.", |w| fields(w).boxed()),
        must("message.create-time-in-ms", "the app, which sends it back; GuGoTik's suite")
            .says("create_time is a JSON number of milliseconds.", |w| create_time(w).boxed()),
        must("message.oldest-first", "the app")
            .says("A conversation has its oldest message first.", |w| oldest_first(w).boxed()),
        should("message.ids-grow")
            .says("Messages have ids that grow, and stay the same.", |w| ids_grow(w).boxed()),
        must("message.window-opens-with-all", "the app, which begins with pre_msg_time 0")
            .says("With pre_msg_time 0, or without it, both sides' messages come.", |w| whole(w).boxed()),
        must("message.poll-has-no-own", "the app, which would show them twice")
            .says("With a pre_msg_time only the other side's messages come.", |w| no_own(w).boxed()),
        must("message.poll-is-strict", "the app, which would show it twice")
            .says("The message of the very time in pre_msg_time does not come again.", |w| strict(w).boxed()),
        must("message.poll-loses-none", "the app")
            .says("Polling from one message to the next brings each, however fast they follow.", |w| {
                loses_none(w).boxed()
            }),
        should("message.nonsense-is-0")
            .says("A pre_msg_time that is no number or negative is 0.", |w| nonsense(w).boxed()),
        should("message.seconds").says("A pre_msg_time below 10^11 is seconds.", |w| seconds(w).boxed()),
        must("message.to-strangers", "the demo suite")
            .says("Anybody may write to anybody else; no friendship is needed.", |w| to_strangers(w).boxed()),
        must("message.private", "everybody: chats are nobody else's business")
            .says("Nobody else reads a conversation.", |w| private(w).boxed()),
        should("message.self").says("Nobody writes to themselves.", |w| oneself(w).boxed()),
        should("message.unknown").says("A message to nobody is refused.", |w| unknown(w).boxed()),
        should("message.length")
            .says("A message has 1 to 255 characters, and not spaces alone.", |w| length(w).boxed()),
        should("message.other-action")
            .says("An action_type other than 1 is refused.", |w| other_action(w).boxed()),
    ]
}

/// The contents of a conversation, in its order.
fn contents(chat: &Seen) -> Vec<String> {
    chat.list("message_list").iter().map(|message| message.text("content").to_owned()).collect()
}

fn says(chat: &Seen, wanted: &[&str]) -> Checked {
    chat.want(contents(chat) == wanted, format_args!("the messages {wanted:?}"))
}

async fn at_once(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    ann.write(bob.id, "hello").await?.success()?;
    says(&ann.chat(bob.id, 0).await?, &["hello"])?;
    says(&bob.chat(ann.id, 0).await?, &["hello"])
}

async fn fields(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    ann.write(bob.id, "hello").await?.success()?;
    let message = bob.chat(ann.id, 0).await?.first("message_list")?;
    let shaped: Vec<_> = MESSAGE.iter().copied().filter(|(name, _)| *name != "create_time").collect();
    object::has(&message, &shaped)?;
    message.is("from_user_id", ann.id)?;
    message.is("to_user_id", bob.id)
}

async fn create_time(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    ann.write(bob.id, "hello").await?.success()?;
    let message = bob.chat(ann.id, 0).await?.first("message_list")?;
    object::has(&message, &[("create_time", Kind::Millis)])
}

/// A conversation of three messages.
async fn talk(ann: &Person<'_>, bob: &Person<'_>) -> Checked {
    for (from, to, text) in [(ann, bob, "one"), (bob, ann, "two"), (ann, bob, "three")] {
        from.write(to.id, text).await?.success()?;
    }
    Ok(())
}

async fn oldest_first(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    talk(&ann, &bob).await?;
    let chat = ann.chat(bob.id, 0).await?;
    says(&chat, &["one", "two", "three"])?;
    let sorted = chat.list("message_list").is_sorted_by_key(|message| message.number("create_time"));
    chat.want(sorted, "times that do not go back")
}

async fn ids_grow(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    talk(&ann, &bob).await?;
    let chat = ann.chat(bob.id, 0).await?;
    let by_text = |chat: &Seen| {
        let list = chat.list("message_list");
        ["one", "two", "three"]
            .map(|text| list.iter().find(|one| one.text("content") == text).map(|one| one.number("id")))
    };
    let ids = by_text(&chat);
    chat.want(ids[0] < ids[1] && ids[1] < ids[2], "ids that grow")?;
    let again = bob.chat(ann.id, 0).await?;
    again.want(by_text(&again) == ids, "the ids the other side sees")
}

async fn whole(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    talk(&ann, &bob).await?;
    let without = ann.get("message/chat", &[("to_user_id", &bob.id)]).await?.success()?;
    for chat in [ann.chat(bob.id, 0).await?, without] {
        chat.want(chat.list("message_list").len() == 3, "all three messages")?;
    }
    Ok(())
}

/// The time of the first message of somebody's conversation.
async fn began(by: &Person<'_>, with: &Person<'_>) -> Checked<i64> {
    Ok(by.chat(with.id, 0).await?.first("message_list")?.number("create_time"))
}

async fn no_own(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    talk(&ann, &bob).await?;
    let chat = ann.chat(bob.id, began(&ann, &bob).await? - 1).await?;
    let own = chat.list("message_list").iter().any(|message| message.number("from_user_id") == ann.id);
    chat.want(!own, "no message of the caller's own")
}

async fn strict(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    bob.write(ann.id, "hello").await?.success()?;
    let chat = ann.chat(bob.id, began(&ann, &bob).await?).await?;
    chat.want(chat.list("message_list").is_empty(), "nothing: no message is later")
}

async fn loses_none(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    bob.write(ann.id, "hello").await?.success()?;
    let mut since = began(&ann, &bob).await?;
    for round in 0..ROUNDS {
        let text = format!("answer {round}");
        ann.write(bob.id, "a question").await?.success()?;
        bob.write(ann.id, &text).await?.success()?;
        let chat = ann.chat(bob.id, since).await?;
        let list = chat.list("message_list");
        let news = list.iter().find(|message| message.text("content") == text);
        since = news.map_or(since, |news| news.number("create_time"));
        chat.want(news.is_some(), format_args!("the message {text:?}"))?;
    }
    Ok(())
}

/// How many messages of the other side come for a cursor.
async fn since(by: &Person<'_>, with: &Person<'_>, cursor: &(dyn Display + Sync)) -> Checked<Seen> {
    by.get("message/chat", &[("to_user_id", &with.id), ("pre_msg_time", cursor)]).await?.success()
}

async fn nonsense(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    ann.write(bob.id, "hello").await?.success()?;
    for cursor in ["now", "-5", ""] {
        says(&since(&ann, &bob, &cursor).await?, &["hello"])?;
    }
    Ok(())
}

async fn seconds(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    bob.write(ann.id, "hello").await?.success()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    says(&since(&ann, &bob, &(now - DAY_SECONDS)).await?, &["hello"])?;
    says(&since(&ann, &bob, &(now + DAY_SECONDS)).await?, &[])
}

async fn to_strangers(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    ann.write(bob.id, "we never met").await?.success().map(|_| ())
}

async fn private(w: &Stage) -> Checked {
    let [ann, bob, cat] = w.people().await?;
    ann.write(bob.id, "a secret").await?.success()?;
    for other in [&ann, &bob] {
        let chat = cat.chat(other.id, 0).await?;
        chat.want(chat.list("message_list").is_empty(), "nothing: the caller took no part")?;
    }
    Ok(())
}

async fn oneself(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    ann.write(ann.id, "hello").await?.refused().map(|_| ())
}

async fn unknown(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    ann.write(NOBODY, "hello").await?.refused().map(|_| ())
}

async fn length(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    ann.write(bob.id, &"m".repeat(255)).await?.success()?;
    for text in [String::new(), "  ".into(), "m".repeat(256)] {
        ann.write(bob.id, &text).await?.refused()?;
    }
    Ok(())
}

async fn other_action(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    for action in ["0", "2", "send", ""] {
        let pairs: Pairs<'_> = &[("to_user_id", &bob.id), ("action_type", &action), ("content", &"hello")];
        ann.post("message/action", pairs).await?.refused()?;
    }
    Ok(())
}
