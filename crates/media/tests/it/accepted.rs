//! Legal files, usual and odd: passed on clean, or encoded upright.

use std::path::PathBuf;
use std::time::Duration;

use media::{Container, HighDynamicRange, Probe};

use crate::clips::{Room, near};
use crate::cover::contains;

const X264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";
const PICTURE: &str = "-f lavfi -i testsrc2=s=640x360:r=24:d=2";
const SOUND: &str = "-f lavfi -i sine=d=2";

/// Encodes `input` and looks at the result, which is playable anywhere whatever went in.
async fn encoded(room: &Room, input: &PathBuf) -> (Probe, Probe) {
    let source = room.probe(input).await;
    let output = room.path("output.mp4");
    room.transcode(input, &source, &output).await.unwrap_or_else(|error| panic!("{input:?}: {error:?}"));
    let made = room.probe(&output).await;
    assert!(made.remuxable(), "{input:?}: {made:?}");
    assert!(near(made.duration, source.duration), "{input:?}: {source:?} {made:?}");
    assert_eq!((made.width % 2, made.height % 2, made.rotation), (0, 0, 0));
    assert_eq!(made.audio.is_some(), source.audio.is_some());
    assert!(is_index_first(&room.read("output.mp4")));
    (source, made)
}

fn is_index_first(bytes: &[u8]) -> bool {
    let place = |name: &[u8]| bytes.windows(4).position(|window| window == name);
    place(b"moov").is_some_and(|moov| place(b"mdat").is_some_and(|mdat| moov < mdat))
}

#[tokio::test]
async fn a_compliant_clip_is_passed_on_without_what_it_tells_about_its_maker() {
    let room = Room::new();
    room.write(
        "tags.txt",
        ";FFMETADATA1\ntitle=CANARY-title\nlocation=+31.2304+121.4737/\ncom.apple.quicktime.model=CANARY-model\n\
        [CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=CANARY-chapter\n",
    );
    let clip = room.make(
        "clip.mov",
        &format!(
            "{PICTURE} {SOUND} -i tags.txt -map 0 -map 1 -map_metadata 2 -map_chapters 2 {X264} -c:a aac \
            -bsf:v h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+CANARY-sei \
            -metadata:s:v:0 handler_name=CANARY-handler -metadata:s:v:0 timecode=01:02:03:04 -movflags use_metadata_tags"
        ),
    );
    for canary in
        ["CANARY-title", "+31.2304", "CANARY-model", "CANARY-chapter", "CANARY-sei", "CANARY-handler"]
    {
        assert!(contains(&room.read("clip.mov"), canary.as_bytes()), "{canary} is not there to be removed");
    }

    let probe = room.probe(&clip).await;
    assert!(probe.remuxable(), "{probe:?}");
    let output = room.path("output.mp4");
    room.media.remux(&clip, &probe, &output).await.expect("a remux");
    let bytes = room.read("output.mp4");
    for trace in ["CANARY", "31.2304", "tmcd", "Lavf", "x264"] {
        assert!(!contains(&bytes, trace.as_bytes()), "{trace} is still there");
    }
    assert!(is_index_first(&bytes));
    let made = room.probe(&output).await;
    assert!(near(made.duration, probe.duration));
    assert_eq!((made.width, made.height, made.audio.map(|audio| audio.codec)), (640, 360, Some("aac")));
    assert_eq!(room.colours(&clip, 1.0, 4, 4), room.colours(&output, 1.0, 4, 4));

    room.transcode(&clip, &probe, &output).await.expect("an encode");
    for trace in ["CANARY", "31.2304", "tmcd", "Lavf", "x264 - core"] {
        assert!(!contains(&room.read("output.mp4"), trace.as_bytes()), "{trace} is still there");
    }
}

#[tokio::test]
async fn a_turned_clip_is_remuxable_and_encoded_upright() {
    let room = Room::new();
    // The upper left quarter is red, the rest blue.
    room.make(
        "flat.mp4",
        &format!("-f lavfi -i color=blue:s=640x360:d=1,drawbox=w=320:h=180:c=red:t=fill {X264}"),
    );
    for degrees in [90, 180, 270] {
        let clip = room.make("clip.mp4", &format!("-i flat.mp4 -c copy -metadata:s:v:0 rotate={degrees}"));
        let probe = room.probe(&clip).await;
        assert!(probe.remuxable(), "{probe:?}");
        let turned = room.path("remux.mp4");
        room.media.remux(&clip, &probe, &turned).await.expect("a remux");
        assert_eq!(room.probe(&turned).await.rotation, probe.rotation);

        let (source, made) = encoded(&room, &clip).await;
        assert_eq!((made.width, made.height), (source.width, source.height));
        assert_eq!((made.width, made.height), if degrees == 180 { (640, 360) } else { (360, 640) });
        let red = room.colours(&room.path("output.mp4"), 0.5, 2, 2).iter().position(|[red, ..]| *red > 128);
        // The quarters in reading order, and where each turn puts the upper left one.
        let expected = [(90, 1), (180, 3), (270, 2)].iter().find(|turn| turn.0 == source.rotation);
        assert_eq!(red, expected.map(|turn| turn.1), "{source:?}");
    }
}

#[tokio::test]
async fn other_codecs_and_containers_are_encoded() {
    let room = Room::new();
    let clips = [
        room.make(
            "vp9.webm",
            &format!("{PICTURE} {SOUND} -c:v libvpx-vp9 -cpu-used 8 -deadline realtime -c:a libopus"),
        ),
        room.make(
            "vp8.webm",
            &format!("{PICTURE} {SOUND} -c:v libvpx -cpu-used 8 -deadline realtime -c:a libvorbis"),
        ),
        room.make(
            "hevc.mp4",
            &format!("{PICTURE} {SOUND} -c:v libx265 -preset ultrafast -x265-params log-level=0 -c:a ac3"),
        ),
        room.make("av1.mp4", &format!("{PICTURE} -c:v libsvtav1 -preset 12")),
        room.make("h264.mkv", &format!("{PICTURE} {SOUND} {X264} -c:a flac")),
        room.make("mpeg4.mov", &format!("{PICTURE} {SOUND} -c:v mpeg4 -c:a pcm_s16le")),
        room.make("mp3.mp4", &format!("{PICTURE} {SOUND} {X264} -c:a libmp3lame")),
        room.make("full.mp4", &format!("{PICTURE} -c:v libx264 -preset ultrafast -pix_fmt yuv444p")),
        room.make("interlaced.mp4", &format!("{PICTURE} {X264} -flags +ildct+ilme -x264opts tff=1")),
    ];
    let codecs = ["vp9", "vp8", "hevc", "av1", "h264", "mpeg4", "h264", "h264", "h264"];
    for (clip, codec) in clips.iter().zip(codecs) {
        let (source, made) = encoded(&room, clip).await;
        assert!(!source.remuxable(), "{source:?}");
        assert_eq!(source.video_codec, codec);
        assert_eq!((made.width, made.height), (640, 360));
    }
    assert_eq!(room.probe(&clips[0]).await.container, Container::Matroska);
}

#[tokio::test]
async fn odd_sizes_shapes_and_rates_become_even_square_and_steady() {
    let room = Room::new();
    let vp9 = "-c:v libvpx-vp9 -cpu-used 8 -deadline realtime";
    let cases = [
        (room.make("odd.webm", &format!("-f lavfi -i testsrc2=s=321x241:r=24:d=1 {vp9}")), (320, 240)),
        (room.make("large.mp4", &format!("-f lavfi -i testsrc2=s=1920x1080:r=24:d=1 {X264} -crf 40")), (1280, 720)),
        (room.make("tall.mp4", &format!("-f lavfi -i testsrc2=s=1080x2400:r=24:d=1 {X264} -crf 40")), (720, 1600)),
        (room.make("wide.mp4", &format!("-f lavfi -i testsrc2=s=360x480:r=24:d=1,setsar=4/3 {X264}")), (480, 480)),
        (
            room.make(
                "unsteady.mp4",
                &format!("-f lavfi -i testsrc2=s=320x240:r=30:d=3,select='not(mod(n\\,3))+lt(n\\,30)' -fps_mode vfr {X264}"),
            ),
            (320, 240),
        ),
    ];
    for (clip, size) in cases {
        let (_, made) = encoded(&room, &clip).await;
        assert_eq!((made.width, made.height), size, "{}", clip.display());
        let rate = made.frames_per_second.expect("a rate");
        assert!(rate <= 30.01, "{rate}");
    }
}

#[tokio::test]
async fn sound_becomes_stereo_and_silence_stays() {
    let room = Room::new();
    let surround =
        format!("{PICTURE} -f lavfi -i anoisesrc=d=2:a=0.1,aformat=channel_layouts=5.1 {X264} -c:a aac");
    let clip = room.make("surround.mp4", &surround);
    let (source, made) = encoded(&room, &clip).await;
    assert_eq!(source.audio.as_ref().map(|audio| audio.channels), Some(6));
    assert!(!source.remuxable());
    assert_eq!(made.audio.map(|audio| audio.channels), Some(2));

    let clip = room.make("silent.mp4", &format!("{PICTURE} {X264}"));
    let (source, made) = encoded(&room, &clip).await;
    assert!(source.remuxable() && source.audio.is_none() && made.audio.is_none());
}

#[tokio::test]
async fn a_high_dynamic_range_is_brought_down() {
    let room = Room::new();
    let clip = room.make(
        "hlg.mp4",
        "-f lavfi -i testsrc2=s=320x240:r=24:d=1,zscale=tin=bt709:pin=bt709:min=bt709:p=bt2020:t=arib-std-b67:m=bt2020nc,format=yuv420p10le \
        -c:v libx265 -preset ultrafast -x265-params log-level=0 -color_primaries bt2020 -color_trc arib-std-b67 -colorspace bt2020nc",
    );
    let (source, made) = encoded(&room, &clip).await;
    assert_eq!(source.high_dynamic_range, Some(HighDynamicRange::Hlg));
    assert_eq!(made.high_dynamic_range, None);
    assert!(room.mean_luma(&room.path("output.mp4")) > 40);
    assert!(room.media.cover(&clip, &source, None, &room.path("cover.jpg")).await.expect("a cover"));
    assert!(room.mean_luma(&room.path("cover.jpg")) > 40);
}

#[tokio::test]
async fn recordings_of_a_browser_without_a_length_are_measured() {
    let room = Room::new();
    let live = "-c:v libvpx -cpu-used 8 -deadline realtime -f webm -live 1";
    let fragments = "-g 24 -movflags frag_keyframe+empty_moov+default_base_moof";
    for clip in [
        room.make("live.webm", &format!("{PICTURE} {live}")),
        room.make("fragments.mp4", &format!("{PICTURE} {SOUND} {X264} -c:a aac {fragments}")),
    ] {
        let (source, _) = encoded(&room, &clip).await;
        assert!(near(source.duration, Duration::from_secs(2)), "{source:?}");
    }
    let clip = room.path("fragments.mp4");
    let probe = room.probe(&clip).await;
    assert!(probe.remuxable());
    room.media.remux(&clip, &probe, &room.path("remux.mp4")).await.expect("a remux");
}

#[tokio::test]
async fn a_cover_picture_subtitles_and_unread_tracks_are_left_behind() {
    let room = Room::new();
    room.write("words.srt", "1\n00:00:00,000 --> 00:00:01,000\nCANARY-words\n");
    room.make("picture.jpg", "-f lavfi -i color=red:s=320x240 -frames:v 1");
    let clip = room.make(
        "clip.mp4",
        &format!(
            "{PICTURE} {SOUND} -i words.srt -i picture.jpg -map 0 -map 1 -map 2 -map 3 {X264} -c:a aac -c:s mov_text \
            -c:v:1 copy -disposition:v:1 attached_pic"
        ),
    );
    let probe = room.probe(&clip).await;
    assert!(probe.remuxable());
    room.media.remux(&clip, &probe, &room.path("output.mp4")).await.expect("a remux");
    assert!(!contains(&room.read("output.mp4"), b"CANARY"));
    assert!(!contains(&room.read("output.mp4"), b"JFIF"));
}

#[tokio::test]
async fn names_that_look_like_options_or_protocols_are_only_names() {
    let room = Room::new();
    room.make("clip.mp4", &format!("{PICTURE} {X264}"));
    for name in ["-y.mp4", "concat:a|b.mp4", "100%d 'x'.mp4", "日本.mp4"] {
        let clip = room.write(name, room.read("clip.mp4"));
        let probe = room.probe(&clip).await;
        let output = room.path(&format!("out {name}"));
        room.media.remux(&clip, &probe, &output).await.expect("a remux");
        assert!(
            room.media
                .cover(&clip, &probe, None, &room.path(&format!("cover {name}.jpg")))
                .await
                .expect("a cover")
        );
        assert!(output.exists() && room.path(&format!("cover {name}.jpg")).exists());
    }
}
