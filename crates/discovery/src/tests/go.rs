//! A Go program finds what is registered here with etcd's own resolver.

use std::path::Path;
use std::process::Command;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn go_finds_what_is_registered() {
    let Some(world) = World::start() else { return };
    let Some(program) = build(world.folder.path()) else { return };
    let process = world.process("process");
    let mut told = process.watch("user", "v1");
    let _user = [process.register(instance("user", 1)), process.register(instance("user", 2))];
    let _v2 = process.register(Instance { version: "v2".into(), ..instance("user", 3) });
    let _feed = process.register(instance("feed", 4));
    ports(&mut told, &[1, 2]).await;
    let mut command = Command::new(program);
    command.args(["-etcd", &world.etcd.addr().to_string(), "-target", "etcd:////user/v1"]);
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "127.0.0.1:1\n127.0.0.1:2\n");
}

/// The program, built; nothing where Go or its modules are not to be had.
fn build(folder: &Path) -> Option<PathBuf> {
    let program = folder.join("go-resolver");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go-resolver");
    let mut command = Command::new("go");
    command.args(["build", "-o"]).arg(&program).arg(".").current_dir(source).env("CGO_ENABLED", "0");
    let missing = match command.output() {
        Ok(output) if output.status.success() => return Some(program),
        Ok(output) => {
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
            let how_to_get = "let `go mod download` run in crates/discovery/tests/go-resolver";
            servers::Error::Missing { name: "the Go program's modules", how_to_get }
        }
        Err(_) => servers::Error::Missing { name: "go", how_to_get: "https://go.dev/dl, 1.24 or newer" },
    };
    // Says so, and fails with CI=true.
    servers::or_skip(Err(missing)).map(|_| program)
}
