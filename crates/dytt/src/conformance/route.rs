//! Paths and methods: which spellings a server answers, and how it answers what is no route.

use futures_util::FutureExt;
use reqwest::Method;

use super::stage::Stage;
use super::trouble::Checked;
use super::{Rule, must, should};

/// The routes every server of this API has: method and path.
pub(super) const ROUTES: [(&str, &str); 16] = [
    ("GET", "feed"),
    ("POST", "user/register"),
    ("POST", "user/login"),
    ("GET", "user"),
    ("POST", "publish/action"),
    ("GET", "publish/list"),
    ("POST", "favorite/action"),
    ("GET", "favorite/list"),
    ("POST", "comment/action"),
    ("GET", "comment/list"),
    ("POST", "relation/action"),
    ("GET", "relation/follow/list"),
    ("GET", "relation/follower/list"),
    ("GET", "relation/friend/list"),
    ("GET", "message/chat"),
    ("POST", "message/action"),
];

pub(super) fn rules() -> Vec<Rule> {
    vec![
        must("route.with-last-slash", "the app, which fails on a redirect")
            .says("Each of the 16 routes answers directly with a slash at its end.", |w| {
                answer(w, "/douyin/PATH/").boxed()
            }),
        must("route.without-last-slash", "GuGoTik's suite and k6's scripts")
            .says("Each of the 16 routes answers directly without a slash at its end.", |w| {
                answer(w, "/douyin/PATH").boxed()
            }),
        must("route.empty-query", "k6's feed script")
            .says("A question mark with nothing behind it is no query.", |w| {
                answer(w, "/douyin/PATH/?").boxed()
            }),
        should("route.doubled-slashes")
            .says("Doubled slashes count as one: people type the base address.", |w| {
                answer(w, "//douyin//PATH//").boxed()
            }),
        must("route.favorite-list-by-post", "GuGoTik's suite")
            .says("The list of likes answers POST as it answers GET.", |w| {
                by_post(w, "favorite/list").boxed()
            }),
        should("route.lists-by-post")
            .says("Every list answers POST as it answers GET.", |w| lists_by_post(w).boxed()),
        should("route.unknown-path")
            .says("What is no route is HTTP 404, in the envelope.", |w| unknown_path(w).boxed()),
        should("route.wrong-method")
            .says("An action asked for by GET is HTTP 405, in the envelope.", |w| wrong_method(w).boxed()),
    ]
}

/// Whether every route answers when it is spelled like this.
async fn answer(w: &Stage, spelling: &str) -> Checked {
    for (method, route) in ROUTES {
        let method = if method == "GET" { Method::GET } else { Method::POST };
        let seen = w.ask(method, &spelling.replace("PATH", route)).send().await?;
        let direct = seen.code().is_some() && !(300..400).contains(&seen.status()) && seen.status() != 404;
        seen.want(direct, "an answer of that route, no redirect")?;
    }
    Ok(())
}

async fn by_post(w: &Stage, route: &str) -> Checked {
    let ann = w.person().await?;
    let pairs: super::ask::Pairs<'_> = &[("user_id", &ann.id), ("to_user_id", &ann.id)];
    let by_get = ann.get(route, pairs).await?;
    let by_post = ann.post(route, pairs).await?;
    by_post.want(
        (by_get.status(), by_get.code()) == (by_post.status(), by_post.code()),
        format_args!("what GET gets: {}", by_get.brief()),
    )
}

async fn lists_by_post(w: &Stage) -> Checked {
    for (_, route) in ROUTES.iter().filter(|(method, _)| *method == "GET") {
        by_post(w, route).await?;
    }
    Ok(())
}

async fn unknown_path(w: &Stage) -> Checked {
    for route in ["feeds", "user/delete", "feed/x"] {
        let seen = w.get(route, &[]).await?;
        let ok = seen.status() == 404 && seen.code().is_some_and(|code| code != 0);
        seen.want(ok, "HTTP 404 with a status_code other than 0")?;
    }
    Ok(())
}

async fn wrong_method(w: &Stage) -> Checked {
    for (_, route) in ROUTES.iter().filter(|(method, _)| *method == "POST") {
        let seen = w.get(route, &[]).await?;
        let ok = seen.status() == 405 && seen.code().is_some_and(|code| code != 0);
        seen.want(ok, "HTTP 405 with a status_code other than 0")?;
    }
    Ok(())
}
