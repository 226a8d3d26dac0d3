//! Comments: what an addition answers, who deletes, order.

use futures_util::FutureExt;

use super::ask::Pairs;
use super::object::{self, COMMENT, Kind, USER};
use super::seen::Seen;
use super::stage::{NOBODY, Person, Stage, Video};
use super::trouble::Checked;
use super::{Rule, must, should};

pub(super) fn rules() -> Vec<Rule> {
    vec![
        must("comment.add-returns-it", "the app, which shows it without asking again")
            .says("The answer to a new comment has it, with its author in full.", |w| returned(w).boxed()),
        must("comment.create-date", "the app, which shows it as it is")
            .says("create_date is mm-dd, of two digits each.", |w| create_date(w).boxed()),
        must("comment.listed-at-once", "the demo suite")
            .says("A new comment is in the list at once.", |w| listed(w).boxed()),
        must("comment.list-fields", "the demo suite")
            .says("Every comment of the list has every field.", |w| list_fields(w).boxed()),
        must("comment.list-of-none", "the app, which opens it under every video")
            .says("A video without comments has the list [].", |w| list_of_none(w).boxed()),
        must("comment.list-newest-first", "the app")
            .says("The list has the newest comment first.", |w| newest_first(w).boxed()),
        should("comment.list-callers-flags")
            .says("is_follow of who wrote is the caller's.", |w| callers_flags(w).boxed()),
        must("comment.counts", "the app")
            .says("comment_count grows with a comment and shrinks with its deletion.", |w| counts(w).boxed()),
        must("comment.delete-own", "the demo suite")
            .says("Its author deletes a comment, and it is gone from the list.", |w| delete_own(w).boxed()),
        must("comment.delete-own-only", "GuGoTik's and Toktik's suites")
            .says("Nobody but its author deletes a comment.", |w| delete_own_only(w).boxed()),
        should("comment.delete-under-its-video")
            .says("A comment is deleted under its own video alone.", |w| under_its_video(w).boxed()),
        should("comment.delete-has-no-comment")
            .says("The answer to a deletion has no comment.", |w| nothing_returned(w).boxed()),
        should("comment.ids-are-not-reused")
            .says("The id of a deleted comment is never given again.", |w| not_reused(w).boxed()),
        should("comment.own-video").says("One may comment on one's own video.", |w| own_video(w).boxed()),
        should("comment.length")
            .says("A comment has 1 to 255 characters, and not spaces alone.", |w| length(w).boxed()),
        should("comment.unknown-video")
            .says("Comments on no video are refused, and so is their list.", |w| unknown_video(w).boxed()),
        should("comment.other-action")
            .says("An action_type other than 1 and 2 is refused.", |w| other_action(w).boxed()),
    ]
}

async fn list(by: &Person<'_>, video: &Video) -> Checked<Seen> {
    by.get("comment/list", &[("video_id", &video.id)]).await?.success()
}

async fn returned(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let added = ann.comment(&w.stock().await?, "hello").await?;
    object::has(&added, &[("id", Kind::Id), ("user", Kind::Object(USER))])?;
    added.is("content", "hello")?;
    added.part("user").is("id", ann.id)
}

async fn create_date(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let added = ann.comment(&w.stock().await?, "hello").await?;
    object::has(&added, &[("create_date", Kind::Day)])
}

async fn listed(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let video = w.stock().await?;
    let added = ann.comment(&video, "hello").await?;
    list(&ann, &video).await?.entry("comment_list", added.number("id"))?.is("content", "hello")
}

async fn list_fields(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let video = ann.video().await?;
    ann.comment(&video, "hello").await?;
    object::has(&list(&ann, &video).await?.first("comment_list")?, COMMENT)
}

async fn list_of_none(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let seen = list(&ann, &ann.video().await?).await?;
    seen.want(seen.value["comment_list"].as_array().is_some_and(Vec::is_empty), "\"comment_list\":[]")
}

async fn newest_first(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let video = ann.video().await?;
    let mut ids = Vec::new();
    for text in ["one", "two", "three"] {
        ids.insert(0, ann.comment(&video, text).await?.number("id"));
    }
    list(&ann, &video).await?.has_ids("comment_list", &ids)
}

async fn callers_flags(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let video = w.stock().await?;
    let id = bob.comment(&video, "hello").await?.number("id");
    ann.follow(bob.id, 1).await?.success()?;
    for (by, flag) in [(&ann, true), (&bob, false)] {
        list(by, &video).await?.entry("comment_list", id)?.part("user").is("is_follow", flag)?;
    }
    Ok(())
}

async fn counts(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let video = ann.video().await?;
    let first = bob.comment(&video, "one").await?.number("id");
    bob.comment(&video, "two").await?;
    bob.card(&video).await?.is("comment_count", 2)?;
    bob.uncomment(&video, first).await?.success()?;
    bob.card(&video).await?.is("comment_count", 1)
}

async fn delete_own(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let video = w.stock().await?;
    let id = ann.comment(&video, "hello").await?.number("id");
    ann.uncomment(&video, id).await?.success()?;
    let seen = list(&ann, &video).await?;
    seen.want(!seen.ids("comment_list").contains(&id), format_args!("no comment {id}: it was deleted"))
}

async fn delete_own_only(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let video = ann.video().await?;
    let id = bob.comment(&video, "mine").await?.number("id");
    ann.uncomment(&video, id).await?.refused()?;
    list(&bob, &video).await?.entry("comment_list", id).map(|_| ())
}

async fn under_its_video(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let (video, other) = (ann.video().await?, ann.video().await?);
    let id = ann.comment(&video, "here").await?.number("id");
    ann.uncomment(&other, id).await?.refused()?;
    ann.card(&other).await?.is("comment_count", 0)
}

async fn nothing_returned(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let video = w.stock().await?;
    let id = ann.comment(&video, "hello").await?.number("id");
    let deleted = ann.uncomment(&video, id).await?.success()?;
    deleted.want(deleted.value["comment"].is_null(), "no comment, or null")
}

async fn not_reused(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let video = ann.video().await?;
    let first = ann.comment(&video, "one").await?.number("id");
    ann.uncomment(&video, first).await?.success()?;
    let next = ann.comment(&video, "two").await?;
    next.want(next.number("id") != first, format_args!("another id than {first}, which was deleted"))
}

async fn own_video(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let video = ann.video().await?;
    ann.comment(&video, "first").await.map(|_| ())
}

async fn length(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let video = w.stock().await?;
    ann.comment(&video, &"c".repeat(255)).await?;
    for text in [String::new(), "  ".into(), "c".repeat(256)] {
        let pairs: Pairs<'_> = &[("video_id", &video.id), ("action_type", &1), ("comment_text", &text)];
        ann.post("comment/action", pairs).await?.refused()?;
    }
    Ok(())
}

async fn unknown_video(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let pairs: Pairs<'_> = &[("video_id", &NOBODY), ("action_type", &1), ("comment_text", &"hello")];
    ann.post("comment/action", pairs).await?.refused()?;
    ann.get("comment/list", &[("video_id", &NOBODY)]).await?.refused().map(|_| ())
}

async fn other_action(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let video = w.stock().await?;
    for action in ["0", "3", "add", ""] {
        let pairs: Pairs<'_> =
            &[("video_id", &video.id), ("action_type", &action), ("comment_text", &"hello")];
        ann.post("comment/action", pairs).await?.refused()?;
    }
    Ok(())
}
