//! People who use the platform, and what they do all day.

use serde_json::Value;

use crate::{Answer, Pairs, Platform, Shown, clip, shape};

/// The password of everybody the harness registers.
pub const PASSWORD: &str = "a password of tests";

/// A registered person.
#[derive(Clone, Debug)]
pub struct User {
    /// Their number.
    pub id: i64,
    /// Their login.
    pub token: String,
    /// Their name.
    pub name: String,
}

impl Platform {
    /// Registers somebody.
    pub async fn register(&self, name: &str) -> User {
        let answer =
            self.post("/douyin/user/register/", &[("username", &name), ("password", &PASSWORD)]).await;
        account(name, &answer.ok())
    }

    /// Logs somebody in once more.
    pub async fn login(&self, name: &str) -> User {
        let answer = self.post("/douyin/user/login/", &[("username", &name), ("password", &PASSWORD)]).await;
        account(name, &answer.ok())
    }

    /// A GET by somebody.
    pub async fn see(&self, user: &User, path: &str, pairs: Pairs<'_>) -> Answer {
        self.get(path, &signed(user, pairs)).await
    }

    /// A POST by somebody.
    pub async fn act(&self, user: &User, path: &str, pairs: Pairs<'_>) -> Answer {
        self.post(path, &signed(user, pairs)).await
    }

    /// Publishes a clip that plays at once; its number.
    ///
    /// # Panics
    /// When it is not the newest of its author's list afterwards.
    pub async fn video(&self, author: &User, title: &str) -> i64 {
        self.publish(&author.token, clip::plain(), title).await.ok();
        let list = self.see(author, "/douyin/publish/list/", &[]).await.list("video_list");
        let newest = list.first().expect("the new video is listed at once");
        assert_eq!(shape::text(newest, "title"), title);
        shape::integer(newest, "id")
    }

    /// Likes a video (1) or takes the like back (2).
    pub async fn like(&self, user: &User, video: i64, action: u8) -> Answer {
        let pairs: Pairs<'_> = &[("video_id", &video), ("action_type", &action)];
        self.act(user, "/douyin/favorite/action/", pairs).await
    }

    /// Follows somebody (1) or stops (2).
    pub async fn follow(&self, user: &User, other: &User, action: u8) -> Answer {
        let pairs: Pairs<'_> = &[("to_user_id", &other.id), ("action_type", &action)];
        self.act(user, "/douyin/relation/action/", pairs).await
    }

    /// Writes a comment.
    pub async fn comment(&self, user: &User, video: i64, text: &str) -> Answer {
        let pairs: Pairs<'_> = &[("video_id", &video), ("action_type", &1), ("comment_text", &text)];
        self.act(user, "/douyin/comment/action/", pairs).await
    }

    /// Deletes a comment.
    pub async fn uncomment(&self, user: &User, video: i64, comment: i64) -> Answer {
        let pairs: Pairs<'_> = &[("video_id", &video), ("action_type", &2), ("comment_id", &comment)];
        self.act(user, "/douyin/comment/action/", pairs).await
    }

    /// Sends a message.
    pub async fn message(&self, from: &User, to: &User, content: &str) -> Answer {
        let pairs: Pairs<'_> = &[("to_user_id", &to.id), ("action_type", &1), ("content", &content)];
        self.act(from, "/douyin/message/action/", pairs).await
    }

    /// A conversation since a moment.
    pub async fn chat(&self, user: &User, other: &User, since: i64) -> Vec<Value> {
        let pairs: Pairs<'_> = &[("to_user_id", &other.id), ("pre_msg_time", &since)];
        self.see(user, "/douyin/message/chat/", pairs).await.list("message_list")
    }

    /// Somebody's profile as somebody sees it.
    pub async fn profile(&self, viewer: &User, user: &User) -> Value {
        let mut answer = self.see(viewer, "/douyin/user/", &[("user_id", &user.id)]).await.ok();
        shape::user(&answer["user"]);
        answer["user"].take()
    }

    /// A video of the feed as somebody sees it.
    ///
    /// # Panics
    /// When it is not on the feed's first page.
    pub async fn watch(&self, viewer: &User, video: i64) -> Value {
        let feed = self.see(viewer, "/douyin/feed/", &[]).await.list("video_list");
        let mut found = feed.into_iter().filter(|one| one["id"] == video);
        found.next().unwrap_or_else(|| panic!("video {video} is not in the feed"))
    }
}

fn account(name: &str, json: &Value) -> User {
    let (id, token) = (shape::integer(json, "user_id"), shape::text(json, "token"));
    assert!(id > 0 && !token.is_empty(), "{json}");
    User { id, token: token.to_owned(), name: name.to_owned() }
}

fn signed<'a>(user: &'a User, pairs: Pairs<'a>) -> Vec<(&'a str, Shown<'a>)> {
    let token: (&str, Shown<'_>) = ("token", &user.token);
    pairs.iter().copied().chain([token]).collect()
}
