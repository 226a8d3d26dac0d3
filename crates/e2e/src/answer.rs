//! An answer of the API: checked for what every answer must have, before a test looks at it.

use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;

use crate::shape;

/// An answer in the envelope.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub http: u16,
    /// The HTTP headers.
    pub headers: HeaderMap,
    /// The whole object.
    pub json: Value,
}

impl Answer {
    /// Reads an answer and checks its form.
    ///
    /// # Panics
    /// When it is not JSON in the envelope or has no trace id.
    pub async fn read(response: Response) -> Self {
        let (url, http) = (response.url().path().to_owned(), response.status().as_u16());
        let headers = response.headers().clone();
        let body = response.text().await.expect("the body arrives");
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert_eq!(header(CONTENT_TYPE.as_str()), "application/json; charset=utf-8", "{url}: {body}");
        assert!(!header("x-trace-id").is_empty(), "{url} has no trace id");
        assert_eq!(header("x-content-type-options"), "nosniff", "{url}");
        assert_eq!(header("cache-control"), "no-store", "{url}");
        let json: Value = serde_json::from_str(&body).expect("the body is JSON");
        let answer = Self { http, headers, json };
        assert!(i32::try_from(shape::integer(&answer.json, "status_code")).is_ok(), "{url}: {body}");
        assert!(!shape::text(&answer.json, "status_msg").trim().is_empty(), "{url}: {body}");
        answer
    }

    /// The API's own code; 0 is success.
    pub fn code(&self) -> i64 {
        shape::integer(&self.json, "status_code")
    }

    /// The text for people.
    pub fn message(&self) -> &str {
        shape::text(&self.json, "status_msg")
    }

    /// The object of a success.
    ///
    /// # Panics
    /// When it is a failure.
    pub fn ok(self) -> Value {
        assert_eq!((self.http, self.code()), (200, 0), "{}", self.json);
        self.json
    }

    /// Requires the failure of a client's fault with this code: HTTP 200, and words somebody understands.
    ///
    /// # Panics
    /// When it is a success or another failure.
    pub fn refused(self, code: i64) -> Self {
        assert_eq!((self.http, self.code()), (200, code), "{}", self.json);
        let message = self.message();
        for noise in ["Error", "::", "{", "SQL", "sql", "/tmp", "panic", "None", "Some("] {
            assert!(!message.contains(noise), "not words for a person: {message}");
        }
        self
    }

    /// A list of a success.
    pub fn list(self, field: &str) -> Vec<Value> {
        let json = self.ok();
        shape::list(&json, field).to_vec()
    }
}
