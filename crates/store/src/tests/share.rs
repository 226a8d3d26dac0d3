//! Links: who has one sees the video until it ends, whoever may see it otherwise, but not what is hidden.

use domain::{Error, Visibility};

use super::fixture::{NOW, On, World, later, on_both};
use crate::NewVideo;

async fn a_link_leads_to_a_private_video_until_it_ends(on: On) {
    let world = World::new(on).await;
    let store = &world.store;
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let video = NewVideo { visibility: Visibility::Private, ..world.ready(ann) };
    let video = store.publish(video, NOW).await.expect("publish");
    let not_his = store.share_video(bob, video, [1; 32], (NOW, later(10))).await;
    assert!(matches!(not_his, Err(Error::VideoNotFound(_))));
    let link = store.share_video(ann, video, [1; 32], (NOW, later(10))).await.expect("share");
    let seen = async |word, viewer, at: i64| store.shared_video([word; 32], viewer, later(at)).await;
    for viewer in [None, Some(bob)] {
        let watched = seen(1, viewer, 9).await.expect("the video");
        assert_eq!((watched.card.id, watched.files.files.len()), (video.get(), 2));
    }
    assert!(matches!(store.video(video, Some(bob)).await, Err(Error::VideoNotFound(_))), "only by the link");
    assert!(matches!(seen(2, None, 9).await, Err(Error::ShareNotFound)));
    assert!(matches!(seen(1, None, 10).await, Err(Error::ShareNotFound)));
    assert_eq!(store.shares(ann, video, NOW).await.expect("a list").len(), 1);
    assert!(store.shares(bob, video, NOW).await.expect("a list").is_empty());
    assert!(matches!(store.end_share(bob, video, link).await, Err(Error::ShareNotFound)));
    store.hide_video(bob, video, "why".into(), NOW).await.expect("hide");
    assert!(matches!(seen(1, None, 9).await, Err(Error::ShareNotFound)));
    store.restore_video(bob, video, NOW).await.expect("restore");
    seen(1, None, 9).await.expect("the video");
    store.end_share(ann, video, link).await.expect("end");
    assert!(matches!(seen(1, None, 9).await, Err(Error::ShareNotFound)));
    for number in 0..20 {
        store.share_video(ann, video, [number; 32], (NOW, later(10))).await.expect("share");
    }
    let more = store.share_video(ann, video, [99; 32], (NOW, later(10))).await;
    assert!(matches!(more, Err(Error::Invalid { .. })));
    store.share_video(ann, video, [99; 32], (later(10), later(20))).await.expect("the others have ended");
    assert!(store.forget_shares(later(11)).await.expect("forget"));
    assert_eq!(store.shares(ann, video, NOW).await.expect("a list").len(), 1);
    world.is_sound().await;
}

on_both!(a_link_leads_to_a_private_video_until_it_ends);
