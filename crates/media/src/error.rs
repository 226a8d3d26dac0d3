//! What can go wrong with a file or a tool. Retrying, and how an error is shown, is the caller's.

use std::time::Duration;

/// A failure. Only `Refused` is the file's own fault; its text is for people.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not one we take; trying again cannot help.
    #[error("{reason}")]
    Refused {
        /// Why.
        reason: Refusal,
    },
    /// A program we need is not installed.
    #[error("{tool} was not found: install it, on Debian or Ubuntu `apt-get install {package}`")]
    ToolMissing {
        /// The program as configured.
        tool: String,
        /// The Debian package that brings it.
        package: &'static str,
    },
    /// A program is there but cannot do the work; the text says what to change.
    #[error("{tool} cannot be used: {problem}")]
    ToolUnfit {
        /// The program as configured.
        tool: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// The tool could not be confined, so it was not run.
    #[error("ffmpeg is not run unconfined: {problem}")]
    Unconfined {
        /// What is missing, and what would be right.
        problem: String,
    },
    /// The work took longer than its wall-clock limit and was killed.
    #[error("the work was stopped after {} seconds", after.as_secs())]
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// The tool was killed: out of processor time, memory or file size, or from outside.
    #[error("the work was stopped by signal {signal}")]
    Killed {
        /// The signal that ended it.
        signal: i32,
    },
    /// The tool gave up for a reason that is not clearly the file's.
    #[error("the media tool failed")]
    Failed {
        /// Its exit code.
        code: i32,
        /// The last lines it wrote, for our logs only: they can name paths and repeat what a file says.
        log: String,
    },
    /// A file or a process could not be handled by the system.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn io(doing: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }

    /// The refusal, when the file is at fault.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        if let Self::Refused { reason } = self { Some(reason) } else { None }
    }
}

impl From<Refusal> for Error {
    fn from(reason: Refusal) -> Self {
        Self::Refused { reason }
    }
}

/// Why a file is not accepted, as a clause a person can read: no path, nothing a tool wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Empty, text, a playlist's text, anything that is not a media file.
    #[error("it is not a video")]
    NotVideo,
    /// A media file in a container we do not open, playlists among them.
    #[error("its file format is not supported: MP4, MOV, MKV and WebM are")]
    Container,
    /// Sound only, or a cover picture only.
    #[error("it has no video track")]
    NoVideoTrack,
    /// Several videos in one file: which one is meant is not ours to guess.
    #[error("it has more than one video track")]
    ManyVideoTracks,
    /// More than `MAX_TRACKS` tracks.
    #[error("it has more than 8 tracks")]
    ManyTracks,
    /// A video codec that is not on the list.
    #[error("its video codec ({name}) is not supported")]
    VideoCodec {
        /// The codec: at most 24 of `a-z 0-9 _ -`.
        name: String,
    },
    /// Sound in a codec that is not on the list.
    #[error("its audio codec ({name}) is not supported")]
    AudioCodec {
        /// The codec: at most 24 of `a-z 0-9 _ -`.
        name: String,
    },
    /// Shorter than `MIN_DURATION`.
    #[error("the video is shorter than half a second")]
    TooShort,
    /// Longer than `MAX_DURATION`.
    #[error("the video is longer than 10 minutes")]
    TooLong,
    /// A side below `MIN_SIDE_PIXELS`.
    #[error("its picture is smaller than 16 pixels")]
    PictureTooSmall,
    /// A side above `MAX_SIDE_PIXELS`, or more than `MAX_AREA_PIXELS`.
    #[error("its picture is larger than 3840 x 2160")]
    PictureTooLarge,
    /// Above `MAX_FRAMES_PER_SECOND`.
    #[error("it has more than 120 frames a second")]
    FrameRate,
    /// A media file that cannot be read through: cut off, or nonsense inside.
    #[error("the file is damaged or incomplete")]
    Damaged,
}
