//! Receivers that are dead, hang or fail: nobody waits for them, and what is lost is counted.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use telemetry::{Exporter, Metrics};
use tracing::info_span;

use crate::alone::alone;
use crate::{config, counted, wait};

const QUEUE_FULL: &str = "dytt_spans_dropped_total{reason=\"queue_full\"}";
const NOT_TAKEN: &str = "dytt_spans_dropped_total{reason=\"not_taken\"}";

fn start(exporter: Exporter, listener: &TcpListener) -> (Metrics, telemetry::Traces) {
    let metrics = telemetry::start_metrics().expect("metrics start");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (metrics, telemetry::start(&config(exporter, &url), "dytt").expect("traces start"))
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a port")
}

/// Records many spans and says how long that took.
fn record(spans: u32) -> Duration {
    let began = Instant::now();
    for number in 0..spans {
        drop(info_span!(target: "trace", "span", otel.kind = "server", number));
    }
    began.elapsed()
}

/// A hung receiver takes the connection and says nothing, ever.
fn hung(exporter: Exporter) {
    let listener = listener();
    let (metrics, traces) = start(exporter, &listener);
    let took = record(10_000);
    // The thread that sends holds a batch for two seconds, so it takes one or two while these are recorded.
    assert!(took < Duration::from_secs(1), "10,000 spans took {took:?}");
    let dropped = counted(&metrics, QUEUE_FULL);
    assert!((7_700..=7_952).contains(&dropped), "{dropped} were dropped");
    let began = Instant::now();
    wait(traces.flush(Duration::from_millis(300)));
    assert!(began.elapsed() < Duration::from_secs(1), "the flush took {:?}", began.elapsed());
}

#[test]
fn a_hung_zipkin_holds_up_nobody() {
    let log = alone("outage::a_hung_zipkin_holds_up_nobody", || hung(Exporter::Zipkin));
    let Some(log) = log else { return };
    assert!(log.contains("the last spans were not taken in time"), "{log}");
}

#[test]
fn a_hung_collector_holds_up_nobody() {
    let log = alone("outage::a_hung_collector_holds_up_nobody", || hung(Exporter::Otlp));
    let Some(log) = log else { return };
    assert!(log.contains("the last spans were not taken in time"), "{log}");
}

#[test]
fn a_dead_zipkin_is_told_of_once_and_its_spans_are_counted() {
    let log = alone("outage::a_dead_zipkin_is_told_of_once_and_its_spans_are_counted", || {
        // Whoever connects to a port nobody listens on is refused.
        let (metrics, traces) = start(Exporter::Zipkin, &listener());
        let deadline = Instant::now() + Duration::from_secs(20);
        while counted(&metrics, NOT_TAKEN) < 300 {
            assert!(Instant::now() < deadline, "{}", metrics.render());
            record(100);
            std::thread::sleep(Duration::from_millis(5));
        }
        let began = Instant::now();
        wait(traces.flush(Duration::from_secs(10)));
        assert!(began.elapsed() < Duration::from_secs(5), "the flush took {:?}", began.elapsed());
    });
    let Some(log) = log else { return };
    assert_eq!(log.matches("spans were not taken").count(), 1, "{log}");
}

/// Answers every request with one of two statuses and counts those it took well.
fn answer(listener: TcpListener, well: Arc<AtomicBool>, taken: Arc<AtomicUsize>) {
    for stream in listener.incoming() {
        let mut stream = stream.expect("a connection");
        let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
        let mut length = 0;
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 2) {
            if let Some(bytes) = line.to_lowercase().strip_prefix("content-length:") {
                length = bytes.trim().parse().expect("a length");
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        let well = well.load(Ordering::SeqCst);
        if well {
            let spans: Vec<serde_json::Value> = serde_json::from_slice(&body).expect("an array of spans");
            assert!(spans.len() <= 100, "{} spans in a batch", spans.len());
            taken.fetch_add(spans.len(), Ordering::SeqCst);
        }
        let status = if well { "202 Accepted" } else { "500 Internal Server Error" };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).expect("it reads the answer");
    }
}

#[test]
fn a_failing_zipkin_gets_spans_again_when_it_works_again() {
    let log = alone("outage::a_failing_zipkin_gets_spans_again_when_it_works_again", || {
        let listener = listener();
        let (metrics, traces) = start(Exporter::Zipkin, &listener);
        let (well, taken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (now_well, counter) = (Arc::clone(&well), Arc::clone(&taken));
        std::thread::spawn(move || answer(listener, now_well, counter));
        let deadline = Instant::now() + Duration::from_secs(20);
        while counted(&metrics, NOT_TAKEN) < 200 {
            assert!(Instant::now() < deadline, "{}", metrics.render());
            record(100);
            std::thread::sleep(Duration::from_millis(5));
        }
        well.store(true, Ordering::SeqCst);
        while taken.load(Ordering::SeqCst) < 1_000 {
            assert!(Instant::now() < deadline, "{}", metrics.render());
            std::thread::sleep(Duration::from_millis(5));
        }
        let lost = counted(&metrics, NOT_TAKEN);
        record(7);
        wait(traces.flush(Duration::from_secs(5)));
        assert_eq!(counted(&metrics, NOT_TAKEN), lost);
    });
    let Some(log) = log else { return };
    assert_eq!(log.matches("spans were not taken").count(), 1, "{log}");
    assert_eq!(log.matches("spans are taken again").count(), 1, "{log}");
    assert!(log.contains("500"), "{log}");
}
