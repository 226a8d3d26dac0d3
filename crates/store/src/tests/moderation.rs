//! Reports, and what administrators decide: who sees what then, and that it is written down.

use domain::{CommentId, Error, Reason, Verdict, Visibility};

use super::fixture::{NOW, On, World, content, later, never, no_user, no_video, on_both};
use crate::{Slice, Subject, Thread};

async fn a_report_is_told_once_with_what_it_is_about(on: On) {
    let world = World::new(on).await;
    let (author, guest) = (world.user("author").await, world.user("guest").await);
    let video = world.video(author).await;
    let said = world.store.add_comment(author, video, None, content("buy now"), NOW).await.expect("comment");
    let comment = CommentId::parse(said.id).expect("a number");
    let report =
        async |subject, detail| world.store.report(guest, subject, Reason::Spam, detail, later(2)).await;
    for _twice in 0..2 {
        report(Subject::Video(video), None).await.expect("report");
        report(Subject::Comment(video, comment), Some(content("look"))).await.expect("report");
        report(Subject::Person(author), None).await.expect("report");
    }
    let unknown = CommentId::parse(999_999).expect("a number");
    let wrong = report(Subject::Video(no_video()), None).await;
    assert!(matches!(wrong, Err(Error::VideoNotFound(_))), "{wrong:?}");
    let wrong = report(Subject::Comment(video, unknown), None).await;
    assert!(matches!(wrong, Err(Error::CommentNotFound(_))), "{wrong:?}");
    let wrong = report(Subject::Person(no_user()), None).await;
    assert!(matches!(wrong, Err(Error::UserNotFound(_))), "{wrong:?}");
    let open = world.store.reports(Verdict::Open, Slice::NEWEST).await.expect("a list");
    let told: Vec<_> = open.iter().map(|row| (row.video, row.comment, row.person, row.by.as_str())).collect();
    let (video, comment, author) = (Some(video.get()), Some(comment.get()), author.get());
    assert_eq!(
        told,
        [(None, None, author, "guest"), (video, comment, author, "guest"), (video, None, author, "guest")]
    );
    let texts: Vec<_> = open.iter().map(|row| (row.detail.as_str(), row.excerpt.as_str())).collect();
    assert_eq!(texts, [("", ""), ("look", "buy now"), ("", "title 0")]);
    world.is_sound().await;
}

async fn a_hidden_video_is_its_authors_alone_until_it_is_restored_where_it_was(on: On) {
    let world = World::new(on).await;
    let (admin, author, guest) =
        (world.user("admin").await, world.user("author").await, world.user("guest").await);
    let (video, newer) = (world.video(author).await, world.video(author).await);
    world.store.report(guest, Subject::Video(video), Reason::Violence, None, NOW).await.expect("report");
    let feed = async || {
        let page = world.store.feed(never(), None).await.expect("a page");
        page.cards().iter().map(|card| card.id).collect::<Vec<_>>()
    };
    let settle = async || {
        let job = world.claim_settle().await;
        let (moves, visibility) =
            (world.moves(video).await, world.store.files_of(video).await.expect("files").visibility);
        world.store.moved(video, visibility, moves, NOW).await.expect("move");
        world.store.settled(job.attempt, Vec::new()).await.expect("settle");
    };
    assert_eq!(feed().await, [newer.get(), video.get()]);
    for _twice in 0..2 {
        world.store.hide_video(admin, video, "cruel".into(), NOW).await.expect("hide");
    }
    settle().await;
    assert_eq!(feed().await, [newer.get()]);
    let seen = world.store.video(video, Some(guest)).await;
    assert!(matches!(seen, Err(Error::VideoNotFound(_))), "{seen:?}");
    let own = world.store.video(video, Some(author)).await.expect("a video");
    assert_eq!(own.files.visibility, Visibility::Hidden);
    assert!(own.files.files.iter().all(|file| file.key.starts_with("s/")), "{:?}", own.files.files);
    let back = world.store.set_visibility(author, video, Visibility::Public, NOW).await;
    assert!(matches!(back, Err(Error::VideoHidden)), "{back:?}");
    assert_eq!(world.store.reports(Verdict::Open, Slice::NEWEST).await.expect("a list").len(), 0);
    assert_eq!(world.store.reports(Verdict::Upheld, Slice::NEWEST).await.expect("a list").len(), 1);
    world.is_sound().await;
    for _twice in 0..2 {
        world.store.restore_video(admin, video, NOW).await.expect("restore");
    }
    settle().await;
    assert_eq!(feed().await, [newer.get(), video.get()]);
    let log = world.store.audit_log(Slice::NEWEST).await.expect("a list");
    let log: Vec<_> = log.iter().map(|row| (row.action.as_str(), row.detail.as_deref())).collect();
    assert_eq!(log, [("restored", None), ("hid", Some("cruel"))]);
    world.is_sound().await;
}

async fn a_removed_comment_is_kept_in_the_audit_log(on: On) {
    let world = World::new(on).await;
    let (admin, author) = (world.user("admin").await, world.user("author").await);
    let video = world.video(author).await;
    let said = world.store.add_comment(author, video, None, content("rude"), NOW).await.expect("comment");
    let comment = CommentId::parse(said.id).expect("a number");
    world
        .store
        .report(admin, Subject::Comment(video, comment), Reason::Other, None, NOW)
        .await
        .expect("report");
    world.store.remove_comment(admin, video, comment, NOW).await.expect("remove");
    let again = world.store.remove_comment(admin, video, comment, NOW).await;
    assert!(matches!(again, Err(Error::CommentNotFound(id)) if id == comment), "{again:?}");
    let left = world.store.comments(video, None, Thread::All, Slice::NEWEST).await.expect("a list");
    assert_eq!(left.len(), 0);
    let log = world.store.audit_log(Slice::NEWEST).await.expect("a list");
    assert_eq!((log[0].action.as_str(), log[0].detail.as_deref()), ("removed", Some("rude")));
    world.is_sound().await;
}

async fn a_verdict_can_be_changed_and_each_is_written_down(on: On) {
    let world = World::new(on).await;
    let (admin, author) = (world.user("admin").await, world.user("author").await);
    world.store.report(admin, Subject::Person(author), Reason::Other, None, NOW).await.expect("report");
    let report = world.store.reports(Verdict::Open, Slice::NEWEST).await.expect("a list")[0].id;
    for verdict in [Verdict::Dismissed, Verdict::Upheld, Verdict::Open] {
        world.store.decide_report(admin, report, verdict, NOW).await.expect("decide");
        assert_eq!(world.store.reports(verdict, Slice::NEWEST).await.expect("a list").len(), 1);
    }
    let wrong = world.store.decide_report(admin, 999, Verdict::Open, NOW).await;
    assert!(matches!(wrong, Err(Error::ReportNotFound)), "{wrong:?}");
    assert_eq!(world.store.audit_log(Slice::NEWEST).await.expect("a list").len(), 3);
}

on_both!(
    a_report_is_told_once_with_what_it_is_about,
    a_hidden_video_is_its_authors_alone_until_it_is_restored_where_it_was,
    a_removed_comment_is_kept_in_the_audit_log,
    a_verdict_can_be_changed_and_each_is_written_down
);
