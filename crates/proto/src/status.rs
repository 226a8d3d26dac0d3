//! Errors on the wire: kinds as gRPC codes, and beside the text a reason, a number and what the reason is
//! about, so that the other side gets the same error back. An unknown reason stays readable.

use std::time::Duration;

use domain::{CommentId, Error, JobId, Kind, UserId, VideoId};
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

const REASON: &str = "dytt-reason";
const CODE: &str = "dytt-code";
const SUBJECT: &str = "dytt-subject";
const DETAIL: &str = "dytt-detail-bin";

/// An error as its caller in another process gets it. Sources stay here: they are for this side's log.
#[must_use]
pub fn to_status(error: &Error) -> Status {
    let mut status = Status::new(code(error.kind()), error.to_string());
    let (subject, detail) = about(error);
    let metadata = status.metadata_mut();
    if let Ok(reason) = error.reason().parse() {
        metadata.insert(REASON, reason);
    }
    metadata.insert(CODE, error.code().into());
    if let Ok(subject) = subject.parse() {
        metadata.insert(SUBJECT, subject);
    }
    if matches!(error, Error::Overloaded) {
        // Another try would add to the load (gRPC retry design, A6).
        metadata.insert("grpc-retry-pushback-ms", tonic::metadata::MetadataValue::from_static("-1"));
    }
    metadata.insert_bin(DETAIL, tonic::metadata::MetadataValue::from_bytes(detail.as_bytes()));
    status
}

/// The error another process, or the way to it, answered with.
#[must_use]
pub fn from_status(status: &Status) -> Error {
    let metadata = status.metadata();
    let Some(reason) = text(metadata, REASON) else { return transport(status) };
    let detail = metadata.get_bin(DETAIL).and_then(|value| value.to_bytes().ok()).unwrap_or_default();
    let detail = String::from_utf8_lossy(&detail).into_owned();
    let subject = text(metadata, SUBJECT).unwrap_or_default();
    known(reason, subject, detail).unwrap_or_else(|| Error::Foreign {
        kind: kind(status.code()),
        code: text(metadata, CODE).and_then(|code| code.parse().ok()).unwrap_or(100_001),
        reason: reason.to_owned(),
        message: status.message().to_owned(),
    })
}

const fn code(kind: Kind) -> Code {
    match kind {
        Kind::InvalidArgument => Code::InvalidArgument,
        Kind::Unauthenticated => Code::Unauthenticated,
        Kind::PermissionDenied => Code::PermissionDenied,
        Kind::NotFound => Code::NotFound,
        Kind::AlreadyExists => Code::AlreadyExists,
        Kind::TooLarge => Code::OutOfRange,
        Kind::RateLimited => Code::ResourceExhausted,
        Kind::Unavailable => Code::Unavailable,
        Kind::Internal => Code::Internal,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "codes that no kind becomes are our own mistake")]
const fn kind(code: Code) -> Kind {
    match code {
        Code::InvalidArgument => Kind::InvalidArgument,
        Code::Unauthenticated => Kind::Unauthenticated,
        Code::PermissionDenied => Kind::PermissionDenied,
        Code::NotFound => Kind::NotFound,
        Code::AlreadyExists => Kind::AlreadyExists,
        Code::OutOfRange => Kind::TooLarge,
        Code::ResourceExhausted => Kind::RateLimited,
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => Kind::Unavailable,
        _ => Kind::Internal,
    }
}

/// A status no service of ours made: it comes from the way between.
fn transport(status: &Status) -> Error {
    let text = format!("{:?}: {}", status.code(), status.message());
    if kind(status.code()) == Kind::Unavailable { Error::unavailable(text) } else { Error::internal(text) }
}

/// What an error's text is made of: a short ASCII word or number, and free text.
fn about(error: &Error) -> (String, &str) {
    match error {
        Error::BadParameter { name, problem } | Error::Invalid { name, problem } => {
            (name.to_string(), problem)
        }
        Error::UnsupportedMedia { problem } | Error::NotIdentified { problem } => (String::new(), problem),
        Error::RateLimited { retry_after } => (retry_after.as_millis().to_string(), ""),
        Error::TooLarge { limit_bytes } => (limit_bytes.to_string(), ""),
        Error::UserNotFound(id) => (id.to_string(), ""),
        Error::VideoNotFound(id) => (id.to_string(), ""),
        Error::CommentNotFound(id) => (id.to_string(), ""),
        Error::JobNotFound(id) => (id.to_string(), ""),
        Error::SelfFollow
        | Error::SelfMessage
        | Error::TokenMissing
        | Error::TokenInvalid
        | Error::TokenExpired
        | Error::WrongPassword
        | Error::CodeNeeded
        | Error::CodeWrong
        | Error::TwoFactorNeeded
        | Error::TwoFactorOn
        | Error::NoProvider
        | Error::LoginTooOld
        | Error::PermissionDenied
        | Error::AccountPending
        | Error::AccountSuspended
        | Error::RegistrationClosed
        | Error::InvitationInvalid
        | Error::CrossSite
        | Error::SessionNotFound
        | Error::KeyReused
        | Error::StillRunning
        | Error::OutcomeUnknown
        | Error::UsernameTaken
        | Error::VideoHidden
        | Error::ReportNotFound
        | Error::WebhookNotFound
        | Error::WordNotFound
        | Error::HeldCommentNotFound
        | Error::CommentHeld
        | Error::ShareNotFound
        | Error::UploadNotFound
        | Error::UploadMoved
        | Error::ChecksumMismatch
        | Error::QuotaExceeded
        | Error::Overloaded
        | Error::Foreign { .. }
        | Error::Unavailable(_)
        | Error::Internal(_) => (String::new(), ""),
    }
}

/// The inverse of [`about`]; nothing for a reason, or a subject, this version cannot read.
fn known(reason: &str, subject: &str, detail: String) -> Option<Error> {
    let number = || subject.parse::<i64>().ok();
    Some(match reason {
        "bad_parameter" => Error::BadParameter { name: subject.to_owned().into(), problem: detail },
        "invalid" => Error::Invalid { name: subject.to_owned().into(), problem: detail },
        "self_follow" => Error::SelfFollow,
        "self_message" => Error::SelfMessage,
        "token_missing" => Error::TokenMissing,
        "token_invalid" => Error::TokenInvalid,
        "token_expired" => Error::TokenExpired,
        "wrong_password" => Error::WrongPassword,
        "code_needed" => Error::CodeNeeded,
        "code_wrong" => Error::CodeWrong,
        "two_factor_needed" => Error::TwoFactorNeeded,
        "two_factor_on" => Error::TwoFactorOn,
        "no_provider" => Error::NoProvider,
        "not_identified" => Error::NotIdentified { problem: detail },
        "login_too_old" => Error::LoginTooOld,
        "permission_denied" => Error::PermissionDenied,
        "account_pending" => Error::AccountPending,
        "account_suspended" => Error::AccountSuspended,
        "registration_closed" => Error::RegistrationClosed,
        "invitation_invalid" => Error::InvitationInvalid,
        "cross_site" => Error::CrossSite,
        "session_not_found" => Error::SessionNotFound,
        "key_reused" => Error::KeyReused,
        "still_running" => Error::StillRunning,
        "outcome_unknown" => Error::OutcomeUnknown,
        "rate_limited" => Error::RateLimited { retry_after: Duration::from_millis(subject.parse().ok()?) },
        "too_large" => Error::TooLarge { limit_bytes: subject.parse().ok()? },
        "unsupported_media" => Error::UnsupportedMedia { problem: detail },
        "user_not_found" => Error::UserNotFound(UserId::parse(number()?).ok()?),
        "username_taken" => Error::UsernameTaken,
        "video_not_found" => Error::VideoNotFound(VideoId::parse(number()?).ok()?),
        "comment_not_found" => Error::CommentNotFound(CommentId::parse(number()?).ok()?),
        "video_hidden" => Error::VideoHidden,
        "report_not_found" => Error::ReportNotFound,
        "webhook_not_found" => Error::WebhookNotFound,
        "word_not_found" => Error::WordNotFound,
        "held_comment_not_found" => Error::HeldCommentNotFound,
        "comment_held" => Error::CommentHeld,
        "share_not_found" => Error::ShareNotFound,
        "job_not_found" => Error::JobNotFound(JobId::parse(number()?).ok()?),
        "upload_not_found" => Error::UploadNotFound,
        "upload_moved" => Error::UploadMoved,
        "checksum_mismatch" => Error::ChecksumMismatch,
        "quota_exceeded" => Error::QuotaExceeded,
        "overloaded" => Error::Overloaded,
        "unavailable" => Error::unavailable("the service said so; its own log says why"),
        "internal" => Error::internal("the service said so; its own log says why"),
        _ => return None,
    })
}

fn text<'m>(metadata: &'m MetadataMap, name: &str) -> Option<&'m str> {
    metadata.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_comes_back_as_it_was() {
        let (user, video) = (UserId::parse(7).expect("id"), VideoId::parse(8).expect("id"));
        let all = [
            Error::BadParameter { name: "user_id".into(), problem: "must be ≥ 1".into() },
            Error::Invalid { name: "title".into(), problem: "too long".into() },
            Error::SelfFollow,
            Error::SelfMessage,
            Error::TokenMissing,
            Error::TokenInvalid,
            Error::TokenExpired,
            Error::WrongPassword,
            Error::CodeNeeded,
            Error::CodeWrong,
            Error::TwoFactorNeeded,
            Error::TwoFactorOn,
            Error::NoProvider,
            Error::NotIdentified { problem: "no".into() },
            Error::LoginTooOld,
            Error::WebhookNotFound,
            Error::WordNotFound,
            Error::HeldCommentNotFound,
            Error::CommentHeld,
            Error::ShareNotFound,
            Error::PermissionDenied,
            Error::RateLimited { retry_after: Duration::from_millis(1500) },
            Error::TooLarge { limit_bytes: 1 << 20 },
            Error::UnsupportedMedia { problem: "视频".into() },
            Error::UserNotFound(user),
            Error::UsernameTaken,
            Error::VideoNotFound(video),
            Error::CommentNotFound(CommentId::parse(9).expect("id")),
            Error::Overloaded,
            Error::unavailable("disk at /secret"),
            Error::internal("a bug"),
        ];
        for error in all {
            let status = to_status(&error);
            let back = from_status(&status);
            let whole =
                |error: &Error| (error.kind(), error.code(), error.reason().to_owned(), error.to_string());
            assert_eq!(whole(&back), whole(&error));
            assert_eq!(std::mem::discriminant(&back), std::mem::discriminant(&error), "{error}");
            assert!(!format!("{status:?}").contains("secret"), "a source does not travel");
        }
    }

    #[test]
    fn a_reason_of_a_later_version_stays_readable() {
        let error = Error::Foreign {
            kind: Kind::AlreadyExists,
            code: 130_001,
            reason: "draft_exists".into(),
            message: "there is a draft".into(),
        };
        let back = from_status(&to_status(&error));
        assert_eq!((back.kind(), back.code(), back.reason()), (Kind::AlreadyExists, 130_001, "draft_exists"));
        assert_eq!(back.to_string(), "there is a draft");
    }

    #[test]
    fn what_no_service_said_is_the_way_between() {
        assert_eq!(from_status(&Status::deadline_exceeded("late")).kind(), Kind::Unavailable);
        assert_eq!(from_status(&Status::unimplemented("what?")).kind(), Kind::Internal);
    }
}
