//! What a call between services costs: the pick of an instance; and what mutual TLS adds, with a page of the feed
//! over HTTP/2 on loopback, in plain text and encrypted. Caller and service share one thread, so that the time of
//! a call is the CPU of both.

use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rpc::bench::Balancer;
use tls::Identities;
use tls::authority::Authority;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// A viewer's page, whose texts the caller has kept, and a whole one.
const SIZES: [usize; 2] = [2_000, 13_000];

type Sends = SendRequest<Full<Bytes>>;

/// Those of these services, by an authority of their own.
fn identities(services: &[&str]) -> Identities {
    let folder = tempfile::tempdir().expect("a folder");
    let (dir, now, mut warnings) = (folder.path(), SystemTime::now(), Vec::new());
    let authority = Authority::create(dir, "dytt", None, now, &mut warnings).expect("a root");
    let day = Duration::from_secs(86_400);
    for service in services {
        authority.issue(service, &[], day, dir, now, &mut warnings).expect("a certificate");
    }
    Identities::load(dir, services).expect("identities")
}

fn pick(criterion: &mut Criterion) {
    let identities = identities(&["gateway"]);
    let mut group = criterion.benchmark_group("pick");
    for instances in [1, 2, 10] {
        let balancer = Balancer::new(&identities, instances);
        group.bench_function(format!("of {instances}"), |bencher| bencher.iter(|| assert!(balancer.pick())));
    }
    group.finish();
}

async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let address = listener.local_addr().expect("an address");
    let (caller, service) = tokio::join!(TcpStream::connect(address), listener.accept());
    let sockets = (caller.expect("connects"), service.expect("accepts").0);
    sockets.0.set_nodelay(true).expect("no delay");
    sockets.1.set_nodelay(true).expect("no delay");
    sockets
}

async fn speak(
    caller: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    service: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    size: usize,
) -> Sends {
    let page = Bytes::from(vec![b'x'; size]);
    let answer = service_fn(move |_| {
        let page = page.clone();
        async { Ok::<_, Infallible>(Response::new(Full::new(page))) }
    });
    tokio::spawn(Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(service), answer));
    let (sends, connection) =
        handshake(TokioExecutor::new(), TokioIo::new(caller)).await.expect("speaks HTTP/2");
    tokio::spawn(connection);
    sends
}

async fn call(mut sends: Sends, size: usize) {
    let request =
        Request::post("http://feed/").body(Full::new(Bytes::from_static(&[0; 64]))).expect("a request");
    let answer = sends.send_request(request).await.expect("is answered");
    assert_eq!(answer.into_body().collect().await.expect("is whole").to_bytes().len(), size);
}

fn mtls(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let identities = identities(&["gateway", "feed"]);
    for size in SIZES {
        let mut group = criterion.benchmark_group(format!("call, {size} bytes"));
        let plain = runtime.block_on(async {
            let (caller, service) = sockets().await;
            speak(caller, service, size).await
        });
        let encrypted = runtime.block_on(async {
            let (caller, service) = sockets().await;
            let (caller, service) =
                tokio::join!(identities.connect("gateway", "feed", caller), identities.accept(service));
            speak(caller.expect("knows the service"), service.expect("knows the caller").0, size).await
        });
        for (name, sends) in [("plain text", plain), ("mutual TLS", encrypted)] {
            group.bench_function(name, |bencher| {
                bencher.iter(|| runtime.block_on(call(sends.clone(), size)));
            });
        }
        group.finish();
    }
}

criterion_group!(calls, pick, mtls);
criterion_main!(calls);
