//! What administrators decide about accounts.

use domain::{Call, CommentId, Error, Result, Standing, Timestamp, UserId, VideoId};
use proto::{AuditEntry, Done, Invitation, InviteRequest, Report, ReportRequest, SetStandingRequest};
use store::{AuditRow, Entry, ReportRow, Subject};

use super::Users;
use crate::{Registration, justified, random_bits, within_a_year};

/// The most that may come by one invitation.
const MOST_USES: i64 = 10_000;

impl Registration {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Invite => "invite",
            Self::Approval => "approval",
            Self::Closed => "closed",
        }
    }

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
        let admin = self.admins.the(call).await?;
        let user = UserId::parse(request.user_id)?;
        let standing = Standing::parse(&request.standing)?;
        if user == admin {
            let problem = "must be another\'s: nobody suspends themselves".to_owned();
            return Err(Error::Invalid { name: "id".into(), problem });
        }
        let reason = justified(&request.reason)?;
        self.store.set_standing(admin, user, standing, reason, Timestamp::now()).await?;
        Ok(Done {})
    }

    pub(super) async fn make_invitation(&self, call: &Call, request: InviteRequest) -> Result<Invitation> {
        let admin = self.admins.the(call).await?;
        let InviteRequest { uses, expires_at } = request;
        let now = Timestamp::now();
        if !(1..=MOST_USES).contains(&uses) {
            let problem = format!("must be between 1 and {MOST_USES}");
            return Err(Error::Invalid { name: "uses".into(), problem });
        }
        let expires_at = within_a_year(expires_at, now)?;
        let code = format!("{:032x}", random_bits()?);
        Ok(invitation(self.store.invite(admin, code, uses, expires_at, now).await?))
    }
}

/// What somebody reports.
pub(super) fn subject(request: &ReportRequest) -> Result<Subject> {
    let video = || VideoId::parse(request.video_id);
    match (request.video_id, request.comment_id) {
        (0, 0) => Ok(Subject::Person(UserId::parse(request.user_id)?)),
        (_, 0) => Ok(Subject::Video(video()?)),
        (_, comment) => Ok(Subject::Comment(video()?, CommentId::parse(comment)?)),
    }
}

pub(super) fn report(row: ReportRow) -> Report {
    Report {
        id: row.id,
        by: row.by,
        reason: row.reason,
        detail: row.detail,
        video_id: row.video.unwrap_or(0),
        comment_id: row.comment.unwrap_or(0),
        user_id: row.person,
        user_name: row.name,
        excerpt: row.excerpt,
        created_at: row.created_at,
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
