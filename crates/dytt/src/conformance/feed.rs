//! The feed: order, pages and cursors.

use std::fmt::Display;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt;
use tokio::time::sleep;

use super::object::{self, Kind, VIDEO};
use super::seen::Seen;
use super::stage::{LONG_AGO, Person, Stage, Video};
use super::trouble::Checked;
use super::{Rule, must, should};

const DAY_SECONDS: u64 = 86_400;
/// How many pages are read to find something that is new.
const MOST_PAGES: usize = 10;
/// How long a new video may take to reach those who are not logged in: servers keep their pages.
const NOBODYS_TIME: Duration = Duration::from_secs(2);
/// The most videos on a page.
const PAGE: usize = 30;

pub(super) fn rules() -> Vec<Rule> {
    vec![
        must("feed.video-fields", "the demo suite and Toktik's")
            .says("Every video has every field, its author's included.", |w| fields(w).boxed()),
        must("feed.shows-at-once", "the demo suite")
            .says("A published clip is on the feed of everybody who is logged in at once.", |w| {
                at_once(w).boxed()
            }),
        must("feed.shows-to-nobody", "the app before a login")
            .says("A published clip is on the feed of who is not logged in within 2 seconds.", |w| {
                to_nobody(w).boxed()
            }),
        should("feed.own-videos").says("One's own videos are on the feed too.", |w| own_videos(w).boxed()),
        must("feed.newest-first", "the app").says("The newest video is first.", |w| newest_first(w).boxed()),
        must("feed.stays-in-order", "the app, whose pages would repeat")
            .says("A like or a comment does not move a video.", |w| stays(w).boxed()),
        should("feed.page-of-30").says("A page has 30 videos at most.", |w| page_of_30(w).boxed()),
        must("feed.next-time-is-a-number-in-ms", "GuGoTik's suite; the app sends it back")
            .says("next_time is a JSON number of milliseconds, on an empty page too.", |w| {
                next_time(w).boxed()
            }),
        must("feed.next-time-goes-on", "the app")
            .says("next_time is the time of the page's last video: the next begins behind it.", |w| {
                goes_on(w).boxed()
            }),
        must("feed.end-starts-over", "the app")
            .says("Behind the last video the list is empty, and next_time leads to the newest.", |w| {
                starts_over(w).boxed()
            }),
        must("feed.latest-time-0", "the app's first request")
            .says("latest_time 0 is now.", |w| is_now(w, &["0"]).boxed()),
        must("feed.latest-time-nonsense", "GuGoTik's suite, which sends a date in words")
            .says("A latest_time that is no number, negative or empty is now.", |w| {
                is_now(w, &["2023-08-26T10:00:00Z", "x", "-1", ""]).boxed()
            }),
        should("feed.latest-time-in-seconds")
            .says("A latest_time below 10^11 is seconds.", |w| in_seconds(w).boxed()),
        must("feed.callers-flags", "the app's hearts and plus signs")
            .says("is_favorite and the author's is_follow are the caller's.", |w| callers_flags(w).boxed()),
        must("feed.nobodys-flags", "the app before a login")
            .says("is_favorite and is_follow are false for who is not logged in.", |w| {
                nobodys_flags(w).boxed()
            }),
    ]
}

/// A page as somebody sees it who is logged in: only for them it has to be exact, for all others servers may keep it
/// for a moment.
async fn page(by: &Person<'_>, latest_time: i64) -> Checked<Seen> {
    by.get("feed", &[("latest_time", &latest_time)]).await?.success()
}

/// The entries of these videos, in the feed's order; other people's may stand between them.
async fn entries(by: &Person<'_>, videos: &[&Video]) -> Checked<Vec<Seen>> {
    let mut found = Vec::new();
    let mut seen = page(by, 0).await?;
    for _ in 1..MOST_PAGES {
        let listed = seen.list("video_list");
        if listed.is_empty() {
            break;
        }
        found
            .extend(listed.into_iter().filter(|one| videos.iter().any(|video| video.id == one.number("id"))));
        if found.len() >= videos.len() {
            return Ok(found);
        }
        seen = page(by, seen.number("next_time")).await?;
    }
    let ids: Vec<i64> = videos.iter().map(|video| video.id).collect();
    let came = format!("{} of the videos {ids:?}", found.len());
    Err(seen.wrong(came, format_args!("all of them on the first {MOST_PAGES} pages")))
}

/// A new video's entry as it is seen without a token, after a moment.
async fn entry_for_nobody(w: &Stage, video: &Video) -> Checked<Seen> {
    let began = Instant::now();
    loop {
        let found = w.get("feed", &[]).await?.success()?.entry("video_list", video.id);
        if found.is_ok() || began.elapsed() > NOBODYS_TIME {
            return found;
        }
        sleep(NOBODYS_TIME / 10).await;
    }
}

async fn fields(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    w.stock().await?;
    page(&ann, 0).await?.list("video_list").iter().try_for_each(|entry| object::has(entry, VIDEO))
}

async fn at_once(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let video = ann.video().await?;
    entries(&bob, &[&video]).await.map(|_| ())
}

async fn to_nobody(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    entry_for_nobody(w, &ann.video().await?).await.map(|_| ())
}

async fn own_videos(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let video = ann.video().await?;
    entries(&ann, &[&video]).await.map(|_| ())
}

/// Whether the later of two videos is before the other.
async fn in_order(by: &Person<'_>, first: &Video, second: &Video) -> Checked {
    let found = entries(by, &[first, second]).await?;
    found[0].is("id", second.id)?;
    found[1].is("id", first.id)
}

async fn newest_first(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let (first, second) = (ann.video().await?, bob.video().await?);
    in_order(&ann, &first, &second).await
}

async fn stays(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let (first, second) = (ann.video().await?, ann.video().await?);
    ann.like(&first, 1).await?.success()?;
    ann.comment(&first, "late").await?;
    in_order(&ann, &first, &second).await
}

async fn page_of_30(w: &Stage) -> Checked {
    w.stock().await?;
    let seen = w.get("feed", &[]).await?.success()?;
    let count = seen.list("video_list").len();
    if count <= PAGE { Ok(()) } else { Err(seen.wrong(format_args!("{count} videos"), "30 at most")) }
}

async fn next_time(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    w.stock().await?;
    for seen in [page(&ann, 0).await?, page(&ann, LONG_AGO).await?] {
        let next = seen.part("next_time");
        if !Kind::Millis.is(&next.value) {
            return Err(seen.wrong(format_args!("next_time is {}", next.brief()), Kind::Millis.words()));
        }
    }
    Ok(())
}

async fn goes_on(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    ann.video().await?;
    let first = page(&ann, 0).await?;
    let (ids, next) = (first.ids("video_list"), first.number("next_time"));
    let last = ids.last().copied().unwrap_or_default();
    let behind = page(&ann, next).await?;
    let repeated = behind.ids("video_list").iter().any(|id| ids.contains(id));
    behind.want(!repeated, "no video of the page before")?;
    let from = page(&ann, next + 1).await?;
    let begins = from.ids("video_list").first() == Some(&last);
    from.want(begins, format_args!("a millisecond later, the page before's last video, {last}, comes first"))
}

async fn starts_over(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let end = page(&ann, LONG_AGO).await?;
    end.want(end.list("video_list").is_empty(), "no video: nothing was published before 1973")?;
    shows_newest(&ann, &end.number("next_time")).await
}

async fn is_now(w: &Stage, cursors: &[&str]) -> Checked {
    let [ann] = w.people().await?;
    for cursor in cursors {
        shows_newest(&ann, cursor).await?;
    }
    Ok(())
}

async fn in_seconds(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    shows_newest(&ann, &(now + DAY_SECONDS)).await
}

/// Whether the page for this cursor is the newest one; meanwhile others may publish.
async fn shows_newest(by: &Person<'_>, latest_time: &(dyn Display + Sync)) -> Checked {
    by.stage.stock().await?;
    let newest = page(by, 0).await?.first("video_list")?.number("id");
    let seen = by.get("feed", &[("latest_time", latest_time)]).await?.success()?;
    seen.want(
        seen.ids("video_list").contains(&newest),
        format_args!("the newest videos, {newest} among them"),
    )
}

async fn callers_flags(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let video = ann.video().await?;
    bob.like(&video, 1).await?.success()?;
    bob.follow(ann.id, 1).await?.success()?;
    for (by, flag) in [(&bob, true), (&ann, false)] {
        for entry in entries(by, &[&video]).await? {
            has_flags(&entry, flag)?;
        }
    }
    Ok(())
}

async fn nobodys_flags(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let video = ann.video().await?;
    ann.like(&video, 1).await?.success()?;
    has_flags(&entry_for_nobody(w, &video).await?, false)
}

fn has_flags(entry: &Seen, flag: bool) -> Checked {
    entry.is("is_favorite", flag)?;
    entry.part("author").is("is_follow", flag)
}
