//! Videos chosen for somebody: what they passed on leads to more of the like, nothing comes twice while there is something
//! else, and it is told why.

use std::collections::BTreeSet;

use e2e::{Platform, User, clip};
use reqwest::Method;
use serde_json::{Value, json};

/// Each video by its first tag.
async fn publish(platform: &Platform, author: &User, title: &str) -> i64 {
    let video = platform.publish_for(author, clip::plain(), "public").await;
    platform
        .api(Some(author), Method::PATCH, &format!("/videos/{video}"), json!({ "title": title }))
        .await
        .ok(204);
    video
}

fn ids(list: &Value) -> Vec<i64> {
    let items = list["items"].as_array().expect("a list");
    items.iter().map(|item| item["id"].as_i64().expect("a number")).collect()
}

#[tokio::test]
async fn what_is_passed_on_leads_to_more_of_the_like_and_it_is_told_why() {
    let platform = Platform::with(&[("DYTT_FEED__EXPLORE", "0")]).await;
    let (ann, bob, eve) =
        (platform.register("ann").await, platform.register("bob").await, platform.register("eve").await);
    let passed = publish(&platform, &ann, "the first #cats").await;
    let dogs = publish(&platform, &ann, "some #dogs").await;
    let cats = publish(&platform, &bob, "more #cats").await;
    let plain = publish(&platform, &bob, "nothing else").await;
    let get = async |path: &str| platform.api(Some(&eve), Method::GET, path, Value::Null).await;
    let put = async |path: String| platform.api(Some(&eve), Method::PUT, &path, Value::Null).await;
    put(format!("/videos/{passed}/passed-on")).await.ok(204);
    put(format!("/videos/{dogs}/not-interested")).await.ok(204);
    let first = ids(&get("/feeds/for-you?limit=1").await.ok(200).json);
    assert_eq!(first, [cats], "of the tag that was passed on, by another author");
    let why = get(&format!("/videos/{cats}/why")).await.ok(200).json;
    assert!(["tag", "fresh"].contains(&why["why"].as_str().unwrap_or_default()), "{why}");
    assert_eq!(get(&format!("/videos/{plain}/why")).await.ok(200).json, json!({ "why": null }));
    // What is left, then what was shown or passed on; never what is not wanted.
    let rest = ids(&get("/feeds/for-you").await.ok(200).json);
    assert_eq!(rest[0], plain);
    assert_eq!(rest.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from([plain, cats, passed]));
    platform.api(Some(&eve), Method::DELETE, "/account/taste", Value::Null).await.ok(204);
    assert_eq!(get(&format!("/videos/{cats}/why")).await.ok(200).json, json!({ "why": null }));
    get("/feeds/for-you?limit=51").await.failed(400, "bad_parameter");
    platform.api(None, Method::GET, "/feeds/for-you", Value::Null).await.failed(401, "token_missing");
    platform.finish().await;
}
