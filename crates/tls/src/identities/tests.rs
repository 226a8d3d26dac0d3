//! Handshakes of both ends, with each other and with strangers.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Instant, SystemTime};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use rcgen::ExtendedKeyUsagePurpose;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::tests::{DAY, Leaf, OPENSSL, folder, has, issue, open, run};
use crate::{authority::Authority, file};

const ROOM: usize = 64 * 1024;
const DEADLINE: Duration = Duration::from_secs(20);

fn load(dir: &Path, services: &[&str]) -> Identities {
    Identities::load(dir, services).unwrap_or_else(|error| panic!("{error}"))
}

/// Both sides of a handshake between our ends.
async fn shake(
    server: &Identities,
    client: &Identities,
    from: &str,
    to: &str,
) -> (Result<(ServerStream<DuplexStream>, Peer), Error>, Result<ClientStream<DuplexStream>, Error>) {
    let (near, far) = duplex(ROOM);
    tokio::join!(server.accept(far), client.connect(from, to, near))
}

/// The causes of a refusal, in one line.
fn causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// A caller or a server with any certificate at all.
fn parsed(pem: &(String, String)) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let chain =
        CertificateDer::pem_slice_iter(pem.0.as_bytes()).collect::<Result<_, _>>().expect("certificates");
    (chain, PrivateKeyDer::from_pem_slice(pem.1.as_bytes()).expect("a key"))
}

/// What our server says to a caller with this certificate, or with none.
async fn served(server: &Identities, dir: &Path, shown: Option<&(String, String)>) -> Result<Peer, String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(dir.join("ca.pem")).expect("a root")).expect("a root");
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .expect("versions")
        .with_root_certificates(roots);
    let mut config = match shown.map(parsed) {
        Some((chain, key)) => config.with_client_auth_cert(chain, key).expect("a pair"),
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    let (near, far) = duplex(ROOM);
    let call = async {
        let name = ServerName::try_from("user.dytt").expect("a name");
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, near).await?;
        let mut told = Vec::new();
        stream.read_to_end(&mut told).await.map(|_| told)
    };
    let answer = async {
        let (mut stream, peer) = server.accept(far).await?;
        stream.write_all(b"secret").await.expect("written");
        stream.shutdown().await.expect("ended");
        Ok::<_, Error>(peer)
    };
    let (told, peer) = tokio::join!(call, answer);
    match peer {
        Ok(peer) => {
            assert_eq!(told.expect("an answer"), b"secret");
            Ok(peer)
        }
        Err(error) => {
            assert!(told.is_err(), "a refused caller is told nothing but an alert");
            Err(causes(&error))
        }
    }
}

#[tokio::test]
async fn two_services_know_each_other() {
    let dir = folder(&["user", "gateway"]);
    let all = load(dir.path(), &["user", "gateway"]);
    let (accepted, connected) = shake(&all, &all, "gateway", "user").await;
    let (mut near, (mut far, peer)) = (connected.expect("connected"), accepted.expect("accepted"));
    assert_eq!(peer, Peer { service: "gateway".to_owned() });
    assert_eq!(near.get_ref().1.alpn_protocol(), Some(PROTOCOL));
    near.write_all(b"hello").await.expect("written");
    near.flush().await.expect("flushed");
    let mut bytes = [0; 5];
    far.read_exact(&mut bytes).await.expect("read");
    assert_eq!(&bytes, b"hello");
}

#[tokio::test]
async fn a_caller_that_is_not_one_of_ours_is_refused_with_the_reason() {
    use ExtendedKeyUsagePurpose::{CodeSigning, ServerAuth};
    let (dir, other) = (folder(&["user", "feed"]), folder(&["gateway"]));
    let read = |dir: &Path, service: &str| {
        let read = |end: &str| std::fs::read_to_string(dir.join(format!("{service}.{end}"))).expect("read");
        (read("pem"), read("key"))
    };
    open(dir.path())
        .revoke_file(&dir.path().join("feed.pem"), dir.path(), SystemTime::now())
        .expect("revoked");
    let server = load(dir.path(), &["user"]);
    let good = || Leaf::of("gateway");
    let uris = |uris: &[&str]| Leaf { uris: uris.iter().map(|uri| (*uri).to_owned()).collect(), ..good() };
    let now = SystemTime::now();
    let own = good().signed_by(dir.path());
    assert_eq!(served(&server, dir.path(), Some(&own)).await.expect("ours").service, "gateway");
    assert!(served(&server, dir.path(), None).await.expect_err("refused").contains("no certificates"));
    for (shown, reason) in [
        (read(other.path(), "gateway"), "UnknownIssuer"),
        (read(dir.path(), "feed"), "Revoked"),
        (
            Leaf { from: now - 9 * DAY, until: now - DAY, ..good() }.signed_by(dir.path()),
            "certificate expired",
        ),
        (Leaf { from: now + DAY, until: now + 9 * DAY, ..good() }.signed_by(dir.path()), "not valid yet"),
        (Leaf { purposes: vec![ServerAuth], ..good() }.signed_by(dir.path()), "InvalidPurpose"),
        (Leaf { purposes: vec![CodeSigning], ..good() }.signed_by(dir.path()), "InvalidPurpose"),
        (Leaf { purposes: Vec::new(), ..good() }.signed_by(dir.path()), "InvalidPurpose"),
        (uris(&[]).signed_by(dir.path()), "0 URI names"),
        (
            uris(&["spiffe://dytt/service/gateway", "spiffe://dytt/service/user"]).signed_by(dir.path()),
            "2 URI names",
        ),
        (uris(&["spiffe://dytt/service/gateway", "https://dytt"]).signed_by(dir.path()), "2 URI names"),
        (uris(&["spiffe://dytt/service/*"]).signed_by(dir.path()), "not spiffe://DOMAIN/service/NAME"),
        (uris(&["spiffe://dytt/admin/gateway"]).signed_by(dir.path()), "not spiffe://DOMAIN/service/NAME"),
        (uris(&["spiffe://other/service/gateway"]).signed_by(dir.path()), "of domain `other`"),
        (Leaf { dns: vec!["*.dytt".to_owned()], ..good() }.signed_by(dir.path()), "wildcard"),
    ] {
        let refused = served(&server, dir.path(), Some(&shown)).await.expect_err(reason);
        assert!(refused.contains(reason), "{reason}: {refused}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_the_service_called_gets_no_request() {
    use ExtendedKeyUsagePurpose::ClientAuth;
    let (dir, other) = (folder(&["gateway"]), folder(&[]));
    let client = load(dir.path(), &["gateway"]);
    let good = || Leaf::of("user");
    let now = SystemTime::now();
    let uris = |uris: &[&str]| Leaf { uris: uris.iter().map(|uri| (*uri).to_owned()).collect(), ..good() };
    let serve = async |shown: (String, String)| {
        let (chain, key) = parsed(&shown);
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13, &TLS12])
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a pair");
        let (near, far) = duplex(ROOM);
        let accept = tokio_rustls::TlsAcceptor::from(Arc::new(config)).accept(far);
        let (accepted, connected) = tokio::join!(accept, client.connect("gateway", "user", near));
        assert_eq!(accepted.is_ok(), connected.is_ok(), "refused before anything is asked");
        connected.map(|_| ()).map_err(|error| causes(&error))
    };
    serve(good().signed_by(dir.path())).await.expect("the service called");
    serve(Leaf { dns: vec!["anything.else".to_owned()], ..good() }.signed_by(dir.path()))
        .await
        .expect("DNS is not asked");
    for (shown, reason) in [
        (Leaf::of("comment").signed_by(dir.path()), "is of `comment.dytt`, where `user.dytt` was called"),
        (Leaf { uris: Leaf::of("comment").uris, ..good() }.signed_by(dir.path()), "is of `comment.dytt`"),
        (good().signed_by(other.path()), "UnknownIssuer"),
        (
            Leaf { from: now - 9 * DAY, until: now - DAY, ..good() }.signed_by(dir.path()),
            "certificate expired",
        ),
        (Leaf { purposes: vec![ClientAuth], ..good() }.signed_by(dir.path()), "InvalidPurpose"),
        (uris(&[]).signed_by(dir.path()), "0 URI names"),
        (
            uris(&["spiffe://dytt/service/user", "spiffe://dytt/service/comment"]).signed_by(dir.path()),
            "2 URI names",
        ),
        (uris(&["spiffe://other/service/user"]).signed_by(dir.path()), "of domain `other`"),
    ] {
        let refused = serve(shown).await.expect_err(reason);
        assert!(refused.contains(reason), "{reason}: {refused}");
    }
    let (near, _far) = duplex(ROOM);
    assert!(
        matches!(client.connect("feed", "user", near).await, Err(Error::NotHeld(from)) if from == "feed")
    );
}

#[tokio::test]
async fn the_certificate_is_that_of_the_service_asked_for() {
    let (dir, alone) = (folder(&["user", "feed", "gateway", "like"]), tempfile::tempdir().expect("a folder"));
    issue(&open(dir.path()), &["user"], alone.path());
    let (both, client) = (load(dir.path(), &["user", "feed"]), load(dir.path(), &["gateway"]));
    for to in ["user", "feed"] {
        let (accepted, connected) = shake(&both, &client, "gateway", to).await;
        accepted.expect("accepted");
        connected.expect("the one asked for");
    }
    let (accepted, connected) = shake(&both, &client, "gateway", "like").await;
    let refused = accepted.expect_err("not served").to_string();
    assert!(refused.contains("`like.dytt`") && connected.is_err(), "{refused}");
    // Where there is one certificate only, it is shown, and the caller judges.
    let (_, connected) = shake(&load(alone.path(), &["user"]), &client, "gateway", "like").await;
    let refused = causes(&connected.expect_err("refused"));
    assert!(refused.contains("is of `user.dytt`"), "{refused}");
}

#[tokio::test]
async fn a_silent_caller_is_left_after_five_seconds() {
    let dir = folder(&["user"]);
    let server = load(dir.path(), &["user"]);
    let (_near, far) = duplex(ROOM);
    let began = Instant::now();
    assert!(matches!(server.accept(far).await, Err(Error::Slow)));
    assert_eq!(began.elapsed().as_secs(), HANDSHAKE_TIME.as_secs());
}

#[tokio::test]
async fn plaintext_gets_no_byte_of_application_data() {
    let dir = folder(&["user"]);
    let server = load(dir.path(), &["user"]);
    for hello in
        [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], b"GET / HTTP/1.1\r\nhost: user\r\n\r\n", &[0; 4096], b"\n"]
    {
        let (mut near, far) = duplex(ROOM);
        near.write_all(hello).await.expect("written");
        near.shutdown().await.expect("ended");
        let mut told = Vec::new();
        let (accepted, read) = tokio::join!(server.accept(far), near.read_to_end(&mut told));
        accepted.expect_err("refused");
        read.expect("closed");
        // An alert (record type 21) of two bytes is what TLS itself answers.
        assert!(told.is_empty() || (told[0] == 21 && told.len() == 7), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openssl_is_let_in_with_a_certificate_and_modern_ciphers_only() {
    if !has("openssl", OPENSSL) {
        return;
    }
    let dir = folder(&["user", "gateway"]);
    let server = load(dir.path(), &["user"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port().to_string();
    let accepted = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&accepted);
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok((mut stream, peer)) = server.accept(stream).await {
                counted.fetch_add(1, Ordering::SeqCst);
                let told = format!("hello {}\n", peer.service);
                let _gone = stream.write_all(told.as_bytes()).await;
                let _gone = stream.shutdown().await;
            }
        }
    });
    let call = async |words: &[&str]| {
        let address = format!("127.0.0.1:{port}");
        let mut all = vec!["s_client".to_owned(), "-connect".to_owned(), address];
        let fixed =
            "-servername user.dytt -CAfile ca.pem -x509_strict -verify_return_error -alpn h2 -ign_eof";
        all.extend(fixed.split(' ').chain(words.iter().copied()).map(str::to_owned));
        let here = dir.path().to_owned();
        let ran = tokio::task::spawn_blocking(move || {
            run(&here, "openssl", &all.iter().map(String::as_str).collect::<Vec<_>>())
        });
        ran.await.expect("ran").1
    };
    let own = ["-cert", "gateway.pem", "-key", "gateway.key"];
    for version in ["-tls1_3", "-tls1_2"] {
        let said = call(&[&own[..], &[version]].concat()).await;
        for part in ["hello gateway", "ALPN protocol: h2", "Verify return code: 0 (ok)"] {
            assert!(said.contains(part), "{version}, {part}: {said}");
        }
        assert!(!said.contains("Reused, TLS"), "{said}");
    }
    assert_eq!(accepted.load(Ordering::SeqCst), 2);
    for words in [
        &[][..],
        &["-tls1_2"],
        &[&own[..], &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]].concat(),
        &[&own[..], &["-tls1", "-cipher", "ALL:@SECLEVEL=0"]].concat(),
        &[&own[..], &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"]].concat(),
        &[&own[..], &["-tls1_2", "-cipher", "AES128-GCM-SHA256"]].concat(),
        &[&own[..], &["-alpn", "http/1.1"]].concat(),
    ] {
        let said = call(words).await;
        assert!(!said.contains("hello") && said.contains("alert"), "{words:?}: {said}");
    }
    assert_eq!(accepted.load(Ordering::SeqCst), 2, "nobody else came in");
    serving.abort();
}

/// Waits until both ends use what is on the disk.
async fn fresh(ends: &[&Identities]) {
    let began = Instant::now();
    for end in ends {
        loop {
            let on_disk = Files::read(&end.0.dir, &end.0.services).expect("read");
            if end.0.current.load().files == on_disk {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(5), "not used within 5 s");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaves_and_roots_are_replaced_under_load_without_a_failed_call() {
    let (dir, next) = (folder(&["user", "gateway"]), folder(&[]));
    let here = dir.path().to_owned();
    let old_pair = |end: &str| std::fs::read_to_string(here.join(format!("gateway.{end}"))).expect("read");
    let old = (old_pair("pem"), old_pair("key"));
    let (server, client) = (load(&here, &["user"]), load(&here, &["gateway"]));
    let stop = CancellationToken::new();
    let mut tasks = tokio::task::JoinSet::new();
    for end in [&server, &client] {
        tasks.spawn(end.clone().keep_fresh(stop.clone()));
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let (calls, serials) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(std::sync::Mutex::new(std::collections::HashSet::new())));
    let serving = server.clone();
    let accepting = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let server = serving.clone();
            tokio::spawn(async move {
                let (mut stream, _) =
                    server.accept(stream).await.unwrap_or_else(|error| panic!("{}", causes(&error)));
                let mut byte = [0];
                while stream.read_exact(&mut byte).await.is_ok() {
                    stream.write_all(&byte).await.expect("answered");
                    stream.flush().await.expect("sent");
                }
            });
        }
    });
    let call = async |stream: &mut ClientStream<TcpStream>| {
        stream.write_all(b"x").await.expect("asked");
        stream.flush().await.expect("sent");
        stream.read_exact(&mut [0]).await.expect("answered");
    };
    let mut lasting = client
        .connect("gateway", "user", TcpStream::connect(address).await.expect("connects"))
        .await
        .expect("in");
    for _ in 0..2 {
        let (client, stop, calls, serials) =
            (client.clone(), stop.clone(), Arc::clone(&calls), Arc::clone(&serials));
        tasks.spawn(async move {
            while !stop.is_cancelled() {
                let stream = TcpStream::connect(address).await.expect("connects");
                let shaken = client.connect("gateway", "user", stream).await;
                let mut stream = shaken.unwrap_or_else(|error| panic!("{}", causes(&error)));
                let leaf = stream.get_ref().1.peer_certificates().expect("a certificate")[0].to_vec();
                serials.lock().expect("not poisoned").insert(leaf);
                stream.write_all(b"x").await.expect("asked");
                stream.flush().await.expect("sent");
                stream.read_exact(&mut [0]).await.expect("answered");
                calls.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    let ends = [&server, &client];
    // New leaves of the same root.
    issue(&open(&here), &["user", "gateway"], &here);
    fresh(&ends).await;
    // A new root: both are believed everywhere first, then its leaves come, then the old root goes.
    let roots = |name: &Path| std::fs::read_to_string(name.join("ca.pem")).expect("read");
    let overlap = format!("{}{}", roots(&here), roots(next.path()));
    file::write(&here.join("ca.pem"), overlap.as_bytes(), false).expect("written");
    fresh(&ends).await;
    issue(&open(next.path()), &["user", "gateway"], &here);
    fresh(&ends).await;
    assert_eq!(roots(&here), overlap, "issuing keeps the overlap");
    file::write(&here.join("ca.pem"), roots(next.path()).as_bytes(), false).expect("written");
    fresh(&ends).await;
    let refused = served(&server, next.path(), Some(&old)).await.expect_err("the old root is gone");
    assert!(refused.contains("UnknownIssuer"), "{refused}");
    // Garbage changes nothing.
    let whole = std::fs::read(here.join("user.pem")).expect("read");
    std::fs::write(here.join("user.pem"), &whole[..whole.len() / 2]).expect("cut");
    let before = calls.load(Ordering::SeqCst);
    let began = Instant::now();
    while began.elapsed() < 2 * LOOK_EVERY || calls.load(Ordering::SeqCst) < before + 10 {
        assert!(began.elapsed() < DEADLINE, "no calls while a file is cut");
        call(&mut lasting).await;
    }
    file::write(&here.join("user.pem"), &whole, false).expect("mended");
    stop.cancel();
    while let Some(done) = tasks.join_next().await {
        done.expect("no call failed");
    }
    accepting.abort();
    call(&mut lasting).await;
    let (calls, serials) = (calls.load(Ordering::SeqCst), serials.lock().expect("not poisoned").len());
    println!("{calls} calls through {serials} certificates, none failed");
    assert!(calls > 50 && serials == 3, "{calls} calls, {serials} certificates");
}

/// Counts what is counted.
#[derive(Default)]
struct Counts {
    failures: Arc<metrics::atomics::AtomicU64>,
    left: Arc<metrics::atomics::AtomicU64>,
}

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        assert_eq!(key.name(), FAILURES);
        Counter::from_arc(Arc::clone(&self.failures))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        assert_eq!(key.name(), "dytt_tls_expires_seconds");
        Gauge::from_arc(Arc::clone(&self.left))
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn a_broken_folder_counts_once_and_only_when_it_stays_broken() {
    let dir = folder(&["user"]);
    let held = load(dir.path(), &["user"]);
    let counts = Counts::default();
    let mut watch = Watch::default();
    let mut looked = || {
        metrics::with_local_recorder(&counts, || watch.look(&held.0));
        counts.failures.load(Ordering::SeqCst)
    };
    let path = dir.path().join("user.pem");
    let whole = std::fs::read(&path).expect("read");
    assert_eq!(looked(), 0);
    std::fs::write(&path, "half").expect("written");
    assert_eq!(looked(), 0, "it may be in the making");
    assert_eq!([looked(), looked(), looked()], [1, 1, 1]);
    let loose = std::fs::Permissions::from_mode(0o644);
    std::fs::write(&path, &whole).expect("mended");
    std::fs::set_permissions(dir.path().join("user.key"), loose).expect("set");
    assert_eq!([looked(), looked(), looked()], [1, 2, 2], "another fault is another count");
    let tight = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(dir.path().join("user.key"), tight).expect("set");
    assert_eq!(looked(), 2);
    assert_eq!(held.0.current.load().files, Files::read(dir.path(), &["user".to_owned()]).expect("read"));
    let left = f64::from_bits(counts.left.load(Ordering::SeqCst));
    let month = DAY.as_secs_f64() * 30.0;
    assert!((month - 60.0..=month).contains(&left), "{left}");
}

#[tokio::test]
async fn a_revoked_caller_stays_out_from_the_next_handshake_on() {
    let dir = folder(&["user", "gateway"]);
    let (server, client) = (load(dir.path(), &["user"]), load(dir.path(), &["gateway"]));
    let (accepted, _) = shake(&server, &client, "gateway", "user").await;
    accepted.expect("in");
    let root: Authority = open(dir.path());
    root.revoke_file(&dir.path().join("gateway.pem"), dir.path(), SystemTime::now()).expect("revoked");
    Watch::default().look(&server.0);
    let (accepted, _) = shake(&server, &client, "gateway", "user").await;
    let refused = causes(&accepted.expect_err("revoked"));
    assert!(refused.contains("Revoked"), "{refused}");
}
