//! Tokens: where one is needed, where it is not, and what proves nothing.

use futures_util::FutureExt;

use super::ask::Pairs;
use super::stage::Stage;
use super::trouble::Checked;
use super::{Rule, must, should};

/// The routes that are about whoever asks.
const NEEDS_ONE: [(&str, bool); 7] = [
    ("user", false),
    ("relation/friend/list", false),
    ("message/chat", false),
    ("favorite/action", true),
    ("comment/action", true),
    ("relation/action", true),
    ("message/action", true),
];

/// The lists anybody may read.
const OPEN: [&str; 5] =
    ["publish/list", "favorite/list", "comment/list", "relation/follow/list", "relation/follower/list"];

pub(super) fn rules() -> Vec<Rule> {
    vec![
        must("token.needed", "everybody: else anyone acts as nobody")
            .says("Without a token, profile, friends, chat and every action are refused.", |w| {
                refused_with(w, None).boxed()
            }),
        must("token.wrong-is-refused", "everybody: else anyone acts as anyone")
            .says("With a token nobody was given, the same are refused.", |w| {
                refused_with(w, Some("nonsense")).boxed()
            }),
        must("token.changed-is-refused", "everybody: else anyone acts as anyone")
            .says("A token with one letter changed is refused.", |w| changed(w).boxed()),
        must("token.open-lists", "the app, which opens them before anybody logged in")
            .says("Feed and public lists are answered without a token.", |w| open_lists(w).boxed()),
        must("token.feed-with-wrong-one", "GuGoTik's suite")
            .says("With a token that is not valid the feed is answered as without one.", |w| {
                wrong_on_feed(w).boxed()
            }),
        should("token.lists-with-wrong-one")
            .says("With a token that is not valid the public lists are answered as without one.", |w| {
                wrong_on_lists(w).boxed()
            }),
        should("token.lists-of-nobody")
            .says("A person's list without token and user_id is refused.", |w| lists_of_nobody(w).boxed()),
        should("token.fits-an-address")
            .says("A token has no character that an address cannot have as it is.", |w| {
                fits_an_address(w).boxed()
            }),
        should("token.hides-the-password")
            .says("A token does not contain the password.", |w| hides_the_password(w).boxed()),
    ]
}

async fn refused_with(w: &Stage, token: Option<&str>) -> Checked {
    let video = w.stock().await?;
    let id = video.author;
    let all: Pairs<'_> = &[
        ("token", &token.unwrap_or_default()),
        ("user_id", &id),
        ("to_user_id", &id),
        ("video_id", &video.id),
        ("action_type", &1),
        ("comment_text", &"by nobody"),
        ("content", &"by nobody"),
    ];
    let pairs = if token.is_some() { all } else { &all[1..] };
    for (route, is_action) in NEEDS_ONE {
        let seen = if is_action { w.post(route, pairs).await? } else { w.get(route, pairs).await? };
        seen.refused()?;
    }
    let upload = w.ask(reqwest::Method::POST, "/douyin/publish/action/").file("clip.mp4", w.clip().await?);
    upload.field("token", token.unwrap_or_default()).field("title", "by nobody").send().await?.refused()?;
    Ok(())
}

async fn changed(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let middle = ann.token.char_indices().nth(ann.token.chars().count() / 2).map_or(0, |(at, _)| at);
    let (head, tail) = ann.token.split_at(middle);
    let mut letters = tail.chars();
    let other = if letters.next() == Some('a') { 'b' } else { 'a' };
    let token = format!("{head}{other}{}", letters.as_str());
    w.get("user", &[("token", &token), ("user_id", &ann.id)]).await?.refused()?;
    Ok(())
}

async fn open_lists(w: &Stage) -> Checked {
    let video = w.stock().await?;
    w.get("feed", &[]).await?.success()?;
    for route in OPEN {
        w.get(route, &[("user_id", &video.author), ("video_id", &video.id)]).await?.success()?;
    }
    Ok(())
}

async fn wrong_on_feed(w: &Stage) -> Checked {
    w.get("feed", &[("token", &"nonsense")]).await?.success()?;
    Ok(())
}

async fn wrong_on_lists(w: &Stage) -> Checked {
    let video = w.stock().await?;
    for route in OPEN {
        let pairs: Pairs<'_> = &[("token", &"nonsense"), ("user_id", &video.author), ("video_id", &video.id)];
        w.get(route, pairs).await?.success()?;
    }
    Ok(())
}

async fn lists_of_nobody(w: &Stage) -> Checked {
    for route in OPEN {
        w.get(route, &[]).await?.refused()?;
    }
    Ok(())
}

async fn fits_an_address(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    // RFC 3986, section 2.3: unreserved characters.
    let strange = ann.token.chars().find(|one| !one.is_ascii_alphanumeric() && !"-._~".contains(*one));
    let seen = ann.get("user", &[]).await?;
    match strange {
        None => Ok(()),
        Some(one) => {
            Err(seen.wrong(format_args!("a token has the character {one:?}"), "letters, digits, -._~"))
        }
    }
}

async fn hides_the_password(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let seen = ann.get("user", &[]).await?;
    if ann.token.contains(w.password()) {
        return Err(seen.wrong("a token has the password in it", "a token that tells nothing"));
    }
    Ok(())
}
