//! What the benchmarks reach of this crate's inside. It is nobody else's.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use domain::{Call, Result, Timestamp, TraceId, UserId};
use proto::ListFeedResponse;

use crate::Tokens;
use crate::address::Base;
use crate::pages::Pages;
use crate::params::Params;
use crate::routes::douyin::feed::{Asked, reply};

const BASE: &str = "http://192.168.1.7:8080";

/// The feed endpoint's part of an answer, with the pages it keeps.
pub struct FeedPages {
    pages: Pages,
    nobody: Call,
    viewer: Call,
}

impl Default for FeedPages {
    fn default() -> Self {
        let nobody = Call::within(Duration::from_secs(60), None, TraceId(1));
        Self { pages: Pages::default(), nobody, viewer: Call { viewer: UserId::parse(1).ok(), ..nobody } }
    }
}

impl FeedPages {
    /// What is sent to nobody.
    ///
    /// # Errors
    /// When the answer does not fit the kept page.
    pub fn to_nobody(&self, answer: ListFeedResponse) -> Result<Bytes> {
        self.show(&self.nobody, answer)
    }

    /// What is sent to a viewer.
    ///
    /// # Errors
    /// As [`FeedPages::to_nobody`].
    pub fn to_viewer(&self, answer: ListFeedResponse) -> Result<Bytes> {
        self.show(&self.viewer, answer)
    }

    fn show(&self, call: &Call, answer: ListFeedResponse) -> Result<Bytes> {
        let asked = Asked { call, base: BASE, before: 0, kept: self.pages.before(0) };
        asked.show(&self.pages, Ok(answer), Instant::now())
    }
}

/// The JSON of an answer as it is without kept pages: of its fields, one by one.
#[must_use]
pub fn serialised(answer: ListFeedResponse) -> Vec<u8> {
    let mut json = Vec::with_capacity(16 * 1024);
    let _written = serde_json::to_writer(&mut json, &reply(&Base::at(BASE), answer));
    json
}

/// A token for a first user.
///
/// # Errors
/// When the system gives no random bits.
pub fn token(tokens: &Tokens) -> Result<String> {
    tokens.issue(UserId::parse(1)?, 0, Timestamp::now())
}

/// Whether a token is good.
#[must_use]
pub fn is_good(tokens: &Tokens, token: &str) -> bool {
    tokens.check(token).is_ok()
}

/// A cursor as a request gives it.
pub struct Cursor(Params);

impl Cursor {
    /// The text of `latest_time`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Params::default().and([("latest_time".to_owned(), Some(text.to_owned()))]))
    }

    /// UTC milliseconds.
    #[must_use]
    pub fn moment(&self) -> i64 {
        self.0.moment("latest_time")
    }
}
