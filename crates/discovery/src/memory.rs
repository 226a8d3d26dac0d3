//! The instances known last, in a file, so that a start without etcd finds them. When they are used is
//! `known`'s to say.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{Instance, Instances};

/// Changes come in bursts, at a start and at a deployment; one writing holds them all.
const GATHER: Duration = Duration::from_millis(100);

/// What the file holds and is to hold.
pub(crate) struct Memory {
    path: PathBuf,
    kept: Mutex<BTreeMap<(String, String), Instances>>,
    changed: Notify,
}

impl Memory {
    /// Reads the file; one that is not there is empty, a broken one too, with a warning.
    pub(crate) fn load(path: PathBuf) -> Self {
        let instances = read(&path).unwrap_or_else(|error| {
            warn!(path = %path.display(), %error, "what was known of instances cannot be read, beginning anew");
            Vec::new()
        });
        let mut of_service: BTreeMap<_, Vec<Instance>> = BTreeMap::new();
        for instance in instances {
            of_service.entry((instance.name.clone(), instance.version.clone())).or_default().push(instance);
        }
        let kept = of_service.into_iter().map(|(service, instances)| (service, instances.into())).collect();
        Self { path, kept: Mutex::new(kept), changed: Notify::new() }
    }

    pub(crate) fn of(&self, service: &str, version: &str) -> Vec<Instance> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(&(service.to_owned(), version.to_owned()));
        found.map(|instances| instances.to_vec()).unwrap_or_default()
    }

    /// Takes down what is known now of a service in one version; the file follows.
    pub(crate) fn keep(&self, service: &str, version: &str, instances: Instances) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert((service.to_owned(), version.to_owned()), instances);
        self.changed.notify_one();
    }

    /// Writes the file after every change, until stopped.
    pub(crate) async fn write(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = self.changed.notified() => {}
                () = stop.cancelled() => return,
            }
            tokio::select! {
                () = tokio::time::sleep(GATHER) => {}
                () = stop.cancelled() => {}
            }
            let memory = Arc::clone(&self);
            let written = tokio::task::spawn_blocking(move || memory.save()).await;
            if let Ok(Err(error)) = written {
                warn!(path = %self.path.display(), %error, "what is known of instances cannot be written down");
            }
        }
    }

    fn save(&self) -> io::Result<()> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let instances: Vec<&Instance> = kept.values().flat_map(|instances| instances.iter()).collect();
        let folder = self.path.parent().unwrap_or_else(|| Path::new(""));
        if !folder.as_os_str().is_empty() {
            std::fs::create_dir_all(folder)?;
        }
        // Whole under another name first, so that no reader and no power cut sees half of it.
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec(&instances)?)?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)
    }
}

fn read(path: &Path) -> io::Result<Vec<Instance>> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        bytes => bytes?,
    };
    let instances: Vec<Instance> = serde_json::from_slice(&bytes)?;
    for instance in &instances {
        instance.check().map_err(io::Error::other)?;
    }
    Ok(instances)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(name: &str, addr: &str) -> Instance {
        Instance {
            name: name.into(),
            addr: addr.into(),
            version: "v1".into(),
            weight: 100,
            share: 0.5,
            build: "b".into(),
            started_at: 3,
        }
    }

    #[test]
    fn what_is_kept_is_found_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("not/yet/there.json");
        let memory = Memory::load(path.clone());
        assert_eq!(memory.of("user", "v1"), []);
        memory.keep("user", "v1", [instance("user", "a:1"), instance("user", "b:1")].into());
        memory.keep("feed", "v1", [instance("feed", "c:1")].into());
        memory.save().expect("written");
        let again = Memory::load(path);
        assert_eq!(again.of("user", "v1"), [instance("user", "a:1"), instance("user", "b:1")]);
        assert_eq!(again.of("feed", "v1"), [instance("feed", "c:1")]);
        assert_eq!(again.of("user", "v2"), []);
        assert_eq!(std::fs::read_dir(folder.path().join("not/yet")).expect("a folder").count(), 1);
    }

    #[test]
    fn broken_content_is_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("instances.json");
        for broken in ["", "{", "{}", r#"[{"name":"user","addr":"nowhere","version":"v1","weight":1}]"#] {
            std::fs::write(&path, broken).expect("written");
            assert!(read(&path).is_err(), "{broken}");
            assert_eq!(Memory::load(path.clone()).of("user", "v1"), []);
        }
    }
}
