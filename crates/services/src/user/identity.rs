//! People who come by an identity provider: who they are here, and what they are called at first.

use domain::{DisplayName, Error, Result, Standing, Timestamp, UserId, UserName};
use proto::{Account, ProviderAnswer};
use store::{Entry, Identity, LoginRow};

use super::Users;
use super::provider::{Claims, Newcomers, Provider};
use crate::{Registration, random_bits};

/// Names that are tried for a newcomer.
const TRIES: u32 = 8;
/// What a newcomer is called whose own name cannot be.
const NAMELESS: &str = "user";
/// How many of its characters are kept of a name that gets a number.
const NAME_CHARS: usize = 32;

impl Newcomers {
    fn entry(self, site: Registration) -> Result<Entry> {
        let by = match self {
            Self::Site => site,
            Self::Open => Registration::Open,
            Self::Approval => Registration::Approval,
            Self::Closed => Registration::Closed,
        };
        by.entry(String::new())
    }
}

impl Users {
    pub(super) fn provider(&self) -> Result<&Provider> {
        self.provider.as_ref().ok_or(Error::NoProvider)
    }

    pub(super) async fn provided(&self, answer: ProviderAnswer) -> Result<Account> {
        let provider = self.provider()?;
        let claims = provider.answer(&answer).await?;
        let issuer = provider.config().issuer.clone();
        let identity = Identity { issuer, subject: claims.sub.clone() };
        if let Some(row) = self.store.identified(&identity).await? {
            return self.known_here(row, answer.device).await;
        }
        let entry = provider.config().newcomers.entry(self.registration)?;
        let is_pending = entry == Entry::Pending;
        let wanted = self.wanted(&claims).await?;
        for attempt in 0..TRIES {
            let name = UserName::parse(&numbered(&wanted, attempt)?, self.name_max_chars)?;
            let (entry, identity) = (entry.clone(), identity.clone());
            let nothing = self.passwords.nothing();
            match self.store.create_identified(name, nothing, entry, identity.clone(), Timestamp::now()).await
            {
                // The name, or the person, by another window.
                Err(Error::UsernameTaken) => {
                    if let Some(row) = self.store.identified(&identity).await? {
                        return self.known_here(row, answer.device).await;
                    }
                }
                Err(error) => return Err(error),
                Ok(id) => {
                    self.introduce(id, &claims).await?;
                    if is_pending {
                        return Ok(Account { user_id: id.get(), pending: true, ..Account::default() });
                    }
                    return self.logged_in(id, 0, answer.device).await;
                }
            }
        }
        Err(Error::UsernameTaken)
    }

    /// The provider's word stands for a password; a second factor of ours is asked for where there is a password.
    async fn known_here(&self, row: LoginRow, device: String) -> Result<Account> {
        usable(row.standing)?;
        let user = UserId::parse(row.id)?;
        self.second_factor(user, "").await?;
        self.logged_in(user, row.token_epoch, device).await
    }

    /// What somebody is to be called, of what the provider calls them.
    async fn wanted(&self, claims: &Claims) -> Result<String> {
        for name in [&claims.preferred_username, &claims.nickname, &claims.name].into_iter().flatten() {
            // Of an address, whose it is.
            let name = name.split('@').next().unwrap_or_default();
            let Ok(name) = UserName::parse(name, self.name_max_chars) else { continue };
            match self.words.admit("username", name.as_str()).await {
                Ok(_) => return Ok(name.as_str().to_owned()),
                Err(Error::Invalid { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(NAMELESS.to_owned())
    }

    /// Says what a newcomer calls themselves, if that may be said here.
    async fn introduce(&self, user: UserId, claims: &Claims) -> Result<()> {
        let Some(Ok(name)) = claims.name.as_deref().map(DisplayName::parse) else { return Ok(()) };
        match self.words.admit("display_name", claims.name.as_deref().unwrap_or_default()).await {
            Ok(_) => self.store.set_profile(user, Some(name), None, None).await,
            Err(Error::Invalid { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Whether an account of this standing may be logged in to, for whoever has proved to be its owner.
pub(super) fn usable(standing: Standing) -> Result<()> {
    match standing {
        Standing::Active => Ok(()),
        Standing::Pending => Err(Error::AccountPending),
        Standing::Suspended => Err(Error::AccountSuspended),
        Standing::Leaving => Err(Error::WrongPassword),
    }
}

/// A name as it is, and then with numbers that nobody can foresee.
fn numbered(name: &str, attempt: u32) -> Result<String> {
    if attempt == 0 {
        return Ok(name.to_owned());
    }
    let short: String = name.chars().take(NAME_CHARS).collect();
    Ok(format!("{}-{:04}", short.trim_end(), random_bits()? % 10_000))
}
