//! Registration, login and profiles.

use e2e::{Pairs, Platform, shape};
use serde_json::json;

const REGISTER: &str = "/douyin/user/register/";
const LOGIN: &str = "/douyin/user/login/";
const USER: &str = "/douyin/user/";

#[tokio::test]
async fn registration_logs_in_at_once_and_ids_count_from_one() {
    let platform = Platform::start().await;
    for number in 1..=3 {
        let user = platform.register(&format!("user{number}")).await;
        assert_eq!(user.id, number);
        assert_eq!(platform.profile(&user, &user).await["name"], user.name);
    }
    platform.finish().await;
}

#[tokio::test]
async fn a_failed_registration_is_http_200_with_an_empty_token() {
    let platform = Platform::start().await;
    platform.register("taken").await;
    for (name, password, code) in [
        ("taken", "another password", 110_002),
        ("TAKEN", "another password", 110_002),
        (" taken ", "another password", 110_002),
        ("", "a password", 100_002),
        ("new", "", 100_002),
        ("new", "12345", 100_003),
        ("in\u{200b}visible", "a password", 100_003),
    ] {
        let answer = platform.post(REGISTER, &[("username", &name), ("password", &password)]).await;
        let failed = answer.refused(code).json;
        assert_eq!((&failed["user_id"], &failed["token"]), (&json!(0), &json!("")), "{name:?}");
    }
    platform.finish().await;
}

#[tokio::test]
async fn a_second_login_leaves_the_first_valid() {
    let platform = Platform::start().await;
    let first = platform.register("ann").await;
    let second = platform.login("ann").await;
    assert_eq!(first.id, second.id);
    assert_ne!(first.token, second.token);
    for login in [&first, &second] {
        platform.profile(login, &first).await;
    }
    let spelled_otherwise = platform.login("ＡＮＮ").await;
    assert_eq!(spelled_otherwise.id, first.id);
    platform.finish().await;
}

/// Servers of this API differ: "user without user_id" and "is_follow of self".
#[tokio::test]
async fn without_user_id_the_profile_is_the_callers() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let absent: [Pairs; 3] = [&[], &[("user_id", &"")], &[("user_id", &0)]];
    for pairs in absent {
        let answer = platform.see(&ann, USER, pairs).await.ok();
        shape::user(&answer["user"]);
        assert_eq!((&answer["user"]["id"], &answer["user"]["is_follow"]), (&json!(ann.id), &json!(false)));
    }
    assert_eq!(platform.profile(&ann, &bob).await["id"], bob.id);
    let unknown = platform.see(&ann, USER, &[("user_id", &99)]).await.refused(110_001);
    assert!(unknown.json["user"].is_null());
    platform.get(USER, &[("user_id", &ann.id)]).await.refused(100_004);
    platform.finish().await;
}

/// Servers of this API differ: "false / 0 fields".
#[tokio::test]
async fn a_fresh_profile_has_every_field_and_zeros_are_numbers() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let fresh = platform.profile(&ann, &ann).await;
    for field in ["follow_count", "follower_count", "total_favorited", "work_count", "favorite_count"] {
        assert_eq!(fresh[field], 0, "{field}");
    }
    platform.follow(&ann, &bob, 1).await.ok();
    let (ann_seen, bob_seen) = (platform.profile(&ann, &ann).await, platform.profile(&ann, &bob).await);
    let counts = |user: &serde_json::Value| {
        (shape::integer(user, "follow_count"), shape::integer(user, "follower_count"))
    };
    assert_eq!((counts(&ann_seen), counts(&bob_seen)), ((1, 0), (0, 1)));
    platform.finish().await;
}

/// Servers of this API differ: "username limit" and "password": GuGo's and Toktik's suites register 36 and 39 characters.
#[tokio::test]
async fn names_and_passwords_keep_their_limits_in_characters() {
    let platform = Platform::start().await;
    let register = async |name: &str, password: &str| {
        platform.post(REGISTER, &[("username", &name), ("password", &password)]).await
    };
    let longest = "名".repeat(64);
    register(&longest, "secret").await.ok();
    register(&"名".repeat(65), "secret").await.refused(100_003);
    register("0f8fad5b-d9cb-469f-a165-70867728950e", &"密".repeat(128)).await.ok();
    register("someone", &"密".repeat(129)).await.refused(100_003);
    let login = platform.post(LOGIN, &[("username", &longest), ("password", &"secret")]).await.ok();
    assert_eq!(login["user_id"], 1);
    platform.finish().await;
}

#[tokio::test]
async fn a_smaller_name_limit_is_the_operators_to_set() {
    let platform = Platform::with(&[("DYTT_USERS__NAME_MAX_CHARS", "32")]).await;
    let long = "n".repeat(33);
    platform.post(REGISTER, &[("username", &long), ("password", &"secret")]).await.refused(100_003);
    platform.register(&"n".repeat(32)).await;
    platform.finish().await;
}
