//! Routes that only some servers have.

use futures_util::FutureExt;

use super::ask::Pairs;
use super::stage::Stage;
use super::trouble::Checked;
use super::{Rule, should};

pub(super) fn rules() -> Vec<Rule> {
    vec![
        should("extra.comment-count")
            .says("GET comment/count tells how many comments a video has.", |w| comment_count(w).boxed()),
        should("extra.follow-and-unfollow")
            .says("POST relation/follow and relation/unfollow do what they say.", |w| follow(w).boxed()),
        should("extra.follow-counts")
            .says("GET relation/follow/count and relation/follower/count count.", |w| counts(w).boxed()),
        should("extra.is-follow")
            .says("GET relation/isFollow tells whether the caller follows somebody.", |w| {
                is_follow(w).boxed()
            }),
    ]
}

async fn comment_count(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let video = ann.video().await?;
    ann.comment(&video, "hello").await?;
    w.get("comment/count", &[("video_id", &video.id)]).await?.success()?.is("comment_count", 1)
}

async fn follow(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let pairs: Pairs<'_> = &[("to_user_id", &bob.id), ("action_type", &1)];
    ann.post("relation/follow", pairs).await?.success()?;
    ann.profile(bob.id).await?.is("is_follow", true)?;
    ann.post("relation/unfollow", pairs).await?.success()?;
    ann.profile(bob.id).await?.is("is_follow", false)
}

async fn counts(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    ann.follow(bob.id, 1).await?.success()?;
    for (route, of, count) in [
        ("relation/follow/count", ann.id, 1),
        ("relation/follower/count", ann.id, 0),
        ("relation/follower/count", bob.id, 1),
    ] {
        ann.get(route, &[("user_id", &of)]).await?.success()?.is("count", count)?;
    }
    Ok(())
}

async fn is_follow(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    ann.follow(bob.id, 1).await?.success()?;
    ann.get("relation/isFollow", &[("user_id", &bob.id)]).await?.success()?.is("result", true)?;
    bob.get("relation/isFollow", &[("user_id", &ann.id)]).await?.success()?.is("result", false)
}
