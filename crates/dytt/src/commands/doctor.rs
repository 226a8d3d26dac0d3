//! `dytt doctor`: whether what the platform stands on works, a line each, with what would help.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use blobs::{Blobs, Delivery, Key};
use futures_util::TryStreamExt;
use media::Media;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::mesh;
use crate::wiring::{attach_store, open_blobs};

/// More than one part of an upload in parts, so that such a one is tried.
const TRIAL_BYTES: usize = 6 << 20;
/// An object store refuses signatures of clocks further from its own.
const CLOCK_SLACK: Duration = Duration::from_secs(60);
/// Certificates are renewed when they have so long left.
const RENEWAL: Duration = Duration::from_secs(10 * 86_400);
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn run(settings: &Settings) -> Result<ExitCode> {
    let mut healthy = true;
    let mut say = |what: &str, found: Result<String>| {
        let (word, text) = match found {
            Ok(text) => ("ok", text),
            Err(error) => {
                healthy = false;
                ("BAD", format!("{error:#}"))
            }
        };
        println!("{word:3}  {what:13} {text}");
    };
    if settings.roles.runs("media") {
        say("ffmpeg", ffmpeg(settings).await);
    }
    say("disk", disk(settings));
    // What a first start makes is not missed before it.
    let embedded = settings.roles.is_whole() && settings.store.url.starts_with("sqlite:");
    if embedded && !settings.data_dir.exists() {
        say(
            "data_dir",
            Ok(format!("{} is not there yet: `dytt serve` makes it", settings.data_dir.display())),
        );
        return Ok(ended(healthy));
    }
    say("database", database(settings).await);
    match open_blobs(settings).await {
        Ok(blobs) => {
            let modified = objects(&blobs).await;
            say("clock", modified.as_ref().map_or_else(|_| Ok("not compared".into()), |at| clock(*at)));
            say("objects", modified.map(|_| "written in parts, read in ranges, deleted".into()));
        }
        Err(error) => say("objects", Err(error)),
    }
    if !settings.roles.is_whole() || settings.tls_dir.is_dir() {
        say("certificates", certificates(settings));
    }
    if settings.discovery.kind == discovery::Kind::Etcd {
        say("registry", registry(settings).await);
    }
    if !settings.public_url.is_empty() {
        say("public_url", public_url(settings).await);
    }
    Ok(ended(healthy))
}

fn ended(healthy: bool) -> ExitCode {
    if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn ffmpeg(settings: &Settings) -> Result<String> {
    let version = Media::new(&settings.media).check().await?;
    let cell = match settings.media.sandbox {
        media::Sandbox::Required => "confined",
        media::Sandbox::Off => "not confined (media.sandbox)",
    };
    Ok(format!("{version}, with the encoders that are needed, {cell}"))
}

fn disk(settings: &Settings) -> Result<String> {
    const GIB: u64 = 1 << 30;
    let folder = settings.data_dir.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let space = rustix::fs::statvfs(folder).with_context(|| format!("look at {}", folder.display()))?;
    let (free, least) = (space.f_bavail * space.f_frsize, settings.blobs.min_free_bytes);
    let text = format!("{:.1} GiB free at {}", free as f64 / GIB as f64, folder.display());
    ensure!(
        free >= least,
        "{text}, uploads need {:.1} (blobs.min_free_bytes): make room",
        least as f64 / GIB as f64
    );
    Ok(text)
}

async fn database(settings: &Settings) -> Result<String> {
    let store = attach_store(settings).await?;
    store.ping().await?;
    store.close().await;
    Ok("answers, with this version's schema".into())
}

/// Writes an object in parts, reads a range of it, also from where viewers would, and deletes it. When the store
/// says it was written.
async fn objects(blobs: &Blobs) -> Result<SystemTime> {
    let key = Key::random("p", fastrand::u128(..), "bin");
    let tried = trial(blobs, &key).await;
    let deleted = blobs.delete(&key).await.context("delete an object");
    let modified = tried?;
    deleted.map(|()| modified)
}

async fn trial(blobs: &Blobs, key: &Key) -> Result<SystemTime> {
    let bytes: Vec<u8> = (0..TRIAL_BYTES).map(|place| place as u8).collect();
    let mut upload = blobs.upload(key).await.context("begin an object")?;
    upload.write(bytes.clone().into()).await.context("write an object")?;
    upload.finish().await.context("finish an object")?;
    let (from, to) = (TRIAL_BYTES / 2 - 7, TRIAL_BYTES / 2 + 7);
    let object = blobs.object(key).await.context("find the object written")?;
    let range = object.read(from as u64..to as u64).map_ok(|window| window.to_vec()).try_concat();
    ensure!(range.await.context("read a range")? == bytes[from..to], "what was read is not what was written");
    if let Delivery::Address(address) = blobs.delivery(key).await.context("sign an address for viewers")? {
        let request = client()?.get(address).header("range", format!("bytes={from}-{}", to - 1));
        // The signature is nobody's to see.
        let answer = request.send().await.map_err(reqwest::Error::without_url);
        let answer = answer.context("ask as a viewer (blobs.public_endpoint)")?;
        let (status, found) = (answer.status(), answer.bytes().await.map_err(reqwest::Error::without_url)?);
        ensure!(found[..] == bytes[from..to], "a viewer is answered {status} (blobs.public_endpoint)");
    }
    Ok(blobs.meta(key).await?.modified)
}

fn clock(store: SystemTime) -> Result<String> {
    let now = SystemTime::now();
    let apart = now.duration_since(store).unwrap_or_else(|ahead| ahead.duration());
    ensure!(
        apart < CLOCK_SLACK,
        "this machine's clock and the object store's are {} s apart: let both follow NTP",
        apart.as_secs()
    );
    Ok("agrees with the object store's".into())
}

fn certificates(settings: &Settings) -> Result<String> {
    let nouns = settings.roles.nouns();
    tls::Identities::load(&settings.tls_dir, &nouns).context("tls.dir")?;
    let roots = settings.tls_dir.join(tls::ROOTS);
    for noun in &nouns {
        let file = settings.tls_dir.join(format!("{noun}.pem"));
        let later = SystemTime::now() + RENEWAL;
        if tls::verify(&file, &roots, None, Some(noun), later).is_err() {
            bail!("that of {noun} ends within ten days: `dytt cert renew {noun}`");
        }
    }
    Ok(format!("good for ten days and more: {}", nouns.join(", ")))
}

async fn registry(settings: &Settings) -> Result<String> {
    let stop = CancellationToken::new();
    let _stops = stop.clone().drop_guard();
    let discovery = mesh::discovery(settings, &stop)?;
    let listed = tokio::time::timeout(PATIENCE, discovery.list()).await.context("no answer in time")??;
    Ok(format!("answers and knows {} instances", listed.len()))
}

async fn public_url(settings: &Settings) -> Result<String> {
    let url = format!("{}/douyin/feed/", settings.public_url);
    let answer = client()?.get(&url).send().await.with_context(|| format!("ask {url}"))?;
    let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
    ensure!(
        text.starts_with("{\"status_code\":"),
        "{url} answers {status}, and not as this platform: is it running, and does the proxy lead to it?"
    );
    Ok(format!("{url} answers {status}"))
}

fn client() -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder().timeout(PATIENCE).build()?)
}
