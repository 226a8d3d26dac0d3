//! What is not taken, and that refusing is cheap, names the reason and reads nothing else.

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use media::Refusal;

use crate::clips::Room;

const X264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";
const SMALL: &str = "-f lavfi -i testsrc2=s=160x120:r=10:d=2";

/// Lists of all kinds that point to a file, or to a port of this machine.
const LISTS: [&str; 8] = [
    "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://TARGET\n#EXT-X-ENDLIST\n",
    "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:PORT/canary.mp4\n#EXT-X-ENDLIST\n",
    "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nconcat:http://127.0.0.1:PORT/x|file:TARGET\n#EXT-X-ENDLIST\n",
    "ffconcat version 1.0\nfile private.mp4\n",
    "file 'private.mp4'\n",
    "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video PORT RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" \
     mediaPresentationDuration=\"PT2S\" profiles=\"urn:mpeg:dash:profile:isoff-on-demand:2011\"><Period>\
     <AdaptationSet mimeType=\"video/mp4\"><Representation id=\"1\" bandwidth=\"1\"><BaseURL>file://TARGET\
     </BaseURL></Representation></AdaptationSet></Period></MPD>",
    "[playlist]\nFile1=http://127.0.0.1:PORT/canary.mp4\nNumberOfEntries=1\nVersion=2\n",
];

#[tokio::test]
async fn lists_named_like_videos_are_refused_and_read_nothing() {
    let canary = TcpListener::bind("127.0.0.1:0").expect("listens");
    canary.set_nonblocking(true).expect("looks without waiting");
    let port = canary.local_addr().expect("an address").port().to_string();
    let room = Room::new();
    let private = room.make("private.mp4", &format!("{SMALL} {X264}"));
    let probe = room.probe(&private).await;
    let target = private.to_str().expect("a plain path");
    for (place, list) in LISTS.iter().enumerate() {
        for suffix in ["mp4", "mov", "webm"] {
            let name = format!("list{place}.{suffix}");
            let list = room.write(&name, list.replace("TARGET", target).replace("PORT", &port));
            let refusal = room.refusal(&list).await;
            assert!(matches!(refusal, Refusal::NotVideo | Refusal::Container), "{name}: {refusal:?}");
            // Even a caller that does not ask first gets nothing.
            let output = room.path("output.mp4");
            assert!(room.media.remux(&list, &probe, &output).await.is_err());
            assert!(room.transcode(&list, &probe, &output).await.is_err());
            assert!(!room.media.cover(&list, &probe, None, &output).await.expect("an answer"));
            std::fs::remove_file(&list).expect("goes");
            assert!(room.is_empty_but_for(&["private.mp4"]));
        }
    }
    assert!(canary.accept().is_err(), "somebody called");
}

#[tokio::test]
async fn what_is_no_video_says_so() {
    let room = Room::new();
    let cases = [
        (room.write("text.mp4", "hello, I am a text\n".repeat(100)), Refusal::NotVideo),
        (room.write("empty.mp4", ""), Refusal::NotVideo),
        (room.make("sound.mp4", "-f lavfi -i sine=d=2 -c:a aac"), Refusal::NoVideoTrack),
        (room.make("clip.avi", &format!("{SMALL} -c:v mpeg4")), Refusal::Container),
        (room.make("clip.gif", SMALL), Refusal::Container),
        (room.make("picture.png", &format!("{SMALL} -frames:v 1")), Refusal::Container),
    ];
    for (file, expected) in cases {
        assert_eq!(room.refusal(&file).await, expected, "{}", file.display());
    }
}

#[tokio::test]
async fn a_missing_file_is_our_fault_not_the_files() {
    let room = Room::new();
    assert!(matches!(room.media.probe(&room.path("none.mp4")).await, Err(media::Error::Io { .. })));
}

#[tokio::test]
async fn limits_are_told_apart() {
    let room = Room::new();
    let cases = [
        (
            room.make("short.mp4", &format!("-f lavfi -i testsrc2=s=160x120:r=10:d=0.3 {X264}")),
            Refusal::TooShort,
        ),
        (room.make("long.mp4", &format!("-f lavfi -i color=s=32x32:r=1:d=700 {X264}")), Refusal::TooLong),
        (
            room.make("tiny.mp4", &format!("-f lavfi -i color=s=64x8:r=10:d=1 {X264}")),
            Refusal::PictureTooSmall,
        ),
        (
            room.make("wide.mp4", &format!("-f lavfi -i color=s=5000x64:r=10:d=1 {X264}")),
            Refusal::PictureTooLarge,
        ),
        (room.make("stretched.mp4", &format!("{SMALL},setsar=100 {X264}")), Refusal::PictureTooLarge),
        (room.make("fast.mp4", &format!("-f lavfi -i color=s=64x64:r=240:d=1 {X264}")), Refusal::FrameRate),
        (room.make("two.mp4", &format!("{SMALL} -map 0 -map 0 {X264}")), Refusal::ManyVideoTracks),
        (
            room.make(
                "many.mp4",
                &format!("-f lavfi -i sine=d=1 {SMALL} -map 1 {} {X264}", "-map 0 ".repeat(9)),
            ),
            Refusal::ManyTracks,
        ),
    ];
    for (file, expected) in cases {
        assert_eq!(room.refusal(&file).await, expected, "{}", file.display());
    }
}

#[tokio::test]
async fn unlisted_codecs_are_refused_by_name() {
    let room = Room::new();
    let video = |name: &str| Refusal::VideoCodec { name: name.to_owned() };
    let cases = [
        (room.make("magic.mkv", &format!("{SMALL} -c:v magicyuv -pix_fmt yuv420p")), video("magicyuv")),
        (room.make("cinepak.mov", &format!("{SMALL} -c:v cinepak")), video("cinepak")),
        (room.make("motion.mp4", &format!("{SMALL} -c:v mjpeg")), video("mjpeg")),
        (room.make("pictures.mov", &format!("{SMALL} -c:v png")), video("png")),
        (
            room.make("sound.mkv", &format!("{SMALL} -f lavfi -i sine=d=2 {X264} -c:a wmav2")),
            Refusal::AudioCodec { name: "wmav2".to_owned() },
        ),
    ];
    for (file, expected) in cases {
        assert_eq!(room.refusal(&file).await, expected, "{}", file.display());
    }
    assert_eq!(video("cinepak").to_string(), "its video codec (cinepak) is not supported");
}

#[tokio::test]
async fn enormous_pictures_are_refused_cheaply() {
    let room = Room::new();
    let large = [
        room.make("jpeg.mp4", "-f lavfi -i color=red:s=16000x16000:d=1:r=1 -c:v mjpeg -q:v 31"),
        room.make("jpeg.mkv", "-i jpeg.mp4 -c copy"),
        room.make("h264.mp4", &format!("-f lavfi -i color=red:s=16000x8000:d=1:r=1 {X264}")),
        room.make("h264.mkv", "-i h264.mp4 -c copy"),
    ];
    for file in large {
        let start = Instant::now();
        let refusal = room.refusal(&file).await;
        assert!(matches!(refusal, Refusal::PictureTooLarge | Refusal::VideoCodec { .. }), "{refusal:?}");
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn broken_files_fail_cleanly() {
    let room = Room::new();
    room.make("late.mp4", &format!("-f lavfi -i testsrc2=s=320x240:r=24:d=4 {X264} -g 24"));
    room.make("early.mp4", "-i late.mp4 -c copy -movflags +faststart");
    let late = room.read("late.mp4");
    let early = room.read("early.mp4");

    // The index is at the end and gone.
    assert_eq!(room.refusal(&room.write("cut.mp4", &late[..late.len() / 2])).await, Refusal::Damaged);

    let mut garbage = early.clone();
    let index = garbage.windows(4).position(|name| name == b"moov").expect("an index") + 4;
    garbage[index..index + 200].fill(0x5a);
    assert_eq!(room.refusal(&room.write("garbage.mp4", garbage)).await, Refusal::Damaged);

    for tenth in 1..8 {
        let file = room.write("part.mp4", &early[..early.len() * tenth / 10]);
        damaged_at_the_latest_when_used(&room, &file).await;
    }
}

/// With the index in front a cut file looks whole until it is read.
async fn damaged_at_the_latest_when_used(room: &Room, file: &Path) {
    let probe = match room.media.probe(file).await {
        Ok(probe) => probe,
        Err(error) => return assert_eq!(error.refusal(), Some(&Refusal::Damaged)),
    };
    let output = room.path("output.mp4");
    for result in [room.media.remux(file, &probe, &output).await, room.transcode(file, &probe, &output).await]
    {
        let error = result.expect_err("a damaged file");
        assert_eq!(error.refusal(), Some(&Refusal::Damaged), "{error:?}");
        assert!(!output.exists());
    }
}
