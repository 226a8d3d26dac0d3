//! Who sees what: each visibility before each viewer by each way to a video, and what hiding and deleting take along.

use domain::{Error, UserId, VideoId, Visibility};

use super::fixture::{NOW, On, World, content, later, never, on_both};
use crate::{JobKind, NewVideo, Slice, Thread};

/// Somebody of each kind.
struct Cast {
    world: World,
    author: UserId,
    friend: UserId,
    follower: UserId,
    followed: UserId,
    stranger: UserId,
}

impl Cast {
    async fn new(on: On) -> Self {
        let world = World::new(on).await;
        let [author, friend, follower, followed, stranger] =
            [1, 2, 3, 4, 5].map(|number| format!("person {number}"));
        let (author, friend) = (world.user(&author).await, world.user(&friend).await);
        let (follower, followed) = (world.user(&follower).await, world.user(&followed).await);
        let stranger = world.user(&stranger).await;
        for (who, whom) in [(friend, author), (author, friend), (follower, author), (author, followed)] {
            world.store.follow_user(who, whom, NOW).await.expect("follow");
        }
        Self { world, author, friend, follower, followed, stranger }
    }

    async fn publish(&self, visibility: Visibility) -> VideoId {
        let video = NewVideo { visibility, ..self.world.ready(self.author) };
        self.world.store.publish(video, NOW).await.expect("publish")
    }

    /// Every viewer, with whether a video of this visibility is theirs to see.
    fn viewers(&self, visibility: Visibility) -> [(&'static str, Option<UserId>, bool); 6] {
        let (public, friends) = (visibility == Visibility::Public, visibility == Visibility::Friends);
        let followers = visibility == Visibility::Followers;
        [
            ("author", Some(self.author), true),
            ("friend", Some(self.friend), public || friends || followers),
            ("follower", Some(self.follower), public || followers),
            ("followed", Some(self.followed), public),
            ("stranger", Some(self.stranger), public),
            ("nobody", None, public),
        ]
    }

    /// Each way to a video, and whether it leads there.
    async fn ways(&self, viewer: Option<UserId>, video: VideoId) -> Vec<(&'static str, bool)> {
        let store = &self.world.store;
        let listed = |cards: Vec<crate::VideoCard>| cards.iter().any(|card| card.id == video.get());
        let found = |outcome: Result<(), Error>| match outcome {
            Ok(()) => true,
            Err(Error::VideoNotFound(_)) => false,
            Err(error) => panic!("{}", error.chain()),
        };
        let mut ways = vec![
            ("list", listed(store.videos_of(self.author, viewer, Slice::NEWEST).await.expect("a list").rows)),
            (
                "liked",
                listed(store.liked_videos(self.author, viewer, Slice::NEWEST).await.expect("a list").rows),
            ),
            ("video", found(store.video(video, viewer).await.map(|_| ()))),
            ("comments", found(store.comments(video, viewer, Thread::All, Slice::NEWEST).await.map(|_| ()))),
            ("comment count", found(store.comment_count(video, viewer).await.map(|_| ()))),
        ];
        if let Some(viewer) = viewer {
            let comment = store.add_comment(viewer, video, None, content("text"), NOW).await;
            ways.push(("comment", found(comment.map(|_| ()))));
            ways.push(("like", found(store.like_video(viewer, video, NOW).await)));
            ways.push(("bookmark", found(store.bookmark(viewer, video, NOW).await)));
            let bookmarks = store.bookmarks(viewer, Slice::NEWEST).await.expect("a list");
            ways.push(("bookmarks", listed(bookmarks.rows)));
        }
        ways
    }
}

async fn a_video_is_seen_by_those_it_is_for_and_by_no_way_by_others(on: On) {
    let cast = Cast::new(on).await;
    for visibility in Visibility::CHOICES {
        let video = cast.publish(visibility).await;
        cast.world.store.like_video(cast.author, video, NOW).await.expect("like");
        for (name, viewer, sees) in cast.viewers(visibility) {
            for (way, leads) in cast.ways(viewer, video).await {
                assert_eq!(leads, sees, "{visibility:?}, {name}, {way}");
            }
            let page = cast.world.feed(never(), viewer).await;
            let in_feed = page.iter().any(|card| card.id == video.get());
            assert_eq!(in_feed, visibility == Visibility::Public, "{visibility:?}, {name}, feed");
        }
        cast.world.is_sound().await;
    }
}

async fn who_follows_is_shown_what_is_for_followers_and_nothing_else(on: On) {
    let cast = Cast::new(on).await;
    let world = &cast.world;
    let mut videos = Vec::new();
    for _ in 0..3 {
        for visibility in Visibility::CHOICES {
            videos.push((visibility, cast.publish(visibility).await));
        }
    }
    world.video(cast.stranger).await;
    for (name, viewer, _) in cast.viewers(Visibility::Public) {
        let Some(viewer) = viewer else { continue };
        let mut expected: Vec<i64> = match name {
            "friend" => vec![Visibility::Public, Visibility::Followers, Visibility::Friends],
            "follower" => vec![Visibility::Public, Visibility::Followers],
            _ => Vec::new(),
        }
        .into_iter()
        .flat_map(|visible| videos.iter().filter(move |(of, _)| *of == visible).map(|(_, video)| video.get()))
        .collect();
        expected.sort_unstable_by(|one, other| other.cmp(one));
        let (mut found, mut slice) = (Vec::new(), Slice { rows: 2, ..Slice::NEWEST });
        loop {
            let part = world.store.following_feed(viewer, slice).await.expect("a list");
            found.extend(part.iter().map(|card| card.id));
            if part.next == 0 {
                break;
            }
            slice.before = part.next;
        }
        if name != "author" {
            assert_eq!(found, expected, "{name}");
        }
    }
    // What was published long ago is found too, through as many windows as it takes.
    let newest = world.video(cast.stranger).await;
    for table in ["job", "video_object", "video_event", "video_stat", "video_text"] {
        world.run(&format!("DELETE FROM {table} WHERE video_id = {newest}")).await;
    }
    world.run(&format!("UPDATE video SET id = 500000 WHERE id = {newest}")).await;
    let far = world.store.following_feed(cast.friend, Slice { rows: 50, ..Slice::NEWEST }).await;
    assert_eq!(far.expect("a list").len(), 9);
}

async fn a_hidden_video_leaves_every_page_at_once_and_comes_back_to_its_place(on: On) {
    let cast = Cast::new(on).await;
    let (world, author) = (&cast.world, cast.author);
    let (older, newer) = (cast.publish(Visibility::Public).await, cast.publish(Visibility::Public).await);
    let ids = async |viewer| world.feed(never(), viewer).await.iter().map(|card| card.id).collect::<Vec<_>>();
    let both = vec![newer.get(), older.get()];
    assert_eq!((ids(None).await, ids(Some(cast.friend)).await), (both.clone(), both.clone()));
    for narrow in [Visibility::Private, Visibility::Friends, Visibility::Followers] {
        world.store.set_visibility(author, older, narrow, NOW).await.expect("hide");
        assert_eq!((ids(None).await, ids(Some(cast.friend)).await), (vec![newer.get()], vec![newer.get()]));
        assert_eq!(world.store.user_card(author, None).await.expect("a card").work_count, 1);
        let job = world.claim_settle().await;
        let moves = world.moves(older).await;
        assert!(world.store.moved(older, narrow, moves, NOW).await.expect("move"));
        assert!(!world.store.moved(older, Visibility::Public, vec![], NOW).await.expect("move"), "it is not");
        assert!(world.store.settled(job.attempt, vec![]).await.expect("settle"));
        world.store.set_visibility(author, older, Visibility::Public, NOW).await.expect("show");
        assert_eq!(ids(None).await, [newer.get()], "its objects are not there yet");
        let job = world.claim_settle().await;
        assert!(
            world
                .store
                .moved(older, Visibility::Public, world.moves(older).await, later(9))
                .await
                .expect("move")
        );
        assert!(world.store.settled(job.attempt, vec![]).await.expect("settle"));
        assert_eq!((ids(None).await, ids(Some(cast.friend)).await), (both.clone(), both.clone()));
        world.is_sound().await;
    }
}

async fn only_its_author_changes_or_deletes_a_video(on: On) {
    let cast = Cast::new(on).await;
    let video = cast.publish(Visibility::Public).await;
    let before = cast.world.dump().await;
    for other in [cast.friend, cast.stranger] {
        let store = &cast.world.store;
        for refused in [
            store.set_visibility(other, video, Visibility::Private, NOW).await,
            store.delete_video(other, video, NOW).await,
            store.put_file(other, video, super::fixture::object("p/x", "captions.en")).await.map(|_| ()),
            store.timeline(other, video).await.map(|_| ()),
        ] {
            assert!(matches!(refused, Err(Error::VideoNotFound(id)) if id == video), "{refused:?}");
        }
    }
    assert_eq!(cast.world.dump().await, before);
}

async fn a_deleted_video_is_gone_by_every_way_and_takes_its_reactions_along(on: On) {
    let cast = Cast::new(on).await;
    let (world, author, store) = (&cast.world, cast.author, &cast.world.store);
    let kept = cast.publish(Visibility::Public).await;
    let video = cast.publish(Visibility::Public).await;
    for fan in [cast.friend, cast.follower, cast.stranger, author] {
        store.like_video(fan, video, NOW).await.expect("like");
        store.like_video(fan, kept, NOW).await.expect("like");
        store.add_comment(fan, video, None, content("text"), NOW).await.expect("comment");
    }
    assert_eq!(world.feed(never(), Some(cast.friend)).await.len(), 2);
    let job = world.claim_of(video).await;
    store.delete_video(author, video, NOW).await.expect("delete");
    for (name, viewer, _) in cast.viewers(Visibility::Public) {
        for (way, leads) in cast.ways(viewer, video).await {
            assert!(!leads, "{name}, {way}");
        }
        assert_eq!(
            world.feed(never(), viewer).await.iter().map(|card| card.id).collect::<Vec<_>>(),
            [kept.get()]
        );
    }
    assert!(matches!(store.delete_video(author, video, NOW).await, Err(Error::VideoNotFound(_))), "once");
    assert!(!world.finish(&job, super::fixture::made("p/late")).await, "nobody works on it any more");
    world.is_sound().await;
    let settle = world.claim_settle().await;
    while store.forget_reactions(video).await.expect("forget") {}
    assert!(store.video_gone(settle.attempt, video).await.expect("end"));
    assert_eq!(
        store.claim_job(JobKind::Settle, later(1_000_000), super::fixture::LEASE).await.expect("claim"),
        None
    );
    let fan = store.user_card(cast.friend, None).await.expect("a card");
    let author = store.user_card(author, None).await.expect("a card");
    assert_eq!(
        (fan.liked_count, author.liked_count, author.received_like_count, author.work_count),
        (1, 1, 4, 1)
    );
    assert_eq!(store.files_of(video).await.expect("a row").files, []);
    world.is_sound().await;
}

on_both!(
    a_video_is_seen_by_those_it_is_for_and_by_no_way_by_others,
    who_follows_is_shown_what_is_for_followers_and_nothing_else,
    a_hidden_video_leaves_every_page_at_once_and_comes_back_to_its_place,
    only_its_author_changes_or_deletes_a_video,
    a_deleted_video_is_gone_by_every_way_and_takes_its_reactions_along
);
