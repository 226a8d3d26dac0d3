//! Whether somebody answers on loopback, in the few words of HTTP that takes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// A server that does not answer in this time is not ready.
const PATIENCE: Duration = Duration::from_secs(2);
/// More of an answer than this is not looked at.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;

/// What `http://127.0.0.1:PORT/path` answers: the status, and the first 64 KiB of head and body. Nothing when
/// it does not within some seconds.
pub fn http_get(port: u16, path: &str) -> Option<(u16, String)> {
    http(port, "GET", path, b"")
}

/// A request with a body, answered as by [`http_get`].
pub(crate) fn http(port: u16, method: &str, path: &str, body: &[u8]) -> Option<(u16, String)> {
    let answer = exchange(port, method, path, "", body, MAX_ANSWER_BYTES)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer))
}

/// All that a server answers to a request, up to so many bytes. Each of `headers` ends its line.
pub(crate) fn exchange(
    port: u16,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
    max_bytes: u64,
) -> Option<Vec<u8>> {
    let mut stream = connect(port)?;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = Vec::new();
    let read = stream.take(max_bytes).read_to_end(&mut answer);
    // A server that keeps the connection open has still answered.
    if read.is_err() && answer.is_empty() { None } else { Some(answer) }
}

/// The status and the body of an answer that has both.
pub(crate) fn parsed(answer: &[u8]) -> Option<(u16, Vec<u8>)> {
    const END: &[u8] = b"\r\n\r\n";
    let end = answer.windows(END.len()).position(|bytes| bytes == END)?;
    let head = str::from_utf8(&answer[..end]).ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer[end + END.len()..].to_vec()))
}

/// The first bytes a server says of its own accord.
pub(crate) fn greeting(port: u16) -> Option<Vec<u8>> {
    let mut first = vec![0; 5];
    connect(port)?.read_exact(&mut first).ok()?;
    Some(first)
}

fn connect(port: u16) -> Option<TcpStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    Some(stream)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn answering(text: &'static str) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut asked = [0; 512];
            let _bytes = stream.read(&mut asked).expect("a request");
            stream.write_all(text.as_bytes()).expect("an answer");
        });
        port
    }

    #[test]
    fn the_status_and_the_body_are_read() {
        let (status, text) = http_get(answering("HTTP/1.1 503 No\r\n\r\nwait"), "/").expect("an answer");
        assert_eq!(status, 503);
        assert!(text.ends_with("wait"));
    }

    #[test]
    fn what_is_not_http_is_no_answer() {
        assert_eq!(http_get(answering("hello"), "/"), None);
        assert_eq!(http_get(crate::free_port(), "/"), None);
    }
}
