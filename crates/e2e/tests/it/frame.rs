//! Requests that no client sends: broken heads, contradictory lengths, endless lines. One answer or none,
//! and the next client is served as ever.

use e2e::{Platform, raw};

/// Answers in the order they came; none when the connection was just closed.
fn statuses(answer: &str) -> Vec<&str> {
    answer.split("HTTP/1.1 ").skip(1).filter_map(|rest| rest.split(' ').next()).collect()
}

#[tokio::test]
async fn a_broken_request_gets_one_refusal_or_none_and_harms_nobody() {
    let platform = Platform::start().await;
    let long = "x".repeat(1 << 20);
    let many: String = (0..10_000).map(|number| format!("X-{number}: y\r\n")).collect();
    let smuggled = "GET /douyin/user/ HTTP/1.1\r\nHost: a\r\n\r\n";
    let table: [(&str, String); 13] = [
        ("no HTTP", "hello\r\n\r\n".into()),
        ("an empty line of zeros", "\0\0\0\0\r\n\r\n".into()),
        ("an unknown version", "GET / HTTP/3.7\r\nHost: a\r\n\r\n".into()),
        ("a long path", format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n")),
        ("a long header", format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n")),
        ("many headers", format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n")),
        ("a header without a name", "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n".into()),
        ("a folded header", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n".into()),
        ("a space in the path", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n".into()),
        ("two lengths", format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{smuggled}")),
        ("a negative length", format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n{smuggled}")),
        ("a huge length", format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n{smuggled}")),
        ("a broken chunk", "POST /douyin/user/login/ HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n\
            Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx\r\n0\r\n\r\n".into()),
    ];
    for (name, request) in table {
        let answer = raw::cut(&platform, request.as_bytes()).await;
        let found = statuses(&answer);
        assert!(found.len() <= 1, "{name}: {answer:.300}");
        // A chunk that is none is a cut body to the route that reads it.
        let refused = |status: &&str| {
            matches!(*status, "400" | "413" | "414" | "431" | "505") || name == "a broken chunk"
        };
        assert!(found.iter().all(refused), "{name}: {answer:.300}");
        platform.get("/douyin/feed/", &[]).await.ok();
    }
    platform.finish().await;
}

/// Chunks win over a length, or nothing does: what follows is never a request of its own.
#[tokio::test]
async fn a_length_beside_chunks_smuggles_nothing() {
    let platform = Platform::start().await;
    let smuggled = "GET /douyin/feed/ HTTP/1.1\r\nHost: a\r\n\r\n";
    let request = format!(
        "POST /douyin/user/login/ HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n\
         0\r\n\r\n{smuggled}",
        smuggled.len() + 5
    );
    let answer = raw::cut(&platform, request.as_bytes()).await;
    assert!(statuses(&answer).len() <= 1, "{answer}");
    platform.finish().await;
}

/// A Host that is none makes no link.
#[tokio::test]
async fn a_hostile_host_never_stands_in_an_answer() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    platform.video(&ann, "clip").await;
    for host in ["a\"><script>", "user@evil", "a/../b", "[", "a b", ""] {
        let request = format!("GET /douyin/feed/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = raw::exchange(&platform, request.as_bytes()).await;
        assert!(
            !answer.contains("<script>") && !answer.contains("@evil") && !answer.contains("a/../b"),
            "{answer}"
        );
    }
    platform.finish().await;
}
