//! An answer, or a part of one, as lenient clients read it: a number that came as a text is a number, what is missing is
//! 0, false or empty. So a rule fails for what it is about; that types and fields are right is asked by rules of their own.

use std::fmt::Display;
use std::sync::Arc;

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::trouble::{Checked, Fault, Trouble};

/// How much of an answer is shown.
const SHOWN_CHARS: usize = 240;

/// What was asked, and what came back.
#[derive(Debug)]
pub(super) struct Exchange {
    /// Method, path and parameters, without secrets.
    pub asked: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// What must not be shown of the answer.
    pub secrets: Vec<String>,
}

/// A part of an answer; nothing of it when the answer has no such part.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    exchange: Arc<Exchange>,
    /// Where it stands, such as `video_list[0].author`; empty for the whole answer.
    place: String,
    /// Null also when the answer is no JSON.
    pub value: Value,
}

impl Seen {
    pub(super) fn whole(exchange: Exchange) -> Self {
        let value = serde_json::from_slice(&exchange.body).unwrap_or_default();
        Self { exchange: Arc::new(exchange), place: String::new(), value }
    }

    pub(super) fn status(&self) -> u16 {
        self.exchange.status
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.exchange.body
    }

    /// Method, path and parameters of the request, without secrets.
    pub(super) fn asked(&self) -> &str {
        &self.exchange.asked
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// A header's text; empty when there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        self.exchange.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The API's own code, unless there is no JSON. Some servers leave out a 0.
    pub(super) fn code(&self) -> Option<i64> {
        self.value.is_object().then(|| self.number("status_code"))
    }

    /// This answer, if it is a success.
    pub(super) fn success(self) -> Checked<Self> {
        let ok = self.status() == 200 && self.code() == Some(0);
        self.want(ok, "a success: HTTP 200 with status_code 0")?;
        Ok(self)
    }

    /// This answer, if it is a refusal: in the envelope, or by the HTTP status as some servers do.
    pub(super) fn refused(self) -> Checked<Self> {
        let told = self.status() == 200 && self.code().is_some_and(|code| code != 0);
        let ok = told || (400..500).contains(&self.status());
        self.want(ok, "a refusal: HTTP 200 with a status_code other than 0")?;
        Ok(self)
    }

    /// A field.
    pub(super) fn part(&self, name: &str) -> Self {
        let place = if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) };
        Self { exchange: Arc::clone(&self.exchange), place, value: self.value[name].clone() }
    }

    /// The entries of a list.
    pub(super) fn list(&self, name: &str) -> Vec<Self> {
        let list = self.part(name);
        let entries = list.value.as_array().into_iter().flatten().enumerate();
        entries
            .map(|(index, value)| Self {
                exchange: Arc::clone(&self.exchange),
                place: format!("{}[{index}]", list.place),
                value: value.clone(),
            })
            .collect()
    }

    /// The first entry of a list.
    pub(super) fn first(&self, list: &str) -> Checked<Self> {
        let first = self.list(list).into_iter().next();
        first.ok_or_else(|| self.wrong(self.brief(), format_args!("{list} has an entry")))
    }

    /// The entry of a list with this id.
    pub(super) fn entry(&self, list: &str, id: i64) -> Checked<Self> {
        let found = self.list(list).into_iter().find(|one| one.number("id") == id);
        found.ok_or_else(|| self.wrong(self.brief(), format_args!("{list} has an entry with the id {id}")))
    }

    pub(super) fn number(&self, name: &str) -> i64 {
        number(&self.value[name])
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.value[name].as_str().unwrap_or_default()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.value[name].as_bool().unwrap_or_default()
    }

    /// Requires a field to be a number, a text, or a yes or no.
    pub(super) fn is(&self, name: &str, wanted: impl Into<Value>) -> Checked {
        let wanted = wanted.into();
        let ok = match &wanted {
            Value::Bool(flag) => self.flag(name) == *flag,
            Value::Number(_) => self.number(name) == number(&wanted),
            Value::String(text) => self.text(name) == text,
            Value::Null | Value::Array(_) | Value::Object(_) => self.value[name] == wanted,
        };
        if ok {
            return Ok(());
        }
        let part = self.part(name);
        Err(self.wrong(format_args!("{} is {}", part.place, part.brief()), format_args!("{wanted}")))
    }

    /// Requires a list to hold these ids, in this order.
    pub(super) fn has_ids(&self, list: &str, wanted: &[i64]) -> Checked {
        let ids = self.ids(list);
        if ids == wanted {
            return Ok(());
        }
        Err(self.wrong(format_args!("{list} has the ids {ids:?}"), format_args!("{wanted:?}")))
    }

    /// The ids of a list's entries.
    pub(super) fn ids(&self, list: &str) -> Vec<i64> {
        self.list(list).iter().map(|one| one.number("id")).collect()
    }

    /// Requires something of this part; `right` says what would be so.
    pub(super) fn want(&self, ok: bool, right: impl Display) -> Checked {
        if ok { Ok(()) } else { Err(self.wrong(self.brief(), right)) }
    }

    /// What came instead of what would be right.
    pub(super) fn wrong(&self, came: impl Display, right: impl Display) -> Trouble {
        let asked = self.exchange.asked.clone();
        Trouble::Fault(Fault { asked, came: self.shown(&came.to_string()), right: right.to_string() })
    }

    /// This part in a few words.
    pub(super) fn brief(&self) -> String {
        if !self.place.is_empty() {
            return if self.value.is_null() {
                "null or missing".into()
            } else {
                self.shown(&self.value.to_string())
            };
        }
        let text = String::from_utf8_lossy(&self.exchange.body);
        let text = if self.value.is_object() { text.into_owned() } else { format!("no JSON object: {text}") };
        self.shown(&format!("HTTP {} {}", self.status(), text.trim()))
    }

    /// Text of the server's, short, on one line and without secrets.
    fn shown(&self, text: &str) -> String {
        let own = self.value["token"].as_str().filter(|token| !token.is_empty());
        let secrets = self.exchange.secrets.iter().map(String::as_str).chain(own);
        let text = secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "…"));
        short(&text, SHOWN_CHARS)
    }
}

/// At most so many characters of a text, none of which moves a terminal's cursor.
pub(super) fn short(text: &str, chars: usize) -> String {
    let mut kept: String =
        text.chars().map(|one| if one.is_control() { ' ' } else { one }).take(chars).collect();
    if text.chars().nth(chars).is_some() {
        kept.push('…');
    }
    kept
}

fn number(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default()
}
