//! The dataset is the same each time, has the shape it says, and the platform finds nothing wrong with it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::rows::Cell;
use super::*;

/// The smallest one, with files that are written at once.
pub(crate) fn small() -> Dataset {
    Dataset { range_file_bytes: 64 * 1024, ..Dataset::scale("1k").expect("a scale") }
}

/// A data folder with the schema of this tree's program and the rows of the dataset.
pub(crate) fn filled(dataset: &Dataset) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("make a folder");
    assert!(dytt(folder.path(), &["migrate", "up"]).status.success());
    dataset.fill_sqlite(folder.path()).expect("fill");
    folder
}

fn dytt(data_dir: &Path, words: &[&str]) -> std::process::Output {
    let mut command = Command::new(program());
    command.arg("--data-dir").arg(data_dir).args(words);
    command.output().expect("dytt starts")
}

/// The program, built by cargo, which knows whether there is anything to do.
fn program() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--workspace", "--bin", "dytt", "--message-format", "json"]);
    let output = build.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit()).output();
    let output = output.expect("cargo starts");
    assert!(output.status.success(), "cargo build --bin dytt failed");
    let text = String::from_utf8_lossy(&output.stdout);
    let built = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut programs = built.filter(|artifact| artifact["target"]["name"] == "dytt");
    let path = programs.find_map(|artifact| Some(artifact["executable"].as_str()?.to_owned()));
    path.expect("cargo names the program").into()
}

fn hash_of_rows(dataset: &Dataset) -> Vec<u8> {
    let mut hash = Sha256::new();
    let hashed = dataset.each_row(&mut |table, row| {
        hash.update(table.name);
        for cell in row {
            match cell {
                Cell::Number(number) => hash.update(number.to_le_bytes()),
                Cell::Text(text) => hash.update(text),
                Cell::Bytes(bytes) => hash.update(bytes),
            }
        }
        Ok(())
    });
    hashed.expect("make the rows");
    hash.finalize().to_vec()
}

#[test]
fn the_same_seed_makes_the_same_rows_and_another_one_others() {
    let first = hash_of_rows(&small());
    assert_eq!(first, hash_of_rows(&small()));
    assert_ne!(first, hash_of_rows(&Dataset { seed: 1, ..small() }));
}

#[test]
fn the_platform_finds_nothing_wrong() {
    let folder = filled(&small());
    let output = dytt(folder.path(), &["fsck", "--deep", "--json"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!((said.trim(), output.status.code()), ("[]", Some(0)));
}

#[test]
fn a_full_database_is_not_filled_again() {
    let dataset = small();
    let folder = filled(&dataset);
    let again = dataset.fill_sqlite(folder.path()).expect_err("it is full");
    assert!(again.to_string().contains("is not empty"), "{again:#}");
}

#[tokio::test]
async fn the_same_rows_get_into_mariadb() {
    let folder = tempfile::tempdir().expect("make a folder");
    let Some(server) = servers::or_skip(servers::mariadb(&folder.path().join("mariadb"))) else { return };
    let url = format!("mysql://{}@127.0.0.1:{}/dytt_rows", servers::MARIADB_USER, server.port());
    let password = folder.path().join("password");
    std::fs::write(&password, servers::MARIADB_PASSWORD).expect("write the password");
    let only_mine = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&password, only_mine).expect("close the file");
    let config = folder.path().join("dytt.toml");
    let text = format!("[store]\nurl = \"{url}\"\npassword_file = \"{}\"\n", password.display());
    std::fs::write(&config, text).expect("write the configuration");
    let config = config.to_str().expect("a path of text");
    assert!(dytt(folder.path(), &["--config", config, "migrate", "up"]).status.success());
    let dataset = small();
    dataset.fill_mysql(&url, servers::MARIADB_PASSWORD).await.expect("fill");
    dataset.write_objects(&folder.path().join("objects")).expect("write the objects");
    let output = dytt(folder.path(), &["--config", config, "fsck", "--json"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "[]");
}

#[test]
fn popularity_is_zipfs_and_fades() {
    let dataset = small();
    let mut rng = dataset.rng(0);
    let mut seen = vec![0_u32; dataset.videos as usize + 1];
    (0..100_000).for_each(|_| seen[dataset.video(&mut rng) as usize] += 1);
    // 14 days in 1,000 videos: half of the newest 2 days' weight is 2 days older.
    let days = |from: usize, to: usize| {
        let (from, to) = (1000 - from * 1000 / 14, 1000 - to * 1000 / 14);
        f64::from(seen[to + 1..=from].iter().sum::<u32>())
    };
    assert!(days(0, 4) > 2.0 * days(4, 8), "{} {}", days(0, 4), days(4, 8));
    assert_eq!(seen.iter().max(), Some(&seen[dataset.hot_video() as usize]));
    let zipf = Weighted::new((1..=1000).map(|rank| f64::from(rank).powf(-0.99)).collect());
    let firsts = (0..100_000).filter(|_| zipf.pick(&mut rng) == 1).count();
    // 1 / (the sum of rank^-0.99 up to 1,000) = 0.1293.
    assert!((12_400..13_500).contains(&firsts), "{firsts}");
}

#[test]
fn likes_and_followers_have_the_shape_they_should() {
    let dataset = small();
    let mut likes = vec![0; dataset.users as usize + 1];
    let mut followers = vec![0; dataset.users as usize + 1];
    let counted = dataset.each_row(&mut |table, row| {
        match (table.name, row) {
            ("video_like", [_, Cell::Number(user), ..]) => likes[*user as usize] += 1,
            ("follow", [_, _, Cell::Number(followee), _]) => followers[*followee as usize] += 1,
            (_, _) => {}
        }
        Ok(())
    });
    counted.expect("make the rows");
    followers.sort_unstable();
    let ends = (followers[1000], followers[999]);
    assert!((495..=500).contains(&ends.0) && (225..=235).contains(&ends.1), "{ends:?}");
    likes.remove(0);
    likes.sort_unstable();
    assert!(
        (8..=11).contains(&likes[500]) && (60..=100).contains(&likes[999]),
        "{} {}",
        likes[500],
        likes[999]
    );
}

#[test]
fn pages_follow_each_other_to_the_end_and_begin_again() {
    let dataset = small();
    assert_eq!(dataset.cursor(0), END + 1);
    assert_eq!(dataset.cursor(1), published_at(1000, 970) + 1);
    assert_eq!(dataset.cursor(33), published_at(1000, 10) + 1);
    assert_eq!(dataset.cursor(34), dataset.cursor(0));
}

#[test]
fn nobody_follows_or_writes_to_himself() {
    let dataset = small();
    let mut rng = dataset.rng(7);
    for _ in 0..1000 {
        let ((a, b), (c, d)) = (dataset.follow(&mut rng), dataset.chat(&mut rng));
        assert!(a != b && c != d && [a, b, c, d].iter().all(|user| (1..=dataset.users).contains(user)));
    }
}
