//! MariaDB: one server on TCP, every commit on the disk before it is told, no binary log.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Error, Kind, find, probe};

pub const HOW_TO_GET: &str = "apt-get install mariadb-server-core mariadb-client-core";

/// Has all rights on databases whose names begin with `dytt`.
pub const MARIADB_USER: &str = "dytt";
/// May do everything, such as making users with fewer rights.
pub const MARIADB_ADMIN: &str = "admin";
/// The password of both.
pub const MARIADB_PASSWORD: &str = "dytt-password-of-tests";

const SERVER: &str = "mariadbd";
const INSTALLER: &str = "mariadb-install-db";
const CLIENT: &str = "mariadb";

pub fn is_installed() -> bool {
    [SERVER, INSTALLER, CLIENT].iter().all(|name| find::program(name).is_some())
}

pub fn command(dir: &Path, ports: &[u16]) -> Result<Command, Error> {
    if !is_installed() {
        return Err(Kind::Mariadb.missing());
    }
    // A server that starts removes what it takes for leftovers in a shared one, also of those being installed.
    let temporary = dir.join("tmp");
    std::fs::create_dir_all(&temporary).map_err(|error| Error::failed(SERVER, error))?;
    let data = dir.join("data");
    if !data.join("mysql").exists() {
        install(dir, &data, &temporary)?;
    }
    let users = dir.join("users.sql");
    std::fs::write(&users, accounts()).map_err(|error| Error::failed(SERVER, error))?;
    let mut command = Command::new(program(SERVER)?);
    // These stand first: others are an error before them.
    command.arg("--no-defaults").args(as_root());
    command.arg(option("datadir", &data)).arg(option("init-file", &users));
    command.arg(option("tmpdir", &temporary));
    // Relative to the data folder: the path of a unix socket may have 107 bytes.
    command.args(["--socket=socket", "--bind-address=127.0.0.1", &format!("--port={}", ports[0])]);
    command.args(["--skip-name-resolve", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=1"]);
    command.args(["--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin"]);
    command.args(["--innodb-buffer-pool-size=64M", "--innodb-log-file-size=48M", "--performance-schema=OFF"]);
    command.args(["--max-connections=500", "--log-warnings=1"]);
    Ok(command)
}

/// A real query of the user, after the greeting shows that there is somebody to ask.
pub fn answers(ports: &[u16]) -> bool {
    const PROTOCOL: u8 = 10;
    let greeted = probe::greeting(ports[0]).is_some_and(|first| first[4] == PROTOCOL);
    greeted && ask(ports[0], MARIADB_USER, "SELECT 1").is_ok()
}

/// Runs statements as [`MARIADB_ADMIN`] on the server of a port; their rows, with tabs between columns.
///
/// # Errors
/// What the server or its client program says.
pub fn mariadb_sql(port: u16, statements: &str) -> Result<String, Error> {
    ask(port, MARIADB_ADMIN, statements)
}

pub(crate) fn ask(port: u16, user: &str, statements: &str) -> Result<String, Error> {
    let mut client = Command::new(program(CLIENT)?);
    client.args(["--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--connect-timeout=2"]);
    client.args(["--batch", "--skip-column-names"]).arg(format!("--port={port}"));
    client.arg(format!("--user={user}")).arg("--execute").arg(statements);
    client.env("MYSQL_PWD", MARIADB_PASSWORD).stdin(Stdio::null());
    let output = client.output().map_err(|error| Error::failed(CLIENT, error))?;
    if !output.status.success() {
        return Err(Error::failed(CLIENT, String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn install(dir: &Path, data: &Path, temporary: &Path) -> Result<(), Error> {
    let mut command = Command::new(program(INSTALLER)?);
    command.arg("--no-defaults").args(as_root()).arg(option("datadir", data));
    command.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
    // It is a script that writes to the folder it is run in.
    command.current_dir(dir).env("TMPDIR", temporary).stdin(Stdio::null());
    let output = command.output().map_err(|error| Error::failed(INSTALLER, error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Error::failed(INSTALLER, format!("{}\n{said}", output.status)));
    }
    Ok(())
}

/// Run at every start, before the first connection is taken.
fn accounts() -> String {
    // One line a statement: that is how the server reads the file.
    [
        format!("CREATE USER IF NOT EXISTS '{MARIADB_USER}'@'%' IDENTIFIED BY '{MARIADB_PASSWORD}';"),
        format!("GRANT ALL PRIVILEGES ON `dytt%`.* TO '{MARIADB_USER}'@'%';"),
        format!("CREATE USER IF NOT EXISTS '{MARIADB_ADMIN}'@'%' IDENTIFIED BY '{MARIADB_PASSWORD}';"),
        format!("GRANT ALL PRIVILEGES ON *.* TO '{MARIADB_ADMIN}'@'%' WITH GRANT OPTION;"),
    ]
    .join("\n")
}

/// As root it runs only when told so.
fn as_root() -> Option<&'static str> {
    rustix::process::geteuid().is_root().then_some("--user=root")
}

fn program(name: &str) -> Result<PathBuf, Error> {
    find::program(name).ok_or_else(|| Kind::Mariadb.missing())
}

fn option(name: &str, path: &Path) -> std::ffi::OsString {
    let mut text = std::ffi::OsString::from(format!("--{name}="));
    text.push(path);
    text
}
