//! Pictures of people: one of each kind, whose bytes are in `blobs`.

use domain::{Error, Result, UserId};
use sea_orm::Value;

use crate::Store;
use crate::card::column;
use crate::changes::Touched;
use crate::object::NewObject;
use crate::session::Session;
use crate::video::sight::revise;

/// What a picture is to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// The small square one beside their name.
    Avatar,
    /// The wide one behind their profile.
    Background,
}

impl Picture {
    /// The word for programs and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Avatar => "avatar",
            Self::Background => "background",
        }
    }

    /// Where cards find it: beside the row that owns it.
    const fn naming(self) -> &'static str {
        match self {
            Self::Avatar => "UPDATE user SET avatar_key = ? WHERE id = ?",
            Self::Background => "UPDATE user SET background_key = ? WHERE id = ?",
        }
    }
}

impl Store {
    /// Gives a person a picture in place of the one before, or none; gives that one's key, which may be deleted. Five
    /// statements; one less without one before, or with none now.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn set_picture(
        &self,
        user: UserId,
        which: Picture,
        picture: Option<NewObject>,
    ) -> Result<Option<String>> {
        self.database
            .write(move |session| {
                let picture = picture.clone();
                Box::pin(async move {
                    // First, so that it is held, and two do not both find the same one before.
                    let key = picture.as_ref().map(|picture| picture.key.clone());
                    if session.change(which.naming(), [key.into(), user.get().into()]).await? == 0 {
                        return Err(Error::UserNotFound(user));
                    }
                    let old = take(session, user, which).await?;
                    if let Some(NewObject { key, bytes, sha256, .. }) = picture {
                        let sql = "INSERT INTO user_object (object_key, user_id, role, bytes, sha256) \
                                   VALUES (?, ?, ?, ?, ?)";
                        let values: [Value; 5] = [
                            key.into(),
                            user.get().into(),
                            which.as_str().into(),
                            bytes.into(),
                            sha256.into(),
                        ];
                        session.insert(sql, values).await?;
                    }
                    session.touched(Touched::User(user.get()));
                    // Pages of the feed show it too.
                    revise(session).await?;
                    Ok(old)
                })
            })
            .await
    }
}

/// Two statements, one without such a picture.
async fn take(session: &Session, user: UserId, which: Picture) -> Result<Option<String>> {
    let sql = "SELECT object_key FROM user_object WHERE user_id = ? AND role = ? LIMIT 1";
    let Some(row) = session.row(sql, [user.get().into(), which.as_str().into()]).await? else {
        return Ok(None);
    };
    let key: String = column(&row, "object_key")?;
    session.change("DELETE FROM user_object WHERE object_key = ?", [key.as_str().into()]).await?;
    Ok(Some(key))
}
