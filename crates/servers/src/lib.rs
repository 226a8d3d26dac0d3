//! The real servers beside the platform, for tests and for a cluster on one machine: each found, started on
//! a free port in a folder of its own, and ended with its handle. What is asked of them is their clients'.

mod bucket;
mod error;
mod etcd;
mod find;
mod kind;
mod mariadb;
mod minio;
mod ports;
mod probe;
mod process;
mod seaweedfs;
mod server;
mod tie;
mod zipkin;

use std::io::Write;
use std::path::Path;

pub use bucket::Bucket;
pub use error::Error;
pub use find::installed_in;
pub use kind::Kind;
pub use mariadb::{MARIADB_ADMIN, MARIADB_PASSWORD, MARIADB_USER, mariadb_sql};
pub use ports::{Reserved, free_port, is_free, reserve_port};
pub use probe::http_get;
pub use server::Server;
pub use tie::Tie;

/// The name of the credentials the object stores take.
pub const S3_ACCESS_KEY: &str = "dytt-access";
/// The name of credentials with which SeaweedFS can be read but not written to; the secret is the same.
pub const S3_READER_KEY: &str = "dytt-reader";
/// The secret of the credentials the object stores take.
pub const S3_SECRET_KEY: &str = "dytt-secret-of-tests";

/// etcd on a free port: plain HTTP on loopback.
///
/// # Errors
/// When it is not installed or does not become ready; so for every server here.
pub fn etcd(dir: &Path) -> Result<Server, Error> {
    Server::start(Kind::Etcd, dir, None)
}

/// etcd on this port.
///
/// # Errors
/// As [`etcd`].
pub fn etcd_on(dir: &Path, port: u16) -> Result<Server, Error> {
    Server::start(Kind::Etcd, dir, Some(port))
}

/// MariaDB on a free port: every commit reaches the disk. [`MARIADB_USER`] has all rights on databases whose
/// names begin with `dytt`, [`MARIADB_ADMIN`] on everything, both with [`MARIADB_PASSWORD`].
///
/// # Errors
/// As [`etcd`].
pub fn mariadb(dir: &Path) -> Result<Server, Error> {
    Server::start(Kind::Mariadb, dir, None)
}

/// MariaDB on this port.
///
/// # Errors
/// As [`etcd`].
pub fn mariadb_on(dir: &Path, port: u16) -> Result<Server, Error> {
    Server::start(Kind::Mariadb, dir, Some(port))
}

/// MinIO on a free port: S3 over plain HTTP, with [`S3_ACCESS_KEY`] and [`S3_SECRET_KEY`].
///
/// # Errors
/// As [`etcd`].
pub fn minio(dir: &Path) -> Result<Server, Error> {
    Server::start(Kind::Minio, dir, None)
}

/// MinIO on this port.
///
/// # Errors
/// As [`etcd`].
pub fn minio_on(dir: &Path, port: u16) -> Result<Server, Error> {
    Server::start(Kind::Minio, dir, Some(port))
}

/// SeaweedFS on a free port: S3 as [`minio`]'s.
///
/// # Errors
/// As [`etcd`].
pub fn seaweedfs(dir: &Path) -> Result<Server, Error> {
    Server::start(Kind::Seaweedfs, dir, None)
}

/// SeaweedFS on this port.
///
/// # Errors
/// As [`etcd`].
pub fn seaweedfs_on(dir: &Path, port: u16) -> Result<Server, Error> {
    Server::start(Kind::Seaweedfs, dir, Some(port))
}

/// Zipkin on a free port, with its memory as the store.
///
/// # Errors
/// As [`etcd`].
pub fn zipkin(dir: &Path) -> Result<Server, Error> {
    Server::start(Kind::Zipkin, dir, None)
}

/// Zipkin on this port.
///
/// # Errors
/// As [`etcd`].
pub fn zipkin_on(dir: &Path, port: u16) -> Result<Server, Error> {
    Server::start(Kind::Zipkin, dir, Some(port))
}

/// The server; or nothing and a printed line that says which test is skipped and how the server is had.
///
/// # Panics
/// When a server that is installed does not start, and with `CI=true` also when one is missing.
pub fn or_skip(started: Result<Server, Error>) -> Option<Server> {
    let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    match started {
        Ok(server) => Some(server),
        Err(failed @ Error::Failed { .. }) => panic!("{failed}"),
        Err(missing @ Error::Missing { .. }) if in_ci => {
            panic!("with CI=true nothing is skipped, and {missing}")
        }
        Err(missing @ Error::Missing { .. }) => {
            let thread = std::thread::current();
            let line = format!("skipped: {}: {missing}\n", thread.name().unwrap_or("a test"));
            // Not `eprintln!`: the test runner hides what a passing test prints.
            // A lost line is no reason to fail.
            let _written = std::io::stderr().lock().write_all(line.as_bytes());
            None
        }
    }
}
