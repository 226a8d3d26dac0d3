//! Reads an answer and says what it means. Bytes are counted, not kept, unless somebody wants them.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncRead, AsyncReadExt};

/// The API's codes of a refusal: too many requests, too busy.
const REFUSED: [u32; 2] = [100_005, 100_008];
/// The API's code is at the very start of a body.
const CODE_WITHIN_BYTES: usize = 64;
const MAX_HEADERS: usize = 32;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was done.
    Accepted,
    /// It was refused for want of room: definite, and soon.
    Refused,
    /// Anything else: the HTTP status and the API's code.
    Failed(u16, u32),
}

/// An answer that was read to its end.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it means.
    pub verdict: Verdict,
    /// The length of its body, and of the request's if that was large.
    pub bytes: u64,
    /// Whether the connection ends with it.
    pub closes: bool,
}

/// Reads one answer through a buffer; the body goes to `kept`, too.
///
/// # Errors
/// When the connection ends first, or the answer is none we understand: one has to say its length.
pub async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut [u8],
    mut kept: Option<&mut Vec<u8>>,
) -> Result<Answer> {
    let mut filled = 0;
    let head = loop {
        match fill(stream, buffer, filled).await? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            more => filled += more,
        }
        if let Some(head) = Head::parse(&buffer[..filled])? {
            break head;
        }
    };
    // A short first piece of the body may end within the code.
    while filled < head.length + CODE_WITHIN_BYTES.min(usize::try_from(head.body).unwrap_or(usize::MAX)) {
        filled += match fill(stream, buffer, filled).await? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            more => more,
        };
    }
    let start = &buffer[head.length..filled];
    let verdict = verdict(head.status, code(&start[..start.len().min(CODE_WITHIN_BYTES)]));
    let mut rest = head.body.checked_sub(start.len() as u64).ok_or_else(unasked)?;
    if let Some(kept) = &mut kept {
        kept.extend_from_slice(start);
    }
    while rest > 0 {
        let read = fill(stream, buffer, 0).await?;
        rest = rest.checked_sub(read as u64).filter(|_| read > 0).ok_or_else(unasked)?;
        if let Some(kept) = &mut kept {
            kept.extend_from_slice(&buffer[..read]);
        }
    }
    Ok(Answer { verdict, bytes: head.body, closes: head.closes })
}

async fn fill(stream: &mut (impl AsyncRead + Unpin), buffer: &mut [u8], from: usize) -> Result<usize> {
    match &mut buffer[from..] {
        [] => Err(Error::new(ErrorKind::InvalidData, "the head of the answer is too long")),
        free => stream.read(free).await,
    }
}

fn unasked() -> Error {
    Error::new(ErrorKind::InvalidData, "the body does not have the length the head says")
}

struct Head {
    /// Of the head itself.
    length: usize,
    status: u16,
    /// The body's length.
    body: u64,
    closes: bool,
}

impl Head {
    /// Nothing as long as it is not all there.
    fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let invalid = |what: String| Error::new(ErrorKind::InvalidData, what);
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(bytes).map_err(|error| invalid(error.to_string()))?;
        let httparse::Status::Complete(length) = parsed else {
            return Ok(None);
        };
        let header = |name: &str| {
            let mut found = response.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
            found.next().and_then(|header| std::str::from_utf8(header.value).ok())
        };
        let body = header("content-length").and_then(|value| value.trim().parse().ok());
        let closes = header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let body = body.ok_or_else(|| invalid("the answer does not say its length".into()))?;
        Ok(Some(Self { length, status: response.code.unwrap_or_default(), body, closes }))
    }
}

fn verdict(status: u16, code: u32) -> Verdict {
    match status {
        200..=299 if code == 0 => Verdict::Accepted,
        _ if REFUSED.contains(&code) => Verdict::Refused,
        429 | 503 => Verdict::Refused,
        _ => Verdict::Failed(status, code),
    }
}

/// The API's code; 0 where there is none.
fn code(start: &[u8]) -> u32 {
    const FIELD: &[u8] = b"\"status_code\":";
    let Some(at) = start.windows(FIELD.len()).position(|bytes| bytes == FIELD) else {
        return 0;
    };
    let digits = start[at + FIELD.len()..].iter().map_while(|digit| char::from(*digit).to_digit(10));
    digits.fold(0, |code, digit| code * 10 + digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads an answer that arrives in pieces of so many bytes.
    async fn read_by(piece: usize, answer: &str) -> Result<(Answer, String)> {
        let (mut near, mut far) = tokio::io::duplex(piece);
        let mut kept = Vec::new();
        let write = async {
            // It stops reading where it does not understand.
            let _written = tokio::io::AsyncWriteExt::write_all(&mut far, answer.as_bytes()).await;
            drop(far);
        };
        let mut buffer = vec![0; 256];
        let read = async {
            let answer = read(&mut near, &mut buffer, Some(&mut kept)).await;
            drop(near);
            answer
        };
        let (answer, ()) = tokio::join!(read, write);
        Ok((answer?, String::from_utf8(kept).expect("text")))
    }

    fn answer(status: &str, headers: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn an_answer_is_the_same_in_whatever_pieces_it_arrives() {
        let body = format!("{{\"status_code\":0,\"rest\":\"{}\"}}", "x".repeat(1000));
        let text = answer("200 OK", "X: y\r\n", &body);
        for piece in [1, 7, 64, 255, 4096] {
            let (answer, kept) = read_by(piece, &text).await.expect("an answer");
            assert_eq!(answer.verdict, Verdict::Accepted);
            assert_eq!((answer.bytes, answer.closes), (body.len() as u64, false));
            assert_eq!(kept, body);
        }
    }

    #[tokio::test]
    async fn the_apis_code_decides_where_http_says_success() {
        let of = async |status: &str, body: &str| {
            read_by(5, &answer(status, "connection: Close\r\n", body)).await.expect("an answer").0
        };
        assert!(of("200 OK", "").await.closes);
        assert_eq!(of("206 Partial Content", "bytes").await.verdict, Verdict::Accepted);
        assert_eq!(of("200 OK", "{\"status_code\":100005,").await.verdict, Verdict::Refused);
        assert_eq!(of("503 Busy", "{\"status_code\":100008}").await.verdict, Verdict::Refused);
        assert_eq!(of("503 Busy", "").await.verdict, Verdict::Refused);
        assert_eq!(of("200 OK", "{\"status_code\":100004}").await.verdict, Verdict::Failed(200, 100_004));
        assert_eq!(of("500 Oops", "{\"status_code\":100001}").await.verdict, Verdict::Failed(500, 100_001));
    }

    #[tokio::test]
    async fn what_is_no_whole_answer_is_an_error() {
        let whole = answer("200 OK", "", "body");
        for broken in [
            "",
            "HTTP/1.1 200",
            &whole[..whole.len() - 1],
            "HTTP/1.1 200 OK\r\n\r\n",
            "SSH-2.0-hello\r\n\r\n",
        ] {
            assert!(read_by(64, broken).await.is_err(), "{broken:?}");
        }
        assert!(read_by(4096, &format!("{whole}more")).await.is_err(), "more than it says");
        assert!(read_by(64, &answer("200 OK", &"X: y\r\n".repeat(100), "")).await.is_err(), "endless");
    }
}
