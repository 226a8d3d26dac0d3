//! Pictures and videos by the addresses that answers give.

use futures_util::FutureExt;
use reqwest::{Method, Url};

use super::seen::{Seen, short};
use super::stage::Stage;
use super::trouble::{Checked, Trouble};
use super::{Rule, must, should};

pub(super) fn rules() -> Vec<Rule> {
    vec![
        must("media.addresses-lead-out", "phones, for which 127.0.0.1 is the phone itself")
            .says("Addresses are absolute, and of a host that others can reach.", |w| lead_out(w).boxed()),
        must("media.video-is-served", "the app's player, which has no token for it")
            .says("play_url is a video/mp4, for whoever asks.", |w| video_is_served(w).boxed()),
        must("media.cover-is-served", "the app")
            .says("cover_url is a picture, for whoever asks.", |w| cover_is_served(w).boxed()),
        must("media.pictures-are-served", "the app")
            .says("avatar and background_image are pictures.", |w| pictures_are_served(w).boxed()),
        must("media.ranges", "players, which read a clip in parts")
            .says("A range of a video is HTTP 206 with those bytes, and Accept-Ranges says so.", |w| {
                ranges(w).boxed()
            }),
        should("media.range-behind-the-end")
            .says("A range behind the end is HTTP 416.", |w| behind_the_end(w).boxed()),
        should("media.fast-start")
            .says("A video's index is before its pictures, so that it plays while it loads.", |w| {
                fast_start(w).boxed()
            }),
    ]
}

/// A video as the feed shows it.
async fn card(w: &Stage) -> Checked<Seen> {
    let video = w.stock().await?;
    let list = w.get("publish/list", &[("user_id", &video.author)]).await?.success()?;
    list.entry("video_list", video.id)
}

/// What an address leads to.
async fn fetch(w: &Stage, of: &Seen, field: &str, range: Option<String>) -> Checked<Seen> {
    let address = of.text(field);
    if Url::parse(address).is_err() {
        return Err(of.wrong(format_args!("{field} is {address:?}"), "an absolute address"));
    }
    let ask = w.ask(Method::GET, address);
    match range {
        Some(range) => ask.header("range", range).send().await,
        None => ask.send().await,
    }
}

async fn lead_out(w: &Stage) -> Checked {
    let card = card(w).await?;
    let near = is_near(w.base_url());
    for (of, field) in [(&card, "play_url"), (&card, "cover_url"), (&card.part("author"), "avatar")] {
        let address = of.text(field);
        let ok = Url::parse(address).is_ok_and(|url| url.has_host()) && (near || !is_near(address));
        if !ok {
            return Err(
                of.wrong(format_args!("{field} is {address:?}"), "an absolute address others can reach")
            );
        }
    }
    Ok(())
}

/// Whether an address is of this machine alone.
fn is_near(address: &str) -> bool {
    let url = Url::parse(address).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}

async fn video_is_served(w: &Stage) -> Checked {
    let seen = fetch(w, &card(w).await?, "play_url", None).await?;
    is_served(&seen, "video/mp4")
}

async fn cover_is_served(w: &Stage) -> Checked {
    let seen = fetch(w, &card(w).await?, "cover_url", None).await?;
    is_served(&seen, "image/")
}

async fn pictures_are_served(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let profile = ann.profile(ann.id).await?;
    for field in ["avatar", "background_image"] {
        is_served(&fetch(w, &profile, field, None).await?, "image/")?;
    }
    Ok(())
}

fn is_served(seen: &Seen, kind: &str) -> Checked {
    let ok = seen.status() == 200 && seen.header("content-type").starts_with(kind) && !seen.body().is_empty();
    if ok { Ok(()) } else { Err(bytes_are_wrong(seen, &format!("HTTP 200 with Content-Type {kind}"))) }
}

/// What came of bytes, which are not shown themselves.
fn bytes_are_wrong(seen: &Seen, right: &str) -> Trouble {
    let kind = short(seen.header("content-type"), 64);
    let came = format!("HTTP {}, Content-Type {kind:?}, {} bytes", seen.status(), seen.body().len());
    seen.wrong(came, right)
}

async fn ranges(w: &Stage) -> Checked {
    let card = card(w).await?;
    let whole = fetch(w, &card, "play_url", None).await?;
    if whole.header("accept-ranges") != "bytes" {
        return Err(bytes_are_wrong(&whole, "the header Accept-Ranges: bytes"));
    }
    let length = whole.body().len();
    for (range, from, to) in
        [("bytes=0-9", 0, 10), ("bytes=10-19", 10, 20), ("bytes=-10", length.saturating_sub(10), length)]
    {
        let part = fetch(w, &card, "play_url", Some(range.into())).await?;
        let told = format!("bytes {from}-{}/{length}", to - 1);
        let ok = part.status() == 206
            && part.header("content-range") == told
            && whole.body().get(from..to) == Some(part.body());
        if !ok {
            return Err(bytes_are_wrong(
                &part,
                &format!("HTTP 206 with Content-Range: {told} and those bytes"),
            ));
        }
    }
    Ok(())
}

async fn behind_the_end(w: &Stage) -> Checked {
    let seen = fetch(w, &card(w).await?, "play_url", Some("bytes=1000000000000-".into())).await?;
    if seen.status() == 416 { Ok(()) } else { Err(bytes_are_wrong(&seen, "HTTP 416")) }
}

async fn fast_start(w: &Stage) -> Checked {
    let seen = fetch(w, &card(w).await?, "play_url", None).await?;
    let place = |name: &[u8; 4]| seen.body().windows(4).position(|window| window == name);
    // ISO/IEC 14496-12: `moov` is the index, `mdat` what is played.
    let ok = matches!((place(b"moov"), place(b"mdat")), (Some(index), Some(pictures)) if index < pictures);
    if ok { Ok(()) } else { Err(bytes_are_wrong(&seen, "an MP4 whose moov is before its mdat")) }
}
