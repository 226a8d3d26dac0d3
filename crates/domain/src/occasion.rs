//! What people are told of.

/// Why somebody is told of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Occasion {
    /// Their video was liked.
    Like,
    /// Their video has a comment.
    Comment,
    /// Their comment has a reply.
    Reply,
    /// Their comment was liked.
    CommentLike,
    /// They stand in a title or a comment as `@name`.
    Mention,
    /// They are followed.
    Follow,
    /// Somebody asks to follow them.
    FollowRequest,
    /// They may follow whom they asked to.
    FollowAccepted,
    /// Their video had to be re-encoded, and now it plays.
    VideoReady,
    /// Their video cannot be played and never will.
    VideoFailed,
    /// An administrator took their video out of sight.
    VideoHidden,
    /// An administrator put it back.
    VideoRestored,
    /// An administrator deleted their comment under this video.
    CommentRemoved,
}

impl Occasion {
    /// The word it is told and stored by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Like => "like",
            Self::Comment => "comment",
            Self::Reply => "reply",
            Self::CommentLike => "comment_like",
            Self::Mention => "mention",
            Self::Follow => "follow",
            Self::FollowRequest => "follow_request",
            Self::FollowAccepted => "follow_accepted",
            Self::VideoReady => "video_ready",
            Self::VideoFailed => "video_failed",
            Self::VideoHidden => "video_hidden",
            Self::VideoRestored => "video_restored",
            Self::CommentRemoved => "comment_removed",
        }
    }
}
