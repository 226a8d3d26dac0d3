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
/// Of the modern API each method of an address is in a class of its own; what is not here is a GET and a read.
const MODERN: [(&str, Method, Class); 13] = [
    ("/api/v1/uploads", Method::POST, Class::Social),
    ("/api/v1/uploads", Method::OPTIONS, Class::Read),
    ("/api/v1/uploads/{name}", Method::HEAD, Class::Read),
    ("/api/v1/uploads/{name}", Method::PATCH, Class::Upload),
    ("/api/v1/uploads/{name}", Method::DELETE, Class::Social),
    ("/api/v1/videos", Method::POST, Class::Upload),
    ("/api/v1/videos/{id}", Method::GET, Class::Read),
    ("/api/v1/videos/{id}", Method::PATCH, Class::Social),
    ("/api/v1/videos/{id}", Method::DELETE, Class::Social),
    ("/api/v1/videos/{id}/captions/{language}", Method::PUT, Class::Upload),
    ("/api/v1/videos/{id}/captions/{language}", Method::DELETE, Class::Social),
    ("/api/v1/admin/jobs/{id}/retry", Method::POST, Class::Social),
    ("/api/v1/admin/jobs/{id}/cancel", Method::POST, Class::Social),
];

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
    (Gateway::new(config, services, blobs, tokens), folder)
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

/// How an address is asked, and in which class that is.
fn asked(address: &str) -> Vec<(Method, Class)> {
    let acts = |class| vec![(Method::POST, class)];
    match address {
        social if SOCIAL.contains(&social) => acts(Class::Social),
        login if LOGIN.contains(&login) => acts(Class::Login),
        upload if UPLOAD.contains(&upload) => acts(Class::Upload),
        other => {
            let rows = MODERN.iter().filter(|row| row.0 == other);
            let rows: Vec<_> = rows.map(|(_, method, class)| (method.clone(), *class)).collect();
            if rows.is_empty() { vec![(Method::GET, Class::Read)] } else { rows }
        }
    }
}

async fn answer(router: &Router, address: &str, method: Method) -> (StatusCode, Option<Value>) {
    let path = address.replace("{name}", "page.css").replace("{*key}", "p/none.mp4").replace("{*rest}", "x");
    let path = path.replace("{id}", "1").replace("{language}", "en.m3u8").replace("{rendition}", "720p.m3u8");
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
        let router = router(gateway);
        let all = addresses(&router);
        assert!(all.contains("/douyin/feed/") && all.contains("/media/{*key}"), "{all:?}");
        assert!(MODERN.iter().all(|(address, ..)| all.contains(*address)), "{all:?}");
        for (address, (method, class)) in
            all.iter().flat_map(|address| asked(address).into_iter().map(move |one| (address, one)))
        {
            let is_modern = address.starts_with("/api/") && !address.ends_with(".json");
            let (status, json) = answer(&router, address, method.clone()).await;
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
