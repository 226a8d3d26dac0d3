//! The bounds that are part of the product. Those an operator may change are configuration keys instead.

use std::time::Duration;

/// Videos on one page of the feed.
pub const FEED_PAGE: usize = 30;
/// Rows in any list without a cursor: the newest this many.
pub const LIST_ROWS: usize = 500;
/// Longest user name the schema holds; `users.name_max_chars` may ask for less.
pub const MAX_NAME_CHARS: usize = 64;
/// Shortest password a registration accepts, in characters.
pub const MIN_PASSWORD_CHARS: usize = 6;
/// Shortest password the modern API accepts, in characters (NIST SP 800-63B, 5.1.1.2).
pub const CHOSEN_PASSWORD_CHARS: usize = 8;
/// Longest password, in characters; a bound on hashing work, not on memory.
pub const MAX_PASSWORD_CHARS: usize = 128;
/// Longest title of a video, in characters.
pub const MAX_TITLE_CHARS: usize = 255;
/// Longest tag, in characters.
pub const MAX_TAG_CHARS: usize = 32;
/// Longest text that is looked for, in characters.
pub const MAX_QUERY_CHARS: usize = 100;
/// The most tags a title has; others are words like any.
pub const MAX_TAGS: usize = 10;
/// The most people who are told that a text mentions them.
pub const MAX_MENTIONS: usize = 10;
/// Longest text in which people say who they are, in characters.
pub const MAX_SIGNATURE_CHARS: usize = 255;
/// Longest comment or chat message, in characters.
pub const MAX_CONTENT_CHARS: usize = 255;
/// Longest captions of one language, in bytes.
pub const MAX_CAPTIONS_BYTES: usize = 256 * 1024;
/// How long a session lasts that is not renewed.
pub const SESSION_TIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long a session's end is told: longer than any of its tokens for requests is good.
pub const ENDED_TIME: Duration = Duration::from_secs(20 * 60);
/// What the gateway grants a call that is not an upload.
pub const CALL_TIME: Duration = Duration::from_secs(10);
/// What the gateway grants the work after an upload's last byte: probe, remux, cover, row.
pub const PUBLISH_TIME: Duration = Duration::from_secs(90);
