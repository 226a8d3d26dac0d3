//! The table of all members, as `up` and `status` print it.

use std::path::Path;

use super::member::{Member, Role};
use super::process::Life;
use super::state::Cluster;

const HEAD: [&str; 7] = ["name", "pid", "state", "http", "rpc", "admin", "ready"];

/// Every member, how it stands with it and where it is reached. A server's port stands under the protocol it
/// speaks.
pub fn status(dir: &Path, cluster: &Cluster) -> String {
    // A frozen process lets its questioner wait, so all are asked at once.
    let rows: Vec<[String; 7]> = std::thread::scope(|scope| {
        let asked: Vec<_> =
            cluster.members.iter().map(|member| scope.spawn(move || row(dir, member))).collect();
        asked.into_iter().filter_map(|row| row.join().ok()).collect()
    });
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(rows);
    table(&lines)
}

fn row(dir: &Path, member: &Member) -> [String; 7] {
    let port = |port: Option<u16>| port.map_or_else(|| "-".to_owned(), |port| port.to_string());
    let state = match member.life() {
        Life::Running => "running",
        Life::Frozen => "frozen",
        Life::Ended => "ended",
    };
    let is_http = !matches!(member.role, Role::Server(servers::Kind::Mariadb));
    let [http, rpc] = if is_http {
        [member.ports.http.or(member.ports.own), member.ports.rpc]
    } else {
        [None, member.ports.own]
    };
    let ready = if member.is_ready(dir) { "yes" } else { "no" };
    [
        member.name.clone(),
        member.pid.to_string(),
        state.to_owned(),
        port(http),
        port(rpc),
        port(member.ports.admin),
        ready.to_owned(),
    ]
}

/// Columns as wide as their widest word.
fn table<const N: usize>(lines: &[[String; N]]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for line in lines {
        let words: Vec<String> =
            line.iter().zip(widths).map(|(word, width)| format!("{word:<width$}")).collect();
        text.push_str(words.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let lines = [["a", "long word", "x"], ["bb", "w", "y"]].map(|line| line.map(str::to_owned));
        assert_eq!(table(&lines), "a   long word  x\nbb  w          y\n");
    }

    #[test]
    fn a_member_that_never_ran_is_shown_as_ended() {
        let member = Member::new("user-1".into(), Role::Service("user".into()));
        let row = row(Path::new("/"), &member);
        assert_eq!([&row[0], &row[2], &row[3], &row[6]], ["user-1", "ended", "-", "no"]);
        assert_eq!(row[4], member.ports.rpc.expect("a port").to_string());
    }
}
