//! Every mutation, interrupted at every statement: nothing of it may stay.

use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::{
    CommentId, DisplayName, Error, Happening, JobId, Reason, Result, Standing, UserId, Verdict, VideoId,
    Visibility, WordAction,
};
use futures_util::future::BoxFuture;

use super::fixture::{
    LEASE, NOW, On, World, content, known, later, made, never, object, on_both, rendition, title, unwanted,
    user_name,
};
use super::stated;
use crate::{Entry, Finished, Job, JobKind, NewVideo, Opinion, Picture, Slice, Store, Subject, Then, Told};

/// Longer than any video.
const WHOLE: Duration = Duration::from_secs(3600);

/// Some of everything, so that each mutation has something to change.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) author: UserId,
    pub(super) viewer: UserId,
    pub(super) fresh: VideoId,
    pub(super) liked: VideoId,
    job: Job,
    overtaken: Job,
    given_up: JobId,
    /// Its video can be played.
    playing: Job,
    /// Its video has all its renditions, and something that is not needed.
    settling: Job,
    /// Its video is being deleted, and has reactions.
    deleting: Job,
    /// Its video was made public, and its objects are where they were.
    moving: Job,
    moves: Vec<(String, String)>,
    pub(super) comment: CommentId,
    /// Of the viewer, renewed never.
    session: i64,
    invitation: i64,
    report: i64,
    /// An administrator has hidden it.
    hidden: VideoId,
    /// Has done some of everything, and deletes the account.
    leaving: UserId,
    /// Has nothing any more.
    left: UserId,
    /// Is private, and the viewer asks to follow them.
    closed: UserId,
    /// Is called when somebody comments.
    hook: i64,
    /// How far it was told of comments, of which there is another.
    told: Told,
    /// Could not be told.
    failed: i64,
    /// Is to be told.
    waiting: i64,
    /// Is not wanted.
    word: i64,
    /// Waits because of it.
    held: i64,
    /// A link to the fresh video.
    share: i64,
}

impl Scene {
    pub(super) async fn new(on: On) -> Self {
        let world = World::new(on).await;
        let (author, viewer) = (world.user("author").await, world.user("viewer").await);
        let (fresh, liked) = (world.video(author).await, world.video(author).await);
        world.store.put_file(author, fresh, object("p/captions", "captions.en")).await.expect("put");
        world.store.like_video(viewer, liked, NOW).await.expect("like");
        world.store.follow_user(viewer, author, NOW).await.expect("follow");
        let comment =
            world.store.add_comment(viewer, liked, None, content("first"), NOW).await.expect("comment");
        world.store.send_message(viewer, author, content("hello"), NOW).await.expect("send");
        let finished = world.claim_of(world.video(author).await).await;
        let ladder = Finished { objects: vec![rendition("p/720")], ..made("p/480") };
        assert!(world.finish(&finished, ladder).await);
        let settling = world.claim_settle().await;
        let deleted = world.video(author).await;
        world.store.like_video(viewer, deleted, NOW).await.expect("like");
        world.store.add_comment(viewer, deleted, None, content("last"), NOW).await.expect("comment");
        world.store.watch_video(viewer, deleted, WHOLE, NOW).await.expect("watch");
        for video in [deleted, fresh] {
            world.store.bookmark(viewer, video, NOW).await.expect("bookmark");
        }
        world.store.delete_video(author, deleted, NOW).await.expect("delete");
        let deleting = world.claim_settle().await;
        let hidden = NewVideo { visibility: Visibility::Private, ..world.ready(author) };
        let shown = world.store.publish(hidden, NOW).await.expect("publish");
        world.store.set_visibility(author, shown, Visibility::Public, NOW).await.expect("show");
        let moving = world.claim_settle().await;
        let moves = world.moves(shown).await;
        let playing = world.claim_of(world.processing(author).await).await;
        assert!(world.play(&playing).await);
        let given_up = world.claim_of(world.processing(author).await).await;
        let dead = world.store.job_dead(given_up.attempt, given_up.video, "no space".into(), NOW).await;
        assert!(dead.expect("ends"));
        world.processing(author).await;
        let overtaken = world.claim().await;
        world.store.release_job(overtaken.attempt, NOW, true, "crashed".into()).await.expect("release");
        let job = world.claim().await;
        world.processing(author).await;
        world.upload(viewer, "open", 1000).await;
        world.append(viewer, "open", 0, 400).await.expect("append");
        world.upload(author, "whole", 1000).await;
        world.append(author, "whole", 0, 1000).await.expect("append");
        world.store.ask_once(viewer, "asked".into(), vec![7; 32], NOW).await.expect("ask");
        let invitation =
            world.store.invite(author, "word".into(), 2, later(1000), NOW).await.expect("invite").id;
        let hidden = world.video(author).await;
        world.store.report(viewer, Subject::Video(hidden), Reason::Spam, None, NOW).await.expect("report");
        let report = world.store.reports(Verdict::Open, Slice::NEWEST).await.expect("a list")[0].id;
        world.store.report(author, Subject::Video(liked), Reason::Spam, None, NOW).await.expect("report");
        world.store.hide_video(author, hidden, "why".into(), NOW).await.expect("hide");
        let (leaving, left) = (world.user("leaving").await, world.user("left").await);
        let said = CommentId::parse(comment.id).expect("a number");
        world.store.like_video(leaving, liked, NOW).await.expect("like");
        world.store.bookmark(leaving, liked, NOW).await.expect("bookmark");
        world.store.watch_video(leaving, liked, WHOLE, NOW).await.expect("watch");
        world.store.like_comment(leaving, liked, said, NOW).await.expect("like");
        world.store.add_comment(leaving, liked, None, content("mine"), NOW).await.expect("comment");
        for (one, other) in [(leaving, author), (author, leaving)] {
            world.store.follow_user(one, other, NOW).await.expect("follow");
            world.store.send_message(one, other, content("bye"), NOW).await.expect("send");
        }
        let closed = world.user("closed").await;
        world.store.set_profile(closed, None, None, Some(true)).await.expect("close");
        assert!(world.store.follow_user(viewer, closed, NOW).await.expect("ask"));
        let picture = Some(object("p/avatar", "avatar"));
        world.store.set_picture(author, Picture::Avatar, picture).await.expect("a picture");
        let (url, secret) = ("https://example.org/".to_owned(), vec![7; 32]);
        let events = vec![Happening::CommentCreated];
        let hook = world.store.create_webhook(author, url, events, secret, NOW).await.expect("a webhook");
        let mut told = world.told().await;
        for text in ["failed", "waiting", "coming"] {
            world.store.add_comment(viewer, liked, None, content(text), NOW).await.expect("comment");
            if text != "coming" {
                assert!(world.store.fill_outbox(&told, later(5_000)).await.expect("fill"));
                told = world.told().await;
            }
        }
        let ids: Vec<i64> = world.column("SELECT id FROM delivery ORDER BY id", "id").await;
        let [failed, waiting] = ids[..] else { panic!("{ids:?}") };
        world.store.delivery_ended((hook, failed, 0), "500".into(), Then::Never, NOW).await.expect("ends");
        for person in [leaving, left] {
            world.store.delete_account(person, NOW).await.expect("delete");
        }
        let until = (NOW, later(1));
        let share = world.store.share_video(author, fresh, [7; 32], until).await.expect("share");
        let word =
            world.store.put_word(author, unwanted("bad"), WordAction::Hold, NOW).await.expect("a word");
        let place = (liked, None);
        world.store.hold_comment(viewer, place, content("bad"), "bad".into(), NOW).await.expect("hold");
        let held = world.store.held_comments(None, Slice::NEWEST).await.expect("a list")[0].id;
        for person in [viewer, closed] {
            world.store.begin_two_factor(person, vec![7; 20]).await.expect("begin");
        }
        world.store.confirm_two_factor(viewer, 5, vec![[7; 32], [8; 32]]).await.expect("confirm");
        let session = world.store.open_session(viewer, "phone".into(), NOW).await.expect("open");
        let comment = CommentId::parse(comment.id).expect("a number");
        let given_up = given_up.attempt.job;
        Self {
            world,
            author,
            viewer,
            fresh,
            liked,
            job,
            overtaken,
            given_up,
            playing,
            settling,
            deleting,
            moving,
            moves,
            comment,
            session,
            invitation,
            report,
            hidden,
            leaving,
            left,
            closed,
            hook,
            told,
            failed,
            waiting,
            word,
            held,
            share,
        }
    }

    fn store(&self) -> &Store {
        &self.world.store
    }
}

type Mutation = for<'s> fn(&'s Scene) -> BoxFuture<'s, Result<()>>;

/// One row: a method, its statements, how many more they are on MySQL, and how it is called.
macro_rules! mutations {
    ($($name:literal, $statements:literal + $mysql:literal, |$scene:ident| $call:expr;)*) => {
        &[$(($name, $statements, $mysql, |$scene| Box::pin(async move { $call.await.map(|_| ()) }))),*]
    };
}

/// The first row of a method is the one with the number its documentation begins with.
const MUTATIONS: &[(&str, u64, u64, Mutation)] = mutations![
    "create_user", 3 + 0, |s| s.store().create_user(user_name("new"), "hash".into(), Entry::Open, NOW);
    "create_identified", 4 + 0, |s| s.store().create_identified(user_name("new"), "hash".into(), Entry::Open, known("new"), NOW);
    "create_user, invited", 4 + 0, |s| s.store().create_user(user_name("new"), "hash".into(), Entry::Invited("word".into()), NOW);
    "set_profile", 4 + 0, |s| s.store().set_profile(s.viewer, DisplayName::parse("other").ok(), None, None);
    "set_standing", 5 + 0, |s| s.store().set_standing(s.author, s.viewer, Standing::Suspended, "why".into(), NOW);
    "invite", 2 + 0, |s| s.store().invite(s.author, "other".into(), 3, later(5), NOW);
    "end_invitation", 2 + 0, |s| s.store().end_invitation(s.author, s.invitation, NOW);
    "set_password_hash", 1 + 0, |s| s.store().set_password_hash(s.viewer, "other".into());
    "delete_account", 6 + 0, |s| s.store().delete_account(s.viewer, NOW);
    "forget_person", 42 + 1, |s| s.store().forget_person(s.leaving);
    "account_gone", 3 + 1, |s| s.store().account_gone(s.left);
    "account_gone, not yet", 1 + 1, |s| s.store().account_gone(s.leaving);
    "set_picture", 5 + 0, |s| s.store().set_picture(s.author, Picture::Avatar, Some(object("p/other", "avatar")));
    "set_picture, a first one", 4 + 0, |s| s.store().set_picture(s.viewer, Picture::Avatar, Some(object("p/other", "avatar")));
    "set_picture, none", 4 + 0, |s| s.store().set_picture(s.author, Picture::Avatar, None);
    "withdraw_videos", 30 + 1, |s| s.store().withdraw_videos(s.author, NOW);
    "answer_follow", 4 + 1, |s| s.store().answer_follow(s.closed, s.viewer, true, NOW);
    "answer_follow, refused", 1 + 0, |s| s.store().answer_follow(s.closed, s.viewer, false, NOW);
    "follow_user, who is private", 3 + 1, |s| s.store().follow_user(s.author, s.closed, NOW);
    "unfollow_user, who was asked", 2 + 1, |s| s.store().unfollow_user(s.viewer, s.closed);
    "share_video", 2 + 0, |s| s.store().share_video(s.author, s.fresh, [9; 32], (NOW, later(1)));
    "end_share", 1 + 0, |s| s.store().end_share(s.author, s.fresh, s.share);
    "forget_shares", 1 + 0, |s| s.store().forget_shares(never());
    "put_word", 3 + 0, |s| s.store().put_word(s.author, unwanted("new"), WordAction::Hold, NOW);
    "put_word, again", 3 + 0, |s| s.store().put_word(s.author, unwanted("bad"), WordAction::Refuse, NOW);
    "delete_word", 2 + 0, |s| s.store().delete_word(s.author, s.word, NOW);
    "hold_comment", 2 + 0, |s| s.store().hold_comment(s.viewer, (s.liked, None), content("bad"), "bad".into(), NOW);
    "release_comment", 7 + 0, |s| s.store().release_comment(s.held, NOW);
    "drop_comment", 1 + 0, |s| s.store().drop_comment(s.held);
    "forget_held", 1 + 0, |s| s.store().forget_held(never());
    "begin_two_factor", 1 + 0, |s| s.store().begin_two_factor(s.author, vec![7; 20]);
    "confirm_two_factor", 3 + 0, |s| s.store().confirm_two_factor(s.closed, 5, vec![[7; 32]; 10]);
    "use_step", 1 + 0, |s| s.store().use_step(s.viewer, 6);
    "use_recovery_code", 1 + 0, |s| s.store().use_recovery_code(s.viewer, [7; 32]);
    "end_two_factor", 2 + 0, |s| s.store().end_two_factor(s.viewer);
    "create_webhook", 4 + 0, |s| s.store().create_webhook(s.author, "https://example.org/".into(), vec![Happening::CommentCreated], vec![7; 32], NOW);
    "create_webhook, of two events", 5 + 0, |s| s.store().create_webhook(s.author, "https://example.org/".into(), vec![Happening::CommentCreated, Happening::VideoPublished], vec![7; 32], NOW);
    "delete_webhook", 2 + 0, |s| s.store().delete_webhook(s.author, s.hook, NOW);
    "clear_deliveries", 1 + 0, |s| s.store().clear_deliveries(s.hook);
    "replay_delivery", 3 + 0, |s| s.store().replay_delivery(s.author, s.hook, s.failed, NOW);
    "fill_outbox", 3 + 0, |s| s.store().fill_outbox(&s.told, later(10_000));
    "fill_outbox, nothing new", 1 + 0, |s| s.store().fill_outbox(&s.told, NOW);
    "claim_delivery", 2 + 0, |s| s.store().claim_delivery(s.hook, later(10_000), LEASE);
    "claim_delivery, none due", 1 + 0, |s| s.store().claim_delivery(s.hook, later(-1), LEASE);
    "delivery_ended", 2 + 0, |s| s.store().delivery_ended((s.hook, s.waiting, 0), "200".into(), Then::Arrived, NOW);
    "delivery_ended, overtaken", 1 + 0, |s| s.store().delivery_ended((s.hook, s.waiting, 7), "200".into(), Then::Arrived, NOW);
    "forget_deliveries", 1 + 0, |s| s.store().forget_deliveries(never());
    "revoke_tokens", 2 + 0, |s| s.store().revoke_tokens(s.viewer, NOW);
    "open_session", 2 + 0, |s| s.store().open_session(s.viewer, "phone".into(), NOW);
    "renew_session", 2 + 0, |s| s.store().renew_session(s.viewer, s.session, 0, later(60_000));
    "renew_session, used before", 3 + 0, |s| s.store().renew_session(s.viewer, s.session, -1, later(60_000));
    "ask_once", 2 + 0, |s| s.store().ask_once(s.viewer, "new".into(), vec![7; 32], NOW);
    "ask_once, again", 3 + 0, |s| s.store().ask_once(s.viewer, "asked".into(), vec![7; 32], NOW);
    "answered", 1 + 0, |s| s.store().answered(s.viewer, "asked".into(), None);
    "end_session", 1 + 0, |s| s.store().end_session(s.viewer, s.session, NOW);
    "change_password", 6 + 0, |s| s.store().change_password(s.viewer, "other".into(), "phone".into(), NOW);
    "make_admin", 1 + 0, |s| s.store().make_admin(user_name("viewer"));
    "publish", 9 + 1, |s| s.store().publish(s.world.ready(s.author), NOW);
    "publish, with tags", 11 + 1, |s| s.store().publish(NewVideo { title: title("#one #two"), ..s.world.ready(s.author) }, NOW);
    "publish, with a job", 7 + 1, |s| s.store().publish(s.world.unready(s.author), NOW);
    "publish, of an upload", 10 + 1, |s| s.store().publish(of_upload(s), NOW);
    "video_playable", 10 + 1, |s| playable(s, &s.job);
    "video_playable, overtaken", 1 + 1, |s| playable(s, &s.overtaken);
    "video_finished", 10 + 1, |s| finished(s, &s.playing);
    "video_finished, overtaken", 1 + 1, |s| finished(s, &s.overtaken);
    "objects_coming", 2 + 0, |s| s.store().objects_coming(s.job.attempt, s.job.video, vec!["p/a".into(), "p/b".into()]);
    "objects_coming, overtaken", 1 + 0, |s| s.store().objects_coming(s.overtaken.attempt, s.job.video, vec!["p/a".into()]);
    "video_failed", 7 + 0, |s| s.store().video_failed(s.job.attempt, s.job.video, "why".into(), NOW);
    "video_failed, playable", 2 + 0, |s| s.store().video_failed(s.playing.attempt, s.playing.video, "why".into(), NOW);
    "video_failed, overtaken", 1 + 0, |s| s.store().video_failed(s.overtaken.attempt, s.job.video, "why".into(), NOW);
    "job_dead", 5 + 0, |s| s.store().job_dead(s.job.attempt, s.job.video, "why".into(), NOW);
    "job_dead, overtaken", 1 + 0, |s| s.store().job_dead(s.overtaken.attempt, s.job.video, "why".into(), NOW);
    "set_visibility", 6 + 1, |s| s.store().set_visibility(s.author, s.fresh, Visibility::Friends, NOW);
    "set_visibility, the same", 1 + 0, |s| s.store().set_visibility(s.author, s.fresh, Visibility::Public, NOW);
    "set_title", 4 + 0, |s| s.store().set_title(s.author, s.fresh, title("other"));
    "set_title, with tags", 6 + 0, |s| s.store().set_title(s.author, s.fresh, title("#one #two"));
    "watch_video", 4 + 1, |s| s.store().watch_video(s.viewer, s.fresh, WHOLE, NOW);
    "watch_video, for a moment", 3 + 1, |s| s.store().watch_video(s.viewer, s.fresh, Duration::ZERO, NOW);
    "bookmark", 2 + 0, |s| s.store().bookmark(s.author, s.fresh, NOW);
    "bookmark, repeated", 2 + 0, |s| s.store().bookmark(s.viewer, s.fresh, NOW);
    "unbookmark", 1 + 0, |s| s.store().unbookmark(s.viewer, s.fresh);
    "moved", 9 + 1, |s| s.store().moved(s.moving.video, Visibility::Public, s.moves.clone(), NOW);
    "settled", 2 + 0, |s| s.store().settled(s.settling.attempt, vec!["p/2".into()]);
    "delete_video", 6 + 1, |s| s.store().delete_video(s.author, s.fresh, NOW);
    "forget_reactions", 12 + 1, |s| s.store().forget_reactions(s.deleting.video);
    "forget_reactions, none", 4 + 1, |s| s.store().forget_reactions(s.playing.video);
    "video_gone", 6 + 0, |s| s.store().video_gone(s.deleting.attempt, s.deleting.video);
    "put_file", 4 + 0, |s| s.store().put_file(s.author, s.fresh, object("p/new", "captions.en"));
    "put_file, a first one", 3 + 0, |s| s.store().put_file(s.author, s.fresh, object("p/new", "captions.de"));
    "take_file", 3 + 0, |s| s.store().take_file(s.author, s.fresh, "captions.en".into());
    "create_upload", 3 + 1, |s| s.world.try_upload(s.viewer, "new", 10);
    "append_upload", 2 + 0, |s| s.world.append(s.viewer, "open", 400, 600);
    "end_upload", 3 + 0, |s| s.store().end_upload(s.viewer, "open".into(), NOW);
    "forget_uploads", 2 + 0, |s| s.store().forget_uploads(later(1_000_000));
    "forget_uploads, none", 1 + 0, |s| s.store().forget_uploads(NOW);
    "retry_job", 2 + 0, |s| s.store().retry_job(s.given_up, NOW);
    "retry_job, not dead", 1 + 0, |s| s.store().retry_job(s.job.attempt.job, NOW);
    "cancel_job", 8 + 0, |s| s.store().cancel_job(s.job.attempt.job, NOW);
    "claim_job", 2 + 0, |s| s.store().claim_job(JobKind::Transcode, NOW, LEASE);
    "claim_job, none due", 1 + 0, |s| s.store().claim_job(JobKind::Transcode, later(-1), LEASE);
    "extend_lease", 1 + 0, |s| s.store().extend_lease(s.job.attempt, later(5), 500);
    "release_job", 1 + 0, |s| s.store().release_job(s.job.attempt, later(5), true, "why".into());
    "like_video", 5 + 0, |s| s.store().like_video(s.viewer, s.fresh, NOW);
    "like_video, repeated", 1 + 0, |s| s.store().like_video(s.viewer, s.liked, NOW);
    "unlike_video", 4 + 0, |s| s.store().unlike_video(s.viewer, s.liked);
    "unlike_video, without one", 1 + 0, |s| s.store().unlike_video(s.viewer, s.fresh);
    "add_comment", 5 + 0, |s| s.store().add_comment(s.viewer, s.fresh, None, content("text"), NOW);
    "add_comment, with a mention", 8 + 0, |s| s.store().add_comment(s.viewer, s.fresh, None, content("@viewer @author"), NOW);
    "see_notifications", 1 + 0, |s| s.store().see_notifications(s.author, NOW);
    "forget_notifications", 1 + 0, |s| s.store().forget_notifications(later(1_000_000));
    "add_comment, a reply", 7 + 0, |s| s.store().add_comment(s.viewer, s.liked, Some(s.comment), content("text"), NOW);
    "like_comment", 5 + 0, |s| s.store().like_comment(s.author, s.liked, s.comment, NOW);
    "unlike_comment", 3 + 0, |s| s.store().unlike_comment(s.viewer, s.liked, s.comment);
    "delete_comment", 3 + 1, |s| s.store().delete_comment(s.viewer, s.liked, s.comment, false);
    "delete_comment, another's", 2 + 1, |s| denied(s);
    "remove_comment", 5 + 1, |s| s.store().remove_comment(s.author, s.liked, s.comment, NOW);
    "report", 2 + 0, |s| s.store().report(s.viewer, Subject::Video(s.liked), Reason::Spam, None, NOW);
    "report, a comment", 3 + 0, |s| s.store().report(s.viewer, Subject::Comment(s.liked, s.comment), Reason::Spam, None, NOW);
    "decide_report", 2 + 0, |s| s.store().decide_report(s.author, s.report, Verdict::Upheld, NOW);
    "hide_video", 9 + 1, |s| s.store().hide_video(s.author, s.liked, "why".into(), NOW);
    "restore_video", 5 + 0, |s| s.store().restore_video(s.author, s.hidden, NOW);
    "follow_user", 4 + 1, |s| s.store().follow_user(s.author, s.viewer, NOW);
    "follow_user, repeated", 1 + 1, |s| s.store().follow_user(s.viewer, s.author, NOW);
    "unfollow_user", 3 + 1, |s| s.store().unfollow_user(s.viewer, s.author);
    "unfollow_user, without one", 1 + 1, |s| s.store().unfollow_user(s.author, s.viewer);
    "block_user", 6 + 1, |s| s.store().block_user(s.author, s.viewer, NOW);
    "unblock_user", 1 + 0, |s| s.store().unblock_user(s.viewer, s.author);
    "mute_user", 2 + 0, |s| s.store().mute_user(s.author, s.viewer, NOW);
    "unmute_user", 1 + 0, |s| s.store().unmute_user(s.viewer, s.author);
    "show", 2 + 0, |s| s.store().show(s.viewer, vec![(s.fresh, "fresh"), (s.liked, "tag")], NOW);
    "say_of", 2 + 0, |s| s.store().say_of(s.author, s.fresh, Opinion::Unwanted, NOW);
    "say_of, of what was watched", 3 + 0, |s| s.store().say_of(s.leaving, s.liked, Opinion::PassedOn, NOW);
    "forget_taste", 3 + 0, |s| s.store().forget_taste(s.viewer, NOW);
    "forget_impressions", 1 + 0, |s| s.store().forget_impressions(later(1_000_000));
    "read_messages", 2 + 0, |s| s.store().read_messages(s.author, s.viewer, 1);
    "send_message", 3 + 1, |s| s.store().send_message(s.author, s.viewer, content("text"), NOW);
    "repair_counters", 10 + 2, |s| s.store().repair_counters();
];

async fn playable(scene: &Scene, job: &Job) -> Result<bool> {
    scene.store().video_playable(job.attempt, job.video, rendition("p/first"), NOW).await
}

async fn finished(scene: &Scene, job: &Job) -> Result<bool> {
    scene.store().video_finished(job.attempt, job.video, made("p/made"), NOW).await
}

fn of_upload(scene: &Scene) -> NewVideo {
    NewVideo { upload: Some("whole".into()), ..scene.world.ready(scene.author) }
}

async fn denied(scene: &Scene) -> Result<()> {
    match scene.store().delete_comment(scene.author, scene.liked, scene.comment, false).await {
        Err(Error::PermissionDenied) => Ok(()),
        other => other,
    }
}

async fn a_mutation_that_fails_at_any_statement_leaves_every_table_as_it_was(on: On) {
    for (name, stated, mysql, mutation) in MUTATIONS {
        let scene = Scene::new(on).await;
        let untouched = scene.world.dump().await;
        let mut measured = 0;
        while let Err(error) = failing_at(&scene, measured + 1, *mutation).await {
            measured += 1;
            assert!(
                error.chain().contains("made to fail"),
                "{name}, statement {measured}: {}",
                error.chain()
            );
            assert_eq!(scene.world.dump().await, untouched, "{name}, statement {measured}");
            scene.world.is_sound().await;
        }
        assert_eq!(measured, stated + scene.world.pick(0, *mysql), "{name}");
        scene.world.is_sound().await;
    }
}

async fn failing_at(scene: &Scene, statement: u64, mutation: Mutation) -> Result<()> {
    let probe = &scene.store().database.probe;
    probe.fail_at.store(probe.statements() + statement, Ordering::Relaxed);
    let result = mutation(scene).await;
    probe.fail_at.store(0, Ordering::Relaxed);
    result
}

#[test]
fn every_mutation_is_interrupted_here_and_documents_its_statements() {
    let documented: Vec<_> = stated::methods().into_iter().filter(|method| method.mutates).collect();
    assert_eq!(documented.len(), 96, "{documented:?}");
    for method in documented {
        let measured = MUTATIONS.iter().find(|row| row.0 == method.name).map(|row| (row.1, row.2));
        assert!(measured.is_some(), "{} is not interrupted", method.name);
        assert_eq!(
            method.statements.map(|number| (number, method.more_on_mysql)),
            measured,
            "{}",
            method.name
        );
    }
}

on_both!(a_mutation_that_fails_at_any_statement_leaves_every_table_as_it_was);
