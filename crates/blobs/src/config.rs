//! Where the objects are, as it is written and as it is meant. Whether anything answers there is found out
//! when the store is opened.

use std::net::IpAddr;

use http::Uri;

use crate::Error;

/// Where the objects are.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `file:DIR`, relative to the data folder, or `s3://BUCKET?endpoint=…&region=…`.
    pub url: String,
    /// A file with the access key's name, relative to the data folder; empty for none.
    pub access_key_file: String,
    /// A file with the access key's secret, relative to the data folder; empty for none.
    pub secret_key_file: String,
    /// How a viewer gets the bytes.
    pub redirect: Redirect,
    /// The object store's address for viewers; empty when it is the one in `url`.
    pub public_endpoint: String,
    /// Uploads are refused when fewer bytes than this are free; of a folder only.
    pub min_free_bytes: u64,
    /// Seconds after which an object that belongs to nothing is removed.
    pub orphan_ttl_seconds: u64,
}

/// How an object's bytes reach a viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Redirect {
    /// Through the gateway.
    Off,
    /// From the object store, by an address that is signed for a short time.
    Presigned,
    /// By the proxy in front, told with `X-Accel-Redirect`.
    XAccel,
}

/// What `blobs.url` means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place<'c> {
    /// A folder, relative to the data folder.
    Folder(&'c str),
    /// A bucket of an S3 server.
    Bucket(Address<'c>),
}

/// A bucket and where it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address<'c> {
    pub bucket: &'c str,
    /// `https://HOST:PORT`, or `http://` for this machine's own.
    pub endpoint: &'c str,
    pub region: &'c str,
}

impl Config {
    /// Judges the settings without reading a file or connecting.
    ///
    /// # Errors
    /// [`Error::Setting`] that names the key and what would be right.
    pub fn check(&self) -> Result<(), Error> {
        let place = self.place()?;
        if !self.public_endpoint.is_empty() && authority(&self.public_endpoint).is_none() {
            return Err(setting(format!(
                "blobs.public_endpoint must be empty or like `https://media.example.org`, not `{}`",
                self.public_endpoint
            )));
        }
        match place {
            Place::Folder(_) if self.redirect == Redirect::Presigned => Err(setting(
                "blobs.redirect = \"presigned\" needs an object store in blobs.url: a folder signs nothing",
            )),
            Place::Folder(_) => Ok(()),
            Place::Bucket(_) if self.access_key_file.is_empty() || self.secret_key_file.is_empty() => {
                Err(setting(
                    "blobs.access_key_file and blobs.secret_key_file must name files for an `s3://` blobs.url",
                ))
            }
            Place::Bucket(_) => Ok(()),
        }
    }

    /// What the address means.
    pub(crate) fn place(&self) -> Result<Place<'_>, Error> {
        if let Some(folder) = self.url.strip_prefix("file:").filter(|folder| !folder.is_empty()) {
            return Ok(Place::Folder(folder));
        }
        match self.url.strip_prefix("s3://") {
            Some(rest) => address(rest).map(Place::Bucket),
            None => Err(setting(format!(
                "blobs.url must be `file:DIR` or `s3://BUCKET?endpoint=https://HOST:PORT&region=NAME`, not `{}`",
                self.url
            ))),
        }
    }
}

pub(crate) fn setting(text: impl Into<String>) -> Error {
    Error::Setting(text.into())
}

fn address(text: &str) -> Result<Address<'_>, Error> {
    let (bucket, query) = text.split_once('?').unwrap_or((text, ""));
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = bucket.as_bytes();
    if !(3..=63).contains(&bytes.len())
        || !bytes.iter().copied().all(legal)
        || !edge(bytes.first())
        || !edge(bytes.last())
    {
        return Err(setting(format!(
            "blobs.url must name a bucket of 3 to 63 lower-case letters, digits, `-` and `.`, not `{bucket}`"
        )));
    }
    let mut address = Address { bucket, endpoint: "", region: "us-east-1" };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("endpoint", endpoint)) => address.endpoint = endpoint.trim_end_matches('/'),
            Some(("region", region)) if is_word(region) => address.region = region,
            _ => {
                return Err(setting(format!(
                    "blobs.url takes `endpoint=https://HOST:PORT` and `region=NAME`, not `{pair}`"
                )));
            }
        }
    }
    if address.endpoint.is_empty() {
        return Err(setting("blobs.url must say where the bucket is: `?endpoint=https://HOST:PORT`"));
    }
    if address.endpoint.contains('@') {
        // Not shown: it would be in the log.
        return Err(setting(
            "blobs.url must not hold credentials; they belong in files, named by blobs.secret_key_file",
        ));
    }
    match authority(address.endpoint) {
        Some((_, true)) => Ok(address),
        Some((host, false)) if is_loopback(&host) => Ok(address),
        Some((_, false)) => Err(setting(format!(
            "blobs.url must use https for an object store on another machine, not `{}`",
            address.endpoint
        ))),
        None => Err(setting(format!(
            "blobs.url must name its endpoint like `https://HOST:PORT`, not `{}`",
            address.endpoint
        ))),
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The host of `http(s)://HOST[:PORT]` and whether it is asked with TLS.
fn authority(text: &str) -> Option<(String, bool)> {
    let uri: Uri = text.parse().ok()?;
    let secure = match uri.scheme_str()? {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    let authority = uri.authority()?;
    let bare = uri.path() == "/" && uri.query().is_none() && !authority.as_str().contains('@');
    (bare && !authority.host().is_empty()).then(|| (authority.host().to_owned(), secure))
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> Config {
        Config {
            url: url.into(),
            access_key_file: "keys/s3.name".into(),
            secret_key_file: "keys/s3.secret".into(),
            redirect: Redirect::Off,
            public_endpoint: String::new(),
            min_free_bytes: 0,
            orphan_ttl_seconds: 3600,
        }
    }

    #[test]
    fn a_bucket_is_read_from_its_address() {
        let config = config("s3://dytt-media?endpoint=https://s3.example.org:9000/&region=eu-west-1");
        let expected =
            Address { bucket: "dytt-media", endpoint: "https://s3.example.org:9000", region: "eu-west-1" };
        assert_eq!(config.place().expect("is one"), Place::Bucket(expected));
        for local in ["http://127.0.0.1:9000", "http://localhost", "http://[::1]:9000", "http://127.9.9.9:1"]
        {
            config_of(local).check().expect(local);
        }
        assert!(
            matches!(config_of("https://x.org").place(), Ok(Place::Bucket(a)) if a.region == "us-east-1")
        );
    }

    fn config_of(endpoint: &str) -> Config {
        config(&format!("s3://dytt?endpoint={endpoint}"))
    }

    #[test]
    fn what_cannot_work_is_refused_in_one_line_that_says_why() {
        let s3 = "s3://dytt?endpoint=https://s3.example.org";
        let cases = [
            (config(""), "`file:DIR`"),
            (config("file:"), "`file:DIR`"),
            (config("s4://dytt?endpoint=https://x"), "not `s4://"),
            (config("s3://dytt"), "where the bucket is"),
            (config("s3://dytt?region=eu"), "where the bucket is"),
            (config("s3://?endpoint=https://x"), "must name a bucket"),
            (config("s3://Dytt?endpoint=https://x"), "must name a bucket"),
            (config("s3://-dytt?endpoint=https://x"), "must name a bucket"),
            (config("s3://dytt/a?endpoint=https://x"), "must name a bucket"),
            (config("s3://dytt?endpoint=https://x&prefix=a"), "not `prefix=a`"),
            (config("s3://dytt?endpoint=https://x&region="), "not `region=`"),
            (config_of("s3.example.org"), "like `https://HOST:PORT`"),
            (config_of("https://key:hunter2@s3.example.org"), "must not hold credentials"),
            (config_of("https://s3.example.org/a"), "like `https://HOST:PORT`"),
            (config_of("ftp://s3.example.org"), "like `https://HOST:PORT`"),
            (config_of("http://10.0.0.1:9000"), "must use https"),
            (config_of("http://localhost.example.org"), "must use https"),
            (Config { secret_key_file: String::new(), ..config(s3) }, "blobs.secret_key_file"),
            (Config { public_endpoint: "media.example.org".into(), ..config(s3) }, "blobs.public_endpoint"),
            (Config { redirect: Redirect::Presigned, ..config("file:objects") }, "blobs.redirect"),
        ];
        for (config, says) in cases {
            let Err(Error::Setting(text)) = config.check() else { panic!("{} is accepted", config.url) };
            assert!(!text.contains("hunter2"), "{text}");
            assert!(text.contains(says) && text.starts_with("blobs.") && !text.contains('\n'), "{text}");
        }
    }
}
