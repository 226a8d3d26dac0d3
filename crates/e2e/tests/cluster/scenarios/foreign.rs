//! Clients that are not ours: a Go program finds the user service with etcd's own resolver and calls it with
//! grpc-go over mutual TLS.

use std::path::Path;
use std::sync::Arc;

use tokio::process::Command;

use crate::cluster::{Cluster, run};

const CALLS: &str = "10";

pub async fn a_go_program_finds_a_service_and_calls_it(cluster: Arc<Cluster>) {
    let program = cluster.dir().join("go-resolver");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../discovery/tests/go-resolver");
    let mut building = Command::new("go");
    building.args(["build", "-o"]).arg(&program).arg(".").current_dir(source).env("CGO_ENABLED", "0");
    let built = building.output().await;
    if !built.as_ref().is_ok_and(|output| output.status.success()) {
        let how_to_get = "https://go.dev/dl, 1.24 or newer, and the modules of tests/go-resolver";
        let missing = servers::Error::Missing { name: "go", how_to_get };
        // Says so, and fails with CI=true.
        assert!(servers::or_skip(Err(missing)).is_none());
        return;
    }
    let tls = cluster.dir().join("tls");
    let mut calling = Command::new(&program);
    calling.args(["-etcd", &format!("127.0.0.1:{}", cluster.port("etcd")), "-target", "etcd:////user/v1"]);
    calling.args(["-call", "-calls", CALLS, "-servername", "user.dytt", "-service", "dytt.v1.UserService"]);
    for (flag, file) in [("-ca", "ca.pem"), ("-cert", "gateway.pem"), ("-key", "gateway.key")] {
        calling.arg(flag).arg(tls.join(file));
    }
    let ended = run(calling).await;
    let lines: Vec<&str> = ended.stdout.lines().collect();
    let found = lines.iter().filter(|line| line.starts_with("127.0.0.1:")).count();
    let serving = lines.iter().filter(|line| line.contains("SERVING")).count();
    println!("a Go program: {found} instances found, {serving} of {CALLS} calls answered SERVING");
    assert_eq!((ended.code, found), (Some(0), 2), "{ended:?}");
    assert_eq!(serving.to_string(), CALLS, "{ended:?}");
    for process in ["user-1", "user-2"] {
        assert!(lines.contains(&cluster.address(process).as_str()), "{process} is found: {lines:?}");
    }
}
