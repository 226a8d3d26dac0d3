//! Covers: never black when anything else is there, upright, small enough.

use std::time::Duration;

use crate::clips::Room;

const X264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

#[tokio::test]
async fn a_black_lead_in_is_skipped() {
    let room = Room::new();
    let clip = room.make(
        "clip.mp4",
        &format!("-f lavfi -i color=black:s=640x360:d=2 -f lavfi -i testsrc2=s=640x360:d=3 -filter_complex concat {X264}"),
    );
    let probe = room.probe(&clip).await;
    assert!(room.media.cover(&clip, &probe, None, &room.path("cover.jpg")).await.expect("a cover"));
    assert!(room.mean_luma(&room.path("cover.jpg")) > 60);
}

#[tokio::test]
async fn a_large_clip_is_searched_by_key_frames_and_scaled_down() {
    let room = Room::new();
    let clip = room.make(
        "clip.mp4",
        &format!(
            "-f lavfi -i color=black:s=2560x1440:d=1:r=30 -f lavfi -i testsrc2=s=2560x1440:d=4:r=30 \
            -filter_complex concat {X264} -g 30"
        ),
    );
    let probe = room.probe(&clip).await;
    let cover = room.path("cover.jpg");
    assert!(room.media.cover(&clip, &probe, None, &cover).await.expect("a cover"));
    assert!(room.mean_luma(&cover) > 60);
    let jpeg = room.read("cover.jpg");
    assert_eq!(jpeg_size(&jpeg), (1280, 720));
    assert!(!contains(&jpeg, b"Lavc"));
}

#[tokio::test]
async fn a_clip_that_is_black_throughout_still_has_a_cover() {
    let room = Room::new();
    let clip = room.make("clip.mp4", &format!("-f lavfi -i color=black:s=320x240:d=2 {X264}"));
    let probe = room.probe(&clip).await;
    assert!(room.media.cover(&clip, &probe, None, &room.path("cover.jpg")).await.expect("a cover"));
    assert!(room.mean_luma(&room.path("cover.jpg")) < 20);
}

#[tokio::test]
async fn the_chosen_moment_is_the_cover_where_there_is_a_frame() {
    let room = Room::new();
    let clip = room.make(
        "clip.mp4",
        &format!("-f lavfi -i color=black:s=320x240:d=2 -f lavfi -i color=white:s=320x240:d=2 -filter_complex concat {X264}"),
    );
    let probe = room.probe(&clip).await;
    for (at, is_bright) in [(500, false), (3000, true), (3_600_000, true)] {
        let cover = room.path("cover.jpg");
        let chosen = Some(Duration::from_millis(at));
        assert!(room.media.cover(&clip, &probe, chosen, &cover).await.expect("a cover"));
        assert_eq!(room.mean_luma(&cover) > 128, is_bright, "{at} ms");
    }
}

#[tokio::test]
async fn a_file_without_a_readable_frame_has_no_cover_and_leaves_nothing() {
    let room = Room::new();
    let clip = room.make("clip.mp4", &format!("-f lavfi -i testsrc2=s=320x240:d=2 {X264}"));
    let probe = room.probe(&clip).await;
    let text = room.write("text.mp4", "not a video at all");
    room.make("cover.jpg", "-i clip.mp4 -frames:v 1");
    assert!(!room.media.cover(&text, &probe, None, &room.path("cover.jpg")).await.expect("an answer"));
    assert!(room.is_empty_but_for(&["clip.mp4", "text.mp4"]));
}

#[tokio::test]
async fn a_turned_clip_has_an_upright_cover() {
    let room = Room::new();
    room.make("flat.mp4", &format!("-f lavfi -i testsrc2=s=640x360:d=1 {X264}"));
    let clip = room.make("clip.mp4", "-i flat.mp4 -c copy -metadata:s:v:0 rotate=90");
    let probe = room.probe(&clip).await;
    assert!(room.media.cover(&clip, &probe, None, &room.path("cover.jpg")).await.expect("a cover"));
    assert_eq!(jpeg_size(&room.read("cover.jpg")), (360, 640));
}

/// Width and height from the frame header.
fn jpeg_size(jpeg: &[u8]) -> (u16, u16) {
    let header = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a frame header");
    let number = |at: usize| u16::from_be_bytes([jpeg[header + at], jpeg[header + at + 1]]);
    (number(7), number(5))
}

pub fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
