//! The numbers failures have here. Servers number them differently, and no client counts on one.

use futures_util::FutureExt;

use super::ask::Pairs;
use super::seen::Seen;
use super::stage::{NOBODY, Stage, Video};
use super::trouble::Checked;
use super::{Rule, should};

pub(super) fn rules() -> Vec<Rule> {
    vec![
        should("code.bad-parameter")
            .says("100002: a parameter is missing or cannot be read.", |w| bad_parameter(w).boxed()),
        should("code.broken-rule").says("100003: a parameter breaks a rule.", |w| broken_rule(w).boxed()),
        should("code.no-token").says("100004: no token, or one that is not valid.", |w| no_token(w).boxed()),
        should("code.no-video-file").says("100007: the file is no video.", |w| no_video_file(w).boxed()),
        should("code.wrong-password")
            .says("100207: wrong user name or password.", |w| wrong_password(w).boxed()),
        should("code.not-allowed")
            .says("100208: not allowed, such as deleting another's comment.", |w| not_allowed(w).boxed()),
        should("code.no-such-user").says("110001: no such user.", |w| no_such_user(w).boxed()),
        should("code.name-taken").says("110002: the user name is taken.", |w| name_taken(w).boxed()),
        should("code.no-such-video").says("120001: no such video.", |w| no_such_video(w).boxed()),
        should("code.no-such-comment")
            .says("120002: no such comment under this video.", |w| no_such_comment(w).boxed()),
    ]
}

fn is(seen: Seen, code: i64) -> Checked {
    seen.refused()?.is("status_code", code)
}

async fn bad_parameter(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    is(ann.get("user", &[("user_id", &"nobody")]).await?, 100_002)?;
    is(ann.post("favorite/action", &[("action_type", &1)]).await?, 100_002)?;
    is(w.get("publish/list", &[]).await?, 100_002)?;
    is(w.post("user/register", &[("username", &w.fresh_name())]).await?, 100_002)
}

async fn broken_rule(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    is(ann.follow(ann.id, 1).await?, 100_003)?;
    is(ann.write(ann.id, "hello").await?, 100_003)?;
    is(w.post("user/register", &[("username", &w.fresh_name()), ("password", &"12345")]).await?, 100_003)
}

async fn no_token(w: &Stage) -> Checked {
    is(w.get("user", &[("user_id", &1)]).await?, 100_004)?;
    let pairs: Pairs<'_> = &[("token", &"nonsense"), ("to_user_id", &1), ("action_type", &1)];
    is(w.post("relation/action", pairs).await?, 100_004)
}

async fn no_video_file(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let ask = ann.ask(reqwest::Method::POST, "publish/action").file("text.mp4", b"this is no video".to_vec());
    is(ask.field("title", "text").send().await?, 100_007)
}

async fn wrong_password(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    is(w.post("user/login", &[("username", &ann.name), ("password", &"not-the-password")]).await?, 100_207)
}

async fn not_allowed(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let video = ann.video().await?;
    let comment = bob.comment(&video, "mine").await?.number("id");
    is(ann.uncomment(&video, comment).await?, 100_208)
}

async fn no_such_user(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    is(ann.get("user", &[("user_id", &NOBODY)]).await?, 110_001)?;
    is(ann.follow(NOBODY, 1).await?, 110_001)?;
    is(ann.write(NOBODY, "hello").await?, 110_001)?;
    is(w.get("publish/list", &[("user_id", &NOBODY)]).await?, 110_001)
}

async fn name_taken(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    is(w.post("user/register", &[("username", &ann.name), ("password", &w.password())]).await?, 110_002)
}

async fn no_such_video(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let nothing = Video { id: NOBODY, author: ann.id };
    is(ann.like(&nothing, 1).await?, 120_001)?;
    is(w.get("comment/list", &[("video_id", &NOBODY)]).await?, 120_001)?;
    let pairs: Pairs<'_> = &[("video_id", &NOBODY), ("action_type", &1), ("comment_text", &"hello")];
    is(ann.post("comment/action", pairs).await?, 120_001)
}

async fn no_such_comment(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    is(ann.uncomment(&w.stock().await?, i64::from(i32::MAX)).await?, 120_002)
}
