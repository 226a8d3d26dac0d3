//! Zipkin: the stock server, its spans in memory.

use std::path::Path;
use std::process::Command;

use crate::{Error, Kind, find, probe};

pub const HOW_TO_GET: &str = "apt-get install default-jre-headless maven && mvn dependency:copy \
    -Dartifact=io.zipkin:zipkin-server:3.6.1:jar:exec -DoutputDirectory=target/servers";

const ARCHIVE: &str = "zipkin-server-3.6.1-exec.jar";

pub fn is_installed() -> bool {
    find::program("java").is_some() && find::archive(ARCHIVE).is_some()
}

pub fn command(dir: &Path, ports: &[u16]) -> Result<Command, Error> {
    let (Some(java), Some(archive)) = (find::program("java"), find::archive(ARCHIVE)) else {
        return Err(Kind::Zipkin.missing());
    };
    let temporary = dir.join("tmp");
    std::fs::create_dir_all(&temporary).map_err(|error| Error::failed("zipkin", error))?;
    let mut command = Command::new(java);
    // Quick to start rather than fast; nothing is left in the machine's own temporary folder.
    command.args(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]);
    command.arg(format!("-Djava.io.tmpdir={}", temporary.display()));
    command.arg("-jar").arg(archive);
    command.args(["--armeria.ports[0].ip=127.0.0.1", "--armeria.ports[0].protocols[0]=http"]);
    command.arg(format!("--armeria.ports[0].port={}", ports[0]));
    command.args(["--logging.level.root=WARN", "--spring.main.banner-mode=off"]);
    command.env("QUERY_PORT", ports[0].to_string());
    command.env("STORAGE_TYPE", "mem").env("SELF_TRACING_ENABLED", "false");
    // What the memory above surely holds; older spans make room.
    command.env("MEM_MAX_SPANS", "100000");
    Ok(command)
}

pub fn answers(ports: &[u16]) -> bool {
    probe::http_get(ports[0], "/health").is_some_and(|(status, _)| status == 200)
}
