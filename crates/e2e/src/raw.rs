//! HTTP by hand, for requests no client library would send.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{Platform, within};

const DEADLINE: Duration = Duration::from_secs(30);

/// The boundary of [`form`].
pub const BOUNDARY: &str = "0123456789abcdef";

/// A connection with nothing said yet.
///
/// # Panics
/// When nobody listens.
pub async fn connect(platform: &Platform) -> TcpStream {
    TcpStream::connect(platform.http()).await.expect("connects")
}

/// Sends a whole request that asks for the connection's end, and reads all that comes back.
pub async fn exchange(platform: &Platform, bytes: &[u8]) -> String {
    let mut stream = connect(platform).await;
    send(&mut stream, bytes).await;
    rest(&mut stream).await
}

/// Sends a part of a request, says that no more will come, and reads what comes back, if anything does.
pub async fn cut(platform: &Platform, bytes: &[u8]) -> String {
    let mut stream = connect(platform).await;
    send(&mut stream, bytes).await;
    // The other side may have answered and gone already.
    let _gone = stream.shutdown().await;
    rest(&mut stream).await
}

/// Sends bytes.
///
/// # Panics
/// When the connection is gone.
pub async fn send(stream: &mut TcpStream, bytes: &[u8]) {
    within("bytes are taken", DEADLINE, stream.write_all(bytes)).await.expect("the bytes are taken");
}

/// All that comes back until the other side closes.
pub async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is the other side's way to end; what came before it counts.
    let _reset = within("an answer", DEADLINE, stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// A request with a body of a stated length, closed afterwards.
pub fn post(path: &str, content_type: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: dytt.test\r\nConnection: close\r\nContent-Type: {content_type}\r\n\
         Content-Length: {length}\r\n\r\n"
    )
}

/// A multipart body from the disposition and the bytes of each part.
pub fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (disposition, bytes) in parts {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// A POST of a multipart body, whole.
pub fn post_form(path: &str, parts: &[(&str, &[u8])]) -> Vec<u8> {
    let body = form(parts);
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    [post(path, &kind, body.len()).into_bytes(), body].concat()
}

/// The status and the JSON of an answer in text.
///
/// # Panics
/// When it is not HTTP with JSON.
pub fn parsed(answer: &str) -> (u16, serde_json::Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP: {answer:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    assert!(head.contains("application/json; charset=utf-8"), "{head}");
    (status, serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {body:?}")))
}
