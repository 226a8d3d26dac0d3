//! Writes beside likes, each with the read that goes with it: comments, follows, messages.

use anyhow::Result;

use super::{PLATFORM, Site, Stage, Variant};
use crate::load::Request;

pub async fn comment(stage: &mut Stage<'_>) -> Result<()> {
    let (site, small) = (stage.site, stage.small);
    let Site { platform, dataset, .. } = site;
    let (mut rng, mut lists) = (dataset.rng(1), dataset.rng(2));
    let mut variants = vec![
        Variant::asked(PLATFORM, &platform.target, || {
            add_comment(site.anyone(&mut rng), dataset.video(&mut rng))
        }),
        Variant::asked("platform, list", &platform.target, || {
            comments(site.anyone(&mut lists), dataset.video(&mut lists))
        }),
    ];
    // Of the video with the most comments a list is as long as lists are, however many videos there are.
    if let Some(small) = small {
        for (name, site) in [("platform, longest list", site), ("1k videos, longest list", small)] {
            let (mut rng, video) = (site.dataset.rng(3), site.dataset.hot_video());
            let next = move || comments(site.anyone(&mut rng), video);
            variants.push(Variant::asked(name, &site.platform.target, next));
        }
    }
    stage.interleave(variants).await?;
    stage.flat("platform, longest list", "1k videos, longest list");
    stage.check()
}

pub async fn follow(stage: &mut Stage<'_>) -> Result<()> {
    let site = stage.site;
    let Site { platform, dataset, .. } = site;
    let (mut rng, mut lists) = (dataset.rng(1), dataset.rng(2));
    let variants = vec![
        Variant::asked(PLATFORM, &platform.target, || {
            let stops = rng.u8(..5) == 0;
            set_follow(site, dataset.follow(&mut rng), stops)
        }),
        Variant::asked("platform, followers", &platform.target, || {
            let (token, author) = (site.anyone(&mut lists), dataset.author(&mut lists));
            Request::get(format_args!("/douyin/relation/follower/list/?token={token}&user_id={author}"))
        }),
    ];
    stage.interleave(variants).await?;
    stage.check()
}

pub async fn chat(stage: &mut Stage<'_>) -> Result<()> {
    let site = stage.site;
    let Site { platform, dataset, .. } = site;
    let (mut rng, mut polls) = (dataset.rng(1), dataset.rng(2));
    let variants = vec![
        Variant::asked(PLATFORM, &platform.target, || send(site, dataset.chat(&mut rng))),
        Variant::asked("platform, poll", &platform.target, || poll(site, dataset.chat(&mut polls))),
    ];
    stage.interleave(variants).await?;
    stage.check()
}

/// A message of one to the other.
pub fn send(site: &Site, (from, to): (u64, u64)) -> Request {
    let (token, said) = (site.token(from), "are+you+coming%3F");
    Request::post(format_args!(
        "/douyin/message/action/?token={token}&to_user_id={to}&action_type=1&content={said}"
    ))
}

/// What the other one wrote to one since a moment of the year 2100: nothing, as nearly always.
pub fn poll(site: &Site, (user, with): (u64, u64)) -> Request {
    let token = site.token(user);
    Request::get(format_args!(
        "/douyin/message/chat/?token={token}&to_user_id={with}&pre_msg_time=4102444800000"
    ))
}

/// A comment.
pub fn add_comment(token: &str, video: u64) -> Request {
    let text = "what+a+view";
    Request::post(format_args!(
        "/douyin/comment/action/?token={token}&video_id={video}&action_type=1&comment_text={text}"
    ))
}

/// The comments on a video.
pub fn comments(token: &str, video: u64) -> Request {
    Request::get(format_args!("/douyin/comment/list/?token={token}&video_id={video}"))
}

/// One follows the other, or stops.
pub fn set_follow(site: &Site, (user, author): (u64, u64), stops: bool) -> Request {
    let (token, action) = (site.token(user), if stops { 2 } else { 1 });
    Request::post(format_args!(
        "/douyin/relation/action/?token={token}&to_user_id={author}&action_type={action}"
    ))
}
