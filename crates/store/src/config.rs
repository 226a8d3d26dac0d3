//! Where the database is: the address as it is written, judged without asking a server.

use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sea_orm::sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};

use crate::OpenError;

/// Where the database is and how long a request may wait for it.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `sqlite:PATH`, relative to the data folder, or `mysql://USER@HOST:PORT/NAME`. The latter takes
    /// `?socket=PATH` in place of the host and `?ssl-ca=FILE`; a host that is not loopback is spoken to over
    /// TLS and has to prove its name.
    pub url: String,
    /// A file with the database user's password, relative to the data folder; empty for none.
    pub password_file: String,
    /// Milliseconds a write may wait for its turn before it is refused.
    pub write_wait_ms: u64,
    /// Milliseconds a read may wait for a connection before it is refused.
    pub read_wait_ms: u64,
}

impl Config {
    /// Whether the address can be used at all. Asks no server and reads no file.
    ///
    /// # Errors
    /// [`OpenError::Url`], [`OpenError::PasswordInUrl`] or [`OpenError::UrlOption`]: one line each.
    pub fn check(&self) -> Result<(), OpenError> {
        self.address().map(|_| ())
    }

    pub(crate) fn address(&self) -> Result<Address, OpenError> {
        match self.url.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => Ok(Address::Sqlite(path.into())),
            Some(_) | None => Ok(Address::MySql(Box::new(mysql(&self.url)?))),
        }
    }

    /// The options with what only the data folder can tell: the password and the authority's certificate.
    pub(crate) fn complete(&self, place: MySql, data_dir: &Path) -> Result<MySql, OpenError> {
        let mut options = place.options;
        if !self.password_file.is_empty() {
            options = options.password(&password(&data_dir.join(&self.password_file))?);
        }
        if let Some(file) = &place.authority {
            let file = data_dir.join(file);
            if let Err(error) = std::fs::File::open(&file) {
                return Err(OpenError::File { key: "store.url's ssl-ca", file, problem: error.to_string() });
            }
            options = options.ssl_ca(file);
        }
        Ok(MySql { options, ..place })
    }
}

/// A database, as an address names it.
pub(crate) enum Address {
    /// A file, relative to the data folder.
    Sqlite(PathBuf),
    /// A server.
    MySql(Box<MySql>),
}

/// A database on a MySQL or MariaDB server.
#[derive(Clone)]
pub(crate) struct MySql {
    pub(crate) options: MySqlConnectOptions,
    /// The server in words: its host and port, or its socket.
    pub(crate) place: String,
    /// The database's name.
    pub(crate) name: String,
    authority: Option<PathBuf>,
}

fn mysql(url: &str) -> Result<MySql, OpenError> {
    let wrong = || OpenError::Url(shown(url));
    let rest = url.strip_prefix("mysql://").ok_or_else(wrong)?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (user, place) = place.rsplit_once('@').ok_or_else(wrong)?;
    if user.contains(':') {
        return Err(OpenError::PasswordInUrl);
    }
    let (host, name) = place.split_once('/').ok_or_else(wrong)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-$".contains(c);
    if user.is_empty() || name.is_empty() || !name.chars().all(plain) {
        return Err(wrong());
    }
    let has_socket = query.split('&').any(|option| option.starts_with("socket="));
    if host.is_empty() && !has_socket {
        return Err(wrong());
    }
    // An address with a user and no host is none by the rules for addresses.
    let host = if host.is_empty() { "localhost" } else { host };
    let parsed: MySqlConnectOptions =
        format!("mysql://{user}@{host}/{name}?{query}").parse().map_err(|_| wrong())?;
    let authority = options_of(query)?;
    let loopback = is_loopback(parsed.get_host());
    let (mode, place) = match parsed.get_socket() {
        Some(socket) => (MySqlSslMode::Disabled, socket.display().to_string()),
        None => {
            let trusted = loopback && authority.is_none();
            let mode = if trusted { MySqlSslMode::Preferred } else { MySqlSslMode::VerifyIdentity };
            (mode, format!("{}:{}", parsed.get_host(), parsed.get_port()))
        }
    };
    let options = parsed.ssl_mode(mode).charset("utf8mb4").collation("utf8mb4_bin");
    Ok(MySql { options: options.statement_cache_capacity(256), place, name: name.to_owned(), authority })
}

/// The file of `ssl-ca`, if there is one; anything unknown is refused, for the driver would pass over it.
fn options_of(query: &str) -> Result<Option<PathBuf>, OpenError> {
    let mut authority = None;
    for option in query.split('&').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("ssl-ca", file)) if !file.is_empty() => authority = Some(PathBuf::from(file)),
            Some(("socket", path)) if !path.is_empty() => {}
            Some((name, _)) => return Err(OpenError::UrlOption(name.to_owned())),
            None => return Err(OpenError::UrlOption(option.to_owned())),
        }
    }
    Ok(authority)
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// An address without anything that might be a secret.
fn shown(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://…"),
        None => url.to_owned(),
    }
}

fn password(file: &Path) -> Result<String, OpenError> {
    let refused =
        |problem: String| OpenError::File { key: "store.password_file", file: file.into(), problem };
    let metadata = std::fs::metadata(file).map_err(|error| refused(error.to_string()))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(refused("others than its owner may use it; `chmod 600` it".into()));
    }
    let text = std::fs::read_to_string(file).map_err(|error| refused(error.to_string()))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(refused("it is empty".into()));
    }
    Ok(text.to_owned())
}
