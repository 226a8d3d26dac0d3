//! Captions: WebVTT tracks that an author adds to a video, one a language.

use blobs::Key;
use domain::limits::MAX_CAPTIONS_BYTES;
use domain::{Call, Error, Result, VideoId};
use proto::{DeleteCaptionsRequest, Done, PutCaptionsRequest};

use super::{Videos, new_object};
use crate::media::stored_object;
use crate::{blob_failed, discard, random_bits};

/// The longest language tag that BCP 47 asks implementations to take.
const MAX_LANGUAGE: usize = 35;

impl Videos {
    pub(super) async fn put_track(&self, call: &Call, request: PutCaptionsRequest) -> Result<Done> {
        let (author, video) = (call.viewer()?, VideoId::parse(request.video_id)?);
        let role = role(&request.language)?;
        let text = track(request.text)?;
        let prefix = self.store.files_of(video).await?.visibility.prefix();
        let key = Key::random(prefix, random_bits()?, "vtt");
        let stored = self.blobs.store_text(text, &key).await.map_err(blob_failed)?;
        let file = new_object(stored_object(stored), &role);
        match self.store.put_file(author, video, file).await {
            Ok(old) => {
                if let Some(old) = old {
                    discard(&self.blobs, &old).await;
                }
                Ok(Done {})
            }
            Err(error) => {
                if !matches!(error, Error::Unavailable(_)) {
                    discard(&self.blobs, key.as_str()).await;
                }
                Err(error)
            }
        }
    }

    pub(super) async fn take_track(&self, call: &Call, request: DeleteCaptionsRequest) -> Result<Done> {
        let (author, video) = (call.viewer()?, VideoId::parse(request.video_id)?);
        if let Some(key) = self.store.take_file(author, video, role(&request.language)?).await? {
            discard(&self.blobs, &key).await;
        }
        Ok(Done {})
    }
}

/// What the captions of a language are to their video. Languages are told apart as BCP 47 does, without regard
/// to upper and lower case.
fn role(language: &str) -> Result<String> {
    let mut parts = language.split('-');
    let primary = |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic());
    let other = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    if language.len() > MAX_LANGUAGE || !parts.next().is_some_and(primary) || !parts.all(other) {
        return Err(Error::Invalid {
            name: "language".into(),
            problem: "must be a language tag such as en or zh-CN".into(),
        });
    }
    Ok(format!("captions.{}", language.to_ascii_lowercase()))
}

/// A WebVTT file as players read it (W3C, "WebVTT: The Web Video Text Tracks Format", 4.1).
pub(crate) fn track(text: String) -> Result<String> {
    let wrong = |problem: String| Error::Invalid { name: "captions".into(), problem };
    if text.len() > MAX_CAPTIONS_BYTES {
        return Err(Error::TooLarge { limit_bytes: MAX_CAPTIONS_BYTES as u64 });
    }
    let body = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let after = body.strip_prefix("WEBVTT").ok_or_else(|| wrong("must begin with WEBVTT".into()))?;
    if !after.is_empty() && !after.starts_with([' ', '\t', '\n', '\r']) {
        return Err(wrong("must begin with WEBVTT".into()));
    }
    if body.contains('\0') {
        return Err(wrong("must not contain the character 0".into()));
    }
    let mut cues = 0;
    for (line, text) in body.lines().enumerate() {
        if text.contains("-->") {
            timing(text).ok_or_else(|| wrong(format!("have no valid times in line {}", line + 1)))?;
            cues += 1;
        }
    }
    if cues == 0 {
        return Err(wrong("must have at least one line of times such as 00:01.000 --> 00:02.000".into()));
    }
    Ok(body.to_owned())
}

/// The beginning and the end of a cue, in milliseconds.
fn timing(line: &str) -> Option<(u64, u64)> {
    let (from, rest) = line.split_once("-->")?;
    let to = rest.split_whitespace().next()?;
    let (from, to) = (moment(from.trim())?, moment(to)?);
    (from < to).then_some((from, to))
}

fn moment(text: &str) -> Option<u64> {
    let (whole, millis) = text.split_once('.')?;
    let number = |text: &str, digits: std::ops::RangeInclusive<usize>| {
        let fits = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| text.parse::<u64>().ok()).flatten()
    };
    let parts: Vec<&str> = whole.split(':').collect();
    let (hours, minutes, seconds) = match parts[..] {
        [minutes, seconds] => (0, minutes, seconds),
        [hours, minutes, seconds] => (number(hours, 2..=4)?, minutes, seconds),
        _ => return None,
    };
    let (minutes, seconds) = (number(minutes, 2..=2)?, number(seconds, 2..=2)?);
    let millis = number(millis, 3..=3)?;
    (minutes < 60 && seconds < 60).then_some(((hours * 60 + minutes) * 60 + seconds) * 1000 + millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_a_tag_and_its_case_does_not_matter() {
        assert_eq!(role("zh-CN").ok(), Some("captions.zh-cn".into()));
        for wrong in ["", "e", "en-", "-en", "en_US", "zh-CN/../x", "abcdefghi", "en\0"] {
            assert!(role(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_track_has_its_head_and_cues_with_times() {
        let cue = "00:01.000 --> 00:02.500 align:start\nhello\n";
        for right in [
            format!("WEBVTT\n\n{cue}"),
            format!("\u{feff}WEBVTT title\r\n\r\n1\n01:00:00.000 --> 01:00:01.000\n{cue}"),
        ] {
            assert!(track(right.clone()).is_ok(), "{right:?}");
        }
        let wrongs = [
            String::new(),
            "WEBVTT\n".into(),
            format!("WEBVTTx\n\n{cue}"),
            format!("1\n{cue}"),
            "WEBVTT\n\n00:03.000 --> 00:02.000\nback\n".into(),
            "WEBVTT\n\n0:3 --> 0:4\nx\n".into(),
            "WEBVTT\n\n00:61.000 --> 00:62.000\nx\n".into(),
            format!("WEBVTT\n\n{cue}\0"),
        ];
        for wrong in wrongs {
            assert!(matches!(track(wrong.clone()), Err(Error::Invalid { .. })), "{wrong:?}");
        }
        assert!(matches!(track("WEBVTT\n".repeat(50_000)), Err(Error::TooLarge { .. })));
    }
}
