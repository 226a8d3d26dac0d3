//! Clients who cost memory and nothing else: thousands who are silent, and some who upload slowly.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::future::join_all;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

use super::{PLATFORM, Stage, watched};
use crate::load::{Connection, Request, Tally};
use crate::report::{Bound, Figures};

const SILENT: usize = 10_000;
/// Connections opened at once: fewer than wait to be accepted.
const AT_ONCE: usize = 100;
const UPLOADS: usize = 64;
/// Each sends this much ten times a second: slow, but not slow enough to be cut off.
const PIECE: &[u8] = &[0x5a; 8 * 1024];
const EVERY: Duration = Duration::from_millis(100);
const MAX_MIB: f64 = 256.0;

pub async fn idle(stage: &mut Stage<'_>) -> Result<()> {
    let (target, time) = (&stage.site.platform.target, stage.time);
    let token = stage.site.token(1);
    let load = async {
        let mut tally = Tally::new();
        let mut silent = Vec::new();
        // Each asks once and then keeps the connection, as a phone does.
        for first in (0..SILENT).step_by(AT_ONCE) {
            let asked = (first..first + AT_ONCE).map(async |number| {
                let mut connection = Connection::new(target.addresses[number % target.addresses.len()]);
                let began = Instant::now();
                let answer = connection.exchange(&Request::get("/douyin/comment/count/?video_id=1")).await;
                (connection, answer, began.elapsed())
            });
            for (connection, answer, took) in join_all(asked).await {
                tally.count(Some(answer), took);
                silent.push(connection);
            }
        }
        let end = Instant::now() + time * 2;
        let uploads =
            (0..UPLOADS).map(|number| upload(target.addresses[number % target.addresses.len()], token, end));
        let sent = join_all(uploads).await;
        let cut_off = sent.iter().filter(|sent| sent.is_err()).count();
        ensure!(cut_off == 0, "{cut_off} of {UPLOADS} slow uploads were cut off");
        drop(silent);
        Ok(tally.over(time * 2))
    };
    let (tally, spent, peak) = watched(target, load).await?;
    stage.blame(PLATFORM, &tally);
    stage.add(Figures::of(&stage.scenario, PLATFORM, 0, &tally, &spent, peak));
    let held = [tally.accepted.len() as f64];
    stage.report.judge("memory", "silent clients that are kept", Bound::AtLeast(SILENT as f64), &held);
    let text = format!("memory with {SILENT} silent clients and {UPLOADS} slow uploads, MiB");
    stage.report.judge("memory", &text, Bound::AtMost(MAX_MIB), &[peak]);
    Ok(())
}

/// Sends a large clip slowly until `end`, and then hangs up.
async fn upload(to: SocketAddr, token: &str, end: Instant) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(to).await?;
    let fields = [("token", token), ("title", "slow")];
    let mut head = Request::upload("/douyin/publish/action/", &fields, &bytes::Bytes::new()).head;
    // As if the file were 100 MB long.
    let text = String::from_utf8_lossy(&head).replacen("Content-Length: ", "Content-Length: 1000000", 1);
    head = text.into_bytes();
    stream.write_all(&head).await?;
    let mut next = Instant::now();
    while next < end {
        stream.write_all(PIECE).await?;
        next += EVERY;
        sleep_until(next).await;
    }
    Ok(())
}
