//! The nginx example, with each of the two ways to the objects: nginx itself reads it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::tools::{Tools, ask};

const OBJECTS: [&str; 2] = ["nginx-objects-folder.conf", "nginx-objects-s3.conf"];

pub fn check(tools: &Tools) -> Result<Vec<String>> {
    let (nginx, types) = tools.nginx()?;
    let openssl = tools.of_system("openssl", "openssl")?;
    let deploy = tools.root.join("deploy");
    let mut found = Vec::new();
    for objects in OBJECTS {
        let folder = tempfile::tempdir()?;
        let at = folder.path();
        certificate(openssl, at)?;
        std::fs::copy(&types, at.join("mime.types"))?;
        let read = |name: &str| std::fs::read_to_string(deploy.join(name)).context(name.to_owned());
        let config = at.join("nginx.conf");
        std::fs::write(&config, here(&read("nginx.conf")?, at))?;
        std::fs::write(at.join("dytt-objects.conf"), here(&read(objects)?, at))?;
        let said = ask(Command::new(&nginx)
            .arg("-t")
            .arg("-c")
            .arg(&config)
            .arg("-p")
            .arg(at)
            .arg("-e")
            .arg(at.join("error.log")))?;
        // A warning is a mistake of ours, too.
        let lines = said.text.lines().filter(|line| !said.content || line.contains("[warn]"));
        found.extend(
            lines.map(|line| format!("{objects}: {}", line.replace(&*at.to_string_lossy(), "deploy"))),
        );
    }
    Ok(found)
}

/// A configuration whose files are all in one folder, and whose hosts need no name service.
fn here(config: &str, folder: &Path) -> String {
    let folder = folder.display();
    let own = |kind: &str| format!("{kind}_temp_path {folder}/{kind};");
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(own).concat();
    config
        .replace("/etc/nginx/tls/", &format!("{folder}/"))
        .replace("/etc/nginx/", &format!("{folder}/"))
        .replace("/var/log/nginx/", &format!("{folder}/"))
        .replace("/run/nginx.pid", &format!("{folder}/pid"))
        .replace("proxy_pass https://s3.example.org", "proxy_pass https://127.0.0.1")
        .replace("http {", &format!("http {{ {temporary}"))
}

fn certificate(openssl: &str, folder: &Path) -> Result<()> {
    let words =
        ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"];
    let mut command = Command::new(openssl);
    command.args(words).args(["-subj", "/CN=video.example.org"]);
    command.arg("-keyout").arg(folder.join("video.example.org.key"));
    command.arg("-out").arg(folder.join("video.example.org.pem"));
    let said = ask(&mut command)?;
    anyhow::ensure!(said.content, "make a certificate: {}", said.text);
    std::fs::copy(folder.join("video.example.org.pem"), folder.join("ca.pem"))?;
    Ok(())
}
