//! The reads of `/api/v1`, one route at a time, by so few that nobody waits for another: what each of them takes.

use anyhow::Result;

use super::{Site, Stage, Variant};
use crate::load::Request;

/// Who asks at once.
const CLIENTS: usize = 2;

/// What people look for, in a query: words that one title in twelve has, words half typed, and one that one has.
const SOUGHT: [&str; 8] = [
    "%E7%BA%A2%E7%83%A7%E8%82%89",
    "%E7%8C%AB",
    "street+food",
    "vlo",
    "%E5%A4%9C%E6%99%9A+part",
    "behind+the+sc",
    "bike+cuts",
    "777",
];

/// A route: its name, and its address for a video, an author and a draw.
type Route = (&'static str, fn(u64, u64, usize) -> String);

const ROUTES: [Route; 29] = [
    ("platform, feeds/newest", |_, _, _| "feeds/newest".into()),
    ("platform, feeds/following", |_, _, _| "feeds/following".into()),
    ("platform, feeds/for-you", |_, _, _| "feeds/for-you".into()),
    ("platform, videos/{id}", |video, _, _| format!("videos/{video}")),
    ("platform, videos/{id}/comments", |video, _, _| format!("videos/{video}/comments")),
    ("platform, users/{id}", |_, author, _| format!("users/{author}")),
    ("platform, users/{id}/videos", |_, author, _| format!("users/{author}/videos")),
    ("platform, users/{id}/likes", |_, author, _| format!("users/{author}/likes")),
    ("platform, users/{id}/followers", |_, author, _| format!("users/{author}/followers")),
    ("platform, users/{id}/following", |_, author, _| format!("users/{author}/following")),
    ("platform, users/{id}/messages", |_, author, _| format!("users/{author}/messages")),
    ("platform, account/friends", |_, _, _| "account/friends".into()),
    ("platform, account", |_, _, _| "account".into()),
    ("platform, account/bookmarks", |_, _, _| "account/bookmarks".into()),
    ("platform, account/notifications", |_, _, _| "account/notifications".into()),
    ("platform, account/conversations", |_, _, _| "account/conversations".into()),
    ("platform, account/follow-requests", |_, _, _| "account/follow-requests".into()),
    ("platform, account/held-comments", |_, _, _| "account/held-comments".into()),
    ("platform, account/two-factor", |_, _, _| "account/two-factor".into()),
    ("platform, account/blocks", |_, _, _| "account/blocks".into()),
    ("platform, sessions", |_, _, _| "sessions".into()),
    ("platform, site", |_, _, _| "site".into()),
    ("platform, users/{id}/relation", |_, author, _| format!("users/{author}/relation")),
    ("platform, videos/{id}/shares", |video, _, _| format!("videos/{video}/shares")),
    ("platform, tags/{name}/videos", |_, _, _| "tags/food/videos".into()),
    ("platform, tags", |_, _, _| "tags".into()),
    ("platform, search/tags", |_, _, _| "search/tags?q=fo".into()),
    ("platform, search/videos", |_, _, draw| format!("search/videos?q={}", SOUGHT[draw % SOUGHT.len()])),
    ("platform, search/people", |_, author, draw| {
        format!("search/people?q=bench-{}", if draw % 2 == 0 { author } else { author % 100 })
    }),
];

pub async fn modern(stage: &mut Stage<'_>) -> Result<()> {
    let Site { platform, dataset, .. } = stage.site;
    let site = stage.site;
    let variant = |(number, (name, address)): (usize, &'static Route)| {
        let mut rng = dataset.rng(number as u64);
        Variant::asked_by(CLIENTS, name, &platform.target, move || {
            let (video, author, draw) = (dataset.video(&mut rng), dataset.author(&mut rng), rng.usize(..));
            // Nobody writes with themselves.
            let (me, author) = match dataset.user(&mut rng) {
                me if me == author => (me, author % dataset.users + 1),
                me => (me, author),
            };
            Request::get_as(site.token(me), format_args!("/api/v1/{}", address(video, author, draw)))
        })
    };
    stage.interleave(ROUTES.iter().enumerate().map(variant).collect()).await
}
