//! Identifiers: database sequences starting at 1, JSON numbers on the wire. One type a noun, so that a
//! comment's number cannot be passed where a video's is meant.

use crate::{Error, Result};

macro_rules! id {
    ($name:ident, $field:literal, $noun:literal) => {
        #[doc = concat!("The number of ", $noun, ": at least 1, assigned by the database.")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// Accepts any positive number.
            ///
            /// # Errors
            /// [`Error::BadParameter`] for zero and below.
            pub fn parse(number: i64) -> Result<Self> {
                if number > 0 {
                    return Ok(Self(number));
                }
                Err(Error::BadParameter {
                    name: $field.into(),
                    problem: "must be a positive whole number".into(),
                })
            }

            /// The bare number, for the database and the wire.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(UserId, "user_id", "a user");
id!(VideoId, "video_id", "a video");
id!(CommentId, "comment_id", "a comment");
id!(JobId, "job_id", "a background job");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_positive_numbers_are_ids() {
        assert_eq!(UserId::parse(1).map(UserId::get).ok(), Some(1));
        assert_eq!(VideoId::parse(i64::MAX).map(VideoId::get).ok(), Some(i64::MAX));
        for number in [0, -1, i64::MIN] {
            assert!(CommentId::parse(number).is_err(), "{number}");
        }
    }
}
