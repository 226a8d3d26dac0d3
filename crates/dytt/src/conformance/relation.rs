//! Follows ("relation") and friends.

use futures_util::FutureExt;

use super::ask::Pairs;
use super::object::{self, FRIEND, USER};
use super::seen::Seen;
use super::stage::{NOBODY, Person, Stage};
use super::trouble::Checked;
use super::{Rule, must, should};

const FOLLOWS: &str = "relation/follow/list";
const FOLLOWERS: &str = "relation/follower/list";

pub(super) fn rules() -> Vec<Rule> {
    vec![
        must("relation.counts", "the app's profile page")
            .says("A follow sets is_follow, one's follow_count and the other's follower_count.", |w| {
                counts(w).boxed()
            }),
        must("relation.twice-is-once", "the demo suite, which follows the same person in every run")
            .says("A second follow succeeds and changes nothing.", |w| twice(w).boxed()),
        must("relation.undone", "the app")
            .says("An unfollow takes back what the follow did.", |w| undone(w).boxed()),
        must("relation.undone-twice", "the demo suite's accounts, which are used again")
            .says("An unfollow of whom one does not follow succeeds and changes nothing.", |w| {
                undone_twice(w).boxed()
            }),
        should("relation.self").says("Nobody follows themselves.", |w| oneself(w).boxed()),
        should("relation.unknown").says("A follow of nobody is refused.", |w| unknown(w).boxed()),
        should("relation.other-action")
            .says("An action_type other than 1 and 2 is refused.", |w| other_action(w).boxed()),
        must("relation.lists", "the demo suite")
            .says("Whom one follows is in one's list, and oneself among their followers, at once.", |w| {
                lists(w).boxed()
            }),
        must("relation.list-fields", "the app")
            .says("Every person in the lists of follows and followers has every field.", |w| {
                list_fields(w).boxed()
            }),
        must("relation.list-of-whom-one-asks", "the app's profile pages")
            .says("A list of follows or followers is that of user_id, not the caller's.", |w| {
                of_whom(w).boxed()
            }),
        should("relation.list-own-without-id")
            .says("A list of follows or followers without user_id is the caller's.", |w| own_list(w).boxed()),
        must("relation.list-callers-flags", "the app's plus signs")
            .says("is_follow in these lists is the caller's.", |w| callers_flags(w).boxed()),
        should("relation.list-latest-first")
            .says("A list of follows has the latest first.", |w| latest_first(w).boxed()),
        should("relation.list-of-nobody")
            .says("A list of an unknown person is refused.", |w| of_nobody(w).boxed()),
        should("relation.friends-are-mutual")
            .says("Friends are who follow each other, not all followers.", |w| mutual(w).boxed()),
        must("relation.friend-fields", "the app's chats")
            .says("A friend has a user's fields, message and msgType, not nested.", |w| {
                friend_fields(w).boxed()
            }),
        must("relation.friend-message", "the app's chats")
            .says("message is the latest of the two, msgType 0 when it was received and 1 when sent.", |w| {
                friend_message(w).boxed()
            }),
        should("relation.friend-without-message")
            .says("A friend without messages has message \"\" and msgType 0.", |w| no_message(w).boxed()),
        should("relation.friends-latest-first")
            .says("The friend who wrote or was written to last is first.", |w| {
                latest_friend_first(w).boxed()
            }),
        must("relation.friends-of-the-caller", "everybody: friends are nobody else's business")
            .says("Another's friends, with their messages, are not shown.", |w| of_the_caller(w).boxed()),
    ]
}

async fn counts(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    ann.follow(bob.id, 1).await?.success()?;
    let (one, other) = (ann.profile(ann.id).await?, ann.profile(bob.id).await?);
    one.is("follow_count", 1)?;
    one.is("follower_count", 0)?;
    other.is("follow_count", 0)?;
    other.is("follower_count", 1)?;
    other.is("is_follow", true)
}

async fn twice(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    ann.follow(bob.id, 1).await?.success()?;
    let once = ann.profile(bob.id).await?.number("follower_count");
    ann.follow(bob.id, 1).await?.success()?;
    ann.profile(bob.id).await?.is("follower_count", once)?;
    follows(&ann, FOLLOWS, ann.id).await?.has_ids("user_list", &[bob.id])
}

async fn undone(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let before = ann.profile(bob.id).await?.number("follower_count");
    ann.follow(bob.id, 1).await?.success()?;
    ann.follow(bob.id, 2).await?.success()?;
    let seen = ann.profile(bob.id).await?;
    seen.is("follower_count", before)?;
    seen.is("is_follow", false)?;
    follows(&ann, FOLLOWS, ann.id).await?.has_ids("user_list", &[])
}

async fn undone_twice(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let before = ann.profile(bob.id).await?.number("follower_count");
    ann.follow(bob.id, 2).await?.success()?;
    ann.profile(bob.id).await?.is("follower_count", before)
}

async fn oneself(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    ann.follow(ann.id, 1).await?.refused().map(|_| ())
}

async fn unknown(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    ann.follow(NOBODY, 1).await?.refused().map(|_| ())
}

async fn other_action(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    for action in ["0", "3", "follow", ""] {
        let pairs: Pairs<'_> = &[("to_user_id", &bob.id), ("action_type", &action)];
        ann.post("relation/action", pairs).await?.refused()?;
    }
    Ok(())
}

/// A list of somebody's.
async fn follows(by: &Person<'_>, route: &str, of: i64) -> Checked<Seen> {
    by.get(route, &[("user_id", &of)]).await?.success()
}

async fn lists(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    ann.follow(bob.id, 1).await?.success()?;
    follows(&ann, FOLLOWS, ann.id).await?.has_ids("user_list", &[bob.id])?;
    follows(&bob, FOLLOWERS, bob.id).await?.has_ids("user_list", &[ann.id])
}

async fn list_fields(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    ann.follow(bob.id, 1).await?.success()?;
    object::has(&follows(&ann, FOLLOWS, ann.id).await?.first("user_list")?, USER)?;
    object::has(&follows(&bob, FOLLOWERS, bob.id).await?.first("user_list")?, USER)
}

async fn of_whom(w: &Stage) -> Checked {
    let [ann, bob, cat] = w.people().await?;
    bob.follow(cat.id, 1).await?.success()?;
    follows(&ann, FOLLOWS, bob.id).await?.has_ids("user_list", &[cat.id])?;
    follows(&ann, FOLLOWERS, cat.id).await?.has_ids("user_list", &[bob.id])
}

async fn own_list(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    ann.follow(bob.id, 1).await?.success()?;
    ann.get(FOLLOWS, &[]).await?.success()?.has_ids("user_list", &[bob.id])?;
    bob.get(FOLLOWERS, &[]).await?.success()?.has_ids("user_list", &[ann.id])
}

async fn callers_flags(w: &Stage) -> Checked {
    let [ann, bob, cat] = w.people().await?;
    bob.follow(cat.id, 1).await?.success()?;
    for (by, flag) in [(&bob, true), (&ann, false)] {
        follows(by, FOLLOWS, bob.id).await?.entry("user_list", cat.id)?.is("is_follow", flag)?;
    }
    Ok(())
}

async fn latest_first(w: &Stage) -> Checked {
    let [ann, bob, cat] = w.people().await?;
    // Not in the order they registered in.
    for whom in [&cat, &bob] {
        ann.follow(whom.id, 1).await?.success()?;
    }
    follows(&ann, FOLLOWS, ann.id).await?.has_ids("user_list", &[bob.id, cat.id])
}

async fn of_nobody(w: &Stage) -> Checked {
    for route in [FOLLOWS, FOLLOWERS] {
        w.get(route, &[("user_id", &NOBODY)]).await?.refused()?;
    }
    Ok(())
}

async fn befriend(one: &Person<'_>, other: &Person<'_>) -> Checked {
    one.follow(other.id, 1).await?.success()?;
    other.follow(one.id, 1).await?.success().map(|_| ())
}

async fn friends(of: &Person<'_>) -> Checked<Seen> {
    follows(of, "relation/friend/list", of.id).await
}

async fn mutual(w: &Stage) -> Checked {
    let [ann, bob, cat, dan] = w.people().await?;
    befriend(&ann, &bob).await?;
    cat.follow(ann.id, 1).await?.success()?;
    ann.follow(dan.id, 1).await?.success()?;
    friends(&ann).await?.has_ids("user_list", &[bob.id])
}

async fn friend_fields(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    befriend(&ann, &bob).await?;
    let friend = friends(&ann).await?.entry("user_list", bob.id)?;
    object::has(&friend, USER)?;
    object::has(&friend, FRIEND)
}

async fn friend_message(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    befriend(&ann, &bob).await?;
    bob.write(ann.id, "an older one").await?.success()?;
    ann.write(bob.id, "the latest").await?.success()?;
    for (of, friend, side) in [(&ann, &bob, 1), (&bob, &ann, 0)] {
        let seen = friends(of).await?.entry("user_list", friend.id)?;
        seen.is("message", "the latest")?;
        seen.is("msgType", side)?;
    }
    Ok(())
}

async fn no_message(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    befriend(&ann, &bob).await?;
    let seen = friends(&ann).await?.entry("user_list", bob.id)?;
    seen.is("message", "")?;
    seen.is("msgType", 0)
}

async fn latest_friend_first(w: &Stage) -> Checked {
    let [ann, bob, cat] = w.people().await?;
    befriend(&ann, &bob).await?;
    befriend(&ann, &cat).await?;
    ann.write(cat.id, "hello").await?.success()?;
    bob.write(ann.id, "hello").await?.success()?;
    friends(&ann).await?.has_ids("user_list", &[bob.id, cat.id])
}

async fn of_the_caller(w: &Stage) -> Checked {
    let [ann, bob, cat] = w.people().await?;
    befriend(&ann, &bob).await?;
    let seen = cat.get("relation/friend/list", &[("user_id", &ann.id)]).await?;
    seen.want(
        seen.list("user_list").is_empty(),
        "the caller's own friends, of whom there are none, or a refusal",
    )
}
