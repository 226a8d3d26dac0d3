//! Requests to the modern API, `/api/v1`, as its clients make them: a bearer token, JSON, real statuses.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::{Platform, User, eventually};

/// What tells that a request speaks tus.
const TUS: (&str, &str) = ("tus-resumable", "1.0.0");
const MADE_WITHIN: Duration = Duration::from_secs(90);

/// An answer of the modern API.
#[derive(Debug)]
pub struct Told {
    /// The HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, null when it has none.
    pub json: Value,
}

impl Told {
    /// What an answer says.
    ///
    /// # Panics
    /// When it is cut off.
    pub async fn read(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("a body");
        let json =
            if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::Null) };
        Self { status, headers, json }
    }

    /// A header's text.
    ///
    /// # Panics
    /// When it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}")).to_str().expect("text")
    }

    /// A failure in the form of RFC 9457, with this status and reason.
    ///
    /// # Panics
    /// When it is not one.
    pub fn failed(self, status: u16, reason: &str) -> Self {
        assert_eq!((self.status, &self.json["reason"]), (status, &json!(reason)), "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.json["status"], status);
        self
    }

    /// A success with this status.
    ///
    /// # Panics
    /// When it is not one.
    pub fn ok(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

impl Platform {
    /// A request to the modern API by somebody or nobody, with JSON unless it is null.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn api(&self, by: Option<&User>, method: Method, path: &str, body: Value) -> Told {
        let mut request = self.request(method, &format!("/api/v1{path}"));
        if let Some(user) = by {
            request = request.bearer_auth(&user.token);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        Told::read(request.send().await.expect("an answer")).await
    }

    /// Begins an upload of so many bytes; its path below `/api/v1`.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn begin_upload(&self, by: &User, bytes: usize) -> String {
        let request =
            self.request(Method::POST, "/api/v1/uploads").bearer_auth(&by.token).header(TUS.0, TUS.1);
        let sent = request.header("upload-length", bytes).header("content-length", 0).send().await;
        let told = Told::read(sent.expect("an answer")).await.ok(201);
        told.header("location").strip_prefix("/api/v1").expect("a path of the API").to_owned()
    }

    /// Sends bytes to an upload, with further headers.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn append(
        &self,
        by: &User,
        upload: &str,
        at: usize,
        bytes: &[u8],
        more: &[(&str, &str)],
    ) -> Told {
        let mut request = self.request(Method::PATCH, &format!("/api/v1{upload}")).bearer_auth(&by.token);
        request = request.header(TUS.0, TUS.1).header("upload-offset", at);
        request = request.header("content-type", "application/offset+octet-stream");
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        Told::read(request.body(bytes.to_vec()).send().await.expect("an answer")).await
    }

    /// How much of an upload has arrived; nothing when there is none.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn arrived(&self, by: &User, upload: &str) -> Option<usize> {
        let request = self.request(Method::HEAD, &format!("/api/v1{upload}")).bearer_auth(&by.token);
        let told = Told::read(request.header(TUS.0, TUS.1).send().await.expect("an answer")).await;
        (told.status == 200).then(|| told.header("upload-offset").parse().expect("a number"))
    }

    /// Uploads and publishes a clip for these; its number.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn publish_for(&self, by: &User, clip: &[u8], visibility: &str) -> i64 {
        let upload = self.begin_upload(by, clip.len()).await;
        self.append(by, &upload, 0, clip, &[]).await.ok(204);
        let name = upload.strip_prefix("/uploads/").expect("a name");
        let body = json!({ "upload": name, "title": visibility, "visibility": visibility });
        self.api(Some(by), Method::POST, "/videos", body).await.ok(201).json["id"].as_i64().expect("a number")
    }

    /// A video as its author sees it.
    ///
    /// # Panics
    /// When it is not there.
    pub async fn detail(&self, author: &User, video: i64) -> Value {
        self.api(Some(author), Method::GET, &format!("/videos/{video}"), Value::Null).await.ok(200).json
    }

    /// Waits until all renditions of a video are made.
    ///
    /// # Panics
    /// When they are not in time.
    pub async fn rendered(&self, author: &User, video: i64) -> Value {
        eventually("the renditions are made", MADE_WITHIN, async || {
            let path = format!("/videos/{video}/timeline");
            let told = self.api(Some(author), Method::GET, &path, Value::Null).await.ok(200).json;
            let last = told["events"].as_array()?.last()?["name"].clone();
            (last == "done").then_some(())
        })
        .await;
        self.detail(author, video).await
    }
}
