//! Login by an identity provider: a real one, to which a browser goes and from which it comes back.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use e2e::{PASSWORD, Platform, Told};
use reqwest::{Method, Response, StatusCode, Url, header};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

const CLIENT_SECRET: &str = "a secret: with=signs&and %";

/// An identity provider, which ends with this.
struct Provider {
    issuer: String,
    folder: TempDir,
    _process: Child,
}

impl Provider {
    /// None where it cannot be had.
    async fn start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc");
        for name in ["package.json", "provider.mjs"] {
            std::fs::copy(source.join(name), folder.path().join(name)).expect("copied");
        }
        let words =
            ["install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"];
        let installed = Command::new("npm").args(words).current_dir(folder.path()).output();
        if !installed.is_ok_and(|output| output.status.success()) {
            let how_to_get = "install Node 20 and let `npm install` run in crates/e2e/tests/oidc";
            let missing = servers::Error::Missing { name: "oidc-provider", how_to_get };
            assert!(servers::or_skip(Err(missing)).is_none());
            return None;
        }
        std::fs::write(folder.path().join("secret"), CLIENT_SECRET).expect("written");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(folder.path().join("secret"), mode).expect("its owner's");
        let mut node = tokio::process::Command::new("node");
        node.arg("provider.mjs").current_dir(folder.path()).env("CLIENT_SECRET", CLIENT_SECRET);
        let mut process =
            node.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().expect("node runs");
        // It stays open: the provider has more to say.
        let mut line = String::new();
        let said = process.stdout.as_mut().expect("a pipe");
        BufReader::new(said).read_line(&mut line).await.expect("an address");
        Some(Self { issuer: line.trim().to_owned(), folder, _process: process })
    }

    /// A site whose people may log in by it.
    async fn site(&self, settings: &[(&str, &str)]) -> Platform {
        let secret = self.folder.path().join("secret").display().to_string();
        let own = [
            ("DYTT_OIDC__ISSUER", self.issuer.as_str()),
            ("DYTT_OIDC__CLIENT_SECRET_FILE", &secret),
            ("DYTT_OIDC__NAME", "School"),
        ];
        Platform::with(&[own.as_slice(), settings].concat()).await
    }
}

/// A browser, as far as it takes part: it keeps cookies, and goes where it is sent.
struct Browser {
    client: reqwest::Client,
    /// By host and name.
    cookies: BTreeMap<(String, String), String>,
}

impl Browser {
    fn new() -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        Self { client: client.build().expect("a client"), cookies: BTreeMap::new() }
    }

    async fn ask(&mut self, method: Method, url: &Url, form: &[(&str, &str)]) -> Response {
        let host = format!("{}:{:?}", url.host_str().expect("a host"), url.port());
        let own = self.cookies.iter().filter(|((of, _), _)| *of == host);
        let cookies: Vec<_> = own.map(|((_, name), value)| format!("{name}={value}")).collect();
        let mut request = self.client.request(method, url.clone()).header(header::COOKIE, cookies.join("; "));
        if !form.is_empty() {
            request = request.form(form);
        }
        let response = request.send().await.expect("an answer");
        for set in response.headers().get_all(header::SET_COOKIE) {
            let set = set.to_str().expect("text").split(';').next().expect("a pair");
            let (name, value) = set.split_once('=').expect("a pair");
            self.cookies.insert((host.clone(), name.to_owned()), value.to_owned());
        }
        response
    }

    /// As far as the provider sends somebody who says that they are this one: back to the site.
    async fn tell(&mut self, platform: &Platform, name: &str) -> Url {
        let begin = Url::parse(&platform.url("/api/v1/sessions/oidc")).expect("an address");
        let mut next = sent_to(&self.ask(Method::GET, &begin, &[]).await, &begin);
        for _ in 0..10 {
            if next.path() == "/api/v1/sessions/oidc/callback" {
                return next;
            }
            let page = self.ask(Method::GET, &next, &[]).await;
            next = if page.status() == StatusCode::OK {
                let text = page.text().await.expect("a page");
                let action = text.split("action=\"").nth(1).and_then(|rest| rest.split('"').next());
                let action = next.join(action.expect("a form")).expect("an address");
                let form: &[_] = match text.contains("value=\"login\"") {
                    true => &[("prompt", "login"), ("login", name), ("password", "any")],
                    false => &[("prompt", "consent")],
                };
                sent_to(&self.ask(Method::POST, &action, form).await, &action)
            } else {
                sent_to(&page, &next)
            };
        }
        panic!("the provider does not come to an end, at {next}");
    }

    /// Where the site sends somebody who comes back: its path and query.
    async fn come_back(&mut self, callback: &Url) -> String {
        let response = self.ask(Method::GET, callback, &[]).await;
        let address = sent_to(&response, callback);
        format!("{}?{}", address.path(), address.query().unwrap_or_default())
    }

    async fn login(&mut self, platform: &Platform, name: &str) -> String {
        let callback = self.tell(platform, name).await;
        self.come_back(&callback).await
    }

    /// A request to the site with the browser's cookies.
    async fn api(&self, platform: &Platform, method: Method, path: &str, body: Value) -> Told {
        let own = self.cookies.iter().map(|((_, name), value)| format!("{name}={value}"));
        let cookies = own.collect::<Vec<_>>().join("; ");
        let url = Url::parse(&platform.url(&format!("/api/v1{path}"))).expect("an address");
        let origin = url.origin().ascii_serialization();
        let request = self.client.request(method, url).header(header::COOKIE, cookies);
        Told::read(request.header(header::ORIGIN, origin).json(&body).send().await.expect("an answer")).await
    }
}

fn sent_to(response: &Response, from: &Url) -> Url {
    assert_eq!(response.status(), StatusCode::SEE_OTHER, "{from}");
    let address = response.headers()[header::LOCATION].to_str().expect("text");
    from.join(address).expect("an address")
}

#[tokio::test]
async fn whom_the_provider_knows_has_an_account_from_the_first_login_on() {
    let Some(provider) = Provider::start().await else { return };
    let platform = provider.site(&[]).await;
    let site = platform.api(None, Method::GET, "/site", Value::Null).await.ok(200).json;
    assert_eq!(site, json!({ "registration": "open", "identity_provider": "School" }));
    let mut ann = Browser::new();
    assert_eq!(ann.login(&platform, "ann").await, "/login?done");
    let renewed = ann.api(&platform, Method::POST, "/sessions/renewal", json!({})).await.ok(200).json;
    let own = ann.api(&platform, Method::GET, "/account", Value::Null).await.ok(200).json;
    assert_eq!((&own["id"], &own["name"]), (&renewed["user_id"], &json!("ann")));
    assert_eq!((&own["display_name"], &own["has_password"]), (&json!("The one ann"), &json!(false)));
    let mut elsewhere = Browser::new();
    assert_eq!(elsewhere.login(&platform, "ann").await, "/login?done");
    let again = elsewhere.api(&platform, Method::GET, "/account", Value::Null).await.ok(200).json;
    assert_eq!(again["id"], own["id"]);
    let mut other = Browser::new();
    assert_eq!(other.login(&platform, "ann+2").await, "/login?done");
    let namesake = other.api(&platform, Method::GET, "/account", Value::Null).await.ok(200).json;
    let name = namesake["name"].as_str().expect("a name");
    assert!(name.starts_with("ann-") && name.len() == 8, "{name}");
    assert!(!platform.log().contains(CLIENT_SECRET));
    platform.finish().await;
}

#[tokio::test]
async fn who_has_no_password_chooses_one_soon_after_a_login_and_then_needs_it() {
    let Some(provider) = Provider::start().await else { return };
    let platform = provider.site(&[]).await;
    let mut ann = Browser::new();
    ann.login(&platform, "ann").await;
    let by_password = json!({ "username": "ann", "password": PASSWORD });
    let login = async || platform.api(None, Method::POST, "/sessions", by_password.clone()).await;
    login().await.failed(401, "wrong_password");
    let first = json!({ "old_password": "", "new_password": PASSWORD, "cookies": true });
    ann.api(&platform, Method::PUT, "/account/password", first).await.ok(200);
    login().await.ok(201);
    // The old cookies ended with the change.
    ann.login(&platform, "ann").await;
    let second = json!({ "old_password": "", "new_password": "another password", "cookies": true });
    ann.api(&platform, Method::PUT, "/account/password", second).await.failed(400, "bad_parameter");
    ann.api(&platform, Method::POST, "/account/deletion", json!({ "password": "" }))
        .await
        .failed(400, "bad_parameter");
    let mut bob = Browser::new();
    bob.login(&platform, "bob").await;
    bob.api(&platform, Method::POST, "/account/deletion", json!({ "password": "" })).await.ok(204);
    platform.finish().await;
}

#[tokio::test]
async fn an_answer_is_good_for_the_browser_that_asked_and_once() {
    let Some(provider) = Provider::start().await else { return };
    let platform = provider.site(&[]).await;
    let (mut ann, mut eve) = (Browser::new(), Browser::new());
    let callback = ann.tell(&platform, "ann").await;
    let refused = "/login?failed=not_identified";
    assert_eq!(eve.come_back(&callback).await, refused, "who has asked nothing");
    eve.tell(&platform, "eve").await;
    assert_eq!(eve.come_back(&callback).await, refused, "who has asked something else");
    let mut forged = callback.clone();
    forged.set_query(Some(&callback.query().expect("a query").replace("code=", "code=x")));
    let asked = ann.cookies.clone();
    assert_eq!(ann.come_back(&forged).await, refused);
    ann.cookies.clone_from(&asked);
    assert_eq!(ann.come_back(&callback).await, "/login?done");
    ann.cookies.clone_from(&asked);
    assert_eq!(ann.come_back(&callback).await, refused, "a second time");
    let denied = callback.join("?error=access_denied&state=x").expect("an address");
    assert_eq!(ann.come_back(&denied).await, refused);
    platform.finish().await;
}

#[tokio::test]
async fn who_may_register_holds_for_newcomers_unless_it_is_said_otherwise() {
    let Some(provider) = Provider::start().await else { return };
    let closed = ("DYTT_USERS__REGISTRATION", "closed");
    let platform = provider.site(&[closed]).await;
    let mut ann = Browser::new();
    assert_eq!(ann.login(&platform, "ann").await, "/login?failed=registration_closed");
    platform.finish().await;
    let platform = provider.site(&[closed, ("DYTT_OIDC__NEWCOMERS", "approval")]).await;
    for _ in 0..2 {
        assert_eq!(Browser::new().login(&platform, "ann").await, "/login?failed=account_pending");
    }
    assert_eq!(platform.command(&["user", "admin", "ann"]).await.code, Some(0));
    platform.finish().await;
}

#[tokio::test]
async fn without_a_provider_nobody_is_sent_anywhere() {
    let platform = Platform::start().await;
    platform.api(None, Method::GET, "/sessions/oidc", Value::Null).await.failed(404, "no_provider");
    platform.finish().await;
    let gone = [("DYTT_OIDC__ISSUER", "http://127.0.0.1:1")];
    let platform = Platform::with(&gone).await;
    platform.api(None, Method::GET, "/sessions/oidc", Value::Null).await.failed(503, "unavailable");
    platform.finish().await;
}
