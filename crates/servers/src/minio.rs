//! MinIO: one server on one folder.

use std::path::Path;
use std::process::Command;

use crate::{Error, Kind, S3_ACCESS_KEY, S3_SECRET_KEY, find, probe};

pub const HOW_TO_GET: &str = "GOBIN=$PWD/target/servers/bin go install \
    github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c";

pub fn is_installed() -> bool {
    find::program("minio").is_some()
}

pub fn command(dir: &Path, ports: &[u16]) -> Result<Command, Error> {
    let program = find::program("minio").ok_or_else(|| Kind::Minio.missing())?;
    let [address, console] = [0, 1].map(|index| format!("127.0.0.1:{}", ports[index]));
    let mut command = Command::new(program);
    command.args(["server", "--quiet", "--address", &address, "--console-address", &console]);
    command.arg("--config-dir").arg(dir.join("config")).arg(dir.join("data"));
    command.env("MINIO_ROOT_USER", S3_ACCESS_KEY).env("MINIO_ROOT_PASSWORD", S3_SECRET_KEY);
    command.env("MINIO_BROWSER", "off").env("MINIO_UPDATE", "off");
    Ok(command)
}

pub fn answers(ports: &[u16]) -> bool {
    probe::http_get(ports[0], "/minio/health/cluster").is_some_and(|(status, _)| status == 200)
}
