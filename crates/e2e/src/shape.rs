//! The API's objects: every documented field, of the right JSON type, never null.

use serde_json::Value;

/// A whole number.
///
/// # Panics
/// When the field is anything else, or not there.
pub fn integer(object: &Value, field: &str) -> i64 {
    object[field].as_i64().unwrap_or_else(|| panic!("`{field}` is no whole number in {object}"))
}

/// A text.
///
/// # Panics
/// When the field is anything else, or not there.
pub fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_else(|| panic!("`{field}` is no text in {object}"))
}

/// A yes or no.
///
/// # Panics
/// When the field is anything else, or not there.
pub fn boolean(object: &Value, field: &str) -> bool {
    object[field].as_bool().unwrap_or_else(|| panic!("`{field}` is no yes or no in {object}"))
}

/// A list.
///
/// # Panics
/// When the field is anything else, or not there.
pub fn list<'a>(object: &'a Value, field: &str) -> &'a [Value] {
    object[field].as_array().unwrap_or_else(|| panic!("`{field}` is no list in {object}"))
}

/// The ids of a list's objects, in its order.
pub fn ids<'a>(objects: impl IntoIterator<Item = &'a Value>) -> Vec<i64> {
    objects.into_iter().map(|object| integer(object, "id")).collect()
}

/// A person.
///
/// # Panics
/// When a field is missing or of another type.
pub fn user(user: &Value) {
    assert!(integer(user, "id") > 0 && !text(user, "name").is_empty(), "{user}");
    for counter in ["follow_count", "follower_count", "total_favorited", "work_count", "favorite_count"] {
        assert!(integer(user, counter) >= 0, "{user}");
    }
    boolean(user, "is_follow");
    for picture in ["avatar", "background_image"] {
        assert!(text(user, picture).starts_with("http"), "{user}");
    }
    assert!(!text(user, "signature").is_empty(), "{user}");
}

/// A video.
///
/// # Panics
/// When a field is missing or of another type.
pub fn video(video: &Value) {
    assert!(integer(video, "id") > 0 && !text(video, "title").is_empty(), "{video}");
    user(&video["author"]);
    for address in ["play_url", "cover_url"] {
        assert!(text(video, address).starts_with("http"), "{video}");
    }
    assert!(integer(video, "favorite_count") >= 0 && integer(video, "comment_count") >= 0, "{video}");
    boolean(video, "is_favorite");
}

/// A comment.
///
/// # Panics
/// When a field is missing or of another type.
pub fn comment(comment: &Value) {
    assert!(integer(comment, "id") > 0 && !text(comment, "content").is_empty(), "{comment}");
    user(&comment["user"]);
    let date = text(comment, "create_date");
    let number = |part: &str| part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_digit());
    assert!(date.split_once('-').is_some_and(|(month, day)| number(month) && number(day)), "{comment}");
}

/// A message.
///
/// # Panics
/// When a field is missing or of another type.
pub fn message(message: &Value) {
    for id in ["id", "to_user_id", "from_user_id"] {
        assert!(integer(message, id) > 0, "{message}");
    }
    assert!(!text(message, "content").is_empty(), "{message}");
    assert!(integer(message, "create_time") > 1_600_000_000_000, "milliseconds: {message}");
}

/// A friend.
///
/// # Panics
/// When a field is missing or of another type.
pub fn friend(friend: &Value) {
    user(friend);
    text(friend, "message");
    assert!((0..=1).contains(&integer(friend, "msgType")), "{friend}");
    assert!(friend["user"].is_null() && friend["msg_type"].is_null(), "{friend}");
}
