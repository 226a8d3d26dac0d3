//! What a request says, typed: a JSON body, whose unknown and wrong members are refused by name, and the number in a
//! path.

use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::header;
use axum::http::request::Parts;
use domain::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::error::Failure;
use crate::params::{MAX_BODY_BYTES, bad, in_time, small_body};

/// A JSON body of at most 64 KiB.
pub(super) struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> std::result::Result<Self, Failure> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(bad("Content-Type", "must be application/json").into());
        }
        Ok(Self(read(&in_time(small_body(request.into_body(), MAX_BODY_BYTES)).await?)?))
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    // An array would pass for an object of the same members in order.
    if bytes.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err(bad("request body", "must be a JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        wrong(&path, error.inner())
    })?;
    reader.end().map_err(|error| wrong(".", &error))?;
    Ok(value)
}

/// What is wrong with which member.
fn wrong(path: &str, error: &serde_json::Error) -> Error {
    let text = error.to_string();
    // Where it stands is told by the member's name.
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let missing = text.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    let (name, problem) = match (error.classify(), missing) {
        (Category::Data, Some(name)) => (name, "is required".to_owned()),
        (Category::Data, None) if path != "." => (path, format!("is wrong: {text}")),
        (Category::Data, None) => ("request body", format!("is wrong: {text}")),
        (Category::Syntax | Category::Eof | Category::Io, _) => {
            ("request body", format!("must be JSON: {text}"))
        }
    };
    Error::BadParameter { name: name.to_owned().into(), problem }
}

/// The number in a path.
pub(super) struct Id(pub i64);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> std::result::Result<Self, Failure> {
        let found = RawPathParams::from_request_parts(parts, state).await;
        let found = found.map_err(|_none| Error::internal("a path without parameters"))?;
        let text = found.iter().find(|(name, _)| *name == "id").map_or("", |(_, value)| value);
        Ok(Self(number("id", text)?))
    }
}

/// A number of a path that has several.
pub(super) fn number(name: &'static str, text: &str) -> Result<i64> {
    text.parse().map_err(|_wrong| bad(name, "must be a positive whole number"))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Said {
        title: String,
        #[serde(default)]
        parts: Vec<i64>,
    }

    #[test]
    fn what_is_wrong_is_named() {
        let said: Said = read(br#"{"title":"a","parts":[1]}"#).expect("is right");
        assert_eq!((said.title.as_str(), said.parts), ("a", vec![1]));
        for (body, expected) in [
            ("{}", "title is required"),
            (r#"{"title":5}"#, "title is wrong: invalid type: integer `5`, expected a string"),
            (
                r#"{"title":"a","parts":[1,"b"]}"#,
                "parts[1] is wrong: invalid type: string \"b\", expected i64",
            ),
            (r#"{"title":"a","x":1}"#, "x is wrong: unknown field `x`, expected `title` or `parts`"),
            (r#"["a",[1]]"#, "request body must be a JSON object"),
            ("5", "request body must be a JSON object"),
            ("{", "request body must be JSON: EOF while parsing an object"),
            (r#"{"title":"a"}{}"#, "request body must be JSON: trailing characters"),
            ("", "request body must be JSON: EOF while parsing a value"),
        ] {
            let error = read::<Said>(body.as_bytes()).expect_err("is wrong").to_string();
            assert_eq!(error, expected, "{body}");
        }
    }
}
