//! The API's objects: each documented field with its type. Which are demanded where is the rules'.

use serde_json::Value;

use super::seen::Seen;
use super::trouble::Checked;

/// What a field holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A number above 0.
    Id,
    /// A number, 0 at least.
    Count,
    /// A number of milliseconds since 1970, in this century.
    Millis,
    /// 0 or 1.
    Side,
    /// A yes or no.
    Flag,
    /// A text with something in it.
    Words,
    /// A text.
    Text,
    /// An absolute address of http or https.
    Address,
    /// Month and day, `mm-dd`.
    Day,
    /// An object with these fields.
    Object(&'static [(&'static str, Kind)]),
}

/// The first moment that can be one in milliseconds: in seconds it would lie 30,000 years ahead.
const FIRST_MILLIS: i64 = 1_000_000_000_000;

pub(super) const USER: &[(&str, Kind)] = &[
    ("id", Kind::Id),
    ("name", Kind::Words),
    ("follow_count", Kind::Count),
    ("follower_count", Kind::Count),
    ("is_follow", Kind::Flag),
    ("avatar", Kind::Address),
    ("background_image", Kind::Address),
    ("signature", Kind::Words),
    ("total_favorited", Kind::Count),
    ("work_count", Kind::Count),
    ("favorite_count", Kind::Count),
];

pub(super) const VIDEO: &[(&str, Kind)] = &[
    ("id", Kind::Id),
    ("author", Kind::Object(USER)),
    ("play_url", Kind::Address),
    ("cover_url", Kind::Address),
    ("favorite_count", Kind::Count),
    ("comment_count", Kind::Count),
    ("is_favorite", Kind::Flag),
    ("title", Kind::Words),
];

pub(super) const COMMENT: &[(&str, Kind)] =
    &[("id", Kind::Id), ("user", Kind::Object(USER)), ("content", Kind::Words), ("create_date", Kind::Day)];

pub(super) const MESSAGE: &[(&str, Kind)] = &[
    ("id", Kind::Id),
    ("to_user_id", Kind::Id),
    ("from_user_id", Kind::Id),
    ("content", Kind::Words),
    ("create_time", Kind::Millis),
];

/// What a friend has besides the fields of a user.
pub(super) const FRIEND: &[(&str, Kind)] = &[("message", Kind::Text), ("msgType", Kind::Side)];

/// Requires each field, of its kind.
pub(super) fn has(object: &Seen, fields: &[(&'static str, Kind)]) -> Checked {
    for (name, kind) in fields {
        let part = object.part(name);
        if let Kind::Object(fields) = kind {
            has(&part, fields)?;
        } else if !kind.is(&part.value) {
            let right = kind.words();
            return Err(part.wrong(format_args!("{} is {}", part.place(), part.brief()), right));
        }
    }
    Ok(())
}

impl Kind {
    /// Whether a value is of this kind.
    pub(super) fn is(self, value: &Value) -> bool {
        let (number, text) = (value.as_i64(), value.as_str());
        match self {
            Self::Id => number.is_some_and(|id| id > 0),
            Self::Count => number.is_some_and(|count| count >= 0),
            Self::Millis => number.is_some_and(|millis| millis > FIRST_MILLIS),
            Self::Side => number.is_some_and(|side| side == 0 || side == 1),
            Self::Flag => value.is_boolean(),
            Self::Words => text.is_some_and(|text| !text.trim().is_empty()),
            Self::Text => text.is_some(),
            Self::Address => {
                text.is_some_and(|text| text.starts_with("http://") || text.starts_with("https://"))
            }
            Self::Day => text.is_some_and(is_day),
            Self::Object(_) => value.is_object(),
        }
    }

    /// What a value of this kind is.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Id => "a JSON number above 0",
            Self::Count => "a JSON number, 0 at least",
            Self::Millis => "a JSON number of milliseconds since 1970",
            Self::Side => "the JSON number 0 or 1",
            Self::Flag => "true or false",
            Self::Words => "a text that is not empty",
            Self::Text => "a text, which may be empty",
            Self::Address => "an absolute address, http:// or https://",
            Self::Day => "month and day of two digits each, mm-dd",
            Self::Object(_) => "an object",
        }
    }
}

fn is_day(text: &str) -> bool {
    let number = |part: &str| if part.len() == 2 { part.parse::<u8>().ok() } else { None };
    let Some((month, day)) = text.split_once('-') else { return false };
    number(month).is_some_and(|month| (1..=12).contains(&month))
        && number(day).is_some_and(|day| (1..=31).contains(&day))
}
