//! An account's end: it is read out as a file that every system opens, and deleted with all it did.

use std::process::Command;
use std::time::Duration;

use e2e::{PASSWORD, Platform, User, clip, eventually};
use reqwest::Method;
use serde_json::{Value, json};

/// The archive of an account, unpacked: each entry's name, the earliest first, and its content.
async fn archive(platform: &Platform, user: &User) -> Vec<(String, Vec<u8>)> {
    let request = platform.request(Method::GET, "/api/v1/account/archive").bearer_auth(&user.token);
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/x-tar");
    let folder = platform.folder().join("archive");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("all.tar"), answer.bytes().await.expect("a body")).expect("written");
    let unpacked =
        Command::new("tar").args(["-xvf", "all.tar"]).current_dir(&folder).output().expect("tar runs");
    assert!(unpacked.status.success(), "{unpacked:?}");
    let names = String::from_utf8(unpacked.stdout).expect("names");
    let read = |name: &str| (name.to_owned(), std::fs::read(folder.join(name)).expect("an entry"));
    let entries = names.lines().map(read).collect();
    std::fs::remove_dir_all(&folder).expect("removed");
    entries
}

#[tokio::test]
async fn an_account_is_taken_home_and_then_nothing_of_it_stays() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let before = platform.objects();
    let video = platform.publish_for(&ann, clip::plain(), "private").await;
    let bobs = platform.publish_for(&bob, clip::plain(), "public").await;
    platform.rendered(&ann, video).await;
    platform.comment(&ann, bobs, "ann was here").await.ok();
    platform.like(&ann, bobs, 1).await.ok();
    platform.follow(&bob, &ann, 1).await.ok();
    platform.message(&ann, &bob, "see you").await.ok();
    let entries = archive(&platform, &ann).await;
    let names: Vec<_> = entries.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[0], "about.json");
    let section = |name: &str| {
        let found = entries.iter().find(|(entry, _)| entry.contains(name)).expect("a section");
        let lines = String::from_utf8(found.1.clone()).expect("text");
        lines.lines().map(|line| serde_json::from_str(line).expect("json")).collect::<Vec<Value>>()
    };
    assert_eq!(section("-account.jsonl")[0]["name"], "ann");
    assert_eq!(section("-comments.jsonl")[0]["content"], "ann was here");
    assert_eq!(section("-messages_sent.jsonl")[0]["content"], "see you");
    let (name, film) = entries.last().expect("a video");
    assert!(name.starts_with(&format!("video-{video}-")), "{name}");
    assert_eq!(clip::probe(film)["format"]["nb_streams"], 2);

    let delete = async |password: &str| {
        platform.api(Some(&ann), Method::POST, "/account/deletion", json!({ "password": password })).await
    };
    delete("not the password").await.failed(401, "wrong_password");
    delete(PASSWORD).await.ok(204);
    eventually("her token is worth nothing", Duration::from_secs(10), async || {
        let told = platform.api(Some(&ann), Method::GET, "/account", Value::Null).await;
        (told.status == 401).then_some(())
    })
    .await;
    let login = json!({ "username": "ann", "password": PASSWORD });
    platform.api(None, Method::POST, "/sessions", login).await.failed(401, "wrong_password");
    eventually("she is gone", Duration::from_secs(60), async || {
        let path = format!("/users/{}", ann.id);
        let told = platform.api(Some(&bob), Method::GET, &path, Value::Null).await;
        (told.status == 404).then_some(())
    })
    .await;
    let card = platform.api(None, Method::GET, &format!("/videos/{bobs}"), Value::Null).await.ok(200).json;
    assert_eq!((&card["like_count"], &card["comment_count"]), (&json!(0), &json!(0)));
    let friends = platform.api(Some(&bob), Method::GET, "/account/conversations", Value::Null).await;
    assert_eq!(friends.ok(200).json["items"], json!([]));
    let path = format!("/videos/{bobs}");
    platform.api(Some(&bob), Method::DELETE, &path, Value::Null).await.ok(204);
    eventually("every object is gone", Duration::from_secs(60), async || {
        (platform.objects() == before).then_some(())
    })
    .await;
    platform.register("ann").await;
    platform.finish().await;
}
