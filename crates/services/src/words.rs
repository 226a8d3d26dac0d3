//! Words a site does not want to read, remembered for a moment: everything that is written asks for them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::{Error, Result, WordAction, WordRules};
use store::Store;

/// When they are read again.
const KEPT: Duration = Duration::from_secs(2);

/// A site's words; clones share what they remember.
#[derive(Clone)]
pub struct Words {
    store: Store,
    kept: Arc<Mutex<Option<Kept>>>,
}

#[derive(Clone)]
struct Kept {
    rules: Arc<WordRules>,
    since: Instant,
}

impl Words {
    /// Those of this store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, kept: Arc::default() }
    }

    /// Whether a text may be taken; gives the word because of which it has to wait, if it has to.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the parameter when it has a word that is not taken.
    pub(crate) async fn admit(&self, name: &'static str, text: &str) -> Result<Option<String>> {
        match self.rules().await?.judge(text) {
            None => Ok(None),
            Some((WordAction::Hold, word)) => Ok(Some(word.to_owned())),
            Some((WordAction::Refuse, word)) => Err(Error::Invalid {
                name: name.into(),
                problem: format!("must not contain \"{word}\", which this site does not take"),
            }),
        }
    }

    async fn rules(&self) -> Result<Arc<WordRules>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(kept) = kept.filter(|kept| kept.since.elapsed() < KEPT) {
            return Ok(kept.rules);
        }
        let rows = self.store.words().await?;
        let rules = Arc::new(WordRules::new(rows.into_iter().map(|row| (row.key, row.action)).collect()));
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Kept { rules: Arc::clone(&rules), since: Instant::now() });
        Ok(rules)
    }
}
