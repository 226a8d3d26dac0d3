//! What every layer agrees on: identifiers, limits, time, the call context and the error catalogue.
//! No I/O and no async; who stores, sends or shows these things is left to the other crates.

mod call;
mod clock;
mod error;
mod happening;
mod id;
pub mod limits;
mod mention;
mod occasion;
mod report;
mod standing;
mod tag;
mod text;
mod visibility;
mod word_rule;
mod words;

pub use call::{Call, IdempotencyKey, TraceId};
pub use clock::Timestamp;
pub use error::{Error, Kind, Result};
pub use happening::Happening;
pub use id::{CommentId, JobId, UserId, VideoId};
pub use mention::mentions;
pub use occasion::Occasion;
pub use report::{Reason, Verdict};
pub use standing::Standing;
pub use tag::Tag;
pub use text::{Content, DisplayName, Password, Signature, Title, UserName, hex};
pub use visibility::Visibility;
pub use word_rule::{UnwantedWord, WordAction, WordRules};
pub use words::{Query, Word, words};
