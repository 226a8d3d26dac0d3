//! The objects of a platform seen past it: files of a folder, or what is in a bucket.

use std::path::{Path, PathBuf};

use servers::Bucket;

/// Where a platform's objects are.
pub(crate) enum Objects {
    /// Files of this folder.
    Folder(PathBuf),
    /// In a bucket.
    Bucket(Bucket),
}

impl Objects {
    /// The keys of all objects, sorted; those of unfinished ones contain a `#`.
    pub(crate) fn keys(&self) -> Vec<String> {
        let mut keys = match self {
            Self::Folder(folder) => {
                let key = |file: PathBuf| Some(file.strip_prefix(folder).ok()?.to_str()?.to_owned());
                files_of(folder).into_iter().filter_map(key).collect()
            }
            Self::Bucket(bucket) => {
                let finished = bucket.keys().expect("the bucket is listed");
                [finished, bucket.unfinished().expect("the bucket's uploads are listed")].concat()
            }
        };
        keys.sort();
        keys
    }

    pub(crate) fn get(&self, key: &str) -> Vec<u8> {
        match self {
            Self::Folder(folder) => std::fs::read(folder.join(key)).expect("its bytes"),
            Self::Bucket(bucket) => bucket.get(key).expect("its bytes"),
        }
    }

    pub(crate) fn put(&self, key: &str, bytes: &[u8]) {
        match self {
            Self::Folder(folder) => {
                let file = folder.join(key);
                std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
                // The platform wrote it once and for all: it is replaced, not written to.
                std::fs::remove_file(&file).ok();
                std::fs::write(&file, bytes).expect("written");
            }
            Self::Bucket(bucket) => bucket.put(key, bytes).expect("written"),
        }
    }

    pub(crate) fn begin(&self, key: &str) {
        match self {
            Self::Folder(_) => self.put(&format!("{key}#1"), b"half"),
            Self::Bucket(bucket) => bucket.begin(key).expect("begun"),
        }
    }

    pub(crate) fn delete(&self, key: &str) {
        match self {
            Self::Folder(folder) => std::fs::remove_file(folder.join(key)).expect("removed"),
            Self::Bucket(bucket) => bucket.delete(key).expect("removed"),
        }
    }
}

/// Every file below a folder, sorted.
pub(crate) fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ => files.push(entry.path()),
            }
        }
    }
    files.sort();
    files
}
