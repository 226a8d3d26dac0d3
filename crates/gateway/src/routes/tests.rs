//! Every address of the public port is in a class, and in the right one.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use domain::Error;
use proto::{
    RemoteCommentService, RemoteFeedService, RemoteFollowService, RemoteLikeService, RemoteMessageService,
    RemoteUserService, RemoteVideoService, Step,
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::*;
use crate::{Config, Services, Tokens};

/// Addresses that are not reads.
const SOCIAL: [&str; 6] = [
    "/douyin/comment/action/",
    "/douyin/favorite/action/",
    "/douyin/message/action/",
    "/douyin/relation/action/",
    "/douyin/relation/follow/",
    "/douyin/relation/unfollow/",
];
const LOGIN: [&str; 2] = ["/douyin/user/login/", "/douyin/user/register/"];
const UPLOAD: [&str; 1] = ["/douyin/publish/action/"];
/// An edge before services that answer every call like this.
pub(crate) async fn gateway(step: Step) -> (Gateway, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        public_url: String::new(),
        trusted_proxies: Vec::new(),
        query_credentials: true,
        max_upload_bytes: 1 << 20,
        limits_enabled: false,
        utc_offset_hours: 8,
        lan_url: None,
    };
    let step = || step.clone();
    let services = Services {
        user: Arc::new(RemoteUserService(step())),
        feed: Arc::new(RemoteFeedService(step())),
        video: Arc::new(RemoteVideoService(step())),
        like: Arc::new(RemoteLikeService(step())),
        comment: Arc::new(RemoteCommentService(step())),
        follow: Arc::new(RemoteFollowService(step())),
        message: Arc::new(RemoteMessageService(step())),
    };
    let objects = json!({
        "url": "file:objects", "access_key_file": "", "secret_key_file": "", "redirect": "off",
        "public_endpoint": "", "min_free_bytes": 0, "orphan_ttl_seconds": 60,
    });
    let objects = serde_json::from_value(objects).expect("is a configuration");
    let blobs = blobs::Blobs::open(&objects, folder.path()).await.expect("opens");
    let tokens = Tokens::open(&folder.path().join("key")).expect("makes a key");
    let fleet: crate::Fleet = Arc::new(|| Box::pin(async { Ok(Vec::new()) }));
    (Gateway::new(config, services, blobs, tokens, fleet), folder)
}

/// What a service answers that is asked in vain.
pub(crate) fn nothing() -> proto::Response {
    proto::to_status(&Error::internal("nothing is here")).into_http()
}

/// The addresses a router has, from what it says of itself: it has no other list of them.
fn addresses(router: &Router) -> BTreeSet<String> {
    let shown = format!("{router:?}");
    let paths = shown.split('"').filter(|text| text.starts_with('/'));
    // What answers when nothing else does is one of them too.
    paths.filter(|path| !path.contains("fallback")).map(str::to_owned).collect()
}

/// How an address of the first face is asked, and in which class that is.
fn asked(address: &str) -> (Method, Class) {
    match address {
        social if SOCIAL.contains(&social) => (Method::POST, Class::Social),
        login if LOGIN.contains(&login) => (Method::POST, Class::Login),
        upload if UPLOAD.contains(&upload) => (Method::POST, Class::Upload),
        _ => (Method::GET, Class::Read),
    }
}

/// Each method of each address of the modern API with its class, as the description tells it.
fn modern(gateway: &Gateway) -> Vec<(String, Method, Class)> {
    let (_, description) = api::routes(gateway).split_for_parts();
    let description = serde_json::to_value(description).expect("is JSON");
    let all = description["paths"].as_object().expect("an object").iter().flat_map(|(address, methods)| {
        methods.as_object().expect("an object").iter().map(move |(method, told)| {
            let class = match told["x-rule"]["class"].as_str() {
                Some("read") => Class::Read,
                Some("social") => Class::Social,
                Some("login") => Class::Login,
                Some("upload") => Class::Upload,
                other => panic!("{method} {address} has no rule: {other:?}"),
            };
            (address.clone(), method.to_ascii_uppercase().parse().expect("a method"), class)
        })
    });
    all.collect()
}

async fn answer(router: &Router, address: &str, method: Method) -> (StatusCode, Option<Value>) {
    let path = address.replace("{name}", "page.css").replace("{*key}", "p/none.mp4").replace("{*rest}", "x");
    let path = path
        .replace("{id}", "1")
        .replace("{language}", "en.m3u8")
        .replace("{rendition}", "720p.m3u8")
        .replace("{comment}", "1");
    let request = Request::builder().method(method).uri(path).body(Body::empty()).expect("a request");
    let answer = router.clone().oneshot(request).await.expect("an answer");
    let (head, body) = answer.into_parts();
    let retry = head.headers.contains_key(header::RETRY_AFTER);
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let json = serde_json::from_slice(&body).ok().filter(|_| retry);
    (head.status, json)
}

#[tokio::test]
async fn every_address_is_in_a_class_and_a_full_class_refuses_its_own_alone() {
    for full in [Class::Read, Class::Social, Class::Login, Class::Upload] {
        let (gateway, _folder) = gateway(Step::new(|_| async { nothing() })).await;
        gateway.admission.close(full);
        let modern = modern(&gateway);
        let router = router(gateway);
        let all = addresses(&router);
        assert!(all.contains("/douyin/feed/") && all.contains("/media/{*key}"), "{all:?}");
        let first =
            all.iter().filter(|address| !address.starts_with("/api/v1/") || address.ends_with(".json"));
        let first = first.map(|address| (address.clone(), asked(address), false));
        let rows =
            first.chain(modern.into_iter().map(|(address, method, class)| (address, (method, class), true)));
        let rows: Vec<_> = rows.collect();
        assert!(all.iter().all(|address| rows.iter().any(|row| row.0 == *address)), "{all:?}");
        for (address, (method, class), is_modern) in rows {
            let (status, json) = answer(&router, &address, method.clone()).await;
            if class != full {
                assert_ne!(status, StatusCode::SERVICE_UNAVAILABLE, "{method} {address} is not {full:?}");
                continue;
            }
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{method} {address} has no class");
            if method != Method::HEAD {
                let json = json.expect("JSON and Retry-After");
                let (name, told) =
                    if is_modern { ("reason", json!("overloaded")) } else { ("status_code", json!(100_008)) };
                assert_eq!(json[name], told, "{method} {address}");
            }
        }
    }
}

/// A flood beyond every bound: who finds a place is answered, the rest is told to come again.
#[tokio::test]
async fn of_a_flood_as_many_are_at_work_as_there_are_places() {
    let work = Arc::new(Semaphore::new(0));
    let waiting = Arc::clone(&work);
    let step = Step::new(move |_| {
        let waiting = Arc::clone(&waiting);
        async move {
            waiting.acquire().await.expect("is open").forget();
            nothing()
        }
    });
    let (gateway, _folder) = gateway(step).await;
    let router = router(gateway.clone());
    let places = gateway.admission.free(Class::Read);
    let mut flood: JoinSet<_> = (0..places * 2)
        .map(|_| {
            let router = router.clone();
            async move { answer(&router, "/douyin/feed/", Method::GET).await.0 }
        })
        .collect();
    for _ in 0..places {
        let refused = flood.join_next().await.expect("is running").expect("ends");
        assert_eq!(refused, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(gateway.admission.free(Class::Read), 0, "the others are at work");
    let (status, _json) = answer(&router, "/douyin/favorite/action/", Method::POST).await;
    assert_eq!(status, StatusCode::OK, "another class goes on");
    work.add_permits(places);
    let answered = flood.join_all().await;
    assert_eq!(answered, vec![StatusCode::INTERNAL_SERVER_ERROR; places], "their service's own answer");
    assert_eq!(gateway.admission.free(Class::Read), places);
}

/// What clients are generated from changes only on purpose.
#[tokio::test]
async fn the_api_is_as_it_is_described() {
    let (gateway, _folder) = gateway(Step::new(|_| async { nothing() })).await;
    let (_, modern) = api::routes(&gateway).split_for_parts();
    let first = OpenApiRouter::with_openapi(docs::Description::openapi()).merge(douyin::routes(&gateway));
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (name, description) in [("v1.json", modern), ("douyin.json", first.split_for_parts().1)] {
        let mut names: Vec<_> = (description.paths.paths.values())
            .flat_map(|item| {
                [&item.get, &item.put, &item.post, &item.delete, &item.patch, &item.head, &item.options]
            })
            .filter_map(|operation| operation.as_ref()?.operation_id.clone())
            .collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        let told = format!("{}\n", description.to_pretty_json().expect("is JSON"));
        let committed = std::fs::read_to_string(folder.join("docs").join("openapi").join(name));
        if committed.ok().as_deref() != Some(told.as_str()) {
            let made = folder.join("target").join("openapi");
            std::fs::create_dir_all(&made).expect("a folder");
            std::fs::write(made.join(name), told).expect("written");
            panic!(
                "docs/openapi/{name} is not what the routes say; if they are right: cp target/openapi/* docs/openapi/"
            );
        }
    }
}
