//! Publishing, and an author's own list.

use std::time::Duration;

use futures_util::FutureExt;
use reqwest::Method;

use super::ask::{Ask, Pairs};
use super::object::{self, VIDEO};
use super::stage::{NOBODY, Person, Stage, path};
use super::trouble::{Checked, Fault, Trouble};
use super::{Rule, must, should};

/// After so long the app says that the upload failed.
const APP_WAITS: Duration = Duration::from_secs(5);

pub(super) fn rules() -> Vec<Rule> {
    vec![
        must("publish.listed-at-once", "the demo suite")
            .says("A clip is in its author's list when the answer comes, with both addresses.", |w| {
                listed(w).boxed()
            }),
        must("publish.in-time", "the app, which gives up then")
            .says("A small clip is accepted within 5 seconds.", |w| in_time(w).boxed()),
        must("publish.file-first", "the demo suite and GuGoTik's")
            .says("The file may come before token and title.", |w| file_first(w).boxed()),
        must("publish.token-first", "the app")
            .says("Token and title may come before the file.", |w| token_first(w).boxed()),
        should("publish.token-in-query")
            .says("Token and title may stand in the query.", |w| in_query(w).boxed()),
        must("publish.any-file-name", "the demo suite and GuGoTik's")
            .says("The file's name and its declared type do not matter.", |w| any_name(w).boxed()),
        must("publish.title", "the app").says("The title comes back as it was given.", |w| title(w).boxed()),
        should("publish.title-of-255")
            .says("A title may have 255 characters and not 256.", |w| title_of_255(w).boxed()),
        should("publish.needs-title")
            .says("A clip without a title, or with spaces for one, is refused.", |w| needs_title(w).boxed()),
        should("publish.needs-file").says("A title without a file is refused.", |w| needs_file(w).boxed()),
        should("publish.no-video-is-refused")
            .says("A file that is no video is refused, and nothing is listed.", |w| no_video(w).boxed()),
        should("publish.no-form-is-refused")
            .says("A request without a multipart body is refused.", |w| no_form(w).boxed()),
        should("publish.list-newest-first")
            .says("An author's list has the newest first.", |w| newest_first(w).boxed()),
        must("publish.list-of-whom-one-asks", "the app's profile pages")
            .says("An author's list is that of user_id, not the caller's.", |w| of_whom(w).boxed()),
        should("publish.list-own-without-id")
            .says("An author's list without user_id is the caller's.", |w| own_list(w).boxed()),
        must("publish.list-callers-flags", "the app's hearts and plus signs")
            .says("The flags in an author's list are the caller's.", |w| callers_flags(w).boxed()),
        must("publish.work-count", "the app's profile page")
            .says("work_count counts what somebody published.", |w| work_count(w).boxed()),
        should("publish.list-of-nobody")
            .says("The list of an unknown author is refused.", |w| of_nobody(w).boxed()),
    ]
}

fn upload<'w>(w: &'w Stage) -> Ask<'w> {
    w.ask(Method::POST, &path("publish/action"))
}

/// Sends an upload that has to be accepted, and looks for its title.
async fn is_published(ann: &Person<'_>, upload: Ask<'_>, title: &str) -> Checked {
    upload.send().await?.success()?;
    let list = ann.get("publish/list", &[("user_id", &ann.id)]).await?.success()?;
    let found = list.list("video_list").iter().any(|video| video.text("title") == title);
    list.want(found, format_args!("a video with the title {title:?}"))
}

async fn listed(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    ann.publish("at once").await?;
    let list = ann.get("publish/list", &[("user_id", &ann.id)]).await?.success()?;
    object::has(&list.first("video_list")?, VIDEO)
}

async fn in_time(w: &Stage) -> Checked {
    w.stock().await?;
    is_in_time(w.quickest_publication().unwrap_or_default())
}

/// Whether the app would have waited; of several publications the quickest counts, so that a busy moment does not.
fn is_in_time(quickest: Duration) -> Checked {
    if quickest <= APP_WAITS {
        return Ok(());
    }
    Err(Trouble::Fault(Fault {
        asked: "POST /douyin/publish/action/, several times".into(),
        came: format!("the quickest answer after {:.1} s", quickest.as_secs_f32()),
        right: "an answer within 5 s".into(),
    }))
}

async fn file_first(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let ask = upload(w).file("clip.mp4", w.clip().await?).field("token", &ann.token).field("title", "clip");
    is_published(&ann, ask, "clip").await
}

async fn token_first(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let ask = upload(w).field("token", &ann.token).field("title", "clip").file("clip.mp4", w.clip().await?);
    is_published(&ann, ask, "clip").await
}

async fn in_query(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let pairs: Pairs<'_> = &[("token", &ann.token), ("title", &"clip")];
    is_published(&ann, upload(w).query(pairs).file("clip.mp4", w.clip().await?), "clip").await
}

async fn any_name(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    for name in ["../public/bear.mp4", "C:\\videos\\clip.txt"] {
        let ask = upload(w).file(name, w.clip().await?).field("token", &ann.token).field("title", name);
        is_published(&ann, ask, name).await?;
    }
    Ok(())
}

async fn title(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let title = "早安，城市 ☀️ <b>&";
    let ask = upload(w).file("clip.mp4", w.clip().await?).field("token", &ann.token).field("title", title);
    is_published(&ann, ask, title).await
}

async fn title_of_255(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let (longest, longer) = ("题".repeat(255), "题".repeat(256));
    let ask = async |title: &str| {
        Checked::Ok(
            upload(w).file("clip.mp4", w.clip().await?).field("token", &ann.token).field("title", title),
        )
    };
    is_published(&ann, ask(&longest).await?, &longest).await?;
    ask(&longer).await?.send().await?.refused().map(|_| ())
}

async fn needs_title(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let ask = async || Checked::Ok(upload(w).file("clip.mp4", w.clip().await?).field("token", &ann.token));
    ask().await?.send().await?.refused()?;
    ask().await?.field("title", "  ").send().await?.refused().map(|_| ())
}

async fn needs_file(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    upload(w).field("token", &ann.token).field("title", "clip").send().await?.refused().map(|_| ())
}

async fn no_video(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let ask = upload(w).file("clip.mp4", b"this is no video".to_vec());
    ask.field("token", &ann.token).field("title", "text").send().await?.refused()?;
    ann.get("publish/list", &[("user_id", &ann.id)]).await?.success()?.has_ids("video_list", &[])
}

async fn no_form(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    ann.post("publish/action", &[("title", &"clip")]).await?.refused().map(|_| ())
}

async fn newest_first(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let (first, second) = (ann.video().await?, ann.video().await?);
    let list = ann.get("publish/list", &[("user_id", &ann.id)]).await?.success()?;
    list.has_ids("video_list", &[second.id, first.id])
}

async fn of_whom(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let video = w.stock().await?;
    let list = ann.get("publish/list", &[("user_id", &video.author)]).await?.success()?;
    list.has_ids("video_list", &[video.id])?;
    list.first("video_list")?.part("author").is("id", video.author)
}

async fn own_list(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    let video = ann.video().await?;
    ann.get("publish/list", &[]).await?.success()?.has_ids("video_list", &[video.id])
}

async fn callers_flags(w: &Stage) -> Checked {
    let [ann, bob] = w.people().await?;
    let video = ann.video().await?;
    ann.like(&video, 1).await?.success()?;
    bob.follow(ann.id, 1).await?.success()?;
    let seen = bob.card(&video).await?;
    seen.is("is_favorite", false)?;
    seen.part("author").is("is_follow", true)
}

async fn work_count(w: &Stage) -> Checked {
    let [ann] = w.people().await?;
    ann.profile(ann.id).await?.is("work_count", 0)?;
    ann.video().await?;
    ann.profile(ann.id).await?.is("work_count", 1)
}

async fn of_nobody(w: &Stage) -> Checked {
    w.get("publish/list", &[("user_id", &NOBODY)]).await?.refused().map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::{APP_WAITS, is_in_time};

    #[test]
    fn an_answer_is_in_time_as_long_as_the_app_waits() {
        assert!(is_in_time(APP_WAITS).is_ok());
        assert!(is_in_time(APP_WAITS * 2).is_err());
    }
}
