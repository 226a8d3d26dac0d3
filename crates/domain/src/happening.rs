//! What programs outside are told of.

use crate::{Error, Result};

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Happening {
    /// Somebody has registered.
    UserRegistered,
    /// A video can be seen by everybody, for the first time.
    VideoPublished,
    /// Somebody has commented on a video.
    CommentCreated,
    /// Somebody calls for an administrator.
    ReportCreated,
    /// An administrator has done something.
    AuditRecorded,
}

impl Happening {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::UserRegistered,
        Self::VideoPublished,
        Self::CommentCreated,
        Self::ReportCreated,
        Self::AuditRecorded,
    ];

    /// Reads its name.
    ///
    /// # Errors
    /// [`Error::Invalid`] for any other.
    pub fn parse(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name).ok_or_else(|| Error::Invalid {
            name: "events".into(),
            problem: format!("must be some of {}", Self::ALL.map(Self::as_str).join(", ")),
        })
    }

    /// The name it is told and stored by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserRegistered => "user.registered",
            Self::VideoPublished => "video.published",
            Self::CommentCreated => "comment.created",
            Self::ReportCreated => "report.created",
            Self::AuditRecorded => "audit.recorded",
        }
    }
}
