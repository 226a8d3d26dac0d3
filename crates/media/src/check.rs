//! Whether the installed ffmpeg can do the work, said before anybody uploads anything.

use std::fmt;
use std::sync::atomic::Ordering;

use tracing::warn;

use crate::arguments::Arguments;
use crate::{Error, Media};

/// The oldest ffmpeg whose options we use.
const OLDEST: (u32, u32, u32) = (5, 1, 0);
/// The first release of each line that fixes CVE-2026-8461, a decoder overflow our decoder list keeps out of reach.
const PATCHED: [(u32, u32, u32); 4] = [(5, 1, 10), (6, 1, 6), (7, 1, 5), (8, 1, 2)];
const ENCODERS: [&str; 5] = ["libx264", "aac", "mjpeg", "libwebp", "libwebp_anim"];
const FILTERS: [&str; 4] = ["ebur128", "alimiter", "zscale", "tonemap"];
const DECODERS: [&str; 2] = ["h264", "aac"];

/// An ffmpeg version, as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Major, minor and patch; none for a build from a development snapshot.
    pub number: Option<(u32, u32, u32)>,
    /// The word ffmpeg calls itself by.
    pub text: String,
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Media {
    /// The installed ffmpeg's version, once ffmpeg and ffprobe have proved that they run and have what we need.
    /// A version with known holes is warned of once.
    ///
    /// # Errors
    /// `ToolMissing` and `ToolUnfit` say in their text what to install; others when a tool does not even run.
    pub async fn check(&self) -> Result<Version, Error> {
        let ffmpeg = self.tools.ffmpeg.as_str();
        self.output_of(&self.tools.ffprobe, "-version").await?;
        let version = Version::parse(&self.output_of(ffmpeg, "-version").await?);
        let unfit = |problem| Error::ToolUnfit { tool: ffmpeg.to_owned(), problem };
        if version.is_too_old() {
            return Err(unfit(format!("it is version {version}, install 5.1 or newer")));
        }
        for (list, wanted) in
            [("-encoders", &ENCODERS[..]), ("-decoders", &DECODERS[..]), ("-filters", &FILTERS[..])]
        {
            let have = self.output_of(ffmpeg, list).await?;
            if let Some(lacks) = wanted.iter().find(|name| !lists(&have, name)) {
                let what = list.trim_start_matches('-').trim_end_matches('s');
                return Err(unfit(format!("it has no {what} {lacks}, install a full build of ffmpeg")));
            }
        }
        if version.has_known_holes() && !self.tools.warned.swap(true, Ordering::Relaxed) {
            warn!(version = %version, "ffmpeg lacks security fixes, update it to 5.1.10, 6.1.6, 7.1.5, 8.1.2 or newer");
        }
        Ok(version)
    }

    async fn output_of(&self, program: &str, option: &str) -> Result<String, Error> {
        let arguments = Arguments::confined().words("-v error -hide_banner").words(option);
        let finished = self.run(program, arguments, self.light_limits(), None).await?;
        if finished.success() {
            return Ok(String::from_utf8_lossy(&finished.stdout).into_owned());
        }
        Err(finished.failed())
    }
}

impl Version {
    /// From `ffmpeg version 5.1.9-0+deb12u1 Copyright …`; tags may begin with an `n`.
    fn parse(banner: &str) -> Self {
        let text: String =
            banner.split_ascii_whitespace().nth(2).unwrap_or("unknown").chars().take(40).collect();
        let digits =
            text.trim_start_matches('n').split(|letter: char| !letter.is_ascii_digit() && letter != '.');
        let numbers: Vec<u32> =
            digits.take(1).flat_map(|part| part.split('.')).map_while(|n| n.parse().ok()).collect();
        let number = match numbers[..] {
            [major, minor] => Some((major, minor, 0)),
            [major, minor, patch, ..] => Some((major, minor, patch)),
            [] | [_] => None,
        };
        Self { number, text }
    }

    fn is_too_old(&self) -> bool {
        self.number.is_some_and(|number| number < OLDEST)
    }

    fn has_known_holes(&self) -> bool {
        let Some(number) = self.number else { return false };
        PATCHED.iter().any(|patched| patched.0 == number.0 && number < *patched)
    }
}

/// Whether ` V....D libx264   libx264 H.264 …` names `name`.
fn lists(output: &str, name: &str) -> bool {
    output.lines().any(|line| line.split_ascii_whitespace().nth(1) == Some(name))
}

#[cfg(test)]
mod tests {
    use super::Version;

    fn number(text: &str) -> Option<(u32, u32, u32)> {
        Version::parse(&format!("ffmpeg version {text} Copyright (c) 2000")).number
    }

    #[test]
    fn versions_are_read_in_every_spelling() {
        assert_eq!(number("5.1.9-0+deb12u1"), Some((5, 1, 9)));
        assert_eq!(number("7.1"), Some((7, 1, 0)));
        assert_eq!(number("n6.1.1-3ubuntu5"), Some((6, 1, 1)));
        assert_eq!(number("N-118000-gabcdef"), None);
        assert_eq!(Version::parse("").number, None);
    }

    #[test]
    fn the_floor_is_5_1() {
        let is_too_old = |text: &str| Version::parse(&format!("ffmpeg version {text} x")).is_too_old();
        assert!(is_too_old("4.4.2") && is_too_old("5.0.3"));
        assert!(!is_too_old("5.1") && !is_too_old("9.0.2") && !is_too_old("N-1-gabc"));
    }

    #[test]
    fn only_unpatched_lines_are_warned_of() {
        let holes = |text: &str| Version::parse(&format!("ffmpeg version {text} x")).has_known_holes();
        assert!(holes("5.1.9") && holes("6.0.1") && holes("7.1.4") && holes("8.0"));
        assert!(!holes("5.1.10") && !holes("7.1.5") && !holes("9.0.2") && !holes("N-1-gabc"));
    }
}
