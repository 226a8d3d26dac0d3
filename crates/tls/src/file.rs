//! Files: read with their mode checked, written whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};

use crate::Error;

/// Far above any of these files; a device or a log named by mistake is not read whole.
const MAX_BYTES: u64 = 1 << 20;
/// Everybody may read a certificate, only its owner a key.
const PUBLIC: u32 = 0o644;
const SECRET: u32 = 0o600;

/// Reads a file that everybody may read; none when it is not there.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let read = || {
        let meta = fs::metadata(path)?;
        if meta.len() > MAX_BYTES {
            return Err(io::Error::other(format!("it is larger than {MAX_BYTES} bytes")));
        }
        fs::read(path)
    };
    match read() {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file(path, format!("cannot be read: {error}"))),
    }
}

/// Reads a file that everybody may read; `how` says how to come by it.
pub(crate) fn read(path: &Path, how: &str) -> Result<Vec<u8>, Error> {
    read_if_there(path)?.ok_or_else(|| Error::file(path, format!("is not there; {how}")))
}

/// Reads a file that must be its owner's alone; `how` says how to come by it.
///
/// # Errors
/// [`Error::File`] when it is not there, or others may use it.
pub fn read_secret(path: &Path, how: &str) -> Result<Vec<u8>, Error> {
    let bytes = read(path, how)?;
    let meta = fs::metadata(path).map_err(|error| Error::file(path, format!("cannot be read: {error}")))?;
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let wrong = format!("has mode {mode:04o}, others may use it; it must be 0600: chmod 600 it");
        return Err(Error::file(path, wrong));
    }
    Ok(bytes)
}

/// Replaces a file as a whole: a reader finds the old content or the new, also after a power cut. A secret
/// one is its owner's alone from the first byte on.
///
/// # Errors
/// [`Error::File`].
pub fn write(path: &Path, bytes: &[u8], secret: bool) -> Result<(), Error> {
    let place = || {
        let written = write_beside(path, bytes, secret)?;
        fs::rename(&written, path).inspect_err(|_| drop(fs::remove_file(&written)))?;
        sync_folder(path)
    };
    place().map_err(|error| Error::file(path, format!("cannot be written: {error}")))
}

/// Writes a file that must not be there yet.
pub(crate) fn write_new(path: &Path, bytes: &[u8], secret: bool) -> Result<(), Error> {
    let place = || {
        let written = write_beside(path, bytes, secret)?;
        // A link is refused where a rename would replace.
        let linked = fs::hard_link(&written, path);
        fs::remove_file(&written)?;
        linked?;
        sync_folder(path)
    };
    place().map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            return Error::file(path, "is there already and is not overwritten");
        }
        Error::file(path, format!("cannot be written: {error}"))
    })
}

/// Makes a folder that only its owner may look into, unless it is there.
pub(crate) fn make_folder(path: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made = builder.recursive(true).create(path);
    made.map_err(|error| Error::file(path, format!("cannot be made: {error}")))
}

/// The certificates of a PEM file, in its order; other parts are passed over.
pub(crate) fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(|error| {
        Error::file(path, format!("is damaged or cut off ({error}); put the whole PEM file there"))
    })?;
    if found.is_empty() {
        return Err(Error::file(path, "holds no certificate; it must be a PEM file with at least one"));
    }
    Ok(found)
}

/// The revocation lists of a PEM file.
pub(crate) fn crls(path: &Path, pem: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, Error> {
    let found = CertificateRevocationListDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|error| {
        Error::file(path, format!("is damaged or cut off ({error}); put the whole PEM file there"))
    })?;
    if found.is_empty() {
        return Err(Error::file(
            path,
            "holds no revocation list; it must be a PEM file with one, or be away",
        ));
    }
    Ok(found)
}

/// One PEM block.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in der.chunks(3) {
        let bits =
            group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= group.len() { char::from(letter) } else { '=' });
        }
        if text.len() % 65 == 64 {
            text.push('\n');
        }
    }
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", text.trim_end())
}

fn write_beside(path: &Path, bytes: &[u8], secret: bool) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(hidden);
    // What an earlier process of this number left unfinished.
    let _absent = fs::remove_file(&beside);
    let mode = if secret { SECRET } else { PUBLIC };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.inspect_err(|_| drop(fs::remove_file(&beside)))?;
    Ok(beside)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pem_block_is_read_back_whatever_its_length() {
        for length in 1..200u8 {
            let der: Vec<u8> = (0..length).collect();
            let text = pem("CERTIFICATE", &der);
            assert!(text.lines().all(|line| line.len() <= 64), "{text}");
            let read = CertificateDer::from_pem_slice(text.as_bytes()).expect("PEM");
            assert_eq!(read.as_ref(), der, "{text}");
        }
    }

    #[test]
    fn a_secret_is_its_owners_alone_and_a_new_file_replaces_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.key");
        write_new(&path, b"one", true).expect("written");
        assert_eq!(read_secret(&path, "").expect("read"), b"one");
        assert!(write_new(&path, b"two", true).expect_err("is there").to_string().contains("already"));
        write(&path, b"three", true).expect("replaced");
        assert_eq!(read_secret(&path, "").expect("read"), b"three");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("loosened");
        let refused = read_secret(&path, "").expect_err("loose").to_string();
        assert!(
            refused.contains("a.key") && refused.contains("0640") && refused.contains("0600"),
            "{refused}"
        );
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1, "nothing else is left");
    }
}
