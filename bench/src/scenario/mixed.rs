//! What people do all day: four reads to a write.

use anyhow::Result;

use super::feed::feed;
use super::like::likes;
use super::lists::user;
use super::write::{add_comment, comments, poll, send, set_follow};
use super::{PLATFORM, Site, Stage, Variant};
use crate::load::Request;

pub async fn mixed(stage: &mut Stage<'_>) -> Result<()> {
    let site = stage.site;
    let Site { platform, dataset, .. } = site;
    let (mut rng, mut like) = (dataset.rng(1), likes(site));
    let next = || {
        let token = site.anyone(&mut rng);
        match rng.u8(..100) {
            0..16 => Request::get("/douyin/feed/"),
            16..58 => feed(token),
            58..70 => comments(token, dataset.video(&mut rng)),
            70..78 => user(token, dataset.author(&mut rng)),
            78..80 => poll(site, dataset.chat(&mut rng)),
            80..94 => like(),
            94..97 => add_comment(token, dataset.video(&mut rng)),
            97..99 => set_follow(site, dataset.follow(&mut rng), rng.bool()),
            _ => send(site, dataset.chat(&mut rng)),
        }
    };
    stage.interleave(vec![Variant::asked(PLATFORM, &platform.target, next)]).await?;
    stage.check()
}
