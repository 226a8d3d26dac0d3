//! Who an identity provider's people are here.

use domain::{Error, Result, Timestamp, UserId, UserName};
use sea_orm::Value;

use crate::Store;
use crate::user::{Entry, LoginRow, create, login};

/// Somebody as an identity provider knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The provider: an address, at most 255 bytes.
    pub issuer: String,
    /// Its word for the person, which it gives to nobody else; at most 255 bytes.
    pub subject: String,
}

impl Store {
    /// The account of somebody whom an identity provider knows. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn identified(&self, identity: &Identity) -> Result<Option<LoginRow>> {
        let sql = "SELECT u.id, u.password_hash, u.token_epoch, u.standing, u.role FROM identity i \
                   JOIN user u ON u.id = i.user_id WHERE i.issuer = ? AND i.subject = ? LIMIT 1";
        let values: [Value; 2] =
            [identity.issuer.as_str().into(), identity.subject.as_bytes().to_vec().into()];
        Ok(self.database.list(sql, values, login).await?.into_iter().next())
    }

    /// Makes an account for somebody whom an identity provider knows. Four statements, one more for an invitation.
    ///
    /// # Errors
    /// [`Error::UsernameTaken`] when the name's key is in use or the person has an account,
    /// [`Error::InvitationInvalid`].
    pub async fn create_identified(
        &self,
        name: UserName,
        password_hash: String,
        entry: Entry,
        identity: Identity,
        now: Timestamp,
    ) -> Result<UserId> {
        self.database
            .write(move |session| {
                let (name, entry) = (name.clone(), entry.clone());
                let (password_hash, identity) = (password_hash.clone(), identity.clone());
                Box::pin(async move {
                    let id = create(session, name, password_hash, entry, now).await?;
                    let sql =
                        "INSERT INTO identity (user_id, issuer, subject, created_at) VALUES (?, ?, ?, ?)";
                    let values: [Value; 4] = [
                        id.get().into(),
                        identity.issuer.into(),
                        identity.subject.into_bytes().into(),
                        now.millis().into(),
                    ];
                    session.insert_new(sql, values).await?.ok_or(Error::UsernameTaken)?;
                    Ok(id)
                })
            })
            .await
    }
}
