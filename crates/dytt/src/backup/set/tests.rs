//! A set that was changed at any byte, cut, or made by another version.

use serde_json::json;

use super::super::{Lines, create, rows_path, seal};
use super::*;

const KEY: &str = "p/0123.mp4";

/// A small backup.
fn made(people: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rows = Lines::create(folder.path(), rows_path("user")).expect("a file");
    for id in 1..=people {
        rows.add(&json!({"id": id, "name": "ann"})).expect("written");
    }
    let mut list = Lines::create(folder.path(), OBJECT_LIST.to_owned()).expect("a file");
    let object = ExportedObject { key: KEY.into(), bytes: 4, sha256: domain::hex(&Sha256::digest("clip")) };
    list.add(&object).expect("written");
    create(&folder.path().join(OBJECTS).join(KEY)).expect("a file");
    std::fs::write(folder.path().join(OBJECTS).join(KEY), "clip").expect("written");
    let manifest = Manifest {
        format: FORMAT,
        dytt: "0.0.1".into(),
        schema: Store::schema(),
        created_at_ms: 1,
        tables: Default::default(),
        files: vec![rows.finish().expect("closed"), list.finish().expect("closed")],
        objects: 1,
        object_bytes: 4,
    };
    seal(folder.path(), &manifest).expect("sealed");
    folder
}

/// What is wrong, in one text; empty when nothing is.
fn wrong(folder: &Path) -> String {
    match Set::open(folder).and_then(|set| set.check()) {
        Ok(faults) => faults.join("; "),
        Err(error) => format!("{error:#}"),
    }
}

#[test]
fn any_byte_that_was_changed_is_found_and_its_file_named() {
    let folder = made(1);
    let object = format!("{OBJECTS}/{KEY}");
    for name in ["rows/user.jsonl", OBJECT_LIST, &object, MANIFEST, MANIFEST_HASH] {
        let path = folder.path().join(name);
        let whole = std::fs::read(&path).expect("read");
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            std::fs::write(&path, changed).expect("written");
            let told = wrong(folder.path());
            assert!(told.contains(name), "{name}, byte {place}: {told:?}");
        }
        std::fs::write(&path, &whole[..whole.len() - 1]).expect("written");
        assert!(wrong(folder.path()).contains(name), "cut: {name}");
        std::fs::remove_file(&path).expect("removed");
        assert!(wrong(folder.path()).contains(name), "removed: {name}");
        std::fs::write(&path, whole).expect("written");
    }
    assert_eq!(wrong(folder.path()), "");
}

#[test]
fn a_backup_of_another_version_names_the_program_that_restores_it() {
    for (from, to, told) in [
        (
            "\"format\": 1,",
            "\"format\": 2,",
            "dytt 0.0.1 wrote it in format 2 and this program reads format 1",
        ),
        (&*Store::schema(), "m9999_later", "dytt 0.0.1 wrote it with the schema m9999_later"),
    ] {
        let folder = made(1);
        let path = folder.path().join(MANIFEST);
        let text = std::fs::read_to_string(&path).expect("read").replace(from, to);
        std::fs::write(&path, &text).expect("written");
        let hash = format!("{}  {MANIFEST}\n", domain::hex(&Sha256::digest(&text)));
        std::fs::write(folder.path().join(MANIFEST_HASH), hash).expect("written");
        assert!(wrong(folder.path()).contains(told), "{}", wrong(folder.path()));
    }
}

#[test]
fn rows_come_in_their_order_some_at_a_time() {
    let folder = made(2 * ROWS_AT_ONCE + 1);
    let set = Set::open(folder.path()).expect("opens");
    let items: Vec<_> = set.rows().expect("opens").collect::<domain::Result<_>>().expect("reads");
    let lengths: Vec<_> = items.iter().map(|(table, rows)| (table.as_str(), rows.len())).collect();
    assert_eq!(lengths, [("user", ROWS_AT_ONCE), ("user", ROWS_AT_ONCE), ("user", 1)]);
    let ids = items.iter().flat_map(|item| &item.1).filter_map(|row| row["id"].as_u64());
    assert!(ids.eq(1..=set.manifest.rows()));
}

#[test]
fn only_files_of_rows_are_read_as_rows() {
    assert_eq!(super::super::table_of("rows/user_stat.jsonl"), Some("user_stat"));
    for path in ["objects.jsonl", "rows/../user.jsonl", "rows/user.json", "/rows/user.jsonl"] {
        assert_eq!(super::super::table_of(path), None, "{path}");
    }
}
