//! A bucket seen past the platform: what is in it, and a way to meddle with it. Requests are signed with the
//! credentials that every object store here takes.

use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::{Error, S3_ACCESS_KEY, S3_SECRET_KEY, probe};

const REGION: &str = "us-east-1";
/// What of an answer is read: a whole page of a list, or the largest object a test looks at.
const MAX_ANSWER_BYTES: u64 = 64 * 1024 * 1024;
const BLOCK: usize = 64;

/// A bucket of the object store on a port of 127.0.0.1.
pub struct Bucket {
    port: u16,
    name: String,
}

impl Bucket {
    /// The bucket of this name, whether it exists or not.
    pub fn new(port: u16, name: &str) -> Self {
        Self { port, name: name.to_owned() }
    }

    /// The keys of all finished objects, sorted; none when the bucket does not exist.
    ///
    /// # Errors
    /// When the store does not answer or refuses, as with every request here; also when there are more than
    /// fit into one page of 1,000.
    pub fn keys(&self) -> Result<Vec<String>, Error> {
        let list = self.list(&[("list-type", "2")])?;
        let mut keys = values(&list, "Key");
        keys.sort();
        Ok(keys)
    }

    /// The uploads that were begun and neither finished nor given up, each as `KEY#NUMBER`, sorted.
    ///
    /// # Errors
    /// As [`Bucket::keys`].
    pub fn unfinished(&self) -> Result<Vec<String>, Error> {
        let list = self.list(&[("uploads", "")])?;
        let uploads = values(&list, "Key").into_iter().zip(values(&list, "UploadId"));
        let mut uploads: Vec<String> = uploads.map(|(key, upload)| format!("{key}#{upload}")).collect();
        uploads.sort();
        Ok(uploads)
    }

    /// An object's bytes.
    ///
    /// # Errors
    /// As [`Bucket::keys`]; also when it does not exist.
    pub fn get(&self, key: &str) -> Result<Vec<u8>, Error> {
        self.succeed("GET", key, &[], b"")
    }

    /// Stores an object.
    ///
    /// # Errors
    /// As [`Bucket::keys`].
    pub fn put(&self, key: &str, bytes: &[u8]) -> Result<(), Error> {
        self.succeed("PUT", key, &[], bytes).map(drop)
    }

    /// Begins an upload that nobody will finish.
    ///
    /// # Errors
    /// As [`Bucket::keys`].
    pub fn begin(&self, key: &str) -> Result<(), Error> {
        self.succeed("POST", key, &[("uploads", "")], b"").map(drop)
    }

    /// Deletes an object; one that does not exist is a success.
    ///
    /// # Errors
    /// As [`Bucket::keys`].
    pub fn delete(&self, key: &str) -> Result<(), Error> {
        self.succeed("DELETE", key, &[], b"").map(drop)
    }

    /// Deletes the bucket and everything in it; one that does not exist is a success.
    ///
    /// # Errors
    /// As [`Bucket::keys`].
    pub fn remove(&self) -> Result<(), Error> {
        for upload in self.unfinished()? {
            if let Some((key, id)) = upload.split_once('#') {
                self.succeed("DELETE", key, &[("uploadId", id)], b"")?;
            }
        }
        for key in self.keys()? {
            self.delete(&key)?;
        }
        let (status, body) = self.ask("DELETE", "", &[], b"")?;
        if status < 300 || status == 404 { Ok(()) } else { Err(refused("DELETE", "", status, &body)) }
    }

    fn list(&self, query: &[(&str, &str)]) -> Result<String, Error> {
        let (status, body) = self.ask("GET", "", query, b"")?;
        let text = String::from_utf8_lossy(&body).into_owned();
        match status {
            200 if text.contains("<IsTruncated>true") => Err(failed("a bucket holds more than one page")),
            200 => Ok(text),
            404 => Ok(String::new()),
            _ => Err(refused("GET", "", status, &body)),
        }
    }

    fn succeed(
        &self,
        method: &str,
        key: &str,
        query: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Vec<u8>, Error> {
        match self.ask(method, key, query, body)? {
            (200..=299, answer) => Ok(answer),
            (status, answer) => Err(refused(method, key, status, &answer)),
        }
    }

    fn ask(
        &self,
        method: &str,
        key: &str,
        query: &[(&str, &str)],
        body: &[u8],
    ) -> Result<(u16, Vec<u8>), Error> {
        let path = if key.is_empty() { format!("/{}", self.name) } else { format!("/{}/{key}", self.name) };
        let mut pairs: Vec<String> =
            query.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        pairs.sort();
        let query = pairs.join("&");
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let headers = signed(method, &path, &query, self.port, &moment(now.as_secs()));
        let target = if query.is_empty() { path } else { format!("{path}?{query}") };
        let answer = probe::exchange(self.port, method, &target, &headers, body, MAX_ANSWER_BYTES);
        let answer = answer.ok_or_else(|| failed("it does not answer"))?;
        probe::parsed(&answer).ok_or_else(|| failed("it does not speak HTTP"))
    }
}

fn failed(what: &str) -> Error {
    Error::failed("s3", what)
}

fn refused(method: &str, key: &str, status: u16, body: &[u8]) -> Error {
    failed(&format!("{method} `{key}`: {status} {}", String::from_utf8_lossy(body)))
}

/// The headers that sign a request: AWS Signature Version 4, with the body left out.
fn signed(method: &str, path: &str, query: &str, port: u16, moment: &str) -> String {
    const NAMES: &str = "host;x-amz-content-sha256;x-amz-date";
    const BODY: &str = "UNSIGNED-PAYLOAD";
    let request = format!(
        "{method}\n{path}\n{query}\nhost:127.0.0.1:{port}\nx-amz-content-sha256:{BODY}\nx-amz-date:{moment}\n\n\
         {NAMES}\n{BODY}"
    );
    let day = moment.get(..8).unwrap_or_default();
    let scope = format!("{day}/{REGION}/s3/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}", hex(&Sha256::digest(request)));
    let key = [day, REGION, "s3", "aws4_request"]
        .iter()
        .fold(format!("AWS4{S3_SECRET_KEY}").into_bytes(), |key, part| hmac(&key, part));
    let signature = hex(&hmac(&key, &text));
    format!(
        "x-amz-content-sha256: {BODY}\r\nx-amz-date: {moment}\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential={S3_ACCESS_KEY}/{scope}, SignedHeaders={NAMES}, Signature={signature}\r\n"
    )
}

/// HMAC with SHA-256 (RFC 2104).
fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut block = if key.len() > BLOCK { Sha256::digest(key).to_vec() } else { key.to_vec() };
    block.resize(BLOCK, 0);
    let padded = |pad: u8| block.iter().map(|byte| byte ^ pad).collect::<Vec<u8>>();
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A query's value: everything but unreserved characters as `%XX`.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// Seconds since 1970 as `20261122T130000Z`.
fn moment(seconds: u64) -> String {
    let (mut days, rest) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}{month:02}{:02}T{hour:02}{minute:02}{second:02}Z", days + 1)
}

/// What stands in elements of this name, none of which has children or needs unescaping here.
fn values(xml: &str, element: &str) -> Vec<String> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let found = xml.split(&open).skip(1);
    found.filter_map(|rest| Some(rest.split_once(&close)?.0.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Server, or_skip};

    #[test]
    fn moments_are_told_as_the_calendar_does() {
        for (seconds, text) in [
            (0, "19700101T000000Z"),
            (951_782_400, "20000229T000000Z"),
            (1_767_225_599, "20251231T235959Z"),
            (1_709_251_199, "20240229T235959Z"),
        ] {
            assert_eq!(moment(seconds), text);
        }
    }

    #[test]
    fn a_keyed_hash_is_that_of_the_standard() {
        let hash = hmac(b"Jefe", "what do ya want for nothing?");
        assert_eq!(hex(&hash), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    fn objects_come_and_go(server: &Server) {
        let bucket = Bucket::new(server.port(), "dytt-meddled");
        assert!(bucket.keys().expect("a list").is_empty(), "a bucket that is not there is empty");
        bucket.succeed("PUT", "", &[], b"").expect("it is made");
        for key in ["p/2.mp4", "p/1.mp4"] {
            bucket.put(key, b"bytes").expect("it is stored");
        }
        bucket.begin("o/3.bin").expect("an upload begins");
        assert_eq!(bucket.keys().expect("a list"), ["p/1.mp4", "p/2.mp4"]);
        let unfinished = bucket.unfinished().expect("a list");
        assert!(matches!(&unfinished[..], [one] if one.starts_with("o/3.bin#")), "{unfinished:?}");
        assert_eq!(bucket.get("p/1.mp4").expect("it is there"), b"bytes");
        bucket.delete("p/1.mp4").expect("it is deleted");
        assert!(bucket.get("p/1.mp4").is_err());
        bucket.remove().expect("it is removed");
        bucket.remove().expect("it is gone already");
        assert!(bucket.get("p/2.mp4").is_err());
    }

    #[test]
    fn a_bucket_of_minio_is_seen_and_changed() {
        let dir = tempfile::tempdir().expect("a folder");
        let Some(server) = or_skip(crate::minio(dir.path())) else { return };
        objects_come_and_go(&server);
    }

    #[test]
    fn a_bucket_of_seaweedfs_is_seen_and_changed() {
        let dir = tempfile::tempdir().expect("a folder");
        let Some(server) = or_skip(crate::seaweedfs(dir.path())) else { return };
        objects_come_and_go(&server);
    }
}
