//! How much memory uploads and readers take, in a process that does nothing else.

use std::time::{Duration, Instant};

use blobs::{Blobs, Config, Error, Key, Redirect};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, future};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const MIB: u64 = 1024 * 1024;
const READERS: u64 = 50;
const UPLOADS: u64 = 64;

/// The most memory this process had since the last reset, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("reads");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") * 1024
}

fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").expect("resets");
}

/// Senders and readers of a folder's objects that are all slow.
async fn slow_peers_of_a_folder_hold_little() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config { url: "file:objects".into(), ..config(folder.path(), 0) };
    let blobs = Blobs::open(&config, folder.path()).await.expect("opens");
    let key = Key::random("p", 1, "mp4");
    upload(&blobs, &key, 12 * MIB).await;

    reset_peak();
    let before = peak();
    let mut uploads = Vec::new();
    for bits in 0..UPLOADS {
        let mut upload = blobs.upload(&Key::random("o", bits.into(), "bin")).await.expect("begins");
        // What a slow line brings at once, 128 KiB in all.
        for _ in 0..64 {
            upload.write(Bytes::from(vec![7; 2048])).await.expect("writes");
        }
        uploads.push(upload);
    }
    let grown = peak().saturating_sub(before);
    println!("{UPLOADS} slow uploads: {} KiB more each", grown / 1024 / UPLOADS);
    assert!(grown < UPLOADS * MIB / 4, "{grown} bytes for {UPLOADS} slow uploads");
    drop(uploads);

    reset_peak();
    let before = peak();
    let object = blobs.object(&key).await.expect("is there");
    let mut readers: Vec<_> = (0..READERS).map(|_| object.read(0..12 * MIB)).collect();
    let held = future::join_all(readers.iter_mut().map(StreamExt::next)).await;
    assert!(held.iter().flatten().all(Result::is_ok));
    let grown = peak().saturating_sub(before);
    println!("{READERS} readers of a folder that wait: {} KiB more each", grown / 1024 / READERS);
    assert!(grown < READERS * MIB / 2, "{grown} bytes for {READERS} readers");
}

fn config(folder: &std::path::Path, port: u16) -> Config {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(folder.join("access"), servers::S3_ACCESS_KEY).expect("writes");
    std::fs::write(folder.join("secret"), servers::S3_SECRET_KEY).expect("writes");
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(folder.join("secret"), private).expect("changes the mode");
    Config {
        url: format!("s3://dytt-memory?endpoint=http://127.0.0.1:{port}"),
        access_key_file: "access".into(),
        secret_key_file: "secret".into(),
        redirect: Redirect::Off,
        public_endpoint: String::new(),
        min_free_bytes: 0,
        orphan_ttl_seconds: 3600,
    }
}

#[tokio::test]
async fn uploads_and_readers_of_any_size_take_bounded_memory() {
    slow_peers_of_a_folder_hold_little().await;
    let folder = tempfile::tempdir().expect("a folder");
    let Some(server) = servers::or_skip(servers::seaweedfs(folder.path())) else { return };
    let keys = tempfile::tempdir().expect("a folder");
    let blobs = Blobs::open(&config(keys.path(), server.port()), keys.path()).await.expect("opens");
    let small = Key::random("p", 1, "mp4");
    // Whatever is needed once is there before it is measured.
    upload(&blobs, &small, 12 * MIB).await;

    reset_peak();
    let before = peak();
    upload(&blobs, &Key::random("p", 2, "mp4"), 300 * MIB).await;
    let grown = peak().saturating_sub(before);
    println!("an upload of 300 MiB: {} KiB more at its peak", grown / 1024);
    assert!(grown < 20 * MIB, "{grown} bytes for an upload");

    reset_peak();
    let before = peak();
    let object = blobs.object(&small).await.expect("is there");
    let mut readers: Vec<_> = (0..READERS).map(|_| object.read(0..12 * MIB)).collect();
    // Each has got one piece and wants no more for now.
    let held = future::join_all(readers.iter_mut().map(StreamExt::next)).await;
    assert!(held.iter().flatten().all(Result::is_ok));
    let grown = peak().saturating_sub(before);
    println!("{READERS} readers that wait: {} KiB more each", grown / 1024 / READERS);
    assert!(grown < READERS * MIB, "{grown} bytes for {READERS} readers");
    drop((held, readers));

    let (slow, reading) = behind_a_thin_line(server.port()).await;
    let began = Instant::now();
    let config = config(keys.path(), slow);
    let blobs = Blobs::open(&config, keys.path()).await.expect("opens, as few bytes are needed");
    reset_peak();
    let before = peak();
    let object = blobs.object(&small).await.expect("is asked for with few bytes");
    let reads = (0..READERS).map(|_| object.read(0..12 * MIB).try_for_each(|_| future::ok(())));
    let ended: Vec<Result<(), Error>> = future::join_all(reads).await;
    assert!(ended.iter().all(Result::is_err), "10 KiB a second are too few");
    let grown = peak().saturating_sub(before);
    println!(
        "{READERS} readers of a slow store: {} KiB more each, ended after {:?}",
        grown / 1024 / READERS,
        began.elapsed()
    );
    assert!(grown < READERS * MIB, "{grown} bytes for {READERS} slow readers");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    reading.abort();
}

async fn upload(blobs: &Blobs, key: &Key, bytes: u64) {
    let mut upload = blobs.upload(key).await.expect("begins");
    for piece in 0..bytes / 65_536 {
        upload.write(Bytes::from(vec![piece as u8; 65_536])).await.expect("writes");
    }
    assert_eq!(upload.finish().await.expect("finishes").bytes, bytes);
}

/// A port that leads to another, through which each connection gets 10 KiB a second.
async fn behind_a_thin_line(port: u16) -> (u16, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let slow = listener.local_addr().expect("an address").port();
    let accepting = tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let server = TcpStream::connect(("127.0.0.1", port)).await.expect("connects");
                let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
                    (client.into_split(), server.into_split());
                let asking = tokio::io::copy(&mut from_client, &mut to_server);
                let answering = async {
                    let mut piece = [0; 1024];
                    while let Ok(read @ 1..) = from_server.read(&mut piece).await {
                        if to_client.write_all(&piece[..read]).await.is_err() {
                            return;
                        }
                        // The line's pace, not a wait for something to happen.
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                };
                tokio::select! { _ = asking => {} () = answering => {} }
            });
        }
    });
    (slow, accepting)
}
