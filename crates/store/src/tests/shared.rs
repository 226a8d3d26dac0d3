//! One MariaDB for all tests of this process: started by the first that wants it, gone with the process.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sea_orm::sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _};
use servers::Server;

use crate::Config;

struct Shared {
    server: Server,
    /// Removes the folder when this process has ended; nothing of ours runs then.
    _broom: Child,
}

static SHARED: OnceLock<Option<Shared>> = OnceLock::new();
static DATABASES: AtomicU64 = AtomicU64::new(0);

/// Whether there is a MariaDB; without one the test is skipped, and says so.
pub(super) fn is_there() -> bool {
    shared().is_some()
}

fn shared() -> Option<&'static Shared> {
    SHARED.get_or_init(start).as_ref()
}

fn start() -> Option<Shared> {
    let folder = std::env::temp_dir().join(format!("dytt-store-{}", std::process::id()));
    std::fs::DirBuilder::new().mode(0o700).create(&folder).expect("make a folder");
    let Some(server) = servers::or_skip(servers::mariadb(&folder)) else {
        std::fs::remove_dir_all(&folder).expect("remove the folder");
        return None;
    };
    let broom = broom(&folder, server.pid()).expect("start a broom");
    Some(Shared { server, _broom: broom })
}

/// Waits for the end of this process, whose end of the pipe closes, and of the server; then cleans up.
fn broom(folder: &Path, server: u32) -> std::io::Result<Child> {
    let script = "read -r end; while kill -0 $1 2>/dev/null; do sleep 0.1; done; rm -rf \"$0\"";
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(script).arg(folder).arg(server.to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn()
}

/// Where a database of its own is for one test; its password lies in `folder`.
pub(super) fn database(folder: &Path) -> Config {
    let port = shared().expect("asked only when it is there").server.port();
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    on_server(port, servers::MARIADB_USER, &format!("dytt_{number}"), folder)
}

/// Where a database on some server is, for a user with the password of all.
pub(super) fn on_server(port: u16, user: &str, name: &str, folder: &Path) -> Config {
    secret(&folder.join("password"), servers::MARIADB_PASSWORD);
    Config {
        url: format!("mysql://{user}@127.0.0.1:{port}/{name}"),
        password_file: "password".into(),
        write_wait_ms: 60_000,
        read_wait_ms: 60_000,
    }
}

/// A file that only its owner reads.
pub(super) fn secret(path: &PathBuf, text: &str) {
    let mut options = std::fs::OpenOptions::new();
    let mut file =
        options.create(true).write(true).truncate(true).mode(0o600).open(path).expect("make a file");
    writeln!(file, "{text}").expect("write a file");
}

/// A plain connection of the administrator to the same server, for what tests do behind the store's back.
pub(super) async fn admin(config: &Config) -> MySqlConnection {
    let options: MySqlConnectOptions = config.url.parse().expect("an address");
    let options = options.username(servers::MARIADB_ADMIN).password(servers::MARIADB_PASSWORD);
    options.connect().await.expect("connect")
}

/// Runs statements on it, one after the other.
pub(super) async fn say(connection: &mut MySqlConnection, statements: &[&str]) {
    for sql in statements {
        connection.execute(AssertSqlSafe(*sql)).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}
