//! Likes ("favorite"): counters, repetition, lists.

use futures_util::FutureExt;
use futures_util::future::try_join_all;

use super::ask::Pairs;
use super::object::{self, VIDEO};
use super::stage::{NOBODY, Person, Stage, Video};
use super::trouble::Checked;
use super::{Rule, must, should};

pub(super) fn rules() -> Vec<Rule> {
    vec![
        must("like.counts", "the app's hearts")
            .says("A like sets is_favorite and adds one to favorite_count, at once.", |w| counts(w).boxed()),
        must("like.profiles-count", "the app's profile page")
            .says("A like adds one to the author's total_favorited and to one's own favorite_count.", |w| {
                profiles(w).boxed()
            }),
        must("like.twice-is-once", "the demo suite, which likes the same video in every run")
            .says("A second like succeeds and changes nothing.", |w| twice(w).boxed()),
        must("like.undone", "the app's hearts")
            .says("An unlike takes back what the like did.", |w| undone(w).boxed()),
        must("like.undone-twice", "the demo suite's accounts, which are used again")
            .says("An unlike of what is not liked succeeds and changes nothing.", |w| {
                undone_twice(w).boxed()
            }),
        must("like.crowd", "k6's favorite script")
            .says("Many likes at once are counted once for each person.", |w| crowd(w).boxed()),
        should("like.own-video").says("One may like one's own video.", |w| own_video(w).boxed()),
        should("like.unknown-video").says("A like of no video is refused.", |w| unknown_video(w).boxed()),
        should("like.other-action")
            .says("An action_type other than 1 and 2 is refused.", |w| other_action(w).boxed()),
        must("like.list-fields", "the demo suite")
            .says("Every video in a list of likes has every field.", |w| list_fields(w).boxed()),
        must("like.list-has-each-once", "the app's profile pages")
            .says("A list of likes has each liked video, and once.", |w| each_once(w).boxed()),
        should("like.list-latest-first")
            .says("A list of likes has the latest like first.", |w| latest_first(w).boxed()),
        must("like.list-of-whom-one-asks", "the app's profile pages")
            .says("A list of likes is that of user_id, not the caller's.", |w| of_whom(w).boxed()),
        must("like.list-callers-flags", "the app's hearts")
            .says("The flags in a list of likes are the caller's.", |w| callers_flags(w).boxed()),
        should("like.list-of-nobody")
            .says("A list of likes of an unknown person is refused.", |w| of_nobody(w).boxed()),
    ]
}

/// Whether the video says that `fan` alone likes it, or that nobody does.
async fn is_liked(fan: &Person<'_>, video: &Video, liked: bool) -> Checked {
    let (seen, count) = (fan.card(video).await?, i64::from(liked));
    seen.is("favorite_count", count)?;
    seen.is("is_favorite", liked)
}

async fn counts(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let video = ann.video().await?;
    is_liked(&bob, &video, false).await?;
    bob.like(&video, 1).await?.success()?;
    is_liked(&bob, &video, true).await
}

async fn profiles(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let video = ann.video().await?;
    bob.like(&video, 1).await?.success()?;
    bob.profile(ann.id).await?.is("total_favorited", 1)?;
    bob.profile(bob.id).await?.is("favorite_count", 1)
}

async fn twice(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let video = ann.video().await?;
    bob.like(&video, 1).await?.success()?;
    let once = bob.card(&video).await?.number("favorite_count");
    bob.like(&video, 1).await?.success()?;
    bob.card(&video).await?.is("favorite_count", once)
}

async fn undone(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let video = ann.video().await?;
    let before = bob.card(&video).await?.number("favorite_count");
    bob.like(&video, 1).await?.success()?;
    bob.like(&video, 2).await?.success()?;
    let seen = bob.card(&video).await?;
    seen.is("favorite_count", before)?;
    seen.is("is_favorite", false)
}

async fn undone_twice(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let video = ann.video().await?;
    let before = bob.card(&video).await?.number("favorite_count");
    bob.like(&video, 2).await?.success()?;
    bob.card(&video).await?.is("favorite_count", before)
}

async fn crowd(w: &Stage) -> Checked {
    let [ann, bob, cat, dan] = w.people().await?;
    let video = ann.video().await?;
    let before = ann.card(&video).await?.number("favorite_count");
    let fans = [&bob, &cat, &dan, &bob, &cat, &dan, &bob, &cat, &dan];
    for answer in try_join_all(fans.map(|fan| fan.like(&video, 1))).await? {
        answer.success()?;
    }
    ann.card(&video).await?.is("favorite_count", before + 3)
}

async fn own_video(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let video = ann.video().await?;
    ann.like(&video, 1).await?.success().map(|_| ())
}

async fn unknown_video(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    for action in [1, 2] {
        ann.like(&Video { id: NOBODY, author: ann.id }, action).await?.refused()?;
    }
    Ok(())
}

async fn other_action(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let video = w.stock().await?;
    for action in ["0", "3", "like", ""] {
        let pairs: Pairs<'_> = &[("video_id", &video.id), ("action_type", &action)];
        ann.post("favorite/action", pairs).await?.refused()?;
    }
    Ok(())
}

/// Three videos, liked by `fan` in another order than they were published in; in the order of the likes.
async fn liked(author: &Person<'_>, fan: &Person<'_>) -> Checked<[Video; 3]> {
    let (one, two, three) = (author.video().await?, author.video().await?, author.video().await?);
    for video in [&two, &three, &one] {
        fan.like(video, 1).await?.success()?;
    }
    Ok([two, three, one])
}

async fn list_fields(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let video = ann.video().await?;
    bob.like(&video, 1).await?.success()?;
    let list = bob.get("favorite/list", &[("user_id", &bob.id)]).await?.success()?;
    object::has(&list.first("video_list")?, VIDEO)
}

async fn each_once(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let mut wanted = liked(&ann, &bob).await?.map(|video| video.id);
    let list = bob.get("favorite/list", &[("user_id", &bob.id)]).await?.success()?;
    let mut ids = list.ids("video_list");
    ids.sort_unstable();
    wanted.sort_unstable();
    list.want(ids == wanted, format_args!("the videos {wanted:?} and no other"))
}

async fn latest_first(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let [two, three, one] = liked(&ann, &bob).await?;
    let list = bob.get("favorite/list", &[("user_id", &bob.id)]).await?.success()?;
    list.has_ids("video_list", &[one.id, three.id, two.id])
}

async fn of_whom(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let video = ann.video().await?;
    bob.like(&video, 1).await?.success()?;
    ann.get("favorite/list", &[("user_id", &bob.id)]).await?.success()?.has_ids("video_list", &[video.id])
}

async fn callers_flags(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let video = ann.video().await?;
    bob.like(&video, 1).await?.success()?;
    for (by, flag) in [(&bob, true), (&ann, false)] {
        let list = by.get("favorite/list", &[("user_id", &bob.id)]).await?.success()?;
        list.entry("video_list", video.id)?.is("is_favorite", flag)?;
    }
    Ok(())
}

async fn of_nobody(w: &Stage) -> Checked {
    w.get("favorite/list", &[("user_id", &NOBODY)]).await?.refused().map(|_| ())
}
