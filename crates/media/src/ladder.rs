//! Which sizes a clip is offered in, and how each is encoded.

use crate::Probe;

/// One size of a clip, by its short edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rung {
    /// For small screens and slow networks.
    P480,
    /// What plays when nothing else is known.
    P720,
    /// For large screens.
    P1080,
}

impl Rung {
    /// Its name, such as `720p`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::P480 => "480p",
            Self::P720 => "720p",
            Self::P1080 => "1080p",
        }
    }

    /// The short edge of its picture, at most, in pixels.
    #[must_use]
    pub const fn short_edge(self) -> u32 {
        match self {
            Self::P480 => 480,
            Self::P720 => 720,
            Self::P1080 => 1080,
        }
    }

    /// A quality, and a bound for what it may cost.
    pub(crate) const fn settings(self) -> &'static str {
        match self {
            Self::P480 => "-crf 24 -maxrate 1000k -bufsize 2000k -profile:v main -b:a 96k",
            Self::P720 => "-crf 23 -maxrate 2200k -bufsize 4400k -profile:v high -b:a 128k",
            Self::P1080 => "-crf 23 -maxrate 4500k -bufsize 9000k -profile:v high -b:a 128k",
        }
    }
}

impl Probe {
    /// The sizes this clip is offered in, the one that is to be made first first. None is larger than the clip,
    /// but for 720p, which then has the clip's own size.
    #[must_use]
    pub fn ladder(&self) -> Vec<Rung> {
        let edge = self.width.min(self.height);
        let mut rungs = vec![Rung::P720];
        if edge > Rung::P480.short_edge() {
            rungs.push(Rung::P480);
        }
        if edge >= Rung::P1080.short_edge() {
            rungs.push(Rung::P1080);
        }
        rungs
    }
}
