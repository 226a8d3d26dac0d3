//! One request, made the way one of the clients makes it, and sent again when the server asks to wait.

use std::fmt::Display;
use std::time::Duration;

use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use tokio::time::sleep;

use super::seen::{Exchange, Seen, short};
use super::stage::Stage;
use super::trouble::{Checked, Fault, Trouble};

/// Parameters, of whatever types have a text.
pub(super) type Pairs<'a> = &'a [(&'a str, &'a (dyn Display + Sync))];

/// How often a request is sent to a server that asks to wait.
const TRIES: u32 = 4;
/// The longest it is waited when a server asks to.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How long an answer may take, an upload's included.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// An object larger than this is none of ours.
const MOST_BYTES: usize = 16 << 20;
/// What is shorter is nobody's token or password, and may stand in an answer by chance.
const SECRET_BYTES: usize = 6;
/// How much of a parameter is shown.
const SHOWN_CHARS: usize = 32;

/// A request in the making.
pub(super) struct Ask<'w> {
    stage: &'w Stage,
    method: Method,
    url: String,
    query: Vec<(String, String)>,
    form: Vec<(String, String)>,
    fields: Vec<(String, Field)>,
    headers: Vec<(&'static str, String)>,
}

/// A part of a multipart body.
#[derive(Clone)]
enum Field {
    Text(String),
    File { name: &'static str, bytes: Vec<u8> },
}

impl<'w> Ask<'w> {
    /// Asks for a path below the server's address, or an address that it gave.
    pub(super) fn new(stage: &'w Stage, method: Method, path: &str) -> Self {
        let url = if path.starts_with('/') { format!("{}{path}", stage.base_url()) } else { path.to_owned() };
        let (query, form, fields, headers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { stage, method, url, query, form, fields, headers }
    }

    pub(super) fn query(mut self, pairs: Pairs<'_>) -> Self {
        self.query.extend(texts(pairs));
        self
    }

    /// Adds fields of a form in the body, on a GET as well.
    pub(super) fn form(mut self, pairs: Pairs<'_>) -> Self {
        self.form.extend(texts(pairs));
        self
    }

    /// Adds a text to a multipart body; its parts are sent in the order they are added.
    pub(super) fn field(mut self, name: &str, value: impl Display) -> Self {
        self.fields.push((name.to_owned(), Field::Text(value.to_string())));
        self
    }

    /// Adds the file to a multipart body as Go's clients do: as an octet stream, under whatever name.
    pub(super) fn file(mut self, name: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        self.fields.push(("data".into(), Field::File { name, bytes: bytes.into() }));
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The answer, whatever it is.
    pub(super) async fn send(self) -> Checked<Seen> {
        let mut tries = 0;
        loop {
            let seen = self.once().await?;
            let Some(wait) = asked_to_wait(&seen) else { return Ok(seen) };
            self.stage.was_limited();
            tries += 1;
            if tries == TRIES {
                self.stage.count(false);
                let reason = format!("the server asks to wait, again and again: {}", seen.brief());
                return Err(Trouble::blocked(reason));
            }
            sleep(wait.min(LONGEST_WAIT)).await;
        }
    }

    async fn once(&self) -> Checked<Seen> {
        self.stage.hopeful()?;
        let arrived = match self.request()?.timeout(ANSWER_TIME).send().await {
            Ok(response) => whole(response).await,
            Err(error) => Err(error),
        };
        let (status, headers, body) = arrived.map_err(|error| {
            self.stage.count(false);
            self.unanswered(error)
        })?;
        let (asked, secrets) = (self.shown(), self.secrets());
        let seen = Seen::whole(Exchange { asked, status, headers, body, secrets });
        if asked_to_wait(&seen).is_none() {
            self.stage.count(true);
        }
        Ok(seen)
    }

    fn request(&self) -> Checked<RequestBuilder> {
        let mut request = self.stage.http().request(self.method.clone(), &self.url);
        if !self.query.is_empty() {
            request = request.query(&self.query);
        }
        request = self.headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        if !self.fields.is_empty() {
            return Ok(request.multipart(multipart(&self.fields)?));
        }
        if !self.form.is_empty() {
            return Ok(request.form(&self.form));
        }
        // As the app and k6 do it: no body, no Content-Type.
        Ok(if self.method == Method::POST { request.header("content-length", "0") } else { request })
    }

    fn unanswered(&self, error: reqwest::Error) -> Trouble {
        let came = if error.is_timeout() {
            format!("no whole answer within {} s", ANSWER_TIME.as_secs())
        } else {
            // An address has the token in its query.
            format!("no answer: {}", causes(&error.without_url()))
        };
        Trouble::Fault(Fault { asked: self.shown(), came, right: "an answer".into() })
    }

    fn shown(&self) -> String {
        let path = self.url.strip_prefix(self.stage.base_url()).unwrap_or(&self.url);
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let files = self.fields.iter().map(|(name, field)| match field {
            Field::Text(text) => (name.as_str(), text.as_str()),
            Field::File { name: file, .. } => (name.as_str(), *file),
        });
        let pairs = self.query.iter().chain(&self.form).map(|(name, value)| (name.as_str(), value.as_str()));
        let headers = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let mut shown = format!("{} {path}", self.method);
        for (name, value) in pairs.chain(files).chain(headers) {
            let value = if is_secret(name) { "…".into() } else { short(value, SHOWN_CHARS) };
            shown.push_str(&format!(" {name}={value}"));
        }
        short(&shown, 8 * SHOWN_CHARS)
    }

    fn secrets(&self) -> Vec<String> {
        let texts = self.fields.iter().filter_map(|(name, field)| match field {
            Field::Text(text) => Some((name, text)),
            Field::File { .. } => None,
        });
        let pairs = self.query.iter().chain(&self.form).map(|(name, value)| (name, value));
        let secret =
            pairs.chain(texts).filter(|(name, value)| is_secret(name) && value.len() >= SECRET_BYTES);
        secret.map(|(_, value)| value.clone()).collect()
    }
}

fn is_secret(name: &str) -> bool {
    matches!(name, "token" | "password" | "authorization")
}

fn texts<'a>(pairs: Pairs<'a>) -> impl Iterator<Item = (String, String)> + 'a {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.to_string()))
}

fn multipart(fields: &[(String, Field)]) -> Checked<Form> {
    fields.iter().cloned().try_fold(Form::new(), |form, (name, field)| match field {
        Field::Text(text) => Ok(form.text(name, text)),
        Field::File { name: file, bytes } => {
            let part = Part::bytes(bytes).file_name(file).mime_str("application/octet-stream");
            let part = part.map_err(|error| Trouble::Skipped(format!("no upload can be made: {error}")))?;
            Ok(form.part(name, part))
        }
    })
}

type Arrived = (u16, reqwest::header::HeaderMap, Vec<u8>);

async fn whole(mut response: Response) -> reqwest::Result<Arrived> {
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MOST_BYTES {
            break;
        }
    }
    Ok((status.as_u16(), headers, body))
}

/// How long to wait before asking again, when that is what the server says: by HTTP 429 or 503, by this API's numbers
/// for it, or by 403 without JSON as one server does.
fn asked_to_wait(seen: &Seen) -> Option<Duration> {
    let by_status = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE]
        .iter()
        .any(|status| status.as_u16() == seen.status());
    let by_code = matches!(seen.code(), Some(100_005 | 100_008));
    let by_text = seen.status() == 403 && seen.code().is_none() && seen.asked().contains("/douyin/");
    let seconds = seen.header("retry-after").parse().unwrap_or(1);
    (by_status || by_code || by_text).then_some(Duration::from_secs(seconds))
}

/// An error with what caused it.
fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
