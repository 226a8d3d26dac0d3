//! Keys that hold no instance: left out, and told of once. What the others hold is the callers'.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use etcd_client::KeyValue;
use tracing::warn;

use super::Instance;
use super::members::chain;

/// Beyond this many bad keys the list of those told of begins anew.
const MAX_TOLD: usize = 1_000;

/// The bad keys told of already, with the revision at which they were written.
#[derive(Default)]
pub(crate) struct Complaints {
    told: Mutex<HashMap<Vec<u8>, i64>>,
}

impl Complaints {
    /// The instance a key holds; for a key that holds none, a warning the first time that writing is seen.
    pub(crate) fn read(&self, pair: &KeyValue) -> Option<Instance> {
        let key = String::from_utf8_lossy(pair.key());
        match Instance::parse(&key, pair.value()) {
            Ok(instance) => Some(instance),
            Err(flaw) => {
                if self.is_new(pair) {
                    warn!(%key, error = %chain(&flaw), "a key of the registry holds no instance, leaving it out");
                }
                None
            }
        }
    }

    fn is_new(&self, pair: &KeyValue) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= MAX_TOLD {
            told.clear();
        }
        told.insert(pair.key().to_vec(), pair.mod_revision()) != Some(pair.mod_revision())
    }
}
