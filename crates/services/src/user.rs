//! The user service: accounts and profiles. Tokens are made and checked at the gateway.

use domain::limits::MAX_NAME_CHARS;
use domain::{Call, Error, Password, Result, Timestamp, UserId, UserName};
use proto::{
    Account, Credentials, GetUserRequest, RevokedSinceRequest, RevokedSinceResponse, User, UserService,
};
use store::Store;

use crate::password::Passwords;
use crate::{UserConfig, card};

/// Who is registered.
pub struct Users {
    store: Store,
    passwords: Passwords,
    name_max_chars: usize,
}

impl Users {
    /// The service over a store.
    ///
    /// # Errors
    /// [`Error::Internal`] when argon2 cannot work with the configured parameters.
    pub fn new(store: Store, config: &UserConfig) -> Result<Self> {
        Ok(Self { store, passwords: Passwords::new(config)?, name_max_chars: config.name_max_chars })
    }
}

#[async_trait::async_trait]
impl UserService for Users {
    async fn register(&self, _call: &Call, request: Credentials) -> Result<Account> {
        let name = UserName::parse(&request.name, self.name_max_chars)?;
        let password = Password::parse(&request.password)?;
        let turn = self.passwords.turn().await?;
        // Once more before the expensive part: of many who want one name, all but the first end here.
        if self.store.login_row(&name).await?.is_some() {
            return Err(Error::UsernameTaken);
        }
        let hash = turn.hash(password).await?;
        let id = self.store.create_user(name, hash, Timestamp::now()).await?;
        Ok(Account { user_id: id.get(), token_epoch: 0 })
    }

    async fn login(&self, _call: &Call, request: Credentials) -> Result<Account> {
        // Whoever could register a longer name once may still log in under it.
        let name = UserName::parse(&request.name, MAX_NAME_CHARS)?;
        let password = Password::attempt(&request.password)?;
        let found = self.store.login_row(&name).await?;
        let stored = found.as_ref().map(|row| row.password_hash.clone());
        let (fits, renewed) = self.passwords.turn().await?.verify(password, stored).await?;
        let Some(row) = found.filter(|_| fits) else { return Err(Error::WrongPassword) };
        if let Some(hash) = renewed {
            self.store.set_password_hash(UserId::parse(row.id)?, hash).await?;
        }
        Ok(Account { user_id: row.id, token_epoch: row.token_epoch })
    }

    async fn get_user(&self, call: &Call, request: GetUserRequest) -> Result<User> {
        let user = UserId::parse(request.user_id)?;
        Ok(card::user(self.store.user_card(user, call.viewer).await?))
    }

    async fn revoked_since(
        &self,
        _call: &Call,
        request: RevokedSinceRequest,
    ) -> Result<RevokedSinceResponse> {
        let revoked = self.store.revoked_since(Timestamp::from_millis(request.since)).await?;
        let account = |found: store::Account| Account { user_id: found.id, token_epoch: found.token_epoch };
        Ok(RevokedSinceResponse { accounts: revoked.into_iter().map(account).collect() })
    }
}
