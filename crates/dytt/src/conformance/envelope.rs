//! What every answer has, whatever it is about.

use futures_util::FutureExt;
use serde_json::Value;

use super::ask::Pairs;
use super::object::Kind;
use super::seen::Seen;
use super::stage::{LONG_AGO, NOBODY, Stage};
use super::trouble::Checked;
use super::{Rule, must, should};

/// Each list's route, its field, and the parameter that names what it is of.
const LISTS: [(&str, &str, &str); 7] = [
    ("publish/list", "video_list", "user_id"),
    ("favorite/list", "video_list", "user_id"),
    ("comment/list", "comment_list", "video_id"),
    ("relation/follow/list", "user_list", "user_id"),
    ("relation/follower/list", "user_list", "user_id"),
    ("relation/friend/list", "user_list", "user_id"),
    ("message/chat", "message_list", "to_user_id"),
];

pub(super) fn rules() -> Vec<Rule> {
    vec![
        must("envelope.is-json", "suites on httpexpect, and k6's scripts, which parse every body")
            .says("Every answer is one JSON object, as application/json in UTF-8.", |w| is_json(w).boxed()),
        must("envelope.status-code", "the demo suite")
            .says("status_code is a number in every answer, also when it is 0.", |w| status_code(w).boxed()),
        must("envelope.status-msg", "Toktik's suite; the app shows it to people")
            .says("status_msg is a text that is not empty in every answer.", |w| status_msg(w).boxed()),
        must(
            "envelope.failures-are-http-200",
            "the demo suite, and clients that only read answers of HTTP 200",
        )
        .says("What a client did wrong is HTTP 200, told by status_code.", |w| failures_are_200(w).boxed()),
        should("envelope.bad-token-is-http-200")
            .says("A missing or wrong token is HTTP 200 too, and not HTTP 401.", |w| {
                bad_token_is_200(w).boxed()
            }),
        must("envelope.empty-lists-are-lists", "the demo suite")
            .says("An empty list is [], never null and never left out.", |w| empty_lists(w).boxed()),
        should("envelope.lists-on-failure")
            .says("A refusal's list is there and empty.", |w| lists_on_failure(w).boxed()),
        must("envelope.ids-are-numbers", "every typed client")
            .says("Ids are JSON numbers, not texts.", |w| {
                ids(w, |id| Kind::Id.is(id), "a JSON number").boxed()
            }),
        must("envelope.ids-fit-a-double", "suites on httpexpect, and JavaScript")
            .says("Ids are at most 2^53, which a float holds exactly.", |w| {
                ids(w, |id| fits(id, 1 << 53), "at most 2^53").boxed()
            }),
        must("envelope.ids-fit-32-bits", "GuGoTik's suite")
            .says("Ids fit into 32 bits without a sign.", |w| {
                ids(w, |id| fits(id, i64::from(u32::MAX)), "at most 4294967295").boxed()
            }),
    ]
}

/// Answers of every kind: successes, lists, objects and refusals.
async fn some_of_all(w: &Stage) -> Checked<Vec<Seen>> {
    let [ann, bob] = w.people().await?;
    let pairs: Pairs<'_> = &[("user_id", &ann.id), ("video_id", &NOBODY), ("to_user_id", &bob.id)];
    let mut seen = vec![w.get("feed", &[]).await?, ann.get("user", &[]).await?, w.get("user", &[]).await?];
    seen.push(ann.follow(bob.id, 1).await?);
    seen.push(ann.write(bob.id, "hello").await?);
    seen.push(w.post("user/register", &[("username", &ann.name), ("password", &w.password())]).await?);
    seen.push(w.post("user/login", &[("username", &ann.name), ("password", &w.password())]).await?);
    seen.push(w.post("publish/action", &[]).await?);
    for (route, ..) in LISTS {
        seen.push(ann.get(route, pairs).await?);
    }
    for route in ["favorite/action", "comment/action", "relation/action", "message/action"] {
        seen.push(ann.post(route, &[]).await?);
    }
    Ok(seen)
}

async fn is_json(w: &Stage) -> Checked {
    for seen in some_of_all(w).await? {
        let kind = seen.header("content-type").to_ascii_lowercase().replace([' ', '"'], "");
        let right = "application/json; charset=utf-8";
        if !matches!(kind.as_str(), "application/json" | "application/json;charset=utf-8") {
            return Err(seen.wrong(format_args!("Content-Type is {kind:?}"), right));
        }
        seen.want(seen.value.is_object(), "one JSON object")?;
    }
    Ok(())
}

async fn status_code(w: &Stage) -> Checked {
    for seen in some_of_all(w).await? {
        let code = seen.value["status_code"].as_i64();
        seen.want(
            code.is_some_and(|code| i32::try_from(code).is_ok()),
            "status_code is a number of 32 bits",
        )?;
    }
    Ok(())
}

async fn status_msg(w: &Stage) -> Checked {
    for seen in some_of_all(w).await? {
        seen.want(Kind::Words.is(&seen.value["status_msg"]), "status_msg is a text that is not empty")?;
    }
    Ok(())
}

async fn failures_are_200(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let refused = [
        w.post("user/register", &[("username", &ann.name), ("password", &w.password())]).await?,
        w.post("user/login", &[("username", &ann.name), ("password", &"not-the-password")]).await?,
        ann.get("user", &[("user_id", &"nobody")]).await?,
        ann.post("favorite/action", &[]).await?,
        ann.follow(NOBODY, 1).await?,
    ];
    refused.into_iter().try_for_each(told_by_code)
}

async fn bad_token_is_200(w: &Stage) -> Checked {
    for token in ["", "nonsense"] {
        told_by_code(w.get("user", &[("token", &token), ("user_id", &1)]).await?)?;
        let pairs: Pairs<'_> = &[("token", &token), ("to_user_id", &1), ("action_type", &1)];
        told_by_code(w.post("relation/action", pairs).await?)?;
    }
    Ok(())
}

fn told_by_code(seen: Seen) -> Checked {
    let ok = seen.status() == 200 && seen.code().is_some_and(|code| code != 0);
    seen.want(ok, "HTTP 200 with a status_code other than 0")
}

async fn empty_lists(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    // That of a video needs one, and has a rule of its own.
    for (route, field, parameter) in LISTS.iter().filter(|(.., parameter)| *parameter != "video_id") {
        is_empty_list(&ann.get(route, &[(parameter, &bob.id)]).await?.success()?, field)?;
    }
    is_empty_list(&w.get("feed", &[("latest_time", &LONG_AGO)]).await?.success()?, "video_list")
}

async fn lists_on_failure(w: &Stage) -> Checked {
    for (route, field, parameter) in LISTS {
        let seen = w.get(route, &[(parameter, &"nobody")]).await?.refused()?;
        is_empty_list(&seen, field)?;
    }
    Ok(())
}

fn is_empty_list(seen: &Seen, field: &str) -> Checked {
    let list = seen.part(field);
    if list.value.as_array().is_some_and(Vec::is_empty) {
        return Ok(());
    }
    Err(seen.wrong(format_args!("{field} is {}", list.brief()), "[]"))
}

/// Looks at ids of all kinds.
async fn ids(w: &Stage, is_right: fn(&Value) -> bool, right: &str) -> Checked {
    let [ann, bob] = w.people().await?;
    ann.write(bob.id, "hello").await?.success()?;
    let login = w.post("user/login", &[("username", &ann.name), ("password", &w.password())]).await?;
    let mut ids = vec![login.part("user_id"), ann.profile(ann.id).await?.part("id")];
    let messages = ann.chat(bob.id, 0).await?;
    for message in messages.list("message_list") {
        ids.extend(["id", "from_user_id", "to_user_id"].map(|name| message.part(name)));
    }
    for video in w.get("feed", &[]).await?.list("video_list") {
        ids.extend([video.part("id"), video.part("author").part("id")]);
    }
    let wrong = ids.into_iter().find(|id| !is_right(&id.value));
    wrong.map_or(Ok(()), |id| Err(id.wrong(format_args!("{} is {}", id.place(), id.brief()), right)))
}

/// Whether an id, in whatever form it came, is at most this large.
fn fits(id: &Value, most: i64) -> bool {
    let number = id.as_i64().or_else(|| id.as_str()?.parse().ok());
    number.is_some_and(|id| id <= most)
}
