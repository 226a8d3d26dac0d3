//! Spans on their way to an OpenTelemetry collector. The collector is the few frames of HTTP/2 that a call
//! with one answer takes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use telemetry::Exporter;
use tracing::info_span;

use crate::alone::alone;
use crate::{config, counted, wait};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const END_OF_STREAM: u8 = 1;
const END_OF_HEADERS: u8 = 4;
const ACK: u8 = 1;

fn send(stream: &mut TcpStream, kind: u8, flags: u8, of: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(of.to_be_bytes());
    frame.extend(payload);
    stream.write_all(&frame).expect("it reads");
}

/// One field of a header block, spelled out.
fn field(name: &str, value: &str) -> Vec<u8> {
    let mut field = vec![0];
    for text in [name, value] {
        field.push(u8::try_from(text.len()).expect("a short text"));
        field.extend(text.as_bytes());
    }
    field
}

/// Takes every call and passes on what it carried.
fn collect(mut stream: TcpStream, calls: &mpsc::Sender<Vec<u8>>) {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).expect("a preface");
    assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    send(&mut stream, SETTINGS, 0, 0, &[]);
    let (mut head, mut call) = ([0; 9], Vec::new());
    while stream.read_exact(&mut head).is_ok() {
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut payload).expect("a frame");
        let (kind, flags) = (head[3], head[4]);
        let of = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        if matches!(kind, SETTINGS | PING) && flags & ACK == 0 {
            let echo = if kind == PING { payload.as_slice() } else { &[] };
            send(&mut stream, kind, ACK, 0, echo);
        }
        if kind == DATA {
            call.extend(payload);
            if flags & END_OF_STREAM != 0 {
                // `:status 200` is the 8th of the fields HTTP/2 knows by number.
                let start = [vec![0x88], field("content-type", "application/grpc")].concat();
                send(&mut stream, HEADERS, END_OF_HEADERS, of, &start);
                send(&mut stream, DATA, 0, of, &[0; 5]);
                let end = field("grpc-status", "0");
                send(&mut stream, HEADERS, END_OF_HEADERS | END_OF_STREAM, of, &end);
                calls.send(std::mem::take(&mut call)).expect("somebody counts");
            }
        }
    }
}

fn contains(call: &[u8], text: &[u8]) -> bool {
    call.windows(text.len()).any(|window| window == text)
}

#[test]
fn a_collector_is_told_each_services_spans() {
    let log = alone("otlp::a_collector_is_told_each_services_spans", || {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (sender, calls) = mpsc::channel();
        std::thread::spawn(move || collect(listener.accept().expect("a connection").0, &sender));
        let metrics = telemetry::start_metrics().expect("metrics start");
        let traces = telemetry::start(&config(Exporter::Otlp, &url), "dytt").expect("traces start");
        let gateway = info_span!(target: "trace", "first", service = "gateway", otel.kind = "server");
        let trace = telemetry::of(&gateway).expect("a trace").trace.to_be_bytes();
        gateway.in_scope(|| {
            tracing::info!("canary");
            drop(info_span!(target: "trace", "second", service = "like", error = "no such video"));
        });
        drop(gateway);
        wait(traces.flush(Duration::from_secs(5)));
        let both: Vec<Vec<u8>> = calls.try_iter().collect();
        let [one, two] = both.as_slice() else { panic!("{} calls", both.len()) };
        for (call, service, span) in [(one, "gateway", "first"), (two, "like", "second")] {
            assert!(contains(call, b"service.name") && contains(call, service.as_bytes()));
            assert!(contains(call, span.as_bytes()) && contains(call, &trace) && !contains(call, b"canary"));
        }
        assert!(contains(two, b"no such video") && !contains(one, b"second"));
        assert_eq!(counted(&metrics, "dytt_spans_dropped_total{reason=\"not_taken\"}"), 0);
    });
    let Some(log) = log else { return };
    assert!(!log.contains("not taken"), "{log}");
}
