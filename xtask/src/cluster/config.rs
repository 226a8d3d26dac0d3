//! What the members are told: the configuration all services share, and what is each one's own.

use std::path::Path;

use anyhow::{Context, Result};

use super::member::{Member, Role};
use super::state::Cluster;

/// The services of the platform.
pub const SERVICES: [&str; 9] =
    ["gateway", "user", "feed", "video", "like", "comment", "follow", "message", "media"];

/// The database and the bucket.
pub const STORE: &str = "dytt";

/// Where the configuration is.
pub const FILE: &str = "dytt.toml";

/// The configuration file.
pub fn text(dir: &Path, cluster: &Cluster) -> Result<String> {
    let port = |name: &str| cluster.member(name)?.ports.own.with_context(|| format!("{name} has no port"));
    let path = |name: &str| quoted(&dir.join(name).display().to_string());
    let user = servers::MARIADB_USER;
    Ok(format!(
        r#"# Written by `cargo xtask cluster up`; the next one writes it anew.
data_dir = {data}

[server]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"

[rpc]
listen = "127.0.0.1:0"

[discovery]
kind = "etcd"
endpoints = ["http://127.0.0.1:{etcd}"]

[tls]
dir = {tls}

[store]
url = "mysql://{user}@127.0.0.1:{mariadb}/{STORE}"
password_file = {password}

[blobs]
url = "s3://{STORE}?endpoint=http://127.0.0.1:{s3}&region=us-east-1"
access_key_file = {access_key}
secret_key_file = {secret_key}

[auth]
jwt_key_file = {jwt}
rpc_key_file = {rpc}

[telemetry]
exporter = "zipkin"
zipkin_url = "http://127.0.0.1:{zipkin}"
"#,
        data = path("commands"),
        tls = path("tls"),
        password = path("keys/mariadb.password"),
        access_key = path("keys/s3.access"),
        secret_key = path("keys/s3.secret"),
        jwt = path("keys/jwt.key"),
        rpc = path("keys/rpc/master.key"),
        etcd = port("etcd")?,
        mariadb = port("mariadb")?,
        s3 = port("s3")?,
        zipkin = port("zipkin")?,
    ))
}

/// The words that start a service.
pub fn words(dir: &Path, member: &Member, service: &str) -> Vec<String> {
    let mut words: Vec<String> = ["serve", "--services", service].map(str::to_owned).into();
    let mut flag = |name: &str, value: String| words.extend([name.to_owned(), value]);
    flag("--config", dir.join(FILE).display().to_string());
    flag("--data-dir", member.folder(dir).display().to_string());
    let ports = member.ports;
    for (name, port) in
        [("--listen", ports.http), ("--rpc-listen", ports.rpc), ("--admin-listen", ports.admin)]
    {
        if let Some(port) = port {
            flag(name, format!("127.0.0.1:{port}"));
        }
    }
    words
}

/// The key file a service vouches with: a gateway has the key all others are derived from.
pub fn rpc_key(service: &str) -> String {
    if service == "gateway" { "keys/rpc/master.key".into() } else { format!("keys/rpc/{service}.key") }
}

/// What is a member's own and has no flag.
pub fn own_settings(dir: &Path, member: &Member) -> Option<(String, String)> {
    let Role::Service(service) = &member.role else {
        return None;
    };
    Some(("DYTT_AUTH__RPC_KEY_FILE".into(), dir.join(rpc_key(service)).display().to_string()))
}

/// A string as TOML writes it, which for paths is as JSON does.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn cluster() -> Cluster {
        let members = super::super::roles(servers::Kind::Minio).into_iter();
        let members = members.map(|(name, role)| Member::new(name, role)).collect();
        Cluster { dytt: "/bin/dytt".into(), environment: BTreeMap::new(), members }
    }

    #[test]
    fn the_configuration_names_every_server_and_no_relative_path() {
        let cluster = cluster();
        let text = text(Path::new("/srv/a \"b\""), &cluster).expect("a text");
        for name in ["etcd", "mariadb", "s3", "zipkin"] {
            let port = cluster.member(name).expect("it is there").ports.own.expect("a port");
            assert!(text.contains(&format!("127.0.0.1:{port}")), "{name}: {text}");
        }
        assert!(text.contains(r#"dir = "/srv/a \"b\"/tls""#), "{text}");
        for line in text.lines().filter(|line| line.contains("_file = ") || line.contains("dir = ")) {
            assert!(line.contains("= \"/srv/"), "{line}");
        }
    }

    #[test]
    fn every_key_is_one_of_the_platforms() {
        let known = include_str!("../../../config/default.toml");
        let text = text(Path::new("/srv"), &cluster()).expect("a text");
        let keys = |text: &str| {
            let mut section = String::new();
            let mut keys = BTreeSet::new();
            for line in text.lines() {
                if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                    section = name.to_owned();
                }
                if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
                    keys.insert(format!("{section}.{key}"));
                }
            }
            keys
        };
        let unknown: Vec<String> = keys(&text).difference(&keys(known)).cloned().collect();
        assert_eq!(unknown, Vec::<String>::new());
    }

    #[test]
    fn a_service_is_told_its_ports_and_folder() {
        let cluster = cluster();
        let gateway = cluster.member("gateway-2").expect("it is there");
        let said = words(Path::new("/srv"), gateway, "gateway").join(" ");
        let (http, admin) = (gateway.ports.http.expect("a port"), gateway.ports.admin.expect("a port"));
        assert_eq!(
            said,
            format!(
                "serve --services gateway --config /srv/dytt.toml --data-dir /srv/gateway-2 \
                 --listen 127.0.0.1:{http} --admin-listen 127.0.0.1:{admin}"
            )
        );
        let user = cluster.member("user-1").expect("it is there");
        assert!(words(Path::new("/srv"), user, "user").contains(&"--rpc-listen".to_owned()));
    }

    #[test]
    fn only_a_gateway_has_the_key_of_all() {
        let cluster = cluster();
        let own = |name: &str| own_settings(Path::new("/srv"), cluster.member(name).expect("it is there"));
        assert_eq!(own("gateway-1").expect("a key").1, "/srv/keys/rpc/master.key");
        assert_eq!(own("like-2").expect("a key").1, "/srv/keys/rpc/like.key");
        assert_eq!(own("etcd"), None);
    }
}
