//! The authorisation matrix: what everybody gets of every route of the modern API, as `docs/openapi/access.csv` says.
//! What is asked about belongs to the owner and is private where it can be.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use e2e::{PASSWORD, Platform, User, clip, eventually};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

const ACTORS: [&str; 6] = ["anonymous", "suspended", "blocked", "other", "admin", "owner"];
/// After these nothing is left to ask about.
const LAST: [(&str, &str); 3] = [
    ("DELETE", "/api/v1/uploads/{name}"),
    ("DELETE", "/api/v1/videos/{id}/comments/{comment}"),
    ("DELETE", "/api/v1/videos/{id}"),
];

/// What belongs to the owner.
struct Scene {
    platform: Platform,
    owner: User,
    other: User,
    admin: User,
    suspended: User,
    /// By the owner.
    blocked: User,
    /// Whom administrators decide about.
    subject: User,
    video: i64,
    /// Public, and the owner's.
    shown: i64,
    comment: i64,
    upload: String,
    job: i64,
    /// About `shown`.
    report: i64,
    /// How many requests were made.
    requests: u32,
}

impl Scene {
    async fn new() -> Self {
        let platform = Platform::start().await;
        let (owner, other) = (platform.register("owner").await, platform.register("other").await);
        let admin = platform.register("admin").await;
        assert_eq!(platform.command(&["user", "admin", "admin"]).await.code, Some(0));
        let (suspended, subject) = (platform.register("suspended").await, platform.register("subject").await);
        let blocked = platform.register("blocked").await;
        let path = format!("/users/{}/block", blocked.id);
        platform.api(Some(&owner), Method::PUT, &path, Value::Null).await.ok(204);
        let path = format!("/admin/accounts/{}/standing", suspended.id);
        let body = json!({ "standing": "suspended", "reason": "a test" });
        platform.api(Some(&admin), Method::PUT, &path, body).await.ok(204);
        eventually("the suspension is known", Duration::from_secs(5), async || {
            let told = platform.api(Some(&suspended), Method::GET, "/account", Value::Null).await;
            (told.status == 401).then_some(())
        })
        .await;
        // It is re-encoded for as long as the first rows take, which are about its job.
        platform.publish_for(&owner, clip::minute(), "private").await;
        let jobs = platform.api(Some(&admin), Method::GET, "/admin/jobs", Value::Null).await.ok(200).json;
        let job = jobs["jobs"][0]["id"].as_i64().expect("a job");
        let video = platform.publish_for(&owner, clip::plain(), "private").await;
        let path = format!("/videos/{video}/comments");
        let said = platform.api(Some(&owner), Method::POST, &path, json!({ "content": "own" })).await.ok(201);
        let comment = said.json["id"].as_i64().expect("a number");
        let upload = platform.begin_upload(&owner, 10).await;
        let shown = platform.publish_for(&owner, clip::plain(), "public").await;
        let report = format!("/videos/{shown}/reports");
        platform.api(Some(&other), Method::POST, &report, json!({ "reason": "spam" })).await.ok(204);
        let reports =
            platform.api(Some(&admin), Method::GET, "/admin/reports", Value::Null).await.ok(200).json;
        let report = reports["items"][0]["id"].as_i64().expect("a report");
        Self {
            platform,
            owner,
            other,
            admin,
            suspended,
            blocked,
            subject,
            video,
            shown,
            comment,
            upload,
            job,
            report,
            requests: 0,
        }
    }

    fn actor(&self, name: &str) -> Option<&User> {
        match name {
            "owner" => Some(&self.owner),
            "other" => Some(&self.other),
            "admin" => Some(&self.admin),
            "suspended" => Some(&self.suspended),
            "blocked" => Some(&self.blocked),
            _anonymous => None,
        }
    }

    /// The request to a route, as well as it can be made.
    async fn request(&mut self, method: &str, path: &str, actor: &str) -> RequestBuilder {
        let id = match path.split('/').nth(3) {
            Some("users") => self.owner.id,
            Some("admin") if path.contains("/jobs/") => self.job,
            Some("admin") if path.contains("/reports/") => self.report,
            Some("admin") if path.contains("/videos/") => self.shown,
            Some("admin") => self.subject.id,
            _ => self.video,
        };
        let mut address = path.replace("{language}", "en");
        if path == "/api/v1/admin/videos/{id}/comments/{comment}" {
            let said = format!("/videos/{}/comments", self.shown);
            let said = self.platform.api(Some(&self.owner), Method::POST, &said, json!({ "content": "own" }));
            address = address.replace("{comment}", &said.await.ok(201).json["id"].to_string());
        }
        address = address.replace("{comment}", &self.comment.to_string());
        let captions = "WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n";
        if path == "/api/v1/sessions/{id}" {
            let session = self.open("owner").await;
            address = address.replace("{id}", &session["session_id"].to_string());
        }
        if path == "/api/v1/admin/invitations/{id}" {
            let made = self.platform.api(Some(&self.admin), Method::POST, "/admin/invitations", invitation());
            address = address.replace("{id}", &made.await.ok(201).json["id"].to_string());
        }
        address = address
            .replace("{id}", &id.to_string())
            .replace("{delivery}", "1")
            .replace("{share}", "1")
            .replace("{word}", "none")
            .replace("{rendition}", "720p.m3u8");
        address = address.replace("/tags/{name}", "/tags/cats");
        if path.starts_with("/api/v1/search/") {
            address.push_str("?q=cats");
        }
        address = address.replace("/api/v1/uploads/{name}", &format!("/api/v1{}", self.upload));
        self.requests += 1;
        let name = format!("new {}", self.requests);
        let request = self.platform.request(method.parse().expect("a method"), &address);
        let json = |body: Value| (Some(body), None);
        let (body, text) = match (method, path) {
            ("POST", "/api/v1/accounts") => json(json!({ "username": name, "password": PASSWORD })),
            ("POST", "/api/v1/sessions") => json(json!({ "username": "other", "password": PASSWORD })),
            ("POST", "/api/v1/sessions/renewal") => {
                json(json!({ "renewal_token": self.open("other").await["renewal_token"] }))
            }
            ("PUT", "/api/v1/account/password") => {
                json(json!({ "old_password": "wrong", "new_password": "another good one" }))
            }
            ("POST", "/api/v1/account/two-factor") => json(json!({ "password": "wrong" })),
            ("PUT", "/api/v1/account/two-factor") => json(json!({ "code": "000000" })),
            ("POST", "/api/v1/account/two-factor/end") => json(json!({ "password": "wrong", "code": "" })),
            ("POST", "/api/v1/account/deletion") => json(json!({ "password": "wrong" })),
            ("POST", "/api/v1/videos") => json(json!({ "upload": &self.upload[9..], "title": "early" })),
            ("PUT", "/api/v1/admin/accounts/{id}/standing") => {
                json(json!({ "standing": "suspended", "reason": "a test" }))
            }
            ("POST", "/api/v1/videos/{id}/shares") => {
                json(json!({ "expires_at": invitation()["expires_at"] }))
            }
            ("POST", "/api/v1/admin/words") => json(json!({ "word": "unheard", "action": "hold" })),
            ("POST", "/api/v1/admin/webhooks") => {
                json(json!({ "url": "http://127.0.0.1/", "events": ["comment.created"] }))
            }
            ("POST", "/api/v1/admin/invitations") => json(invitation()),
            ("PUT", "/api/v1/admin/reports/{id}/verdict") => json(json!({ "verdict": "dismissed" })),
            ("PUT", "/api/v1/admin/videos/{id}/hidden") => json(json!({ "reason": "a test" })),
            ("POST", _) if path.ends_with("/reports") => json(json!({ "reason": "other" })),
            ("PUT", "/api/v1/users/{id}/messages/read") => json(json!({ "message_id": 1 })),
            ("PUT", "/api/v1/account/notifications/seen") => json(json!({ "until": 1 })),
            ("PUT" | "POST", "/api/v1/videos/{id}/view") => json(json!({ "watched_ms": 5000 })),
            ("PATCH", "/api/v1/account") => json(json!({ "signature": "here I am" })),
            ("PATCH", "/api/v1/videos/{id}") => json(json!({ "title": "changed" })),
            ("POST", _) if path.ends_with("/comments") || path.ends_with("/messages") => {
                json(json!({ "content": "said" }))
            }
            ("PUT", _) if path.ends_with("/captions/{language}") => (None, Some(captions)),
            ("PUT", "/api/v1/account/avatar" | "/api/v1/account/background") => (None, Some("no picture")),
            _ => (None, None),
        };
        let mut request = match (body, text) {
            (Some(body), _) => request.json(&body),
            (None, Some(text)) => request.header("content-type", "text/vtt").body(text),
            (None, None) => request,
        };
        if path.starts_with("/api/v1/uploads") {
            request = request.header("tus-resumable", "1.0.0");
            request = match method {
                "POST" => request.header("upload-length", 10).header("content-length", 0),
                "PATCH" => {
                    let kind = "application/offset+octet-stream";
                    request.header("upload-offset", 0).header("content-type", kind).body("0")
                }
                _ => request,
            };
        }
        // Who ends what they ask with does so with another session than the next request's.
        let token = match self.actor(actor) {
            None => None,
            Some(_) if actor == "suspended" => Some(self.suspended.token.clone()),
            Some(_) if path == "/api/v1/session" || (method, path) == ("DELETE", "/api/v1/sessions") => {
                let opened = self.open(if path == "/api/v1/session" { actor } else { "leaver" }).await;
                opened["access_token"].as_str().map(str::to_owned)
            }
            Some(user) => Some(user.token.clone()),
        };
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn open(&self, name: &str) -> Value {
        let body = json!({ "username": name, "password": PASSWORD });
        let told = self.platform.api(None, Method::POST, "/sessions", body.clone()).await;
        if told.status == 401 {
            return self.platform.api(None, Method::POST, "/accounts", body).await.ok(201).json;
        }
        told.ok(201).json
    }
}

fn invitation() -> Value {
    let soon = SystemTime::now() + Duration::from_secs(3600);
    let soon = soon.duration_since(SystemTime::UNIX_EPOCH).expect("a time").as_millis();
    json!({ "uses": 1, "expires_at": u64::try_from(soon).expect("a number") })
}

#[tokio::test]
async fn everybody_gets_of_every_route_what_the_matrix_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi/access.csv");
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let mut expected = BTreeMap::new();
    for line in text.lines().skip(1) {
        let (route, statuses) = line.split_at(line.match_indices(',').nth(1).expect("a row").0);
        expected.insert(route.to_owned(), statuses[1..].to_owned());
    }
    let mut scene = Scene::new().await;
    let described = scene.platform.api(None, Method::GET, "/openapi.json", Value::Null).await.ok(200).json;
    let paths = described["paths"].as_object().expect("an object");
    let mut routes: Vec<(String, String)> = paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("an object").keys();
            methods.map(|method| (method.to_ascii_uppercase(), path.clone()))
        })
        .collect();
    routes.sort_by_key(|(method, path)| {
        let last = LAST.iter().position(|last| *last == (method.as_str(), path.as_str()));
        let place = last.map_or(usize::from(!path.starts_with("/api/v1/admin/")), |place| place + 2);
        (place, path.clone(), method.clone())
    });
    let mut found = BTreeMap::new();
    for (method, path) in routes {
        let mut statuses = Vec::new();
        for actor in ACTORS {
            let asked = scene.request(&method, &path, actor).await.send().await.expect("an answer");
            statuses.push(asked.status().as_u16().to_string());
            // Whoever is to get the rows that follow has to see the owner.
            if path == "/api/v1/users/{id}/block" {
                scene.request("DELETE", &path, actor).await.send().await.expect("an answer");
            }
        }
        found.insert(format!("{method},{path}"), statuses.join(","));
    }
    let table: String = found.iter().map(|(route, statuses)| format!("{route},{statuses}\n")).collect();
    assert_eq!(
        found,
        expected,
        "docs/openapi/access.csv should be, if this is right:\nmethod,path,{}\n{table}",
        ACTORS.join(",")
    );
    scene.platform.finish().await;
}
