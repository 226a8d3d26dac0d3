//! What a media tool may still do in its cell, tried by a shell in the tool's place with what is built into it.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use e2e::{dytt, eventually, run};
use tempfile::TempDir;
use tokio::process::Command;

const DEADLINE: Duration = Duration::from_secs(30);

/// A folder with a file to read, one to write, and a secret.
fn cell() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [("in", "clip"), ("out", ""), ("secret", "canary")] {
        std::fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

/// What a script says and how it ends, in the cell of this folder.
async fn confined(folder: &Path, script: &str) -> e2e::Ended {
    let path = |name: &str| folder.join(name).display().to_string();
    let words = ["sandbox", "--read", &path("in"), "--write", &path("out"), "--", "/bin/bash", "-c", script];
    run(folder, &[], &words).await
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).expect("a file")
}

#[tokio::test]
async fn a_tool_reads_and_writes_its_own_files() {
    let folder = cell();
    let ended = confined(folder.path(), "read -r text < in; echo \"$text\" && echo made > out").await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "clip\n"), "{}", ended.stderr);
    assert_eq!(read(folder.path(), "out"), "made\n");
}

#[tokio::test]
async fn a_tool_reads_nothing_else() {
    let folder = cell();
    for file in
        ["secret", "/etc/passwd", "/etc/hostname", "/proc/self/environ", "/proc/1/status", "/dev/urandom"]
    {
        let ended = confined(folder.path(), &format!("read -r text < {file} && echo \"got $text\"")).await;
        assert!(ended.code != Some(0) && ended.stdout.is_empty(), "{file}: {ended:?}");
        assert!(ended.stderr.contains("ermission denied"), "{file}: {ended:?}");
    }
    // A folder that cannot be listed leaves the pattern as it is.
    let ended = confined(folder.path(), "echo /* * /home/* /usr/bin/l*").await;
    assert_eq!(ended.stdout, "/* * /home/* /usr/bin/l*\n");
}

#[tokio::test]
async fn a_tool_writes_nothing_else() {
    let folder = cell();
    for script in
        ["echo x > in", "echo x > secret", "echo x > new", "echo x > /tmp/dytt-new", "echo x >> out/new"]
    {
        let ended = confined(folder.path(), script).await;
        assert_ne!(ended.code, Some(0), "{script}: {ended:?}");
    }
    assert_eq!((read(folder.path(), "in"), read(folder.path(), "secret")), ("clip".into(), "canary".into()));
    let names = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(names, 3);
}

#[tokio::test]
async fn a_tool_connects_nowhere() {
    let folder = cell();
    let canary = TcpListener::bind("127.0.0.1:0").expect("listens");
    canary.set_nonblocking(true).expect("looks without waiting");
    let port = canary.local_addr().expect("an address").port();
    let ended =
        confined(folder.path(), &format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo connected")).await;
    assert!(ended.code != Some(0) && ended.stdout.is_empty(), "{ended:?}");
    assert!(ended.stderr.contains("not permitted"), "{ended:?}");
    assert!(canary.accept().is_err());
}

#[tokio::test]
async fn a_tool_starts_no_process_and_becomes_none() {
    let folder = cell();
    for script in ["(echo child)", "echo a | { read -r text; echo child; }", "exec /bin/echo child"] {
        let ended = confined(folder.path(), script).await;
        assert!(ended.code != Some(0) && ended.stdout.is_empty(), "{script}: {ended:?}");
    }
}

#[tokio::test]
async fn a_tool_signals_nobody() {
    let folder = cell();
    let mut bystander = Command::new("sleep").arg("1000").kill_on_drop(true).spawn().expect("sleep starts");
    let pid = bystander.id().expect("a process");
    let ended = confined(folder.path(), &format!("kill -KILL {pid} && echo killed")).await;
    assert!(ended.code != Some(0) && ended.stdout.is_empty(), "{ended:?}");
    assert!(bystander.try_wait().expect("is asked").is_none());
}

#[tokio::test]
async fn a_tool_does_not_outlive_who_started_it() {
    let folder = cell();
    // The shell waits for the tool, which waits for a line that never comes.
    let script = format!(
        "'{}' sandbox --write out -- /bin/bash -c 'echo $$ > out; read -r line' & wait",
        dytt().display()
    );
    let mut parent = Command::new("/bin/bash");
    parent.args(["-c", &script]).current_dir(folder.path()).stdin(Stdio::piped()).kill_on_drop(true);
    let mut parent = parent.spawn().expect("a shell starts");
    let tool = eventually("the tool starts", DEADLINE, async || {
        read(folder.path(), "out").trim().parse::<u32>().ok()
    })
    .await;
    parent.kill().await.expect("is killed");
    eventually("the tool is gone", DEADLINE, async || {
        let stat = std::fs::read_to_string(format!("/proc/{tool}/stat"));
        stat.map_or(true, |stat| stat.contains(") Z ")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_missing_is_named_and_nothing_runs() {
    let folder = cell();
    let ended =
        run(folder.path(), &[], &["sandbox", "--read", "absent", "--", "/bin/bash", "-c", "echo ran"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(125), ""), "{ended:?}");
    assert!(ended.stderr.contains("absent") && ended.stderr.lines().count() == 1, "{ended:?}");
    let ended = run(folder.path(), &[], &["sandbox", "--", "/bin/absent"]).await;
    assert_eq!(ended.code, Some(127), "{ended:?}");
    assert!(ended.stderr.contains("/bin/absent") && ended.stderr.lines().count() == 1, "{ended:?}");
}
