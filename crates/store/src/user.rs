//! Accounts: who is registered, under which name, with which password hash.

use domain::{DisplayName, Error, Result, Signature, Standing, Timestamp, UserId, UserName};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Value};

use crate::Store;
use crate::barrier::blocked_by;
use crate::card::{UserCard, column, user_columns};
use crate::changes::Touched;
use crate::database::Database;
use crate::entity::user;
use crate::row::Row;
use crate::search::{find_user, find_user_anew};
use crate::session::Session;
use crate::slice::{Listed, Slice};
use crate::video::sight::revise;

/// What a login is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRow {
    /// The account.
    pub id: i64,
    /// The password's hash as a PHC string.
    pub password_hash: String,
    /// Tokens with a smaller epoch are revoked.
    pub token_epoch: i64,
    /// Whether it may be used.
    pub standing: Standing,
    /// Whether it administrates.
    pub is_admin: bool,
}

/// By which way an account comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Everybody may come.
    Open,
    /// Somebody has to let it in.
    Pending,
    /// By this invitation, of which it takes a use.
    Invited(String),
}

/// An account whose tokens were revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account.
    pub id: i64,
    /// Tokens with a smaller epoch are revoked.
    pub token_epoch: i64,
}

impl Store {
    /// Makes an account. Three statements, one more for an invitation.
    ///
    /// # Errors
    /// [`Error::UsernameTaken`] when the name's key is in use, [`Error::InvitationInvalid`].
    pub async fn create_user(
        &self,
        name: UserName,
        password_hash: String,
        entry: Entry,
        now: Timestamp,
    ) -> Result<UserId> {
        self.database
            .write(move |session| {
                Box::pin(create(session, name.clone(), password_hash.clone(), entry.clone(), now))
            })
            .await
    }

    /// What a login under this name is checked against. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn login_row(&self, name: &UserName) -> Result<Option<LoginRow>> {
        let wanted = user::Entity::find().filter(user::Column::NameKey.eq(name.key())).limit(1);
        self.database
            .read(move |session| {
                Box::pin(async move {
                    let found = session.found(&wanted).await?;
                    found.first().map(login).transpose()
                })
            })
            .await
    }

    /// What a password of an account is checked against. One statement.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn login_row_of(&self, id: UserId) -> Result<LoginRow> {
        let sql = "SELECT id, password_hash, token_epoch, standing, role FROM user WHERE id = ? LIMIT 1";
        let found = self.database.list(sql, [id.get().into()], login).await?;
        found.into_iter().next().ok_or(Error::UserNotFound(id))
    }

    /// Replaces a password's hash. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn set_password_hash(&self, id: UserId, password_hash: String) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "UPDATE user SET password_hash = ? WHERE id = ?";
                    session.change(sql, [password_hash.into(), id.get().into()]).await?;
                    Ok(())
                })
            })
            .await
    }

    /// One person as `viewer` sees them. One statement.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], also when they block the viewer.
    pub async fn user_card(&self, id: UserId, viewer: Option<UserId>) -> Result<UserCard> {
        self.database.read(move |session| Box::pin(card(session, id, viewer))).await
    }

    /// Makes the account of this name an administrator; false when there is none. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn make_admin(&self, name: UserName) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "UPDATE user SET role = 'admin' WHERE name_key = ?";
                    Ok(session.change(sql, [name.key().into()]).await? > 0)
                })
            })
            .await
    }

    /// Says what a person is called and says of themselves, empty for none, and whether they are private, as far as it
    /// is given. Four statements.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn set_profile(
        &self,
        user: UserId,
        display_name: Option<DisplayName>,
        signature: Option<Signature>,
        is_private: Option<bool>,
    ) -> Result<()> {
        self.database
            .write(move |session| {
                let (display_name, signature) = (display_name.clone(), signature.clone());
                Box::pin(async move {
                    let sql = "UPDATE user SET display_name = COALESCE(?, display_name), \
                               signature = COALESCE(?, signature), is_private = COALESCE(?, is_private) \
                               WHERE id = ?";
                    let values: [Value; 4] = [
                        display_name.map(DisplayName::into_text).into(),
                        signature.map(Signature::into_text).into(),
                        is_private.map(i64::from).into(),
                        user.get().into(),
                    ];
                    session.change(sql, values).await?;
                    find_user_anew(session, user).await?;
                    session.touched(Touched::User(user.get()));
                    // Pages of the feed say it too.
                    revise(session).await
                })
            })
            .await
    }

    /// Whether who wants to follow a person has to ask. One statement.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn is_private(&self, user: UserId) -> Result<bool> {
        let sql = "SELECT is_private FROM user WHERE id = ? LIMIT 1";
        let found =
            self.database.list(sql, [user.get().into()], |row| column::<i64>(row, "is_private")).await?;
        found.first().map(|is_private| *is_private != 0).ok_or(Error::UserNotFound(user))
    }

    /// Whether somebody administrates, and then whether they log in with a second factor. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn is_admin(&self, user: UserId) -> Result<Option<bool>> {
        let sql = "SELECT has_totp FROM user WHERE id = ? AND role = 'admin' AND standing = 'active' LIMIT 1";
        let found =
            self.database.list(sql, [user.get().into()], |row| column::<i64>(row, "has_totp")).await?;
        Ok(found.first().map(|has_totp| *has_totp != 0))
    }

    /// Accounts whose tokens were revoked at `since` or later, the newest 10,000. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn revoked_since(&self, since: Timestamp) -> Result<Vec<Account>> {
        let sql = "SELECT id, token_epoch FROM user WHERE revoked_at >= ? AND revoked_at > 0 \
                   ORDER BY revoked_at DESC LIMIT 10000";
        let read =
            |row: &Row| Ok(Account { id: column(row, "id")?, token_epoch: column(row, "token_epoch")? });
        self.database.list(sql, [since.millis().into()], read).await
    }
}

/// Makes an account, inside a session.
pub(crate) async fn create(
    session: &Session,
    name: UserName,
    password_hash: String,
    entry: Entry,
    now: Timestamp,
) -> Result<UserId> {
    let standing = match entry {
        Entry::Open | Entry::Invited(_) => Standing::Active,
        Entry::Pending => Standing::Pending,
    };
    if let Entry::Invited(code) = entry {
        let sql = "UPDATE invitation SET uses_left = uses_left - 1 \
                   WHERE code = ? AND uses_left > 0 AND expires_at > ?";
        if session.change(sql, [code.into(), now.millis().into()]).await? == 0 {
            return Err(Error::InvitationInvalid);
        }
    }
    let sql = "INSERT INTO user (name, name_key, password_hash, standing, created_at) VALUES (?, ?, ?, ?, ?)";
    let values: [Value; 5] = [
        name.as_str().into(),
        name.key().into(),
        password_hash.into(),
        standing.as_str().into(),
        now.millis().into(),
    ];
    let id = session.insert_new(sql, values).await?.ok_or(Error::UsernameTaken)?;
    session.change("INSERT INTO user_stat (user_id) VALUES (?)", [id.into()]).await?;
    let id = UserId::parse(id)?;
    find_user(session, id, name.as_str()).await?;
    Ok(id)
}

pub(crate) fn login(row: &Row) -> Result<LoginRow> {
    Ok(LoginRow {
        id: column(row, "id")?,
        password_hash: column(row, "password_hash")?,
        token_epoch: column(row, "token_epoch")?,
        standing: Standing::stored(&column::<String>(row, "standing")?)?,
        is_admin: column::<Option<String>>(row, "role")?.as_deref() == Some("admin"),
    })
}

/// Whether there is such a person. One statement.
pub(crate) async fn exists(session: &Session, user: UserId) -> Result<()> {
    let found =
        session.row("SELECT user_id FROM user_stat WHERE user_id = ? LIMIT 1", [user.get().into()]).await?;
    found.map(|_| ()).ok_or(Error::UserNotFound(user))
}

/// One person as `viewer` sees them, inside a session. One statement.
pub(crate) async fn card(session: &Session, id: UserId, viewer: Option<UserId>) -> Result<UserCard> {
    let sql = concat!(
        "SELECT ",
        user_columns!(),
        " FROM user u JOIN user_stat us ON us.user_id = u.id WHERE u.id = ? AND NOT ",
        blocked_by!("?", "u.id"),
        " LIMIT 1"
    );
    let row = session.row(sql, [number(viewer), id.get().into(), number(viewer)]).await?;
    UserCard::read(&row.ok_or(Error::UserNotFound(id))?)
}

impl Database {
    /// Reads a part of a list of somebody's by one statement, after one that tells whether there is such a person. Who
    /// does not follow a private one is shown nothing.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], also when they block the viewer.
    pub(crate) async fn list_of<T: Send + 'static>(
        &self,
        (user, viewer): (UserId, Option<UserId>),
        sql: &'static str,
        values: impl IntoIterator<Item = Value>,
        slice: Slice,
        read: fn(&Row) -> Result<T>,
    ) -> Result<Listed<T>> {
        let values = Vec::from_iter(values.into_iter().chain(slice.values()));
        self.read(move |session| {
            Box::pin(async move {
                let there = concat!(
                    "SELECT (u.is_private = 1 AND u.id <> ? AND NOT EXISTS (SELECT 1 FROM follow f \
                     WHERE f.follower_id = ? AND f.followee_id = u.id)) AS is_closed FROM user u \
                     JOIN user_stat us ON us.user_id = u.id WHERE u.id = ? AND NOT ",
                    blocked_by!("?", "u.id"),
                    " LIMIT 1"
                );
                let asked = [number(viewer), number(viewer), user.get().into(), number(viewer)];
                let found = session.row(there, asked).await?.ok_or(Error::UserNotFound(user))?;
                if column::<i64>(&found, "is_closed")? != 0 {
                    return slice.read(&[], read);
                }
                slice.read(&session.rows(sql, values).await?, read)
            })
        })
        .await
    }
}

/// A viewer as a parameter: 0 is nobody, because no row has that number.
pub(crate) fn number(viewer: Option<UserId>) -> sea_orm::Value {
    viewer.map_or(0, UserId::get).into()
}
