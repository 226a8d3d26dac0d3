//! What strangers may send: each file of a corpus made on the spot has an end state, and no other.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use media::{Error, Refusal};

use crate::clips::Room;
use crate::cover::contains;

const X264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";
const SMALL: &str = "-f lavfi -i testsrc2=s=160x120:r=10:d=2";
const CANARY: &[u8] = b"CANARY-of-another-file";

/// How a file may end.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Refused,
    Plays,
}

/// The way every upload goes: probe, remux or the first rendition, cover. Whatever ends, it ends soon and leaves
/// nothing else in the room.
async fn end_of(room: &Room, file: &Path) -> End {
    let began = Instant::now();
    let end = match outcome(room, file).await {
        Ok(()) => End::Plays,
        Err(Error::Refused { .. } | Error::Killed { .. }) => End::Refused,
        Err(error) => panic!("{}: {error:?}", file.display()),
    };
    assert!(began.elapsed() < Duration::from_secs(15), "{}: {:?}", file.display(), began.elapsed());
    end
}

async fn outcome(room: &Room, file: &Path) -> Result<(), Error> {
    let probe = room.media.probe(file).await?;
    let output = room.path("output.mp4");
    let made = match probe.remuxable() {
        true => room.media.remux(file, &probe, &output).await,
        false => room.transcode(file, &probe, &output).await,
    };
    if made.is_ok() {
        let bytes = room.read("output.mp4");
        assert!(!contains(&bytes, CANARY), "{}", file.display());
        let cover = room.path("cover.jpg");
        room.media.cover(&output, &probe, None, &cover).await?;
        let _gone = (std::fs::remove_file(&output), std::fs::remove_file(&cover));
    }
    made
}

/// A box of an MP4: its length, its name, what is in it.
fn boxed(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 8).expect("short");
    [&length.to_be_bytes()[..], name, content].concat()
}

fn find(bytes: &[u8], name: &[u8; 4]) -> usize {
    bytes.windows(4).position(|window| window == name).expect("the box is there")
}

/// A fast-start clip, for others to be made of.
fn clip(room: &Room) -> Vec<u8> {
    room.make("clip.mp4", &format!("{SMALL} {X264} -g 10 -movflags +faststart"));
    room.read("clip.mp4")
}

#[tokio::test]
async fn files_that_point_elsewhere_read_nothing() {
    let room = Room::new();
    let clip = clip(&room);
    let canary = room.write("canary.txt", CANARY);
    let elsewhere = canary.to_str().expect("a plain path");
    let mut nowhere = clip.clone();
    let place = find(&nowhere, b"url ");
    // Without the flag that says the data is in this file.
    nowhere[place + 4..place + 8].copy_from_slice(&[0; 4]);
    let tty = "\u{1b}[2J".repeat(300);
    let subtitles = [b"RIFF\x00\x10\x00\x00AVI LIST".as_slice(), b"GAB2\x00", elsewhere.as_bytes()].concat();
    let files: [(&str, Vec<u8>); 6] = [
        ("edl.mp4", format!("# mplayer EDL file, version 2\n{elsewhere},0,10\n").into_bytes()),
        ("xbin.mp4", [b"XBIN\x1a\x50\x00\x19\x00\x10\x00".as_slice(), &[65; 4000]].concat()),
        ("tty.mov", tty.into_bytes()),
        ("gab2.mp4", subtitles),
        ("image2.webm", b"image2pipe:pattern:*.mp4".to_vec()),
        ("sdp.mov", b"v=0\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n".to_vec()),
    ];
    for (name, bytes) in files {
        assert_eq!(end_of(&room, &room.write(name, bytes)).await, End::Refused, "{name}");
    }
    // It says that its data is elsewhere, and not where: nothing of any other file is shown.
    let _any = end_of(&room, &room.write("nowhere.mov", nowhere)).await;
}

#[tokio::test]
async fn a_track_that_lies_in_another_file_is_not_fetched() {
    let room = Room::new();
    let private = room.make("private.mp4", &format!("-f lavfi -i color=red:s=160x120:r=10:d=2 {X264}"));
    let own = room.make("own.mov", &format!("-f lavfi -i color=blue:s=160x120:r=10:d=2 {X264}"));
    let clip = room.read("own.mov");
    let inserted = alias(private.to_str().expect("a plain path"));
    // In place of the entry that says the data is in this file. The index comes last, so nothing else moves.
    let old = find(&clip, b"dref") + 12;
    let mut reference = [&clip[..old], &inserted, &clip[old + 12..]].concat();
    for name in [b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"] {
        lengthen(&mut reference, name, inserted.len() - 12);
    }
    let reference = room.write("reference.mov", reference);
    let careless = "-enable_drefs 1 -use_absolute_path 1 -count_packets -show_entries stream=nb_read_packets";
    assert_eq!(room.told(&reference, careless), "20", "who wants to finds the other file");
    assert_eq!(room.refusal(&reference).await, Refusal::Damaged);
    let probe = room.probe(&own).await;
    let output = room.path("output.mp4");
    assert!(room.media.remux(&reference, &probe, &output).await.is_err());
    assert!(room.transcode(&reference, &probe, &output).await.is_err());
    assert!(!room.media.cover(&reference, &probe, None, &output).await.expect("an answer"));
    assert!(room.is_empty_but_for(&["private.mp4", "own.mov", "reference.mov"]));
}

/// Where a track's data is, as old Macintoshes wrote it: of its fields only the path is filled in.
fn alias(path: &str) -> Vec<u8> {
    let length = u16::try_from(path.len()).expect("short").to_be_bytes();
    let padding: &[u8] = if path.len() % 2 == 1 { &[0] } else { &[] };
    let entry = [&[0, 2], &length[..], path.as_bytes(), padding].concat();
    // Version and flags, ten bytes of header, the volume's name, twelve bytes, the file's name, and so on.
    let before = [&[0_u8; 4][..], &[0; 10], &[0; 28], &[0; 12], &[0; 64], &[0; 16], &[0; 4], &[0; 16]];
    boxed(b"alis", &[&before.concat()[..], &entry, &[0xff, 0xff, 0, 0]].concat())
}

/// Adds to the length of the first box of that name.
fn lengthen(bytes: &mut [u8], name: &[u8; 4], more: usize) {
    let at = find(bytes, name) - 4;
    let length = u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let longer = length + u32::try_from(more).expect("short");
    bytes[at..at + 4].copy_from_slice(&longer.to_be_bytes());
}

#[tokio::test]
async fn what_no_phone_films_is_refused_before_it_is_decoded() {
    let room = Room::new();
    let files = [
        room.make("motion.avi", &format!("{SMALL} -c:v mjpeg")),
        room.make("flash.swf", &format!("{SMALL} -c:v flv1 -r 25")),
        room.make("flash.flv", &format!("{SMALL} -c:v flv1")),
        room.make("loop.gif", SMALL),
        room.make("scan.tiff", &format!("{SMALL} -frames:v 1")),
        room.make("old.mpg", &format!("{SMALL} -r 25 -c:v mpeg2video")),
        room.make("broadcast.ts", &format!("{SMALL} {X264}")),
        room.make("lossless.mkv", &format!("{SMALL} -c:v ffv1")),
        room.make("windows.wmv", &format!("{SMALL} -c:v wmv2")),
        room.make("only.srt.mkv", "-f lavfi -i sine=d=1 -c:a libopus"),
    ];
    for file in files {
        let renamed = file.with_extension("mp4");
        std::fs::rename(&file, &renamed).expect("renamed");
        assert_eq!(end_of(&room, &renamed).await, End::Refused, "{}", renamed.display());
    }
}

#[tokio::test]
async fn claims_that_nothing_could_hold_cost_little() {
    let room = Room::new();
    let clip = clip(&room);
    let media = find(&clip, b"mdat");
    let mut four_gib = clip.clone();
    four_gib[media - 4..media].copy_from_slice(&[0xff; 4]);
    let mut exbibytes = clip.clone();
    exbibytes.splice(media - 4..media + 4, *b"\0\0\0\x01mdat\x7f\xff\xff\xff\xff\xff\xff\xff");
    let mut index = clip.clone();
    let moov = find(&index, b"moov");
    index[moov - 4..moov].copy_from_slice(&[0x80, 0, 0, 0]);
    // A hundred thousand edits of one frame each (ISO/IEC 14496-12, 8.6.6).
    let edits: Vec<u8> =
        (0..100_000_u32).flat_map(|_| [[0, 0, 0, 1], [0; 4], [0, 1, 0, 0]].concat()).collect();
    let list = [&[0_u8; 4][..], &100_000_u32.to_be_bytes(), &edits].concat();
    let track = find(&clip, b"trak") + 4;
    let inserted = boxed(b"edts", &boxed(b"elst", &list));
    let mut edited = [&clip[..track], &inserted, &clip[track..]].concat();
    for name in [b"moov", b"trak"] {
        lengthen(&mut edited, name, inserted.len());
    }
    let mut counted = clip.clone();
    let table = find(&counted, b"stsz");
    counted[table + 12..table + 16].copy_from_slice(&0x7fff_ffff_u32.to_be_bytes());
    let mut stamped = clip.clone();
    let times = find(&stamped, b"stts");
    stamped[times + 16..times + 20].copy_from_slice(&1_000_000_000_u32.to_be_bytes());
    for (name, bytes) in [
        ("mdat of 4 GiB", four_gib),
        ("mdat of 8 EiB", exbibytes),
        ("moov of 2 GiB", index),
        ("100,000 edits", edited),
        ("2^31 samples", counted),
        ("stamps of 10^9", stamped),
    ] {
        let file = room.write("claim.mp4", bytes);
        // Some still play, if what is there is whole; none takes the machine along.
        println!("{name}: {:?}", end_of(&room, &file).await);
    }
    let long = room.make(
        "ten hours.mkv".replace(' ', "-").as_str(),
        &format!("-f lavfi -i color=s=16x16:r=1:d=36000 {X264}"),
    );
    assert_eq!(room.refusal(&long).await, Refusal::TooLong);
    room.make("sound.mka", "-f lavfi -i sine=d=0.2:r=8000 -c:a pcm_s16le");
    for many in ["many.mov", "many.mkv"] {
        let many = room.make(many, &format!("-i sound.mka {} -c copy", "-map 0 ".repeat(1000)));
        assert_eq!(room.refusal(&many).await, Refusal::ManyTracks);
    }
}

#[tokio::test]
async fn a_clip_cut_or_mixed_up_anywhere_is_refused_or_plays_and_nothing_in_between() {
    let room = Room::new();
    let clip = clip(&room);
    let (index, media) = (find(&clip, b"moov") - 4, find(&clip, b"mdat") - 4);
    for tenth in 0..10 {
        let end = end_of(&room, &room.write("cut.mp4", &clip[..clip.len() * tenth / 10])).await;
        // Of the last half second nobody can tell whether it was meant to be there.
        assert!(end == End::Refused || tenth > 7, "{tenth} tenths: {end:?}");
    }
    let swapped = [&clip[..index], &clip[media..], &clip[index..media]].concat();
    // Its offsets point into the index now: what they find is no picture.
    assert_eq!(end_of(&room, &room.write("swapped.mp4", swapped)).await, End::Refused);
    let mut noise = clip.clone();
    noise[media + 16..].iter_mut().for_each(|byte| *byte ^= 0x5a);
    assert_eq!(end_of(&room, &room.write("noise.mp4", noise)).await, End::Refused);
    let art = room.make("art.mp4", &format!("{SMALL} -f lavfi -i sine=d=2 -map 1 -map 0 -c:a aac -c:v mjpeg -frames:v 1 -disposition:v:0 attached_pic"));
    assert_eq!(room.refusal(&art).await, Refusal::NoVideoTrack);
}

/// The tail and the tags of a file that is two things are in nothing that is served.
#[tokio::test]
async fn a_file_that_is_two_things_loses_the_other_one() {
    let room = Room::new();
    let clip = clip(&room);
    let tails: [(&str, &[u8]); 4] = [
        ("html", b"<html><script>CANARY-of-another-file</script></html>"),
        ("zip", b"PK\x03\x04CANARY-of-another-filePK\x05\x06"),
        ("script", b"*/CANARY-of-another-file//"),
        ("box", b"\0\0\0\x20freeCANARY-of-another-file.."),
    ];
    for (name, tail) in tails {
        let both: PathBuf = room.write(&format!("{name}.mp4"), [&clip[..], tail].concat());
        assert_eq!(end_of(&room, &both).await, End::Plays, "{name}");
    }
    room.write("page.html", "<script>CANARY-of-another-file</script>");
    room.write(
        "cover.svg",
        "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>CANARY-of-another-file</script></svg>",
    );
    room.write("words.srt", "1\n00:00:00,000 --> 00:00:01,000\nCANARY-of-another-file\n");
    let attached = room.make(
        "attached.mkv",
        "-i clip.mp4 -i words.srt -c copy -c:s srt -attach page.html -metadata:s:t:0 mimetype=text/html \
        -attach cover.svg -metadata:s:t:1 mimetype=image/svg+xml",
    );
    assert!(contains(&room.read("attached.mkv"), CANARY));
    assert_eq!(end_of(&room, &attached).await, End::Plays);
    let tagged = room.make(
        "tagged.mp4",
        "-i clip.mp4 -c copy -metadata title=<script>CANARY-of-another-file</script> -metadata comment=CANARY-of-another-file",
    );
    assert_eq!(end_of(&room, &tagged).await, End::Plays);
}
