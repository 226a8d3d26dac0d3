//! Publishing: playable at once or listed for its author until it is, and nothing left of what is refused.

use blobs::Key;
use domain::{Call, Error};
use proto::{ListFeedRequest, ListVideosRequest, Video};

use crate::world::{World, made, nobody};

async fn videos(world: &World, viewer: &Call, author: &Call) -> Vec<Video> {
    let request = ListVideosRequest { author_id: author.viewer().expect("is somebody").get(), slice: None };
    world.video.list_videos(viewer, request).await.expect("lists").videos
}

#[tokio::test]
async fn a_compliant_clip_is_playable_with_the_answer_and_its_original_is_gone() {
    let world = World::start().await;
    let ann = world.somebody("ann").await;
    let id = world.clip(&ann, " a title ").await;
    let list = videos(&world, &nobody(), &ann).await;
    assert_eq!((list[0].id, list[0].title.as_str(), list[0].ready), (id, "a title", true));
    assert!(list[0].play_key.starts_with("p/") && list[0].cover_key.starts_with("p/"));
    assert_eq!(world.objects().await, 2, "the clip and its cover");
    world.finish().await;
}

#[tokio::test]
async fn another_format_is_its_authors_until_it_is_re_encoded() {
    let world = World::start().await;
    let (ann, bob) = (world.somebody("ann").await, world.somebody("bob").await);
    let webm = made(&["-c:v", "libvpx", "-deadline", "realtime"], "webm").await;
    let answer = world.publish(&ann, "webm", &webm).await.expect("publishes");
    assert!(!answer.ready);
    let own = videos(&world, &ann, &ann).await;
    assert!(!own[0].ready && !own[0].cover_key.is_empty());
    assert!(videos(&world, &bob, &ann).await.is_empty());
    let feed = async || world.feed.list_feed(&bob, ListFeedRequest::default()).await.expect("answers").videos;
    assert!(feed().await.is_empty());
    let like = proto::LikeVideoRequest { video_id: answer.video_id };
    assert!(matches!(world.like.like_video(&bob, like).await, Err(Error::VideoNotFound(_))));
    world.work_until(async || !feed().await.is_empty()).await;
    assert_eq!(feed().await[0].play_key, own[0].play_key, "the address it had from the first");
    let request = proto::VideoRequest { video_id: answer.video_id };
    let events = async || {
        let timeline = world.video.get_timeline(&ann, request).await.expect("answers");
        timeline.events.into_iter().map(|event| event.name).collect::<Vec<_>>()
    };
    world.work_until(async || events().await.last().is_some_and(|name| name == "done")).await;
    assert_eq!(events().await, ["received", "checked", "playable", "rendition", "done"]);
    // A cover in four kinds, the rendition, a moving picture and one for a scrub bar.
    world.work_until(async || world.objects().await == 7).await;
    let detail = world.video.get_video(&nobody(), request).await.expect("answers");
    assert!(detail.files.iter().all(|file| file.role != "source"), "the original is gone");
    world.finish().await;
}

#[tokio::test]
async fn what_an_author_hides_or_deletes_is_moved_or_gone() {
    let world = World::start().await;
    let (ann, bob) = (world.somebody("ann").await, world.somebody("bob").await);
    let video_id = world.clip(&ann, "clip").await;
    let request = proto::VideoRequest { video_id };
    let keys = async || {
        let detail = world.video.get_video(&ann, request).await.expect("answers");
        let mut keys: Vec<_> = detail.files.into_iter().map(|file| file.key).collect();
        keys.push(detail.video.expect("a video").play_key);
        keys
    };
    let public = keys().await;
    for (visibility, prefix) in [("private", "s/"), ("public", "p/"), ("friends", "s/")] {
        let change = proto::ChangeVideoRequest { video_id, visibility: Some(visibility.into()), title: None };
        assert!(world.video.change_video(&bob, change.clone()).await.is_err(), "another's");
        world.video.change_video(&ann, change).await.expect("changes");
        world.work_until(async || keys().await.iter().all(|key| key.starts_with(prefix))).await;
        let seen = world.video.get_video(&nobody(), request).await.is_ok();
        assert_eq!(seen, visibility == "public", "{visibility}");
    }
    let is_there = async |key: &String| world.blobs.meta(&Key::parse(key).expect("a key")).await.is_ok();
    let were_public = async || {
        let mut there = 0;
        for key in &public {
            there += usize::from(is_there(key).await);
        }
        there
    };
    world.work_until(async || were_public().await == 0).await;
    world.video.delete_video(&ann, request).await.expect("deletes");
    assert!(matches!(world.video.get_video(&ann, request).await, Err(Error::VideoNotFound(_))));
    world.work_until(async || world.objects().await == 0).await;
    world.finish().await;
}

#[tokio::test]
async fn what_is_refused_leaves_nothing() {
    let world = World::start().await;
    let ann = world.somebody("ann").await;
    let clip = made(&["-c:v", "libx264", "-pix_fmt", "yuv420p"], "mp4").await;
    let files: [&[u8]; 5] = [
        b"",
        b"this is a text file with a friendly name",
        &clip[..clip.len() / 2],
        b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
    ];
    for file in files {
        let answer = world.publish(&ann, "x", file).await;
        assert!(matches!(answer, Err(Error::UnsupportedMedia { .. })), "{} bytes: {answer:?}", file.len());
        assert_eq!(world.objects().await, 0, "{} bytes", file.len());
    }
    for title in [String::new(), " ".into(), "字".repeat(256)] {
        assert!(world.publish(&ann, &title, &clip).await.is_err(), "{title:?}");
    }
    assert!(matches!(world.publish(&nobody(), "x", &clip).await, Err(Error::TokenMissing)));
    assert_eq!(world.objects().await, 0);
    world.finish().await;
}
