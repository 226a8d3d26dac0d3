//! What administrators decide about accounts.

use std::time::Duration;

use domain::{Call, Content, Error, Result, Standing, Timestamp, UserId};
use proto::{AuditEntry, Done, Invitation, InviteRequest, SetStandingRequest};
use store::{AuditRow, Entry};

use super::Users;
use crate::{Registration, administrator, random_bits};

/// The most that may come by one invitation.
const MOST_USES: i64 = 10_000;
/// How long one may hold.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

impl Registration {
    /// By which way somebody comes who has this invitation, or none.
    pub(super) fn entry(self, invitation: String) -> Result<Entry> {
        match (self, invitation) {
            (Self::Closed, _) => Err(Error::RegistrationClosed),
            (Self::Invite, none) if none.is_empty() => Err(Error::InvitationInvalid),
            (Self::Open, none) if none.is_empty() => Ok(Entry::Open),
            (Self::Approval, none) if none.is_empty() => Ok(Entry::Pending),
            (Self::Open | Self::Invite | Self::Approval, code) => Ok(Entry::Invited(code)),
        }
    }
}

impl Users {
    pub(super) async fn change_standing(&self, call: &Call, request: SetStandingRequest) -> Result<Done> {
        let admin = administrator(&self.store, call).await?;
        let user = UserId::parse(request.user_id)?;
        let standing = Standing::parse(&request.standing)?;
        if user == admin {
            let problem = "must be another\'s: nobody suspends themselves".to_owned();
            return Err(Error::Invalid { name: "id".into(), problem });
        }
        let reason = Content::parse(&request.reason).map_err(|_wrong| Error::Invalid {
            name: "reason".into(),
            problem: "must have 1 to 255 characters".into(),
        })?;
        let now = Timestamp::now();
        self.store.set_standing(admin, user, standing, reason.as_str().to_owned(), now).await?;
        Ok(Done {})
    }

    pub(super) async fn make_invitation(&self, call: &Call, request: InviteRequest) -> Result<Invitation> {
        let admin = administrator(&self.store, call).await?;
        let InviteRequest { uses, expires_at } = request;
        let now = Timestamp::now();
        let invalid =
            |name: &'static str, problem: String| Err(Error::Invalid { name: name.into(), problem });
        if !(1..=MOST_USES).contains(&uses) {
            return invalid("uses", format!("must be between 1 and {MOST_USES}"));
        }
        if expires_at <= now.millis() || expires_at > now.after(LONGEST).millis() {
            return invalid("expires_at", "must be a moment within a year from now".to_owned());
        }
        let code = format!("{:032x}", random_bits()?);
        let expires_at = Timestamp::from_millis(expires_at);
        Ok(invitation(self.store.invite(admin, code, uses, expires_at, now).await?))
    }
}

pub(super) fn invitation(row: store::Invitation) -> Invitation {
    let store::Invitation { id, code, uses_left, expires_at, created_at } = row;
    Invitation { id, code, uses_left, expires_at, created_at }
}

pub(super) fn entry(row: AuditRow) -> AuditEntry {
    let AuditRow { id, by, action, subject, detail, created_at } = row;
    AuditEntry { id, by, action, subject, detail: detail.unwrap_or_default(), created_at }
}
