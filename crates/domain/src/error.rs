//! The error catalogue: every failure somebody branches on or reads. How a kind becomes an HTTP or gRPC
//! status is decided at those edges.

use std::borrow::Cow;
use std::time::Duration;

use crate::{CommentId, JobId, UserId, VideoId};

/// A result of the platform's own operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong, in words a user may read. Sources are chained, never part of the text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A parameter is missing or cannot be read.
    #[error("{name} {problem}")]
    BadParameter {
        /// The parameter's public name.
        name: Cow<'static, str>,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A parameter can be read but breaks a rule.
    #[error("{name} {problem}")]
    Invalid {
        /// The parameter's public name.
        name: Cow<'static, str>,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A user may not follow themselves.
    #[error("you cannot follow yourself")]
    SelfFollow,
    /// A user may not write to themselves.
    #[error("you cannot send a message to yourself")]
    SelfMessage,
    /// The request needs a login and carries no token.
    #[error("please log in first")]
    TokenMissing,
    /// The token is not one of ours, or was revoked.
    #[error("this login is not valid, please log in again")]
    TokenInvalid,
    /// The token was ours and its time is over.
    #[error("this login has expired, please log in again")]
    TokenExpired,
    /// Unknown user or wrong password: one answer for both.
    #[error("wrong user name or password")]
    WrongPassword,
    /// The password is right, and a second factor is asked for.
    #[error("please give the code that your device shows")]
    CodeNeeded,
    /// The second factor is not right, or was used before.
    #[error("this code is not right, or was used before")]
    CodeWrong,
    /// Administrators have to have a second factor here.
    #[error("administrators need a second factor at login here: turn yours on first")]
    TwoFactorNeeded,
    /// There is a second factor already.
    #[error("a second factor is asked for already: turn it off first")]
    TwoFactorOn,
    /// There is no identity provider.
    #[error("this site has no identity provider")]
    NoProvider,
    /// What came from the identity provider proves nothing.
    #[error("the identity provider does not say who you are: {problem}")]
    NotIdentified {
        /// What is wrong with it.
        problem: String,
    },
    /// Who has no password proves themselves by a login, and this one is too long ago.
    #[error("your login is too long ago for this: please log in again, and do this within ten minutes")]
    LoginTooOld,
    /// The viewer is known and may not do this.
    #[error("you are not allowed to do this")]
    PermissionDenied,
    /// Nobody has let this account in yet.
    #[error("this account waits to be let in by an administrator")]
    AccountPending,
    /// An administrator has taken this account out of use.
    #[error("this account is suspended")]
    AccountSuspended,
    /// Nobody may register here.
    #[error("this site takes no registrations")]
    RegistrationClosed,
    /// Who registers here has to be invited, and this is no invitation that holds.
    #[error("this site needs an invitation, and this one does not hold")]
    InvitationInvalid,
    /// A cookie came along with a request from another site's page.
    #[error("this request came from another site's page")]
    CrossSite,
    /// No such session of the viewer's, or it has ended.
    #[error("this session does not exist any more")]
    SessionNotFound,
    /// Another request was sent under this name.
    #[error("another request was sent with this Idempotency-Key, please use a new one")]
    KeyReused,
    /// The same request is being worked on.
    #[error("this request is still being worked on, please ask again in a moment")]
    StillRunning,
    /// The same request was sent before, and what became of it was never told.
    #[error(
        "this request was sent before and its outcome is not known, please look and use a new Idempotency-Key"
    )]
    OutcomeUnknown,
    /// Too many requests.
    #[error("too many requests, please slow down")]
    RateLimited {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// The body is larger than the platform accepts.
    #[error("the request is too large, at most {} are accepted", size(*limit_bytes))]
    TooLarge {
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// The file is not a video this platform can show.
    #[error("this file cannot be used: {problem}")]
    UnsupportedMedia {
        /// What is wrong with the file.
        problem: String,
    },
    /// No such user.
    #[error("this user does not exist")]
    UserNotFound(UserId),
    /// The name, or one that looks the same, is in use.
    #[error("this user name is already taken")]
    UsernameTaken,
    /// No such video, or none the viewer may see.
    #[error("this video does not exist")]
    VideoNotFound(VideoId),
    /// Only an administrator shows again what an administrator has hidden.
    #[error("an administrator has hidden this video")]
    VideoHidden,
    /// No such report.
    #[error("this report does not exist")]
    ReportNotFound,
    /// No such webhook, or nothing of that number that it was told.
    #[error("there is no such webhook, or no such delivery")]
    WebhookNotFound,
    /// No such link, or its time is over.
    #[error("this link does not exist, or its time is over")]
    ShareNotFound,
    /// No such word in the list of words.
    #[error("there is no such word in the list")]
    WordNotFound,
    /// No such comment waits.
    #[error("no such comment waits to be let through")]
    HeldCommentNotFound,
    /// A comment waits, where it cannot be said otherwise.
    #[error("thank you: your comment is shown when somebody has let it through")]
    CommentHeld,
    /// No such job, or nothing can be done about it any more.
    #[error("this job does not exist, or nothing can be done about it")]
    JobNotFound(JobId),
    /// No such upload of the viewer's, or its time is over.
    #[error("this upload does not exist any more, please begin again")]
    UploadNotFound,
    /// An upload is not where the request takes it to be.
    #[error("this is not where the upload continues, please ask where it does")]
    UploadMoved,
    /// What arrived is not what was announced.
    #[error("the bytes that arrived are not those of the checksum")]
    ChecksumMismatch,
    /// The account holds as much as it may.
    #[error("this account has as many uploads as it may have")]
    QuotaExceeded,
    /// No such comment under this video.
    #[error("this comment does not exist")]
    CommentNotFound(CommentId),
    /// A queue is full: the request was refused before anything was done.
    #[error("the server is busy, please try again in a moment")]
    Overloaded,
    /// An error of another process whose reason this version does not know.
    #[error("{message}")]
    Foreign {
        /// How a caller may react.
        kind: Kind,
        /// The number in the public API's answers.
        code: i32,
        /// The stable word.
        reason: String,
        /// The words a user may read.
        message: String,
    },
    /// Something the platform depends on does not answer.
    #[error("the service is not available right now, please try again later")]
    Unavailable(#[source] Source),
    /// A bug of ours.
    #[error("something went wrong on our side")]
    Internal(#[source] Source),
}

/// The nine ways a caller may react to an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Change the request.
    InvalidArgument,
    /// Log in.
    Unauthenticated,
    /// Give up: not allowed.
    PermissionDenied,
    /// Give up: not there.
    NotFound,
    /// Give up: already there.
    AlreadyExists,
    /// Send less.
    TooLarge,
    /// Wait and repeat.
    RateLimited,
    /// Repeat later; nothing was done, or it is not known.
    Unavailable,
    /// Report it.
    Internal,
}

impl Error {
    /// A failure of something we depend on.
    pub fn unavailable(source: impl Into<Source>) -> Self {
        Self::Unavailable(source.into())
    }

    /// A failure that should not be possible.
    pub fn internal(source: impl Into<Source>) -> Self {
        Self::Internal(source.into())
    }

    /// How a caller may react.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.row().0
    }

    /// The number in the public API's answers; clients know most of them from other servers of this API.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.row().1
    }

    /// The stable word for programs, logs and metrics.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.row().2
    }

    fn row(&self) -> (Kind, i32, &str) {
        match self {
            Self::BadParameter { .. } => (Kind::InvalidArgument, 100_002, "bad_parameter"),
            Self::Invalid { .. } => (Kind::InvalidArgument, 100_003, "invalid"),
            Self::SelfFollow => (Kind::InvalidArgument, 100_003, "self_follow"),
            Self::SelfMessage => (Kind::InvalidArgument, 100_003, "self_message"),
            Self::TokenMissing => (Kind::Unauthenticated, 100_004, "token_missing"),
            Self::TokenInvalid => (Kind::Unauthenticated, 100_004, "token_invalid"),
            Self::TokenExpired => (Kind::Unauthenticated, 100_203, "token_expired"),
            Self::WrongPassword => (Kind::Unauthenticated, 100_207, "wrong_password"),
            Self::CodeNeeded => (Kind::Unauthenticated, 100_210, "code_needed"),
            Self::CodeWrong => (Kind::Unauthenticated, 100_211, "code_wrong"),
            Self::TwoFactorNeeded => (Kind::PermissionDenied, 100_212, "two_factor_needed"),
            Self::TwoFactorOn => (Kind::AlreadyExists, 100_213, "two_factor_on"),
            Self::NoProvider => (Kind::NotFound, 100_214, "no_provider"),
            Self::NotIdentified { .. } => (Kind::Unauthenticated, 100_215, "not_identified"),
            Self::LoginTooOld => (Kind::PermissionDenied, 100_216, "login_too_old"),
            Self::PermissionDenied => (Kind::PermissionDenied, 100_208, "permission_denied"),
            Self::AccountPending => (Kind::PermissionDenied, 110_004, "account_pending"),
            Self::AccountSuspended => (Kind::PermissionDenied, 110_005, "account_suspended"),
            Self::RegistrationClosed => (Kind::PermissionDenied, 110_006, "registration_closed"),
            Self::InvitationInvalid => (Kind::PermissionDenied, 110_007, "invitation_invalid"),
            Self::CrossSite => (Kind::PermissionDenied, 100_208, "cross_site"),
            Self::SessionNotFound => (Kind::NotFound, 110_003, "session_not_found"),
            Self::KeyReused => (Kind::InvalidArgument, 100_003, "key_reused"),
            Self::StillRunning => (Kind::AlreadyExists, 100_010, "still_running"),
            Self::OutcomeUnknown => (Kind::AlreadyExists, 100_011, "outcome_unknown"),
            Self::RateLimited { .. } => (Kind::RateLimited, 100_005, "rate_limited"),
            Self::TooLarge { .. } => (Kind::TooLarge, 100_006, "too_large"),
            Self::UnsupportedMedia { .. } => (Kind::InvalidArgument, 100_007, "unsupported_media"),
            Self::UserNotFound(_) => (Kind::NotFound, 110_001, "user_not_found"),
            Self::UsernameTaken => (Kind::AlreadyExists, 110_002, "username_taken"),
            Self::VideoNotFound(_) => (Kind::NotFound, 120_001, "video_not_found"),
            Self::VideoHidden => (Kind::PermissionDenied, 120_007, "video_hidden"),
            Self::ReportNotFound => (Kind::NotFound, 120_008, "report_not_found"),
            Self::WebhookNotFound => (Kind::NotFound, 120_009, "webhook_not_found"),
            Self::WordNotFound => (Kind::NotFound, 120_010, "word_not_found"),
            Self::HeldCommentNotFound => (Kind::NotFound, 120_011, "held_comment_not_found"),
            Self::CommentHeld => (Kind::PermissionDenied, 120_012, "comment_held"),
            Self::ShareNotFound => (Kind::NotFound, 120_013, "share_not_found"),
            Self::JobNotFound(_) => (Kind::NotFound, 120_006, "job_not_found"),
            Self::UploadNotFound => (Kind::NotFound, 120_003, "upload_not_found"),
            Self::UploadMoved => (Kind::AlreadyExists, 120_004, "upload_moved"),
            Self::ChecksumMismatch => (Kind::InvalidArgument, 120_005, "checksum_mismatch"),
            Self::QuotaExceeded => (Kind::PermissionDenied, 100_209, "quota_exceeded"),
            Self::CommentNotFound(_) => (Kind::NotFound, 120_002, "comment_not_found"),
            Self::Foreign { kind, code, reason, .. } => (*kind, *code, reason),
            Self::Overloaded => (Kind::Unavailable, 100_008, "overloaded"),
            Self::Unavailable(_) => (Kind::Unavailable, 100_008, "unavailable"),
            Self::Internal(_) => (Kind::Internal, 100_001, "internal"),
        }
    }

    /// This error and all its sources as one line, for the place where the error stops.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut line = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            line.push_str(": ");
            line.push_str(&error.to_string());
            source = error.source();
        }
        line
    }
}

/// A limit in the largest unit that tells it exactly.
fn size(bytes: u64) -> String {
    match bytes {
        whole if whole % 1_048_576 == 0 => format!("{} MiB", whole / 1_048_576),
        whole if whole % 1024 == 0 => format!("{} KiB", whole / 1024),
        bytes => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_chained_and_never_in_the_text() {
        let error = Error::unavailable(std::io::Error::other("disk full at /secret"));
        assert!(!error.to_string().contains("secret"));
        assert!(error.chain().ends_with("disk full at /secret"));
        assert_eq!((error.kind(), error.code(), error.reason()), (Kind::Unavailable, 100_008, "unavailable"));
    }

    #[test]
    fn limits_are_told_in_the_largest_whole_unit() {
        for (limit_bytes, told) in [(200 * 1_048_576, "200 MiB"), (65_536, "64 KiB"), (1500, "1500 bytes")] {
            let text = Error::TooLarge { limit_bytes }.to_string();
            assert_eq!(text, format!("the request is too large, at most {told} are accepted"));
        }
    }
}
