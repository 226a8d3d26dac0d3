//! Demo clips: remuxable, as asked for, and the same each time.

use media::Clip;

use crate::clips::{Room, near};

fn clip(seed: u64) -> Clip {
    Clip {
        seed,
        width: 270,
        height: 480,
        seconds: 2,
        caption: "it's 100 % [fine]: \\o/, %{pts}".to_owned(),
        silent: false,
    }
}

#[tokio::test]
async fn every_kind_of_scene_can_be_drawn() {
    let room = Room::new();
    for seed in 0..24 {
        let output = room.path("clip.mp4");
        room.media.draw(&clip(seed), &output).await.expect("a clip");
        let probe = room.probe(&output).await;
        assert!(probe.remuxable() && probe.audio.is_some(), "{probe:?}");
        assert_eq!((probe.width, probe.height), (270, 480));
        assert!(near(probe.duration, std::time::Duration::from_secs(2)));
    }
    assert!(room.is_empty_but_for(&["clip.mp4"]));
}

#[tokio::test]
async fn the_same_clip_is_drawn_the_same_way() {
    let room = Room::new();
    for name in ["one.mp4", "other.mp4"] {
        room.media.draw(&clip(5), &room.path(name)).await.expect("a clip");
    }
    assert!(room.read("one.mp4") == room.read("other.mp4"));
}

#[tokio::test]
async fn the_picture_moves_and_carries_its_caption() {
    let room = Room::new();
    let drawn = Clip { width: 640, height: 361, silent: true, ..clip(2) };
    room.media.draw(&drawn, &room.path("with.mp4")).await.expect("a clip");
    room.media
        .draw(&Clip { caption: String::new(), ..drawn }, &room.path("without.mp4"))
        .await
        .expect("a clip");
    let colours = |name: &str, second| room.colours(&room.path(name), second, 16, 9);
    assert_ne!(colours("without.mp4", 0.2), colours("without.mp4", 1.2));
    assert_ne!(colours("without.mp4", 0.2), colours("with.mp4", 0.2));
    let probe = room.probe(&room.path("with.mp4")).await;
    assert!(probe.audio.is_none());
    assert_eq!((probe.width, probe.height), (640, 360));
}
