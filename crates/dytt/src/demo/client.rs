//! The public API, as far as the demo uses it.

use std::path::Path;

use anyhow::{Context, Result, bail};
use reqwest::multipart::{Form, Part};
use serde_json::Value;

/// Somebody who is logged in.
pub(super) struct Person {
    pub id: i64,
    token: String,
}

pub(super) struct Client {
    http: reqwest::Client,
    base_url: String,
}

impl Client {
    pub(super) fn new(base_url: &str) -> Result<Self> {
        Ok(Self { http: reqwest::Client::builder().build()?, base_url: base_url.to_owned() })
    }

    /// The numbers of the newest videos.
    pub(super) async fn newest(&self) -> Result<Vec<i64>> {
        let answer = self.answer(self.http.get(format!("{}/douyin/feed/", self.base_url))).await?;
        let videos = answer["video_list"].as_array().context("the feed has no list")?;
        Ok(videos.iter().filter_map(|video| video["id"].as_i64()).collect())
    }

    /// Registers somebody, or logs them in when they exist.
    pub(super) async fn join(&self, name: &str, password: &str) -> Result<Person> {
        let credentials = [("username", name), ("password", password)];
        let answer = match self.post("user/register", &credentials).await {
            Ok(answer) => answer,
            Err(_taken) => {
                let login = self.post("user/login", &credentials).await;
                login.with_context(|| format!("somebody else is already called {name}"))?
            }
        };
        let id = answer["user_id"].as_i64().context("no user_id")?;
        Ok(Person { id, token: answer["token"].as_str().context("no token")?.to_owned() })
    }

    pub(super) async fn publish(&self, author: &Person, title: &str, file: &Path) -> Result<()> {
        let bytes = tokio::fs::read(file).await.context("read a clip")?;
        let data = Part::bytes(bytes).file_name("clip.mp4");
        let form = Form::new()
            .text("token", author.token.clone())
            .text("title", title.to_owned())
            .part("data", data);
        let request = self.http.post(format!("{}/douyin/publish/action/", self.base_url)).multipart(form);
        self.answer(request).await.map(|_| ())
    }

    pub(super) async fn like(&self, person: &Person, video: i64) -> Result<()> {
        let video = video.to_string();
        self.act(person, "favorite/action", &[("video_id", &video), ("action_type", "1")]).await
    }

    pub(super) async fn comment(&self, person: &Person, video: i64, text: &str) -> Result<()> {
        let video = video.to_string();
        let fields = [("video_id", video.as_str()), ("action_type", "1"), ("comment_text", text)];
        self.act(person, "comment/action", &fields).await
    }

    pub(super) async fn follow(&self, person: &Person, other: &Person) -> Result<()> {
        let other = other.id.to_string();
        self.act(person, "relation/action", &[("to_user_id", &other), ("action_type", "1")]).await
    }

    pub(super) async fn write(&self, from: &Person, to: &Person, text: &str) -> Result<()> {
        let to = to.id.to_string();
        let fields = [("to_user_id", to.as_str()), ("action_type", "1"), ("content", text)];
        self.act(from, "message/action", &fields).await
    }

    async fn act(&self, person: &Person, path: &str, fields: &[(&str, &str)]) -> Result<()> {
        let mut all = vec![("token", person.token.as_str())];
        all.extend_from_slice(fields);
        self.post(path, &all).await.map(|_| ())
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<Value> {
        self.answer(self.http.post(format!("{}/douyin/{path}/", self.base_url)).form(fields)).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value> {
        let answer: Value = request.send().await.context("ask the platform")?.json().await?;
        if answer["status_code"] != 0 {
            bail!("the platform said: {}", answer["status_msg"].as_str().unwrap_or_default());
        }
        Ok(answer)
    }
}
