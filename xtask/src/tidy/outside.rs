//! Which crate knows which outside thing, and which outside crates are not wanted at all.

use super::Violation;
use super::graph::{Graph, Package};

/// An outside crate (`name*` stands for all that begin so) and those of ours that may name it.
const KNOWN_BY: &[(&str, &[&str])] = &[
    ("anyhow", &["dytt", "xtask", "e2e", "bench"]),
    ("argon2", &["services", "bench"]),
    ("axum*", &["gateway", "bench"]),
    ("arc-swap", &["tls", "rpc"]),
    ("clap", &["dytt", "xtask", "bench"]),
    ("etcd-client", &["discovery"]),
    ("governor", &["gateway"]),
    ("jsonwebtoken", &["gateway", "rpc", "services", "bench"]),
    ("metrics-exporter-prometheus", &["telemetry"]),
    ("object_store", &["blobs"]),
    ("opentelemetry*", &["telemetry"]),
    ("prost", &["proto", "xtask"]),
    ("prost-build", &["xtask"]),
    ("protox", &["xtask"]),
    ("rcgen", &["tls"]),
    ("reqwest", &["dytt", "e2e", "services", "telemetry"]),
    ("rusqlite", &["store", "bench"]),
    ("rustls", &["tls"]),
    ("rustls-webpki", &["tls"]),
    ("sea-orm*", &["store", "bench"]),
    ("sqlx*", &["store"]),
    ("tokio-rustls", &["tls"]),
    ("tonic*", &["proto", "rpc"]),
    ("tower-http", &["gateway"]),
    ("tracing-subscriber", &["telemetry"]),
    ("utoipa*", &["gateway"]),
    ("x509-parser", &["tls"]),
];

/// Not in the build, however deep: one TLS and one cryptography library, aws-lc.
const BANNED: &[&str] = &["native-tls", "openssl", "openssl-sys", "ring"];

/// Every outside crate named where it must not be, and every banned one that is reached.
pub fn check(graph: &Graph) -> Vec<Violation> {
    let misnamed = graph.dependencies.iter().filter_map(|dependency| {
        let owners = owners(&dependency.on)?;
        if dependency.ours || owners.contains(&dependency.of.as_str()) {
            return None;
        }
        let text = format!(
            "`{}` names `{}`, which is known by {} alone; call that crate instead",
            dependency.of,
            dependency.on,
            owners.join(", ")
        );
        Some(Violation::new(&dependency.manifest, dependency.line, text))
    });
    misnamed.chain(graph.packages.iter().filter_map(banned)).collect()
}

fn owners(name: &str) -> Option<&'static [&'static str]> {
    let matches = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    };
    KNOWN_BY.iter().find(|(pattern, _)| matches(pattern)).map(|(_, owners)| *owners)
}

fn banned(package: &Package) -> Option<Violation> {
    let name = &package.name;
    if !BANNED.contains(&name.as_str()) {
        return None;
    }
    let wanted_by: Vec<&str> = package.wanted_by.iter().map(String::as_str).collect();
    let text = format!("`{name}` is banned and wanted by {}; use features without it", wanted_by.join(", "));
    Some(Violation::new("Cargo.toml", 1, text))
}

#[cfg(test)]
mod tests {
    use super::super::graph::Dependency;
    use super::*;

    fn named(of: &str, on: &str, dev: bool) -> Vec<Violation> {
        let manifest = format!("crates/{of}/Cargo.toml");
        let dependency = Dependency { of: of.into(), on: on.into(), dev, ours: false, manifest, line: 3 };
        check(&Graph { manifests: Vec::new(), dependencies: vec![dependency], packages: Vec::new() })
    }

    #[test]
    fn only_the_store_names_the_database() {
        assert_eq!(named("store", "sea-orm-migration", false), []);
        assert_eq!(named("services", "sea-orm", false).len(), 1);
        assert_eq!(named("services", "sqlx", true).len(), 1, "nor in tests");
    }

    #[test]
    fn a_crate_nobody_owns_is_free() {
        assert_eq!(named("services", "tokio", false), []);
        assert_eq!(named("services", "prost-types", false), [], "a name is not a prefix");
    }

    #[test]
    fn a_banned_package_is_found_however_deep() {
        let package = |name: &str| Package {
            name: name.into(),
            version: "0.1.0".into(),
            licence: None,
            wanted_by: ["rustls".to_owned()].into(),
        };
        assert_eq!(banned(&package("aws-lc-rs")), None);
        let found = banned(&package("ring")).expect("banned");
        assert!(found.text.contains("wanted by rustls"), "{found}");
    }
}
