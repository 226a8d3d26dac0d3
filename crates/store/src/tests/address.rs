//! Addresses: what is understood, what is refused in one line, and that no line tells a secret.

use std::os::unix::fs::PermissionsExt;

use sea_orm::sqlx::mysql::MySqlSslMode;

use super::fixture::config;
use super::shared::secret;
use crate::config::{Address, MySql};
use crate::{Config, OpenError, Store};

fn at(url: &str) -> Config {
    Config { url: url.into(), ..config() }
}

fn mysql(url: &str) -> MySql {
    match at(url).address() {
        Ok(Address::MySql(place)) => *place,
        Ok(Address::Sqlite(path)) => panic!("{url}: {}", path.display()),
        Err(error) => panic!("{url}: {error}"),
    }
}

#[test]
fn a_server_is_understood_with_its_user_port_and_database() {
    let place = mysql("mysql://dytt@db.example.org:3307/clips");
    let options = &place.options;
    assert_eq!((options.get_host(), options.get_port()), ("db.example.org", 3307));
    assert_eq!((options.get_username(), options.get_database()), ("dytt", Some("clips")));
    assert_eq!((place.place.as_str(), place.name.as_str()), ("db.example.org:3307", "clips"));
    assert_eq!(mysql("mysql://dytt@localhost/clips").options.get_port(), 3306);
}

#[test]
fn only_loopback_and_a_socket_go_without_a_proven_name() {
    for (url, proven) in [
        ("mysql://u@db.example.org/d", true),
        ("mysql://u@10.0.0.7/d", true),
        ("mysql://u@localhost.example.org/d", true),
        ("mysql://u@db.example.org/d?ssl-ca=ca.pem", true),
        ("mysql://u@127.0.0.1/d?ssl-ca=ca.pem", true),
        ("mysql://u@127.0.0.1/d", false),
        ("mysql://u@[::1]/d", false),
        ("mysql://u@localhost/d", false),
        ("mysql://u@/d?socket=/run/mysqld/mysqld.sock", false),
    ] {
        let mode = mysql(url).options.get_ssl_mode();
        assert_eq!(matches!(mode, MySqlSslMode::VerifyIdentity), proven, "{url}: {mode:?}");
    }
}

#[test]
fn a_socket_takes_the_place_of_a_host() {
    let place = mysql("mysql://u@/d?socket=/run/mysqld/mysqld.sock");
    assert_eq!(place.place, "/run/mysqld/mysqld.sock");
    assert_eq!(place.options.get_socket().expect("a socket").to_str(), Some("/run/mysqld/mysqld.sock"));
}

#[test]
fn what_is_no_address_is_refused_and_a_secret_in_it_is_not_repeated() {
    for url in [
        "",
        "sqlite:",
        "dytt.sqlite",
        "oracle:x",
        "postgres://scott:tiger@host/db",
        "mysql://host/db",
        "mysql://@host/db",
        "mysql://u@host",
        "mysql://u@host/",
        "mysql://u@/d",
        "mysql://u@host:port/d",
        "mysql://u@host/a/b",
        "mysql://u@host/a`b",
        "mysql:u@host/d",
        "mysql://u:tiger?x@host/d",
    ] {
        let refused = at(url).check().expect_err(url);
        assert!(matches!(refused, OpenError::Url(_)), "{url}: {refused}");
        let line = refused.to_string();
        assert!(line.contains("`sqlite:PATH` or `mysql://USER@HOST:PORT/NAME`"), "{line}");
        assert!(!line.contains("tiger") && !line.contains('\n'), "{line}");
    }
}

#[test]
fn a_password_in_the_address_is_refused_and_not_repeated() {
    for url in
        ["mysql://u:tiger@host/d", "mysql://u:ti/ger@host/d", "mysql://u:tiger@x@host/d", "mysql://u:@h/d"]
    {
        let line = at(url).check().expect_err(url).to_string();
        assert!(line.contains("store.password_file") && !line.contains("ger"), "{line}");
    }
}

#[test]
fn an_option_nobody_knows_is_refused() {
    for query in
        ["ssl-mode=DISABLED", "sslca=x", "charset=latin1", "socket", "ssl-ca=", "ssl-ca=a&timezone=x"]
    {
        let refused = at(&format!("mysql://u@host/d?{query}")).check();
        assert!(matches!(refused, Err(OpenError::UrlOption(_))), "{query}: {refused:?}");
    }
}

#[tokio::test]
async fn a_password_file_that_is_missing_empty_or_open_to_others_is_refused() {
    let folder = tempfile::tempdir().expect("make a folder");
    let config = Config { password_file: "password".into(), ..at("mysql://u@127.0.0.1:9/d") };
    let file = folder.path().join("password");
    let refused =
        async || Store::open(&config, folder.path()).await.map(|_| ()).expect_err("no store").to_string();
    assert!(refused().await.contains("store.password_file names"));
    secret(&file, "");
    assert!(refused().await.contains("it is empty"));
    secret(&file, "tiger");
    for mode in [0o640, 0o604, 0o660] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("open the file");
        let line = refused().await;
        assert!(line.contains("chmod 600") && !line.contains("tiger"), "{line}");
    }
}
