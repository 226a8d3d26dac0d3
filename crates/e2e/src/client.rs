//! Requests the way clients of this API make them. Who asks is the account's to say.

use std::fmt::Display;

use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Response};

use crate::{Answer, Platform};

/// A parameter's value, of whatever type has a text.
pub type Shown<'a> = &'a (dyn Display + Sync);

/// Parameters of a request.
pub type Pairs<'a> = &'a [(&'a str, Shown<'a>)];

/// A form with a file, part by part, in the order it is sent.
#[derive(Default)]
pub struct Upload {
    form: Form,
}

impl Upload {
    /// A form without parts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text field.
    pub fn text(self, name: &str, value: impl Display) -> Self {
        Self { form: self.form.text(name.to_owned(), value.to_string()) }
    }

    /// Adds the file as Go's clients do: under any name, as an octet stream.
    pub fn file(self, bytes: impl Into<Vec<u8>>) -> Self {
        let part = Part::bytes(bytes.into()).file_name("../public/bear.mp4");
        let part = part.mime_str("application/octet-stream").expect("a media type");
        Self { form: self.form.part("data", part) }
    }
}

impl Platform {
    /// The address of a path on the public port.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http())
    }

    /// A request to be finished by the test.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client().request(method, self.url(path))
    }

    /// Anything at an absolute address, as it came.
    ///
    /// # Panics
    /// When there is no answer at all.
    pub async fn fetch(&self, url: &str) -> Response {
        self.client().get(url).send().await.expect("an answer")
    }

    /// A GET with a query.
    pub async fn get(&self, path: &str, pairs: Pairs<'_>) -> Answer {
        answer(self.request(Method::GET, path).query(&texts(pairs))).await
    }

    /// A POST as the app and k6 make it: a query, no body, no content type.
    pub async fn post(&self, path: &str, pairs: Pairs<'_>) -> Answer {
        let request = self.request(Method::POST, path).query(&texts(pairs));
        answer(request.header("content-length", "0")).await
    }

    /// A POST with a form.
    pub async fn post_form(&self, path: &str, pairs: Pairs<'_>) -> Answer {
        answer(self.request(Method::POST, path).form(&texts(pairs))).await
    }

    /// A POST with a multipart body of text fields.
    pub async fn post_multipart(&self, path: &str, pairs: Pairs<'_>) -> Answer {
        let fields = texts(pairs).into_iter();
        self.upload(path, fields.fold(Upload::new(), |form, (name, value)| form.text(&name, value))).await
    }

    /// A POST with a multipart body.
    pub async fn upload(&self, path: &str, upload: Upload) -> Answer {
        answer(self.request(Method::POST, path).multipart(upload.form)).await
    }

    /// Publishes a file: the file first, then token and title, as the demo suite does.
    pub async fn publish(&self, token: &str, file: impl Into<Vec<u8>>, title: &str) -> Answer {
        let form = Upload::new().file(file).text("token", token).text("title", title);
        self.upload("/douyin/publish/action/", form).await
    }
}

/// The checked answer to a request.
///
/// # Panics
/// When there is none.
pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    Answer::read(request.send().await.expect("an answer")).await
}

fn texts(pairs: Pairs<'_>) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect()
}
