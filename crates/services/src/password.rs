//! Password hashes: argon2id, a bounded number at a time, off the async threads.

use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use domain::{Error, Password, Result};
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use crate::UserConfig;

/// Logins that may wait for their hash; one more is refused at once. Each costs tens of milliseconds of a core:
/// a longer queue would only answer people who have left.
const QUEUE: usize = 16;
/// How long one of them may wait, should the machine be that slow.
const WAIT: Duration = Duration::from_secs(5);
/// How far a hash stands back: a tenth of a busy core.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

pub(crate) struct Passwords {
    params: Params,
    /// Verified when there is no such user, so that an unknown name costs what a wrong password does; and what stands
    /// for the password of who has none.
    decoy: String,
    /// Hashes being computed: half the cores, so that a flood of logins leaves the other half to everybody else.
    at_once: Semaphore,
    /// Those and the queue before them.
    places: Semaphore,
}

/// The right to compute one hash.
pub(crate) struct Turn<'a> {
    passwords: &'a Passwords,
    _permit: SemaphorePermit<'a>,
    _place: SemaphorePermit<'a>,
}

impl Passwords {
    pub(crate) fn new(config: &UserConfig) -> Result<Self> {
        let UserConfig { password_memory_kib, password_passes, password_lanes, .. } = *config;
        let params = Params::new(password_memory_kib, password_passes, password_lanes, None);
        let params = params.map_err(|error| Error::internal(error.to_string()))?;
        // No password has this hash of zeros; to compute a real one would cost every start its memory.
        let cost = format!("m={password_memory_kib},t={password_passes},p={password_lanes}");
        let decoy = format!("$argon2id$v=19${cost}{}", no_hash());
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let hashes = (cores / 2).max(1);
        let (at_once, places) = (Semaphore::new(hashes), Semaphore::new(hashes + QUEUE));
        Ok(Self { params, decoy, at_once, places })
    }

    /// A hash that no password fits.
    pub(crate) fn nothing(&self) -> String {
        self.decoy.clone()
    }

    /// Whether a stored hash is one that no password fits, whatever it costs.
    pub(crate) fn is_nothing(&self, stored: &str) -> bool {
        stored.ends_with(&no_hash())
    }

    /// Waits for the right to compute a hash.
    ///
    /// # Errors
    /// [`Error::Overloaded`], at once, when the queue is full.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>> {
        let place = self.places.try_acquire().map_err(|_full| Error::Overloaded)?;
        let waiting = tokio::time::timeout(WAIT, self.at_once.acquire()).await;
        let permit = waiting.map_err(|_late| Error::Overloaded)?.map_err(Error::internal)?;
        Ok(Turn { passwords: self, _permit: permit, _place: place })
    }
}

impl Turn<'_> {
    pub(crate) async fn hash(self, password: Password) -> Result<String> {
        let params = self.passwords.params.clone();
        off_thread(move || hash(&params, password.reveal())).await
    }

    /// Whether the password fits the stored hash, or nothing's hash when there is none; and a new hash
    /// when the stored one was made with other parameters than today's.
    pub(crate) async fn verify(
        self,
        password: Password,
        stored: Option<String>,
    ) -> Result<(bool, Option<String>)> {
        let (params, decoy) = (self.passwords.params.clone(), self.passwords.decoy.clone());
        off_thread(move || {
            let known = stored.is_some();
            let stored = stored.unwrap_or(decoy);
            let stored = PasswordHash::new(&stored).map_err(|error| Error::internal(error.to_string()))?;
            let fits = Argon2::default().verify_password(password.reveal().as_bytes(), &stored).is_ok();
            if !fits || !known {
                return Ok((false, None));
            }
            let current = Params::try_from(&stored).is_ok_and(|old| same_cost(&old, &params));
            Ok((true, if current { None } else { Some(hash(&params, password.reveal())?) }))
        })
        .await
    }
}

/// The salt and the hash of nobody's password.
fn no_hash() -> String {
    format!("$bm9ib2R5J3Mgc2FsdA${}", "A".repeat(43))
}

fn same_cost(one: &Params, other: &Params) -> bool {
    (one.m_cost(), one.t_cost(), one.p_cost()) == (other.m_cost(), other.t_cost(), other.p_cost())
}

fn hash(params: &Params, password: &str) -> Result<String> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let hash: PasswordHash =
        argon2.hash_password(password.as_bytes()).map_err(|error| Error::internal(error.to_string()))?;
    Ok(hash.to_string())
}

/// Runs `work` on a thread of its own, which gives way to whoever has less to do: a hash takes tens of
/// milliseconds, and who watches should not wait for who logs in.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let (done, result) = oneshot::channel();
    let run = move || {
        // Elsewhere this would be the whole process's. Without it a hash is only less polite.
        #[cfg(target_os = "linux")]
        let _polite = rustix::process::nice(NICENESS);
        let _gone = done.send(work());
    };
    std::thread::Builder::new().name("password".into()).spawn(run).map_err(Error::unavailable)?;
    result.await.map_err(Error::internal)?
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn config(passes: u32) -> UserConfig {
        UserConfig {
            admin_two_factor: false,
            registration: crate::Registration::Open,
            name_max_chars: 64,
            password_memory_kib: 64,
            password_passes: passes,
            password_lanes: 1,
        }
    }

    fn password(text: &str) -> Password {
        Password::parse(text).expect("is a password")
    }

    #[tokio::test]
    async fn a_hash_fits_its_password_alone_and_says_how_it_was_made() {
        let passwords = Passwords::new(&config(2)).expect("starts");
        let hash =
            passwords.turn().await.expect("a turn").hash(password("correct horse")).await.expect("hashes");
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=2,p=1$"), "{hash}");
        for (text, fits) in [("correct horse", true), ("correct hors", false)] {
            let turn = passwords.turn().await.expect("a turn");
            let found = turn.verify(password(text), Some(hash.clone())).await.expect("verifies");
            assert_eq!(found, (fits, None), "{text}");
        }
    }

    #[tokio::test]
    async fn of_a_flood_as_many_wait_as_there_are_places_and_the_rest_is_refused() {
        let passwords = Passwords::new(&config(1)).expect("starts");
        let places = passwords.places.available_permits();
        let mut turns: Vec<_> = (0..places + 3).map(|_| Box::pin(passwords.turn())).collect();
        let polled: Vec<_> = turns.iter_mut().map(|turn| turn.now_or_never()).collect();
        let hashing = polled.iter().filter(|polled| matches!(polled, Some(Ok(_)))).count();
        let refused = polled.iter().filter(|polled| matches!(polled, Some(Err(Error::Overloaded)))).count();
        assert_eq!((hashing + QUEUE, refused), (places, 3));
        drop(polled);
        for turn in turns.drain(hashing..places) {
            turn.await.expect("gets its turn");
        }
        passwords.turn().await.expect("the flood is over");
    }

    #[tokio::test]
    async fn an_unknown_user_never_fits_and_costs_what_a_known_one_does() {
        let passwords = Passwords::new(&config(3)).expect("starts");
        let turn = passwords.turn().await.expect("a turn");
        assert_eq!(turn.verify(password("correct horse"), None).await.expect("verifies"), (false, None));
        let known = hash(&passwords.params, "correct horse").expect("hashes");
        let (known, decoy) = (PasswordHash::new(&known), PasswordHash::new(&passwords.decoy));
        let (known, decoy) = (known.expect("is a hash"), decoy.expect("is a hash"));
        let cost = |hash: &PasswordHash| Params::try_from(hash).expect("has its cost");
        assert!(same_cost(&cost(&known), &cost(&decoy)) && known.algorithm == decoy.algorithm);
        let bytes = |hash: &PasswordHash| hash.hash.as_ref().map(|hash| hash.as_bytes().len());
        assert_eq!(bytes(&known), bytes(&decoy));
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_is_renewed_at_login() {
        let old = Passwords::new(&config(1)).expect("starts");
        let hash = old.turn().await.expect("a turn").hash(password("correct horse")).await.expect("hashes");
        let new = Passwords::new(&config(3)).expect("starts");
        let turn = new.turn().await.expect("a turn");
        let (fits, renewed) = turn.verify(password("correct horse"), Some(hash)).await.expect("verifies");
        assert!(fits && renewed.is_some_and(|hash| hash.contains("t=3")));
    }
}
