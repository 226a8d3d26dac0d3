//! Reads beside the feed: profiles and the lists on them.

use anyhow::Result;

use super::{PLATFORM, Site, Stage, Variant};
use crate::load::Request;

pub async fn profile(stage: &mut Stage<'_>) -> Result<()> {
    let (site, small) = (stage.site, stage.small);
    let Site { platform, dataset, .. } = site;
    let (mut rng, mut works) = (dataset.rng(1), dataset.rng(2));
    let mut variants = vec![
        Variant::asked(PLATFORM, &platform.target, || user(site.anyone(&mut rng), dataset.author(&mut rng))),
        Variant::asked("platform, works", &platform.target, || {
            let token = site.anyone(&mut works);
            let author = dataset.user(&mut works);
            Request::get(format_args!("/douyin/publish/list/?token={token}&user_id={author}"))
        }),
    ];
    if let Some(site) = small {
        let mut rng = site.dataset.rng(1);
        let next = move || user(site.anyone(&mut rng), site.dataset.author(&mut rng));
        variants.push(Variant::asked("1k videos", &site.platform.target, next));
    }
    stage.interleave(variants).await?;
    stage.flat(PLATFORM, "1k videos");
    Ok(())
}

/// Somebody's profile for somebody.
pub fn user(token: &str, of: u64) -> Request {
    Request::get(format_args!("/douyin/user/?token={token}&user_id={of}"))
}
