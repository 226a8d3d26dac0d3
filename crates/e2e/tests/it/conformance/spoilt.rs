//! Servers that do one thing wrong, each with the rules that have to notice, and no others.

use serde_json::{Value, json};

use super::proxy::{Passing, add, as_text, in_seconds, remove, reverse};

/// A server that does something wrong.
pub struct Spoilt {
    pub what: &'static str,
    /// What is asked of it; everything when it is empty.
    pub only: &'static [&'static str],
    pub how: fn(&mut Passing),
    /// The rules it breaks, sorted.
    pub breaks: &'static [&'static str],
}

pub const SPOILT: &[Spoilt] = &[
    Spoilt {
        what: "a bad token is HTTP 401",
        only: &[],
        how: |it| {
            if code(it) == Some(100_004) {
                it.status = 401;
            }
        },
        breaks: &["envelope.bad-token-is-http-200"],
    },
    Spoilt {
        what: "ids are texts",
        only: &["envelope.ids", "user.fields", "message.fields", "relation.friend-fields", "like.twice"],
        how: |it| {
            ["id", "user_id", "from_user_id", "to_user_id"].iter().for_each(|name| it.each(name, as_text))
        },
        breaks: &["envelope.ids-are-numbers", "message.fields", "relation.friend-fields", "user.fields"],
    },
    Spoilt {
        what: "ids have 33 bits",
        only: &["envelope.ids"],
        how: |it| it.each("id", |id| add(id, 1 << 33)),
        breaks: &["envelope.ids-fit-32-bits"],
    },
    Spoilt {
        what: "ids have 61 bits",
        only: &["envelope.ids"],
        how: |it| it.each("id", |id| add(id, 1 << 60)),
        breaks: &["envelope.ids-fit-32-bits", "envelope.ids-fit-a-double"],
    },
    Spoilt {
        what: "nobody has a signature",
        only: &["user", "relation", "feed.video", "comment.add", "like.list"],
        how: |it| {
            for object in ["user", "author"] {
                it.each(object, without_signature);
            }
            it.each("user_list", |list| {
                list.as_array_mut().into_iter().flatten().for_each(without_signature)
            });
        },
        breaks: &[
            "comment.add-returns-it",
            "feed.video-fields",
            "like.list-fields",
            "relation.friend-fields",
            "relation.list-fields",
            "user.fields",
        ],
    },
    Spoilt {
        what: "a status_code of 0 is left out",
        only: &["envelope", "user.login", "like.twice"],
        how: |it| {
            it.json(|answer| {
                if answer["status_code"] == 0 {
                    remove(answer, "status_code");
                }
            });
        },
        breaks: &["envelope.status-code"],
    },
    Spoilt {
        what: "status_msg says nothing",
        only: &["envelope", "user.login"],
        how: |it| it.each("status_msg", |text| *text = json!("")),
        breaks: &["envelope.status-msg"],
    },
    Spoilt {
        what: "JSON is called text",
        only: &["envelope", "user.login"],
        how: |it| {
            let json = it.headers.iter_mut().filter(|(_, value)| value.starts_with("application/json"));
            json.for_each(|(_, value)| *value = "text/plain".into());
        },
        breaks: &["envelope.is-json"],
    },
    Spoilt {
        what: "an empty list is null",
        only: &["envelope", "relation.undone", "message.private", "comment.list-of-none"],
        how: |it| {
            for name in ["video_list", "user_list", "comment_list", "message_list"] {
                it.each(name, |list| {
                    if *list == json!([]) {
                        *list = Value::Null;
                    }
                });
            }
        },
        breaks: &["comment.list-of-none", "envelope.empty-lists-are-lists", "envelope.lists-on-failure"],
    },
    Spoilt {
        what: "next_time is a text",
        only: &["feed"],
        how: |it| it.each("next_time", as_text),
        breaks: &["feed.next-time-is-a-number-in-ms"],
    },
    Spoilt {
        what: "next_time is in seconds",
        only: &["feed.next-time-is"],
        how: |it| it.each("next_time", in_seconds),
        breaks: &["feed.next-time-is-a-number-in-ms"],
    },
    Spoilt {
        what: "next_time is always now",
        only: &["feed"],
        how: |it| it.each("next_time", |time| *time = json!(9_999_999_999_999_i64)),
        breaks: &["feed.next-time-goes-on"],
    },
    Spoilt {
        what: "a page repeats itself",
        only: &["feed.page"],
        how: |it| {
            it.each("video_list", |list| {
                if let Some(list) = list.as_array_mut() {
                    *list = list.iter().cycle().take(list.len() * 31).cloned().collect();
                }
            });
        },
        breaks: &["feed.page-of-30"],
    },
    Spoilt {
        what: "videos are upside down",
        only: &["feed.newest", "feed.stays", "feed.next-time", "publish.list", "like.list"],
        how: |it| it.each("video_list", reverse),
        breaks: &[
            "feed.newest-first",
            "feed.next-time-goes-on",
            "feed.stays-in-order",
            "like.list-latest-first",
            "publish.list-newest-first",
        ],
    },
    Spoilt {
        what: "comments are upside down",
        only: &["comment"],
        how: |it| it.each("comment_list", reverse),
        breaks: &["comment.list-newest-first"],
    },
    Spoilt {
        what: "people are upside down",
        only: &["relation"],
        how: |it| it.each("user_list", reverse),
        breaks: &["relation.friends-latest-first", "relation.list-latest-first"],
    },
    Spoilt {
        what: "messages are upside down",
        only: &["message"],
        how: |it| it.each("message_list", reverse),
        breaks: &["message.oldest-first"],
    },
    Spoilt {
        what: "create_time is in seconds",
        only: &["message"],
        how: |it| it.each("create_time", in_seconds),
        breaks: &["message.create-time-in-ms", "message.poll-is-strict"],
    },
    Spoilt {
        what: "polling brings the whole conversation",
        only: &["message"],
        how: |it| {
            if it.is_request() && it.route() == "message/chat" {
                it.drop_parameter("pre_msg_time");
            }
        },
        breaks: &["message.poll-has-no-own", "message.poll-is-strict", "message.seconds"],
    },
    Spoilt {
        what: "words lose their letters",
        only: &["parameter", "publish.title"],
        how: |it| {
            for name in ["content", "title"] {
                it.each(name, |text| {
                    *text = json!(text.as_str().unwrap_or_default().replace(['测', '早'], "?"))
                });
            }
        },
        breaks: &["parameter.utf-8", "publish.title"],
    },
    Spoilt {
        what: "counters count twice",
        only: &["like", "relation", "comment", "publish.work"],
        how: |it| {
            for name in [
                "favorite_count",
                "total_favorited",
                "follow_count",
                "follower_count",
                "comment_count",
                "work_count",
            ] {
                it.each(name, |count| *count = json!(count.as_i64().unwrap_or_default() * 2));
            }
        },
        breaks: &[
            "comment.counts",
            "like.counts",
            "like.crowd",
            "like.profiles-count",
            "publish.work-count",
            "relation.counts",
        ],
    },
    Spoilt {
        what: "flags are always false",
        only: &["like", "relation", "feed", "publish.list", "comment.list"],
        how: |it| {
            ["is_favorite", "is_follow"].iter().for_each(|name| it.each(name, |flag| *flag = json!(false)))
        },
        breaks: &[
            "comment.list-callers-flags",
            "feed.callers-flags",
            "like.counts",
            "like.list-callers-flags",
            "publish.list-callers-flags",
            "relation.counts",
            "relation.list-callers-flags",
        ],
    },
    Spoilt {
        what: "flags are always true",
        only: &["like", "relation", "feed", "user"],
        how: |it| {
            ["is_favorite", "is_follow"].iter().for_each(|name| it.each(name, |flag| *flag = json!(true)))
        },
        breaks: &[
            "feed.callers-flags",
            "feed.nobodys-flags",
            "like.counts",
            "like.list-callers-flags",
            "like.undone",
            "relation.list-callers-flags",
            "relation.undone",
            "user.does-not-follow-self",
        ],
    },
    Spoilt {
        what: "anybody deletes a comment",
        only: &["comment", "code"],
        how: |it| {
            if code(it) == Some(100_208) {
                it.instead(200, "application/json", r#"{"status_code":0,"status_msg":"success"}"#);
            }
        },
        breaks: &["code.not-allowed", "comment.delete-own-only"],
    },
    Spoilt {
        what: "days have one digit",
        only: &["comment"],
        how: |it| it.each("create_date", |date| *date = json!("1-2")),
        breaks: &["comment.create-date", "comment.list-fields"],
    },
    Spoilt {
        what: "msgType is spelled msg_type",
        only: &["relation"],
        how: |it| {
            it.each("user_list", |list| {
                for friend in list.as_array_mut().into_iter().flatten() {
                    friend["msg_type"] = remove(friend, "msgType");
                }
            });
        },
        breaks: &["relation.friend-fields", "relation.friend-message"],
    },
    Spoilt {
        what: "friends are all followers",
        only: &["relation.friend"],
        how: |it| {
            if it.is_request() {
                it.address = it.address.replace("relation/friend/list", "relation/follower/list");
            }
        },
        breaks: &[
            "relation.friend-fields",
            "relation.friend-message",
            "relation.friends-are-mutual",
            "relation.friends-latest-first",
            "relation.friends-of-the-caller",
        ],
    },
    Spoilt {
        what: "lists are always the caller's",
        only: &["publish.list", "like.list", "relation.list"],
        how: |it| {
            if it.is_request() && it.route().ends_with("/list") && it.address.contains("token=") {
                it.drop_parameter("user_id");
            }
        },
        breaks: &[
            "like.list-callers-flags",
            "like.list-of-whom-one-asks",
            "publish.list-callers-flags",
            "publish.list-of-whom-one-asks",
            "relation.list-callers-flags",
            "relation.list-of-whom-one-asks",
        ],
    },
    Spoilt {
        what: "a missing last slash is a redirect",
        only: &["route"],
        how: |it| {
            if !it.address.split('?').next().unwrap_or_default().ends_with('/') {
                it.status = 307;
            }
        },
        breaks: &["route.without-last-slash"],
    },
    Spoilt {
        what: "everything is a redirect",
        only: &["route.with", "route.empty", "route.doubled", "route.unknown", "route.wrong"],
        how: |it| it.instead(307, "application/json", "{}"),
        breaks: &[
            "route.doubled-slashes",
            "route.empty-query",
            "route.unknown-path",
            "route.with-last-slash",
            "route.without-last-slash",
            "route.wrong-method",
        ],
    },
    Spoilt {
        what: "lists answer GET alone",
        only: &["route"],
        how: |it| {
            let is_list = ["list", "feed", "user", "chat"].iter().any(|end| it.route().ends_with(end));
            if it.method == "POST" && is_list {
                it.instead(405, "application/json", r#"{"status_code":1,"status_msg":"no"}"#);
            }
        },
        breaks: &["route.favorite-list-by-post", "route.lists-by-post"],
    },
    Spoilt {
        what: "forms and fields are not read",
        only: &["parameter"],
        how: |it| {
            if !it.sent.is_empty() && it.route() != "publish/action" {
                it.refuse();
            }
        },
        breaks: &[
            "parameter.empty-is-none",
            "parameter.get-by-form-alone",
            "parameter.get-with-form",
            "parameter.post-by-both",
            "parameter.post-by-form",
            "parameter.post-by-multipart",
            "parameter.query-before-form",
        ],
    },
    Spoilt {
        what: "a parameter in a way of its own is refused",
        only: &["parameter", "user", "publish.list-own"],
        how: |it| {
            // A token may have any letters: what is odd is looked for in the others.
            let mut others = it.address.split(['?', '&']).filter(|pair| !pair.starts_with("token="));
            let odd = ["e%2B", "e+", ".0", "actor_id", "xxxx"];
            let is_odd = others.any(|pair| odd.iter().any(|odd| pair.contains(odd)));
            let is_short = it.route() == "publish/list" && !it.address.contains("user_id");
            let is_twice = it.address.matches("content=").count() > 1;
            if is_odd || is_short || is_twice || it.asked.contains("authorization: ") {
                it.refuse();
            }
        },
        breaks: &[
            "parameter.bearer",
            "parameter.first-counts",
            "parameter.ids-as-floats",
            "parameter.plus-as-space",
            "parameter.repeated",
            "parameter.token-alone-says-who",
            "parameter.unknown",
            "publish.list-own-without-id",
            "user.long-names",
        ],
    },
    Spoilt {
        what: "tokens tell the password",
        only: &["token.fits", "token.hides"],
        how: |it| {
            let password = it.address.split("password=").nth(1).unwrap_or_default().to_owned();
            it.each("token", |token| *token = json!(format!("{password} {token}")));
        },
        breaks: &["token.fits-an-address", "token.hides-the-password"],
    },
    Spoilt {
        what: "a refusal has no token field",
        only: &["user"],
        how: |it| {
            if it.is_refusal() {
                it.json(|answer| drop(remove(answer, "token")));
            }
        },
        breaks: &["user.failed-login-has-token-field", "user.taken-name-has-token-field"],
    },
    Spoilt {
        what: "a failed login tells the name",
        only: &["user"],
        how: |it| {
            if it.is_refusal() && it.route() == "user/login" {
                let told = it.address.clone();
                it.each("status_msg", |text| *text = json!(told));
            }
        },
        breaks: &["user.wrong-is-as-unknown"],
    },
    Spoilt {
        what: "nothing can be published",
        only: &["publish.any", "publish.file", "publish.listed", "publish.title", "publish.token"],
        how: |it| {
            if it.route() == "publish/action" && !it.is_request() {
                it.refuse();
            }
        },
        breaks: &[
            "publish.any-file-name",
            "publish.file-first",
            "publish.listed-at-once",
            "publish.title",
            "publish.title-of-255",
            "publish.token-first",
            "publish.token-in-query",
        ],
    },
    Spoilt {
        what: "ranges are not read",
        only: &["media"],
        how: |it| it.asked = it.asked.replace("range: ", "x-range: "),
        breaks: &["media.range-behind-the-end", "media.ranges"],
    },
    Spoilt {
        what: "bytes are called text",
        only: &["media"],
        how: |it| {
            if !it.address.starts_with("/douyin/") {
                let kind = it.headers.iter_mut().filter(|(name, _)| name == "content-type");
                kind.for_each(|(_, value)| *value = "text/plain".into());
            }
        },
        breaks: &["media.cover-is-served", "media.pictures-are-served", "media.video-is-served"],
    },
    Spoilt {
        what: "the index is at the end",
        only: &["media"],
        how: |it| {
            if let Some(place) = it.body.windows(4).position(|window| window == b"moov") {
                it.body[place..place + 4].copy_from_slice(b"free");
            }
        },
        breaks: &["media.fast-start"],
    },
    Spoilt {
        what: "addresses have no host",
        only: &["media.addresses", "feed.video-fields"],
        how: |it| it.each("play_url", |url| *url = json!("/media/clip.mp4")),
        breaks: &["feed.video-fields", "media.addresses-lead-out"],
    },
];

/// Refuses nothing.
pub fn always_yes(it: &mut Passing) {
    if it.is_refusal() {
        let body = r#"{"status_code":0,"status_msg":"success","user_id":1,"token":"t"}"#;
        it.instead(200, "application/json", body);
    }
}

/// Does nothing but register people and publish.
pub fn always_no(it: &mut Passing) {
    let is_needed = matches!(it.route(), "user/register" | "publish/action" | "publish/list");
    if !is_needed && it.address.contains("/douyin/") && !it.is_request() {
        it.refuse();
    }
}

fn code(it: &Passing) -> Option<i64> {
    serde_json::from_slice::<Value>(&it.body).ok()?["status_code"].as_i64()
}

fn without_signature(object: &mut Value) {
    remove(object, "signature");
}
