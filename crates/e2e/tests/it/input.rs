//! Bad input, as a table: each parameter of each route in every wrong way. Never a fault of the server,
//! always words about what is wrong.

use std::fmt::Write;

use e2e::{Answer, Platform, User, raw, shape};
use serde_json::Value;

/// A parameter and what it means.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// A number that has to be there.
    Id,
    /// A number that may be absent, which means the caller.
    Own,
    /// 1 or 2.
    Action,
    /// A text that has to be there, of at most so many characters.
    Text(usize),
}

/// Route, whether it is a POST, and each parameter with a value that is right.
type Row = (&'static str, bool, &'static [(&'static str, &'static str, Kind)]);

const TABLE: &[Row] = &[
    (
        "user/register",
        true,
        &[("username", "somebody", Kind::Text(64)), ("password", "a password", Kind::Text(128))],
    ),
    (
        "user/login",
        true,
        &[("username", "ann", Kind::Text(64)), ("password", "a password of tests", Kind::Text(128))],
    ),
    ("user", false, &[("user_id", "1", Kind::Own)]),
    ("publish/list", false, &[("user_id", "1", Kind::Own)]),
    ("favorite/list", false, &[("user_id", "1", Kind::Own)]),
    ("favorite/action", true, &[("video_id", "1", Kind::Id), ("action_type", "1", Kind::Action)]),
    (
        "comment/action",
        true,
        &[
            ("video_id", "1", Kind::Id),
            ("action_type", "1", Kind::Action),
            ("comment_text", "text", Kind::Text(255)),
        ],
    ),
    ("comment/list", false, &[("video_id", "1", Kind::Id)]),
    ("comment/count", false, &[("video_id", "1", Kind::Id)]),
    ("relation/action", true, &[("to_user_id", "2", Kind::Id), ("action_type", "1", Kind::Action)]),
    ("relation/follow", true, &[("to_user_id", "2", Kind::Id)]),
    ("relation/unfollow", true, &[("to_user_id", "2", Kind::Id)]),
    ("relation/follow/list", false, &[("user_id", "1", Kind::Own)]),
    ("relation/follower/list", false, &[("user_id", "1", Kind::Own)]),
    ("relation/follow/count", false, &[("user_id", "1", Kind::Own)]),
    ("relation/follower/count", false, &[("user_id", "1", Kind::Own)]),
    ("relation/isFollow", false, &[("user_id", "2", Kind::Own)]),
    ("message/chat", false, &[("to_user_id", "2", Kind::Id)]),
    (
        "message/action",
        true,
        &[
            ("to_user_id", "2", Kind::Id),
            ("action_type", "1", Kind::Action),
            ("content", "text", Kind::Text(255)),
        ],
    ),
];

/// Spellings, percent-encoded, that are no number of anything.
const NO_NUMBER: &[&str] = &[
    "-1",
    "-9223372036854775808",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "1e309",
    "-1e309",
    "NaN",
    "inf",
    "x",
    "1x",
    "0x1",
    "1.5",
    "1e-1",
    "1,000",
    "%EF%BC%91",
    "%ff",
    "%00",
    "1%00",
    "1%3B1",
    "%27%20OR%201%3D1",
    "[1]",
    "null",
    "true",
    "1e",
    "--1",
    "%F0%9F%8E%89",
    "99999999999999999999999999999999999",
];

/// Numbers nothing has.
const UNKNOWN: &[&str] =
    &["2147483648", "4294967296", "9007199254740991", "9007199254740993", "9223372036854775807"];

struct Case<'a> {
    platform: &'a Platform,
    ann: &'a User,
    row: &'a Row,
}

impl Case<'_> {
    /// Sends the row with one parameter replaced by text that is already encoded.
    async fn with(&self, name: &str, encoded: &str) -> Answer {
        let (path, is_post, params) = self.row;
        let mut query = format!("/douyin/{path}/?token={}", self.ann.token);
        for (known, right, _) in *params {
            if *known != name {
                write!(query, "&{known}={}", right.replace(' ', "+")).expect("text grows");
            }
        }
        query.push_str(encoded);
        if *is_post { self.platform.post(&query, &[]).await } else { self.platform.get(&query, &[]).await }
    }

    async fn refused(&self, name: &str, value: &str, code: i64) {
        let answer = self.with(name, &format!("&{name}={value}")).await;
        assert_eq!(answer.code(), code, "{} with {name}={value}: {}", self.row.0, answer.json);
        let answer = answer.refused(code);
        if code == 100_002 || code == 100_003 {
            assert!(answer.message().starts_with(name), "names what is wrong: {}", answer.json);
        }
        let lists: Vec<&Value> = ["video_list", "user_list", "comment_list", "message_list"]
            .iter()
            .filter_map(|list| answer.json.get(list))
            .collect();
        assert!(lists.iter().all(|list| list.as_array().is_some_and(Vec::is_empty)), "{}", answer.json);
    }

    async fn wrong_numbers(&self, name: &str, kind: Kind) {
        for value in NO_NUMBER {
            self.refused(name, value, 100_002).await;
        }
        let not_found = if name == "video_id" { 120_001 } else { 110_001 };
        for value in UNKNOWN {
            let answer = self.with(name, &format!("&{name}={value}")).await;
            // A conversation with nobody is an empty one.
            let allowed = answer.code() == not_found || (self.row.0 == "message/chat" && answer.code() == 0);
            assert!(allowed && answer.http == 200, "{} with {name}={value}: {}", self.row.0, answer.json);
        }
        if kind == Kind::Id {
            self.refused(name, "", 100_002).await;
            self.refused(name, "0", 100_002).await;
            self.with(name, "").await.refused(100_002);
        }
    }

    async fn wrong_texts(&self, name: &str, most: usize) {
        self.refused(name, "", 100_002).await;
        self.refused(name, "%ff", 100_002).await;
        self.refused(name, "%ED%A0%80", 100_002).await;
        self.refused(name, &"%E9%95%BF".repeat(most + 1), 100_003).await;
        self.refused(name, &"x".repeat(30_000), 100_003).await;
        self.with(name, "").await.refused(100_002);
        if name != "password" {
            self.refused(name, "+%09%0A", 100_002).await;
            self.refused(name, "a%00b", 100_003).await;
        }
    }
}

#[tokio::test]
async fn every_parameter_is_refused_in_every_wrong_way() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    platform.video(&ann, "clip").await;
    let before = platform.profile(&bob, &ann).await;
    for row in TABLE {
        let case = Case { platform: &platform, ann: &ann, row };
        for (name, _, kind) in row.2 {
            match kind {
                Kind::Id | Kind::Own => case.wrong_numbers(name, *kind).await,
                Kind::Action => {
                    for value in NO_NUMBER.iter().chain(UNKNOWN).chain(&["", "0", "3"]) {
                        case.refused(name, value, 100_002).await;
                    }
                    case.with(name, "").await.refused(100_002);
                }
                Kind::Text(most) => case.wrong_texts(name, *most).await,
            }
        }
    }
    assert_eq!(platform.profile(&bob, &ann).await, before, "nothing of it had an effect");
    assert!(platform.chat(&ann, &bob, 0).await.is_empty());
    assert_eq!(platform.register("next").await.id, 3, "nobody was registered");
    platform.finish().await;
}

#[tokio::test]
async fn text_comes_back_exactly_as_it_was_written() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let video = platform.video(&ann, "clip").await;
    let combining = format!("e{}", "\u{301}".repeat(254));
    for text in [
        "' OR 1=1; DROP TABLE user; --",
        "<script>alert(1)</script>",
        "🎉👨‍👩‍👧‍👦",
        "\u{202e}desrever",
        "e\u{301} é",
        "a\u{200b}b",
        "%41 %% +",
        "\"\\ \u{7f}",
        "nul\\0",
        combining.as_str(),
        "ﷺ",
        "\u{10ffff}",
    ] {
        let added = platform.comment(&bob, video, text).await.ok();
        assert_eq!(added["comment"]["content"], text);
        platform.message(&bob, &ann, text).await.ok();
        let last = platform.chat(&ann, &bob, 0).await.pop().expect("a message");
        assert_eq!(last["content"], text);
    }
    let named = platform.register("Ünï 小明 😀").await;
    assert_eq!(platform.profile(&ann, &named).await["name"], named.name);
    platform.finish().await;
}

#[tokio::test]
async fn a_small_bodys_limit_and_form_are_checked() {
    let platform = Platform::start().await;
    let path = "/douyin/user/login/";
    let long = "x".repeat(70_000);
    platform.post_form(path, &[("username", &"ann"), ("password", &long)]).await.refused(100_006);
    platform.post_multipart(path, &[("username", &"ann"), ("password", &long)]).await.refused(100_006);
    for kind in [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"",
        "application/json",
        "x",
        "",
    ] {
        let request = [raw::post(path, kind, 4), "{\"a\"".into()].concat();
        let (status, json) = raw::parsed(&raw::exchange(&platform, request.as_bytes()).await);
        assert_eq!(
            (status, shape::integer(&json, "status_code"), &json["token"]),
            (200, 100_002, &"".into()),
            "{kind}"
        );
    }
    let parts = vec![("name=\"x\"", &b"x"[..]); 10_000];
    let (status, json) = raw::parsed(&raw::exchange(&platform, &raw::post_form(path, &parts)).await);
    assert_eq!((status, shape::integer(&json, "status_code"), &json["token"]), (200, 100_002, &"".into()));
    platform.finish().await;
}
