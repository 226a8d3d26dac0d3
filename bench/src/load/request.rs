//! Requests of HTTP/1.1, written by hand.

use std::fmt::Display;

use bytes::Bytes;

/// A request as it goes over the wire.
#[derive(Clone)]
pub struct Request {
    /// Request line and headers, and a body if it is small.
    pub head: Vec<u8>,
    /// A large body, shared by the requests that send it.
    pub body: Bytes,
}

impl Request {
    /// A GET.
    pub fn get(path: impl Display) -> Self {
        Self::with_headers("GET", path, "")
    }

    /// A GET of somebody who is logged in.
    pub fn get_as(token: &str, path: impl Display) -> Self {
        Self::with_headers("GET", path, format_args!("Authorization: Bearer {token}\r\n"))
    }

    /// A GET of some bytes, from the first to the last of them.
    pub fn range(path: impl Display, first: u64, last: u64) -> Self {
        Self::with_headers("GET", path, format_args!("Range: bytes={first}-{last}\r\n"))
    }

    /// A POST with its parameters in the query, as the Android app sends them.
    pub fn post(path: impl Display) -> Self {
        Self::with_headers("POST", path, "Content-Length: 0\r\n")
    }

    /// A form with one file, the field `data`, and fields before it.
    pub fn upload(path: impl Display, fields: &[(&str, &str)], file: &Bytes) -> Self {
        const BOUNDARY: &str = "dytt-bench-boundary";
        let mut form = String::new();
        for (name, value) in fields {
            form.push_str(&format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        form.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"data\"; filename=\"clip.mp4\"\r\n\
             Content-Type: video/mp4\r\n\r\n"
        ));
        let end = format!("\r\n--{BOUNDARY}--\r\n");
        let length = form.len() + file.len() + end.len();
        let headers =
            format!("Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {length}\r\n");
        let mut request = Self::with_headers("POST", path, headers);
        request.head.extend_from_slice(form.as_bytes());
        request.body = [file, end.as_bytes()].concat().into();
        request
    }

    fn with_headers(method: &str, path: impl Display, headers: impl Display) -> Self {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n");
        Self { head: head.into_bytes(), body: Bytes::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_its_length() {
        let request = Request::upload("/u", &[("title", "a b")], &Bytes::from_static(b"bytes"));
        let whole = [&request.head[..], &request.body].concat();
        let text = String::from_utf8(whole).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("POST /u HTTP/1.1\r\nHost: "), "{head}");
        assert!(head.ends_with(&format!("\r\nContent-Length: {}", body.len())), "{head}");
        assert!(body.contains("name=\"title\"\r\n\r\na b\r\n--") && body.contains("\r\n\r\nbytes\r\n--"));
    }
}
