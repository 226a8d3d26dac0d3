//! The keys bearer assertions are signed with: one master, from which every service's own key is derived.
//! What an assertion says is `rpc`'s.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use rustls::crypto::tls13::Hkdf;

use crate::{Error, file, name};

/// The name of the key that every other is derived from.
const MASTER: &str = "master";
/// Set before a service's name, so that the master can serve other ends too.
const PURPOSE: &str = "dytt rpc ";

/// The keys of a key file. Never printed.
#[derive(Clone)]
pub struct RpcKeys(BTreeMap<String, [u8; 32]>);

impl fmt::Debug for RpcKeys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.0.keys().map(|name| (name, "…"))).finish()
    }
}

impl RpcKeys {
    /// Draws a new master.
    ///
    /// # Errors
    /// [`Error::Setup`] when there is no chance to be had.
    pub fn make() -> Result<Self, Error> {
        let mut master = [0; 32];
        crate::verify::random(&mut master)?;
        Ok(Self([(MASTER.to_owned(), master)].into()))
    }

    /// Reads a key file: lines `master HEX` or `SERVICE HEX`, 64 hexadecimal digits each; only its owner may
    /// read it.
    ///
    /// # Errors
    /// [`Error::File`], never with a key in it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let bytes = file::read_secret(path, "make it with `dytt cert rpc-key`")?;
        let text = String::from_utf8(bytes).map_err(|_| Error::file(path, "is no text"))?;
        let mut keys = BTreeMap::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let wrong = |what| Error::file(path, format!("line {}: {what}", index + 1));
            let parts: Vec<&str> = line.split_whitespace().collect();
            let [name, hex] = parts[..] else {
                return Err(wrong("must be a name and 64 hexadecimal digits"));
            };
            let key = from_hex(hex).ok_or_else(|| wrong("the key must be 64 hexadecimal digits"))?;
            name::Identity::new(MASTER, name).map_err(|_| wrong("the name is no service's"))?;
            if keys.insert(name.to_owned(), key).is_some() {
                return Err(wrong("this name was there before"));
            }
        }
        if keys.is_empty() {
            return Err(Error::file(path, "holds no key; make it with `dytt cert rpc-key`"));
        }
        Ok(Self(keys))
    }

    /// A service's key, if this file holds it or can derive it.
    pub fn for_service(&self, service: &str) -> Option<[u8; 32]> {
        self.0
            .get(service)
            .filter(|_| service != MASTER)
            .copied()
            .or_else(|| Some(derive(self.0.get(MASTER)?, service)))
    }

    /// The keys of these services alone.
    ///
    /// # Errors
    /// [`Error::Refused`] for a service whose key is not here.
    pub fn only(&self, services: &[String]) -> Result<Self, Error> {
        let key = |service: &String| {
            name::Identity::new(MASTER, service)?;
            if service == MASTER {
                return Err(Error::Refused("`master` is the name of no service".to_owned()));
            }
            let key = self.for_service(service);
            let key =
                key.ok_or_else(|| Error::Refused(format!("there is no key of `{service}`, and no master")))?;
            Ok((service.clone(), key))
        };
        Ok(Self(services.iter().map(key).collect::<Result<_, _>>()?))
    }

    /// Writes a key file only its owner may read; a master is never overwritten.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let line = |(name, key): (&String, &[u8; 32])| format!("{name} {}\n", hex(key));
        let text: String = self.0.iter().map(line).collect();
        if self.0.contains_key(MASTER) || is_master(path) {
            file::write_new(path, text.as_bytes(), true)
        } else {
            file::write(path, text.as_bytes(), true)
        }
    }
}

/// Whether a master would be lost by writing here.
fn is_master(path: &Path) -> bool {
    std::fs::read_to_string(path)
        .is_ok_and(|text| text.lines().any(|line| line.trim_start().starts_with(MASTER)))
}

/// HKDF-SHA256 of RFC 5869 without salt: TLS 1.3 needs the same function, so rustls brings it.
fn derive(master: &[u8; 32], service: &str) -> [u8; 32] {
    let mut key = [0; 32];
    let expander = hkdf().extract_from_secret(None, master);
    let derived = expander.expand_slice(&[PURPOSE.as_bytes(), service.as_bytes()], &mut key);
    derived.expect("32 bytes are within HKDF's 8,160");
    key
}

fn hkdf() -> &'static dyn Hkdf {
    let suite = rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13();
    suite.expect("a suite of TLS 1.3").hkdf_provider
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = [0; 32];
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5869, test case 3: SHA-256 without salt and info.
    #[test]
    fn hkdf_is_that_of_rfc_5869() {
        let mut key = [0; 42];
        let expander = hkdf().extract_from_secret(None, &[0x0b; 22]);
        expander.expand_slice(&[b""], &mut key).expect("short enough");
        let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8";
        assert_eq!(hex(&key), expected);
    }

    #[test]
    fn a_service_gets_the_same_key_from_the_master_and_from_its_own_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let (master, own) = (folder.path().join("master.key"), folder.path().join("user.key"));
        let made = RpcKeys::make().expect("made");
        made.save(&master).expect("saved");
        assert!(made.save(&master).is_err(), "a master is never overwritten");
        let read = RpcKeys::open(&master).expect("read");
        read.only(&["user".to_owned()]).expect("derived").save(&own).expect("saved");
        let user = RpcKeys::open(&own).expect("read");
        assert_eq!(user.for_service("user"), made.for_service("user"));
        assert_ne!(made.for_service("user"), made.for_service("feed"));
        assert_eq!((user.for_service("feed"), user.for_service("master")), (None, None));
        assert!(user.save(&master).is_err(), "nor by other keys");
        assert!(!format!("{made:?}").contains(&hex(&made.for_service("user").expect("derived"))));
    }

    #[test]
    fn a_broken_key_file_is_refused_in_one_line_without_the_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rpc.key");
        let key = "ab".repeat(32);
        for (text, wrong) in [
            (String::new(), "no key"),
            (format!("user {key}0"), "64 hex"),
            ("user".to_owned(), "line 1"),
            (format!("user {key}\n\nuser {key}"), "line 3"),
            (format!("User {key}"), "no service"),
            (format!("user {}", "zz".repeat(32)), "64 hex"),
        ] {
            file::write(&path, text.as_bytes(), true).expect("written");
            let refused = RpcKeys::open(&path).expect_err(&text).to_string();
            assert!(
                refused.contains(wrong) && !refused.contains('\n') && !refused.contains(&key),
                "{refused}"
            );
        }
    }
}
