//! A clip in its sizes, made by one decode; its loudness, and its segments.

use std::sync::Mutex;

use media::{Gain, HLS_FROM, Rung, SEGMENTS_ADDRESS};

use crate::clips::{Room, near};

const X264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

fn picture(size: &str, seconds: u32) -> String {
    format!("-f lavfi -i testsrc2=s={size}:r=30:d={seconds}")
}

#[tokio::test]
async fn a_clip_is_offered_in_no_size_above_its_own() {
    let room = Room::new();
    for (size, ladder) in [
        ("64x48", &[Rung::P720][..]),
        ("480x854", &[Rung::P720]),
        ("600x600", &[Rung::P720, Rung::P480]),
        ("1280x720", &[Rung::P720, Rung::P480]),
        ("1080x1920", &[Rung::P720, Rung::P480, Rung::P1080]),
        ("3840x2160", &[Rung::P720, Rung::P480, Rung::P1080]),
    ] {
        let clip = room.make("clip.mp4", &format!("-f lavfi -i color=s={size}:r=5:d=1 {X264}"));
        assert_eq!(room.probe(&clip).await.ladder(), ladder, "{size}");
    }
}

#[tokio::test]
async fn one_decode_makes_every_size_alike_upright_and_playable() {
    let room = Room::new();
    let clip =
        room.make("clip.mp4", &format!("{} -f lavfi -i sine=d=3 {X264} -c:a aac", picture("1080x1920", 3)));
    let probe = room.probe(&clip).await;
    let told = Mutex::new(Vec::new());
    let tell = |done| told.lock().expect("free").push(done);
    let folder = room.path("");
    let ladder = probe.ladder();
    let made =
        room.media.encode(&clip, &probe, &ladder, Gain::default(), &folder, tell).await.expect("encodes");
    let sizes: Vec<_> = made.iter().map(|made| (made.rung.name(), made.width, made.height)).collect();
    assert_eq!(sizes, [("720p", 720, 1280), ("480p", 480, 852), ("1080p", 1080, 1920)]);
    for rendition in &made {
        let found = room.probe(&rendition.path).await;
        assert!(found.remuxable() && near(found.duration, probe.duration), "{found:?}");
        // The fastest preset uses nothing of a profile that Baseline lacks.
        assert!(rendition.codecs.starts_with("avc1.42c0") && rendition.codecs.ends_with(",mp4a.40.2"));
        let bytes = std::fs::metadata(&rendition.path).expect("is there").len();
        assert_eq!(rendition.bytes, bytes);
        assert!((rendition.bits_per_second * 3).abs_diff(bytes * 8) < bytes, "{rendition:?}");
    }
    let told = told.into_inner().expect("free");
    assert!(told.is_sorted() && told.last() == Some(&1.0), "{told:?}");
}

#[tokio::test]
async fn of_a_ladder_that_fails_nothing_is_left() {
    let room = Room::new();
    let clip = room.make("clip.mp4", &format!("{} {X264}", picture("1280x720", 2)));
    let probe = room.probe(&clip).await;
    let broken = room.write("broken.mp4", b"no clip");
    let folder = room.path("");
    let made = room.media.encode(&broken, &probe, &probe.ladder(), Gain::default(), &folder, |_| {}).await;
    assert!(made.is_err());
    assert!(room.is_empty_but_for(&["clip.mp4", "broken.mp4"]));
}

#[tokio::test]
async fn a_quiet_clip_is_lifted_and_silence_is_left_alone() {
    let room = Room::new();
    for (sound, expected) in [
        ("sine=d=4,volume=-30dB", Some(11.9..=12.0)),
        ("sine=d=4,volume=-6dB", Some(11.0..=12.0)),
        ("sine=d=4,volume=5dB", None),
        ("anullsrc=d=4", None),
        ("sine=d=4:frequency=1000,volume=15dB", Some(-20.0..=-1.0)),
    ] {
        let clip = room.make(
            "clip.mp4",
            &format!("{} -f lavfi -i {sound} -shortest {X264} -c:a aac", picture("64x48", 4)),
        );
        let probe = room.probe(&clip).await;
        let gain = room.media.loudness(&clip, &probe).await.expect("listens").decibels();
        match expected {
            Some(expected) => assert!(gain.is_some_and(|gain| expected.contains(&gain)), "{sound}: {gain:?}"),
            None => assert_eq!(gain, None, "{sound}"),
        }
    }
    let silent = room.make("silent.mp4", &format!("{} {X264}", picture("64x48", 1)));
    let probe = room.probe(&silent).await;
    assert_eq!(room.media.loudness(&silent, &probe).await.expect("nothing to hear"), Gain::default());
}

#[tokio::test]
async fn what_is_lifted_is_as_loud_as_it_should_be_and_no_louder() {
    let room = Room::new();
    // A short burst above the rest, which the limiter has to hold.
    let clip = room.make(
        "clip.mp4",
        &format!(
            "{} -f lavfi -i sine=d=4,volume=-3dB -f lavfi -i sine=d=0.05:frequency=300,volume=2dB,adelay=2000 \
            -filter_complex [1:a][2:a]amix=duration=first:normalize=0 {X264} -c:a aac",
            picture("64x48", 4)
        ),
    );
    let probe = room.probe(&clip).await;
    let gain = room.media.loudness(&clip, &probe).await.expect("listens");
    assert!(gain.decibels().is_some_and(|gain| (6.0..11.0).contains(&gain)), "{gain:?}");
    let rungs = [Rung::P720];
    let made = room.media.encode(&clip, &probe, &rungs, gain, &room.path(""), |_| {}).await.expect("encodes");
    let probe = room.probe(&made[0].path).await;
    let again = room.media.loudness(&made[0].path, &probe).await.expect("listens");
    assert_eq!(again.decibels(), None, "it needed {gain:?}");
}

#[tokio::test]
async fn segments_are_ranges_that_cover_their_file() {
    let room = Room::new();
    let seconds = u32::try_from(HLS_FROM.as_secs()).expect("a minute") + 5;
    let clip = room.make(
        "clip.mp4",
        &format!(
            "-f lavfi -i testsrc2=s=128x96:r=10:d={seconds} -f lavfi -i sine=d={seconds} {X264} -c:a aac \
                  -force_key_frames expr:gte(t,n_forced*2)"
        ),
    );
    let made = room.media.segment(&clip, &room.path(""), "720p").await.expect("segments");
    let bytes = std::fs::metadata(&made.path).expect("is there").len();
    let (mut end, mut length) = (0, 0.0);
    for line in made.playlist.lines() {
        let range = line.strip_prefix("#EXT-X-BYTERANGE:").map(str::to_owned).or_else(|| {
            let (_, rest) = line.split_once("BYTERANGE=\"")?;
            Some(rest.trim_end_matches('"').to_owned())
        });
        if let Some((count, start)) = range.as_deref().and_then(|range| range.split_once('@')) {
            assert_eq!(start.parse::<u64>().expect("a number"), end, "{line}");
            end += count.parse::<u64>().expect("a number");
        }
        if let Some(text) = line.strip_prefix("#EXTINF:") {
            length += text.trim_end_matches(',').parse::<f64>().expect("seconds");
        }
        assert!(line.starts_with('#') || line == SEGMENTS_ADDRESS, "{line}");
    }
    assert_eq!(end, bytes);
    assert!((length - f64::from(seconds)).abs() < 0.5, "{length}");
    assert!(made.peak_bits_per_second > 0);
    assert!(room.is_empty_but_for(&["clip.mp4", "720p.segments.mp4"]), "the list was read and is gone");
}
