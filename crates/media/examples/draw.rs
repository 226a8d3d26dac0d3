//! temp
use media::{Clip, Config, Media};
use std::time::Instant;
#[tokio::main]
async fn main() {
    let media = Media::new(&Config {
        max_bytes: 200 << 20,
        keep_originals: false,
        ffmpeg: "ffmpeg".into(),
        ffprobe: "ffprobe".into(),
        preset: "veryfast".into(),
    });
    println!("{:?}", media.check().await);
    let captions = [
        "hello world",
        "A morning in the mountains with coffee",
        "WWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
        "it's 100% 'fun': \\o/ [x]; {y} %{pts}",
        "你好，世界 今天天气很好",
        "Supercalifragilisticexpialidocious 🎉",
        "one",
        "Ünïcödé — ça va?",
        "",
    ];
    let start = Instant::now();
    let mut set = tokio::task::JoinSet::new();
    for seed in 0..24u64 {
        let media = media.clone();
        let (width, height) = if seed % 6 == 5 {
            (960, 540)
        } else if seed % 7 == 6 {
            (720, 720)
        } else {
            (540, 960)
        };
        let clip = Clip {
            seed,
            width,
            height,
            seconds: 4 + (seed % 6) as u32,
            caption: captions[seed as usize % captions.len()].to_owned(),
            silent: seed % 9 == 0,
        };
        set.spawn(async move {
            let t = Instant::now();
            let r = media
                .draw(
                    &clip,
                    std::path::Path::new(&format!("/tmp/m/clips/{seed:02}.mp4")),
                )
                .await;
            println!("{seed} {r:?} {:?}", t.elapsed());
        });
    }
    while set.join_next().await.is_some() {}
    println!("total {:?}", start.elapsed());
}
