//! Who is believed: only callers and services with a certificate of ours and the right name in it, on every
//! internal port; and how certificates, their root, and one that was taken back are changed under load.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use e2e::eventually;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::cluster::{Cluster, SERVICES, names};
use crate::front::{Front, How};
use crate::leaf::{
    CHECK, GRPC_DENIED, GRPC_OK, GRPC_UNKNOWN_CALLER, LIKE, Raw, bad_certificates, call, cert, serial, text,
};
use crate::load::Load;

const LIKES: usize = 200;
const SEEN_WITHIN: Duration = Duration::from_secs(5);

pub async fn nobody_without_a_certificate_of_ours_is_heard(cluster: Arc<Cluster>) {
    let folder = tempfile::tempdir().expect("a folder");
    let bad = bad_certificates(&cluster, folder.path()).await;
    let ports: Vec<String> = names().into_iter().filter(|name| !name.starts_with("gateway")).collect();
    let tls = cluster.dir().join("tls");
    let mut refused = 0;
    for name in &ports {
        let good = call(&cluster, name, CHECK, Some(&tls.join("gateway"))).await;
        assert_eq!(good, Raw::Answered(GRPC_OK.into()), "{name} answers its own kind");
        for (what, pair) in &bad {
            let ended = call(&cluster, name, CHECK, pair.as_deref()).await;
            assert!(ended.is_shut(), "{name} with {what}: {ended:?}");
            refused += 1;
        }
    }
    let denied = call(&cluster, "like-1", LIKE, Some(&tls.join("comment"))).await;
    let nobody = call(&cluster, "like-1", LIKE, Some(&tls.join("gateway"))).await;
    let kinds: Vec<&str> = bad.keys().copied().collect();
    println!(
        "certificates: {refused} connections refused on {} ports ({}); comment calling like: {denied:?}; nobody's like: {nobody:?}",
        ports.len(),
        kinds.join(", ")
    );
    assert_eq!(denied, Raw::Answered(GRPC_DENIED.into()));
    assert_eq!(nobody, Raw::Answered(GRPC_UNKNOWN_CALLER.into()));
    let told = cluster.metric("like-1", "dytt_rpc_refused_total", &["certificate"]).await;
    assert!(told >= bad.len() as f64, "refusals are counted: {told}");
}

pub async fn an_address_that_is_not_ours_gets_no_call(cluster: Arc<Cluster>) {
    let front = Front::new(&cluster);
    let ann = front.join("strangers ann").await;
    let video = front.video(&ann, "strangers").await;
    let before = cluster.metric("comment-1", "dytt_rpc_server_seconds_count", &["LikeService"]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let stranger = listener.local_addr().expect("an address").to_string();
    let heard = Arc::new(AtomicUsize::new(0));
    let hearing = Arc::clone(&heard);
    let accepting = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            hearing.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move { stream.read_to_end(&mut Vec::new()).await });
        }
    });
    let comment = cluster.address("comment-1");
    let (failed, slowest) = likes_beside(&cluster, &front, &ann.token, video, &stranger).await;
    println!(
        "a silent listener under like: tried {} times, {failed} of {LIKES} likes failed, slowest {} ms",
        heard.load(Ordering::Relaxed),
        slowest.as_millis()
    );
    let (misled, misled_slowest) = likes_beside(&cluster, &front, &ann.token, video, &comment).await;
    accepting.abort();
    let taken = cluster.metric("comment-1", "dytt_rpc_server_seconds_count", &["LikeService"]).await - before;
    println!(
        "an instance of comment under like: {taken} calls taken, {misled} of {LIKES} likes failed, slowest {} ms",
        misled_slowest.as_millis()
    );
    assert!(heard.load(Ordering::Relaxed) > 0, "the listener was tried");
    assert_eq!((failed, misled, taken), (0, 0, 0.0));
}

/// How many likes fail while an address that is not like's is registered under it, and the slowest.
async fn likes_beside(
    cluster: &Cluster,
    front: &Front,
    token: &str,
    video: i64,
    address: &str,
) -> (usize, Duration) {
    let key = format!("/like/v1/{address}");
    let value = format!(r#"{{"name":"like","addr":"{address}","version":"v1","weight":100}}"#);
    cluster.etcdctl(&["put", &key, &value]).await;
    let (mut failed, mut slowest) = (0, Duration::ZERO);
    for _ in 0..LIKES {
        let (done, took) = like(front, token, video).await;
        failed += usize::from(!done);
        slowest = slowest.max(took);
    }
    cluster.etcdctl(&["del", &key]).await;
    (failed, slowest)
}

pub async fn leaves_and_root_are_changed_under_load(cluster: Arc<Cluster>) {
    let tls = cluster.dir().join("tls");
    let folder = tempfile::tempdir().expect("a folder");
    let old = folder.path().join("old");
    for end in ["pem", "key"] {
        std::fs::copy(tls.join(format!("comment.{end}")), old.with_extension(end)).expect("it is copied");
    }
    let load = Load::start(&cluster, "rotation", 9).await;
    let mut told = Vec::new();

    let before = serial(&cluster, "like-1").await;
    let took =
        changed(&cluster, async || cert(&cluster, &["renew", "--force", "--dir", &text(&tls)]).await).await;
    told.push(format!("leaves {:.1} s", took.as_secs_f64()));
    assert_ne!(serial(&cluster, "like-1").await, before, "a new leaf is shown");

    let took = changed(&cluster, async || {
        cert(&cluster, &["revoke", &text(&old.with_extension("pem")), "--dir", &text(&tls)]).await
    })
    .await;
    told.push(format!("revocation {:.1} s", took.as_secs_f64()));
    assert!(call(&cluster, "like-1", CHECK, Some(&old)).await.is_shut(), "the old leaf is taken back");
    assert_eq!(
        call(&cluster, "like-1", CHECK, Some(&tls.join("comment"))).await,
        Raw::Answered(GRPC_OK.into())
    );

    let garbage = tls.join("like.pem");
    let whole = std::fs::read(&garbage).expect("it is there");
    std::fs::write(&garbage, "half a certific").expect("it is broken");
    eventually("the broken file is told", SEEN_WITHIN, async || {
        (cluster.metric("like-1", "dytt_tls_reload_failures_total", &[]).await > 0.0).then_some(())
    })
    .await;
    std::fs::write(&garbage, whole).expect("it is whole");

    let new = folder.path().join("new");
    cert(&cluster, &["init", "--dir", &text(&new)]).await;
    let root = |dir: &Path| std::fs::read_to_string(dir.join("ca.pem")).expect("a root");
    let both = root(&tls) + &root(&new);
    let took = changed(&cluster, async || replace(&tls.join("ca.pem"), &both)).await;
    told.push(format!("both roots {:.1} s", took.as_secs_f64()));
    let (from, to) = (text(&new), text(&tls));
    let issue = [&["issue"], &SERVICES[..], &["--dir", &from, "--out", &to]].concat();
    let took = changed(&cluster, async || cert(&cluster, &issue).await).await;
    told.push(format!("new leaves {:.1} s", took.as_secs_f64()));
    assert_eq!(
        call(&cluster, "like-1", CHECK, Some(&tls.join("gateway"))).await,
        Raw::Answered(GRPC_OK.into())
    );
    // The old root's list of revocations goes with it.
    let took = changed(&cluster, async || {
        std::fs::remove_file(tls.join("crl.pem")).expect("a list");
        replace(&tls.join("ca.pem"), &root(&new));
    })
    .await;
    told.push(format!("old root gone {:.1} s", took.as_secs_f64()));
    std::fs::copy(new.join("ca.key"), tls.join("ca.key")).expect("the new root's key");
    assert!(call(&cluster, "like-1", CHECK, Some(&old)).await.is_shut(), "the old root is believed no more");
    assert_eq!(
        call(&cluster, "like-1", CHECK, Some(&tls.join("gateway"))).await,
        Raw::Answered(GRPC_OK.into())
    );

    let done = load.stop().await;
    let facts = done.verify(&cluster).await;
    println!(
        "rotation without a restart (taken over by all after: {}): {}; 0 of {facts} facts lost",
        told.join(", "),
        done.summary()
    );
    assert_eq!(done.summary().failures(), 0, "{}", done.summary());
}

/// Whether it was done, and how long it took.
async fn like(front: &Front, token: &str, video: i64) -> (bool, Duration) {
    let pairs = [("token", token.to_owned()), ("video_id", video.to_string()), ("action_type", "1".into())];
    let ended = front.post("/douyin/favorite/action/", &pairs).await;
    (matches!(ended.how, How::Done(_)), ended.took)
}

/// Does something to the folder of certificates; how long until every process has taken it over.
async fn changed(cluster: &Cluster, change: impl AsyncFnOnce()) -> Duration {
    let taken = |name: &String| cluster.log(name).matches("new certificates are used from now on").count();
    let before: Vec<(String, usize)> = names().into_iter().map(|name| (name.clone(), taken(&name))).collect();
    change().await;
    let began = Instant::now();
    eventually("everybody takes the new certificates", SEEN_WITHIN, async || {
        before.iter().all(|(name, count)| taken(name) > *count).then_some(())
    })
    .await;
    began.elapsed()
}

/// All or nothing, as an operator's tool would.
fn replace(file: &Path, text: &str) {
    let half = file.with_extension("new");
    std::fs::write(&half, text).expect("it is written");
    std::fs::rename(&half, file).expect("it is replaced");
}
