//! Clips of every shape people's devices make, each with its end: what is accepted is played in a real browser in
//! every size it is offered in. With `--nocapture` it prints the table.

use std::process::Stdio;
use std::time::{Duration, Instant};

use e2e::{Platform, User, clip, eventually, within};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const MADE_WITHIN: Duration = Duration::from_secs(240);
const PLAYED_WITHIN: Duration = Duration::from_secs(120);

const BROWSER: &str = "chromium";
const H264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";
const H265: &str = "-c:v libx265 -preset ultrafast -x265-params log-level=error -tag:v hvc1";
const VP8: &str = "-c:v libvpx -deadline realtime -cpu-used 16";
const VP9: &str = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8";
const HLG: &str = "-vf zscale=tin=bt709:pin=bt709:min=bt709:p=bt2020:t=arib-std-b67:m=bt2020nc,format=yuv420p10le \
    -color_primaries bt2020 -color_trc arib-std-b67 -colorspace bt2020nc";
const PQ: &str = "-vf zscale=tin=bt709:pin=bt709:min=bt709:p=bt2020:t=smpte2084:m=bt2020nc,format=yuv420p10le \
    -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc";
const SOUND: &str = "-f lavfi -i sine=d=2:r=48000";
const SURROUND: &str = "-f lavfi -i anoisesrc=d=2:a=0.1:r=48000,aformat=channel_layouts=5.1";

/// A file, how ffmpeg makes it, and in how many sizes it is offered; none where it is refused.
struct Shape {
    file: &'static str,
    words: String,
    sizes: usize,
}

/// A moving picture of two seconds.
fn picture(size: &str, rate: u32) -> String {
    format!("-f lavfi -i testsrc2=s={size}:r={rate}:d=2")
}

fn shapes() -> Vec<Shape> {
    let small = picture("320x240", 24);
    let wide = picture("960x540", 24);
    let shape = |file, sizes, words: String| Shape { file, words, sizes };
    vec![
        shape("landscape.mp4", 2, format!("{wide} {SOUND} {H264} -c:a aac")),
        shape("portrait.mp4", 3, format!("{} {SOUND} {H264} -c:a aac", picture("1080x1920", 24))),
        shape("square.mp4", 2, format!("{} {SOUND} {H264} -c:a aac", picture("600x600", 24))),
        shape("odd.webm", 1, format!("{} {VP9}", picture("321x241", 24))),
        shape("anamorphic.mp4", 1, format!("{small} -vf setsar=4/3 {H264}")),
        shape("4k60.mp4", 3, format!("{} -t 1 {H264}", picture("3840x2160", 60))),
        shape("60-frames.mp4", 1, format!("{} {H264}", picture("320x240", 60))),
        shape("12-frames.mp4", 1, format!("{} {H264}", picture("320x240", 12))),
        shape(
            "unsteady.mp4",
            1,
            format!("{small} -vf select='not(mod(n\\,3))+lt(n\\,24)' -fps_mode vfr {H264}"),
        ),
        shape("b-frames.mp4", 1, format!("{small} {SOUND} -c:v libx264 -bf 3 -pix_fmt yuv420p -c:a aac")),
        shape("baseline.mp4", 1, format!("{small} {H264} -profile:v baseline -movflags +faststart")),
        shape(
            "fragments.mp4",
            1,
            format!("{small} {SOUND} {H264} -c:a aac -movflags frag_keyframe+empty_moov"),
        ),
        shape("half-a-second.mp4", 1, format!("{small} -t 0.6 {H264}")),
        shape("black-lead-in.mp4", 1, format!("{small} -vf fade=in:0:24 {H264}")),
        shape("full-colour.mp4", 1, format!("{small} -c:v libx264 -preset ultrafast -pix_fmt yuv444p")),
        shape("ten-bits.mp4", 1, format!("{small} -c:v libx264 -preset ultrafast -pix_fmt yuv420p10le")),
        shape("full-range.mp4", 1, format!("{small} -c:v libx264 -preset ultrafast -pix_fmt yuvj420p")),
        shape("interlaced.mp4", 1, format!("{small} -vf interlace {H264} -flags +ilme+ildct")),
        shape("silent.mov", 1, format!("{small} {H264} -an")),
        shape("telephone.mp4", 1, format!("{small} {SOUND} {H264} -c:a aac -ac 1 -ar 8000")),
        shape("surround.mp4", 1, format!("{small} {SURROUND} {H264} -c:a aac")),
        shape("mp3.mp4", 1, format!("{small} {SOUND} {H264} -c:a libmp3lame")),
        shape("opus.mkv", 1, format!("{small} {SOUND} {H264} -c:a libopus")),
        shape("flac.mkv", 1, format!("{small} {SOUND} {H264} -c:a flac")),
        shape("ac3.mkv", 1, format!("{small} {SURROUND} {H264} -c:a ac3")),
        shape("pcm.mov", 1, format!("{small} {SOUND} {H264} -c:a pcm_s24le")),
        shape("alac.mov", 1, format!("{small} {SOUND} {H264} -c:a alac")),
        shape("hevc.mp4", 1, format!("{small} {SOUND} {H265} -c:a aac")),
        shape("hlg.mov", 1, format!("{small} {HLG} {H265}")),
        shape("pq.mov", 1, format!("{small} {PQ} {H265}")),
        shape("vp8.webm", 1, format!("{small} {SOUND} {VP8} -c:a libvorbis")),
        shape("vp9.webm", 1, format!("{small} {SOUND} {VP9} -c:a libopus")),
        shape("recorded.webm", 1, format!("{small} {SOUND} {VP8} -c:a libopus -f webm -live 1")),
        shape("av1.mkv", 1, format!("{small} {SOUND} -c:v libsvtav1 -preset 12 -c:a libopus")),
        shape("av1.mp4", 1, format!("{small} -c:v libsvtav1 -preset 12")),
        shape("mpeg4.mp4", 1, format!("{small} {SOUND} -c:v mpeg4 -c:a aac")),
        shape("prores.mov", 0, format!("{small} -c:v prores_ks")),
        shape("mjpeg.avi", 0, format!("{small} -c:v mjpeg")),
        shape("flash.flv", 0, format!("{small} -c:v flv")),
        shape("moving.gif", 0, format!("{small} -t 1")),
        shape("broadcast.ts", 0, format!("{small} -c:v mpeg2video")),
        shape("sound.mp4", 0, format!("{SOUND} -c:a aac")),
        shape("still.png", 0, format!("{small} -frames:v 1")),
    ]
}

/// A rendition as it is offered, for the browser to find that it is so.
fn offered(file: &str, detail: &Value) -> Vec<Value> {
    let renditions = detail["renditions"].as_array().expect("a list").iter();
    let offer = |one: &Value| {
        json!({
            "name": format!("{file} {}", one["name"]), "url": one["url"], "width": one["width"],
            "height": one["height"], "seconds": detail["duration_ms"].as_f64().expect("a number") / 1e3,
        })
    };
    renditions.map(offer).collect()
}

/// Uploads and publishes a clip, and waits for its end: how it is offered, or nothing where it is refused.
async fn end(platform: &Platform, by: &User, shape: &Shape) -> Vec<Value> {
    let clip = clip::make(shape.file, &shape.words);
    let upload = platform.begin_upload(by, clip.len()).await;
    platform.append(by, &upload, 0, &clip, &[]).await.ok(204);
    let body = json!({ "upload": upload.strip_prefix("/uploads/"), "title": shape.file });
    let began = Instant::now();
    let told = platform.api(Some(by), Method::POST, "/videos", body).await;
    if shape.sizes == 0 {
        println!("| {} | refused: {} |", shape.file, told.failed(415, "unsupported_media").json["detail"]);
        return Vec::new();
    }
    let video = told.ok(201).json["id"].as_i64().expect("a number");
    let mut playable = None;
    let detail = eventually(shape.file, MADE_WITHIN, async || {
        let path = format!("/videos/{video}/timeline");
        let events = platform.api(Some(by), Method::GET, &path, Value::Null).await.ok(200).json;
        let has = |name: &str| {
            events["events"].as_array().is_some_and(|all| all.iter().any(|one| one["name"] == name))
        };
        assert!(!has("refused"), "{}: {events}", shape.file);
        if has("playable") {
            playable.get_or_insert(began.elapsed());
        }
        has("done").then_some(())
    });
    detail.await;
    let detail = platform.detail(by, video).await;
    let offers = offered(shape.file, &detail);
    assert_eq!(offers.len(), shape.sizes, "{}: {detail}", shape.file);
    let bytes: u64 =
        detail["renditions"].as_array().into_iter().flatten().filter_map(|one| one["bytes"].as_u64()).sum();
    let (playable, done) = (playable.unwrap_or_default().as_secs_f64(), began.elapsed().as_secs_f64());
    println!("| {} | {playable:.1} s | {done:.1} s | {} B → {bytes} B |", shape.file, clip.len());
    offers
}

/// Plays what is told in a page, to the end and four at once, and sends what it saw to `address`.
fn page(offers: &[Value], address: &str) -> String {
    format!(
        "<!doctype html><meta charset=utf-8><script>
        const seen = [], waiting = {};
        const play = ({{ name, url }}) => new Promise((done) => {{
          const video = document.createElement('video');
          const tell = (error) => {{
            seen.push({{ name, error, width: video.videoWidth, height: video.videoHeight, at: video.currentTime,
              seconds: video.duration, frames: video.getVideoPlaybackQuality().totalVideoFrames }});
            video.remove();
            done();
          }};
          Object.assign(video, {{ muted: true, src: url, onended: () => tell(''),
            onerror: () => tell(video.error.message) }});
          document.body.append(video);
          video.play().catch((error) => tell(String(error)));
        }});
        const worker = async () => {{ while (waiting.length) await play(waiting.pop()); }};
        onload = () => Promise.all([1, 2, 3, 4].map(worker)).then(() =>
          fetch('http://{address}/', {{ method: 'POST', mode: 'no-cors', body: JSON.stringify(seen) }}));
        </script><body></body>",
        Value::from(offers)
    )
}

/// What the page sends: the body of one request.
async fn received(listener: TcpListener) -> Value {
    let (mut socket, _) = listener.accept().await.expect("a connection");
    let mut request = Vec::new();
    loop {
        assert_ne!(socket.read_buf(&mut request).await.expect("bytes"), 0, "the page ends its request");
        let text = String::from_utf8_lossy(&request);
        let Some((_, body)) = text.split_once("\r\n\r\n") else { continue };
        if let Ok(seen) = serde_json::from_str(body) {
            socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("sent");
            return seen;
        }
    }
}

#[tokio::test]
async fn every_shape_has_its_end_and_what_is_accepted_plays_in_a_browser() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let browser = |page: &std::path::Path| {
        let mut command = tokio::process::Command::new(BROWSER);
        command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
        command.args(["--autoplay-policy=no-user-gesture-required", "--no-proxy-server"]);
        command.arg(format!("--user-data-dir={}", folder.path().join("profile").display()));
        // Until it is ended: without a port it would leave once the page is there.
        command.arg("--remote-debugging-port=0").arg(page);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        command
    };
    if !std::process::Command::new(BROWSER).arg("--version").output().is_ok_and(|told| told.status.success())
    {
        let missing = servers::Error::Missing { name: BROWSER, how_to_get: "install Chromium" };
        assert!(servers::or_skip(Err(missing)).is_none());
        return;
    }
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let mut offers = Vec::new();
    for shape in shapes() {
        offers.extend(end(&platform, &ann, &shape).await);
    }
    let file = folder.path().join("page.html");
    std::fs::write(&file, page(&offers, &address)).expect("written");
    let mut playing = browser(&file).spawn().expect("the browser starts");
    let seen = within("everything was played", PLAYED_WITHIN, received(listener)).await;
    playing.kill().await.expect("it ends");
    let seen = seen.as_array().expect("a list");
    assert_eq!(seen.len(), offers.len());
    for offer in &offers {
        let found = seen.iter().find(|one| one["name"] == offer["name"]).expect("it was played");
        assert_eq!(found["error"], "", "{found}");
        assert_eq!((&found["width"], &found["height"]), (&offer["width"], &offer["height"]), "{found}");
        let apart = |name: &str| {
            (found[name].as_f64().unwrap_or_default() - offer["seconds"].as_f64().unwrap_or(-1.0)).abs()
        };
        assert!(apart("seconds") < 0.2 && apart("at") < 0.2, "{found} {offer}");
        assert!(found["frames"].as_u64() > Some(4), "{found}");
    }
    println!("{} renditions played in a browser", seen.len());
    platform.finish().await;
}
