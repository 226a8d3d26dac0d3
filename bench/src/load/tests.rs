//! The loops against servers of a few lines.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A server that answers everything after a while: the first `good` requests with success, then as `then` says.
async fn server(delay: Duration, good: u64, then: &'static str) -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let asked = Arc::new(AtomicU64::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let count = count.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                while matches!(stream.read(&mut buffer).await, Ok(1..)) {
                    sleep(delay).await;
                    let number = count.fetch_add(1, Ordering::Relaxed);
                    let answer =
                        if number < good { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" } else { then };
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    (address, asked)
}

const BUSY: &str = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn a_closed_loop_counts_what_the_server_counts() {
    let (address, asked) = server(Duration::from_millis(1), 20, BUSY).await;
    let tally = closed(&[address], 4, Duration::from_millis(200), &mut || Request::get("/")).await;
    let asked = asked.load(Ordering::Relaxed);
    assert_eq!((tally.accepted.len(), tally.failed, tally.timed_out), (asked.min(20), 0, 0));
    assert_eq!(tally.accepted.len() + tally.refused.len(), asked);
}

#[tokio::test]
async fn an_open_loop_asks_on_schedule_and_counts_from_when_it_was_due() {
    // One connection and 20 ms a request can do 50 a second; 200 are due.
    let (address, asked) = server(Duration::from_millis(20), u64::MAX, BUSY).await;
    let time = Duration::from_millis(300);
    let halves = open(&[address], 1, 200.0, time, &mut || Request::get("/")).await.expect("connected");
    let counts = [&halves[0], &halves[1]].map(|half| half.accepted.len());
    assert_eq!((counts, asked.load(Ordering::Relaxed)), ([30, 30], 60));
    // The last is due at 295 ms and answered after 60 * 20 ms.
    assert!(halves[1].millis(100.0) > 800.0, "{}", halves[1].millis(100.0));
}

#[tokio::test]
async fn a_server_that_hangs_up_is_a_failure_and_no_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let tally = closed(&[address], 2, Duration::from_millis(50), &mut || Request::get("/")).await;
    assert!(tally.failed >= 2 && tally.accepted.is_empty());
}
