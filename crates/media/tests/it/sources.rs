//! Every kind of source in every size of its ladder: upright, even, steady, and the sizes alike.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use media::{Gain, Probe, Rendition};

use crate::clips::Room;

const X264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";
const VP9: &str = "-c:v libvpx-vp9 -cpu-used 8 -deadline realtime";
const X265: &str = "-c:v libx265 -preset ultrafast -x265-params log-level=0";
const SECONDS: f64 = 2.5;

/// A moving picture whose upper left quarter is red.
fn picture(size: &str, rate: u32) -> String {
    format!("-f lavfi -i testsrc2=s={size}:r={rate}:d={SECONDS},drawbox=w=iw/2:h=ih/2:c=red:t=fill")
}

/// Every rendition of `clip`, each of which is what any browser plays.
async fn renditions(room: &Room, clip: &Path) -> (Probe, Vec<Rendition>) {
    let probe = room.probe(clip).await;
    let told = Mutex::new(Vec::new());
    let tell = |done| told.lock().expect("free").push(done);
    let made = room.media.encode(clip, &probe, &probe.ladder(), Gain::default(), &room.path(""), tell).await;
    let made = made.unwrap_or_else(|error| panic!("{}: {error:?}", clip.display()));
    let told = told.into_inner().expect("free");
    assert!(told.is_sorted() && told[0] >= 0.0 && told.last() == Some(&1.0), "{told:?}");
    for rendition in &made {
        let name = format!("{} in {}", clip.display(), rendition.rung.name());
        let is_even = rendition.width.is_multiple_of(2) && rendition.height.is_multiple_of(2);
        assert!(is_even && rendition.width.min(rendition.height) <= rendition.rung.short_edge(), "{name}");
        let found = room.probe(&rendition.path).await;
        assert!(found.remuxable() && found.rotation == 0, "{name}: {found:?}");
        assert!(found.frames_per_second.is_some_and(|rate| rate < 30.01), "{name}: {found:?}");
        assert!(found.duration.abs_diff(probe.duration).as_secs_f64() < 0.2, "{name}: {found:?}");
        let told = room.told(
            &rendition.path,
            "-show_entries stream=sample_aspect_ratio,sample_rate,channels:packet=stream_index,pts_time,flags",
        );
        let is_packet = |line: &&str| line.is_empty() || line.starts_with("0,") || line.starts_with("1,");
        let tracks: Vec<&str> = told.lines().filter(|line| !is_packet(line)).collect();
        assert_eq!(tracks, if probe.audio.is_some() { &["1:1", "48000,2"][..] } else { &["1:1"] }, "{name}");
        let mut keys = told.lines().filter(|line| line.starts_with("0,") && line.contains(",K"));
        assert!(keys.any(|line| line[2..].starts_with("2.0")), "{name}: {told}");
    }
    (probe, made)
}

fn sizes(made: &[Rendition]) -> Vec<(u32, u32)> {
    made.iter().map(|rendition| (rendition.width, rendition.height)).collect()
}

#[tokio::test]
async fn every_shape_is_upright_in_every_size() {
    let room = Room::new();
    room.make("flat.mp4", &format!("{} {X264}", picture("960x540", 24)));
    // How the clip is made, its sizes, and in which quarter the red one is, in reading order.
    let cases = [
        ("landscape.mp4", format!("{} {X264}", picture("960x540", 24)), [(960, 540), (852, 480)], 0),
        ("portrait.mp4", format!("{} {X264}", picture("540x960", 24)), [(540, 960), (480, 852)], 0),
        ("square.mp4", format!("{} {X264}", picture("600x600", 24)), [(600, 600), (480, 480)], 0),
        ("odd.webm", format!("{} {VP9}", picture("961x541", 24)), [(960, 540), (852, 480)], 0),
        (
            "right.mp4",
            "-i flat.mp4 -c copy -metadata:s:v:0 rotate=90".to_owned(),
            [(540, 960), (480, 852)],
            1,
        ),
        (
            "left.mp4",
            "-i flat.mp4 -c copy -metadata:s:v:0 rotate=270".to_owned(),
            [(540, 960), (480, 852)],
            2,
        ),
    ];
    for (name, arguments, expected, quarter) in cases {
        let clip = room.make(name, &arguments);
        let (probe, made) = renditions(&room, &clip).await;
        assert_eq!(sizes(&made), expected, "{name}");
        // Releases of ffmpeg do not agree on which way 90 turns.
        let quarter = if probe.rotation == 0 { quarter } else { 1 + usize::from(probe.rotation == 270) };
        for rendition in made {
            let cells = room.colours(&rendition.path, 1.0, 4, 4);
            let is_red = |corner: usize| cells[corner][0] > 180 && cells[corner][1] < 60;
            assert_eq!([0, 3, 12, 15].map(is_red), [0, 1, 2, 3].map(|at| at == quarter), "{name}: {cells:?}");
        }
    }
}

#[tokio::test]
async fn every_sound_becomes_stereo_in_every_size() {
    let room = Room::new();
    let picture = picture("540x500", 24);
    for (name, sound) in [
        ("telephone.mp4", "-f lavfi -i sine=d=2.5:r=8000 -ac 1 -ar 8000 -c:a aac"),
        (
            "surround.mp4",
            "-f lavfi -i anoisesrc=d=2.5:a=0.1:r=48000,aformat=channel_layouts=5.1 -c:a eac3 -b:a 192k",
        ),
        ("studio.mov", "-f lavfi -i sine=d=2.5:r=96000 -c:a pcm_s24le"),
        ("none.mp4", ""),
    ] {
        let clip = room.make(name, &format!("{picture} {sound} {X264}"));
        assert_eq!(sizes(&renditions(&room, &clip).await.1), [(540, 500), (518, 480)], "{name}");
    }
}

#[tokio::test]
async fn every_kind_of_picture_is_an_ordinary_one_in_every_size() {
    let room = Room::new();
    let hlg = "zscale=tin=bt709:pin=bt709:min=bt709:p=bt2020:t=arib-std-b67:m=bt2020nc,format=yuv420p10le";
    let hlg_tags = "-color_primaries bt2020 -color_trc arib-std-b67 -colorspace bt2020nc";
    let cases: [(&str, String); 8] = [
        ("sixty.mp4", format!("{} {X264}", picture("540x500", 60))),
        (
            "b-frames.mp4",
            format!("{} -c:v libx264 -preset veryfast -bf 3 -pix_fmt yuv420p", picture("540x500", 24)),
        ),
        (
            "unsteady.mp4",
            format!("{},select='not(mod(n\\,3))+lt(n\\,30)' -fps_mode vfr {X264}", picture("540x500", 30)),
        ),
        ("full.mp4", format!("{} -c:v libx264 -preset ultrafast -pix_fmt yuv444p", picture("540x500", 24))),
        ("ten.mp4", format!("{} {X265} -pix_fmt yuv420p10le", picture("540x500", 24))),
        ("hlg.mov", format!("{},{hlg} {X265} {hlg_tags}", picture("540x500", 24))),
        ("vp9.webm", format!("{} {VP9}", picture("540x500", 24))),
        ("av1.mkv", format!("{} -c:v libsvtav1 -preset 12", picture("540x500", 24))),
    ];
    for (name, arguments) in cases {
        let clip: PathBuf = room.make(name, &arguments);
        let (_, made) = renditions(&room, &clip).await;
        assert_eq!(sizes(&made), [(540, 500), (518, 480)], "{name}");
        for rendition in made {
            let [red, green, blue] = room.colours(&rendition.path, 1.0, 4, 4)[0];
            assert!(red > 180 && green < 60 && blue < 60, "{name}: {red} {green} {blue}");
        }
    }
}

#[tokio::test]
async fn black_and_white_stay_what_they_are_whatever_range_they_come_in() {
    let room = Room::new();
    let halves = "-f lavfi -i color=white:s=540x500:r=24:d=2.5,drawbox=w=270:c=black:t=fill";
    for (name, arguments) in [
        ("narrow.mp4", format!("{halves} {X264}")),
        ("wide.mp4", format!("{halves} -c:v libx264 -preset ultrafast -pix_fmt yuvj420p")),
        ("wide.webm", format!("{halves},scale=out_range=full,format=yuv420p {VP9} -color_range pc")),
    ] {
        let clip = room.make(name, &arguments);
        for rendition in renditions(&room, &clip).await.1 {
            let [black, white] = room.colours(&rendition.path, 1.0, 2, 1)[..] else { panic!("two halves") };
            assert!(black.iter().all(|part| *part < 26), "{name}: {black:?}");
            assert!(white.iter().all(|part| *part > 240), "{name}: {white:?}");
        }
    }
}
