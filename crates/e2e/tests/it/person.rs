//! What people are: pictures that tell nothing of a camera, and private accounts.

use e2e::{Platform, User, clip};
use reqwest::Method;
use serde_json::{Value, json};

async fn put(platform: &Platform, user: &User, which: &str, picture: Vec<u8>) -> (u16, Value) {
    let request = platform.request(Method::PUT, &format!("/api/v1/account/{which}")).bearer_auth(&user.token);
    let answer = request.body(picture).send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.expect("a body")).unwrap_or_default())
}

async fn own(platform: &Platform, user: &User) -> Value {
    platform.api(Some(user), Method::GET, "/account", Value::Null).await.ok(200).json
}

#[tokio::test]
async fn a_picture_is_made_anew_and_shown_on_both_faces() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let (before, files) = (platform.objects(), platform.files());
    assert_eq!(own(&platform, &ann).await["avatar_url"], Value::Null);
    // With what a camera writes into a file, which nobody is to read.
    let photo = "-f lavfi -i testsrc2=s=640x360:d=1 -frames:v 1 -metadata comment=SECRETPLACE";
    for (name, more) in [("photo.jpg", "-c:v mjpeg -pix_fmt yuvj420p"), ("photo.png", ""), ("photo.webp", "")]
    {
        let picture = clip::make(name, &format!("{photo} {more}"));
        assert_eq!(put(&platform, &ann, "avatar", picture).await.0, 204, "{name}");
    }
    let wide = clip::make("wide.png", "-f lavfi -i color=red@0.0:s=300x300,format=rgba -frames:v 1");
    assert_eq!(put(&platform, &ann, "background", wide).await.0, 204);
    let shown = own(&platform, &ann).await;
    let fetch = async |field: &str| {
        let answer = platform.fetch(shown[field].as_str().expect("an address")).await;
        assert_eq!(answer.headers()["content-type"], "image/jpeg");
        answer.bytes().await.expect("a body").to_vec()
    };
    let (avatar, background) = (fetch("avatar_url").await, fetch("background_url").await);
    assert!(!avatar.windows(11).any(|bytes| bytes == b"SECRETPLACE"));
    let size = |picture: &[u8]| {
        let stream = &clip::probe(picture)["streams"][0];
        (stream["width"].as_i64(), stream["height"].as_i64())
    };
    assert_eq!(size(&avatar), (Some(512), Some(512)));
    assert_eq!(size(&background), (Some(1280), Some(720)));
    let douyin = platform.profile(&ann, &ann).await;
    assert_eq!(
        (&douyin["avatar"], &douyin["background_image"]),
        (&shown["avatar_url"], &shown["background_url"])
    );
    assert_eq!(platform.objects().len(), before.len() + 2, "nothing else stays");
    for (what, wrong) in [
        ("text", b"not a picture".to_vec()),
        ("nothing", Vec::new()),
        ("a clip", clip::plain().to_vec()),
        ("a drawing", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec()),
        ("a list of files", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n".to_vec()),
        ("an animation", clip::make("a.gif", "-f lavfi -i testsrc2=s=64x64:d=1")),
        ("a huge one", clip::make("huge.png", "-f lavfi -i color=red:s=6000x6000 -frames:v 1")),
    ] {
        let (status, told) = put(&platform, &ann, "avatar", wrong).await;
        assert_eq!((status, &told["reason"]), (415, &json!("unsupported_media")), "{what}: {told}");
    }
    let (status, told) = put(&platform, &ann, "avatar", vec![0; (10 << 20) + 1]).await;
    assert_eq!((status, &told["reason"]), (413, &json!("too_large")));
    assert_eq!(own(&platform, &ann).await, shown, "what was refused changed nothing");
    for which in ["avatar", "background"] {
        let path = format!("/account/{which}");
        platform.api(Some(&ann), Method::DELETE, &path, Value::Null).await.ok(204);
    }
    assert_eq!(own(&platform, &ann).await["avatar_url"], Value::Null);
    platform.leaves_only(&files).await;
    platform.finish().await;
}

#[tokio::test]
async fn who_is_private_chooses_who_follows_and_sees() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let video = platform.publish_for(&ann, clip::plain(), "public").await;
    let sees = async |by: &User| {
        let told = platform.api(Some(by), Method::GET, &format!("/videos/{video}"), Value::Null).await;
        told.status == 200
    };
    assert!(sees(&bob).await);
    let close = json!({ "is_private": true });
    platform.api(Some(&ann), Method::PATCH, "/account", close).await.ok(204);
    assert!(!sees(&bob).await, "at once");
    let path = format!("/videos/{video}");
    let shown = platform.api(Some(&ann), Method::PATCH, &path, json!({ "visibility": "public" })).await;
    shown.failed(400, "invalid");
    // Clients of the other face publish for all, and follow without a look at the answer.
    let other = platform.video(&ann, "another").await;
    assert_eq!(platform.detail(&ann, other).await["visibility"], "followers");
    platform.follow(&bob, &ann, 1).await.ok();
    let (anns, bobs) = (format!("/users/{}", ann.id), format!("/account/follow-requests/{}", bob.id));
    let follow = async || {
        let told = platform.api(Some(&bob), Method::PUT, &format!("{anns}/follow"), Value::Null).await;
        told.status
    };
    assert_eq!(follow().await, 202);
    let relation = platform.api(Some(&bob), Method::GET, &format!("{anns}/relation"), Value::Null).await;
    assert_eq!(relation.ok(200).json["is_requested"], true);
    let requests = async || {
        let told = platform.api(Some(&ann), Method::GET, "/account/follow-requests", Value::Null).await;
        told.ok(200).json["items"].as_array().expect("a list").len()
    };
    assert_eq!(requests().await, 1);
    assert!(!sees(&bob).await, "not before she agrees");
    platform.api(Some(&ann), Method::DELETE, &bobs, Value::Null).await.ok(204);
    platform.api(Some(&ann), Method::PUT, &bobs, Value::Null).await.failed(404, "user_not_found");
    assert_eq!((follow().await, requests().await), (202, 1));
    platform.api(Some(&ann), Method::PUT, &bobs, Value::Null).await.ok(204);
    assert!(sees(&bob).await);
    assert_eq!(follow().await, 204);
    platform.finish().await;
}
