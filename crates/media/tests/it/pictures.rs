//! Pictures: a cover's other kinds and sizes, a moving one, a board of many; and that nothing made tells of who
//! filmed it.

use std::path::Path;
use std::time::Duration;

use media::Gain;

use crate::clips::Room;
use crate::cover::contains;

const X264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -force_key_frames expr:gte(t,n_forced*2)";

fn picture(size: &str, seconds: f64) -> String {
    format!("-f lavfi -i testsrc2=s={size}:r=10:d={seconds}")
}

#[tokio::test]
async fn a_cover_is_made_smaller_and_into_a_few_bytes() {
    let room = Room::new();
    for (size, small) in [("720x1280", "270,480"), ("1280x720", "480,270"), ("96x64", "96,64")] {
        let cover = room.make("cover.jpg", &format!("-f lavfi -i color=c=0x3060c0:s={size} -frames:v 1"));
        let made = room.media.pictures(&cover, &room.path("")).await.expect("pictures");
        let told = |path: &Path| room.told(path, "-show_entries stream=codec_name,width,height");
        assert_eq!(told(&made.large_webp), format!("webp,{}", size.replace('x', ",")));
        assert_eq!(told(&made.small_webp), format!("webp,{small}"));
        assert_eq!(told(&made.small_jpeg), format!("mjpeg,{small}"));
        let (red, green, blue, alpha) =
            thumbhash::thumb_hash_to_average_rgba(&made.thumbhash).expect("a hash");
        let near = |part: f32, wanted: f32| (part - wanted / 255.0).abs() < 0.08;
        assert!(near(red, 48.0) && near(green, 96.0) && near(blue, 192.0), "{red} {green} {blue}");
        assert!(near(alpha, 255.0) && made.thumbhash.len() < 40, "{alpha} {}", made.thumbhash.len());
    }
}

#[tokio::test]
async fn of_pictures_that_fail_nothing_is_left() {
    let room = Room::new();
    for (name, content) in [("text.jpg", "no picture"), ("empty.jpg", "")] {
        let cover = room.write(name, content);
        assert!(room.media.pictures(&cover, &room.path("")).await.is_err());
    }
    let clip = room.write("clip.mp4", "no clip");
    let four = Duration::from_secs(4);
    assert!(room.media.preview(&clip, four, &room.path("preview.webp")).await.is_err());
    assert!(room.media.storyboard(&clip, (90, 160), four, &room.path("board.jpg")).await.is_err());
    assert!(room.media.segment(&clip, &room.path(""), "720p").await.is_err());
    assert!(room.is_empty_but_for(&["text.jpg", "empty.jpg", "clip.mp4"]));
}

#[tokio::test]
async fn a_moving_picture_moves_for_three_seconds_at_most() {
    let room = Room::new();
    for (size, seconds, height, frames) in
        [("360x640", 9.0, 426, 20..=24), ("640x360", 4.0, 135, 20..=24), ("64x64", 0.6, 240, 2..=5)]
    {
        let clip = room.make("clip.mp4", &format!("{} {X264}", picture(size, seconds)));
        let preview = room.path("preview.webp");
        room.media.preview(&clip, Duration::from_secs_f64(seconds), &preview).await.expect("a preview");
        let (shown, bytes) = (canvas(&room.read("preview.webp")), room.read("preview.webp"));
        assert_eq!((shown.0, shown.1.abs_diff(height) < 2), (240, true), "{size}: {shown:?}");
        let count = bytes.windows(4).filter(|name| *name == b"ANMF").count();
        assert!(frames.contains(&count), "{size}: {count}");
    }
}

#[tokio::test]
async fn a_board_has_a_tile_for_each_two_seconds_and_no_empty_one() {
    let room = Room::new();
    for (size, seconds, grid, tile) in [
        ((360, 640), 9.0, (5, 1), (90, 160)),
        ((128, 96), 25.0, (10, 2), (120, 90)),
        ((96, 96), 1.0, (1, 1), (90, 90)),
    ] {
        let (width, height) = size;
        let clip =
            room.make("clip.mp4", &format!("{} {X264}", picture(&format!("{width}x{height}"), seconds)));
        let board = room.path("board.jpg");
        let duration = Duration::from_secs_f64(seconds);
        let told = room.media.storyboard(&clip, size, duration, &board).await.expect("a board");
        assert_eq!(((told.columns, told.rows), (told.tile_width, told.tile_height)), (grid, tile));
        let drawn = room.told(&board, "-show_entries stream=width,height");
        assert_eq!(drawn, format!("{},{}", grid.0 * tile.0, grid.1 * tile.1));
        let is_drawn =
            |[red, green, blue]: &[u8; 3]| u16::from(*red) + u16::from(*green) + u16::from(*blue) > 60;
        assert!(room.colours(&board, 0.0, grid.0, grid.1).iter().all(is_drawn), "{size:?}");
    }
}

#[tokio::test]
async fn a_picture_that_ends_before_its_sound_is_shown_for_the_rest() {
    let room = Room::new();
    let clip =
        room.make("clip.mp4", &format!("{} -f lavfi -i sine=d=9 {X264} -c:a aac", picture("96x96", 0.8)));
    let nine = Duration::from_secs(9);
    room.media.preview(&clip, nine, &room.path("preview.webp")).await.expect("a preview");
    let board = room.path("board.jpg");
    let told = room.media.storyboard(&clip, (96, 96), nine, &board).await.expect("a board");
    assert_eq!((told.columns, told.rows), (5, 1));
    let tiles = room.colours(&board, 0.0, 5, 1);
    assert!(tiles.iter().all(|tile| tile.iter().zip(tiles[0]).all(|(one, other)| one.abs_diff(other) < 12)));
}

#[tokio::test]
async fn nothing_that_is_made_tells_who_filmed_it_or_where() {
    let room = Room::new();
    let tags = "-metadata title=CANARY -metadata location=+31.2304+121.4737/ -metadata:s:v handler_name=CANARY \
        -metadata comment=<script>CANARY</script> -movflags use_metadata_tags";
    let clip = room.make(
        "clip.mov",
        &format!("{} -f lavfi -i sine=d=3 {X264} -c:a aac {tags}", picture("540x500", 3.0)),
    );
    assert!(contains(&room.read("clip.mov"), b"CANARY") && contains(&room.read("clip.mov"), b"+31.2304"));
    let (probe, folder) = (room.probe(&clip).await, room.path(""));
    let made = room.media.encode(&clip, &probe, &probe.ladder(), Gain::default(), &folder, |_| {}).await;
    let first = &made.expect("encodes")[0];
    let (cover, size) = (room.path("cover.jpg"), (first.width, first.height));
    assert!(room.media.cover(&first.path, &probe, None, &cover).await.expect("a cover"));
    room.media.pictures(&cover, &folder).await.expect("pictures");
    room.media.preview(&first.path, probe.duration, &room.path("preview.webp")).await.expect("a preview");
    room.media.storyboard(&first.path, size, probe.duration, &room.path("board.jpg")).await.expect("a board");
    room.media.segment(&first.path, &folder, "720p").await.expect("segments");
    let files = [
        "720p.mp4",
        "480p.mp4",
        "720p.segments.mp4",
        "cover.jpg",
        "cover.webp",
        "small.jpg",
        "small.webp",
        "preview.webp",
        "board.jpg",
    ];
    for file in files {
        let bytes = room.read(file);
        for trace in ["CANARY", "31.2304", "x264 - core"] {
            assert!(!contains(&bytes, trace.as_bytes()), "{trace} is in {file}");
        }
        // Nor which ffmpeg made it. Its segments always tell before release 6.
        let is_told = [b"Lavf", b"Lavc"].iter().any(|name| {
            bytes.windows(5).any(|window| window.starts_with(*name) && window[4].is_ascii_digit())
        });
        assert!(!is_told || file.contains("segments"), "{file}");
    }
    assert!(room.is_empty_but_for(&[&files[..], &["clip.mov"]].concat()));
}

/// Width and height of a WebP with several pictures, from its first chunk: three bytes each, less one.
fn canvas(webp: &[u8]) -> (u32, u32) {
    assert_eq!((&webp[..4], &webp[8..16]), (&b"RIFF"[..], &b"WEBPVP8X"[..]));
    let number = |at: usize| u32::from_le_bytes([webp[at], webp[at + 1], webp[at + 2], 0]) + 1;
    (number(24), number(27))
}
