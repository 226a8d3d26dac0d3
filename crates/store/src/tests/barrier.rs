//! Blocks and mutes: between two people there is nothing, whichever of them blocks; who is muted is not shown.

use domain::{Error, UserId, VideoId, Visibility};

use super::fixture::{NOW, On, World, content, later, never, on_both, query, title};
use crate::{Barrier, NewVideo, Relation, Slice, Thread};

/// Ann and Bob, who follow each other and have done everything to each other, and a guest.
struct Cast {
    world: World,
    ann: UserId,
    bob: UserId,
    guest: UserId,
    /// Ann's, for friends and for all.
    for_friends: VideoId,
    shown: VideoId,
    bobs: VideoId,
}

impl Cast {
    async fn new(on: On) -> Self {
        let world = World::new(on).await;
        let (ann, bob, guest) = (world.user("ann").await, world.user("bob").await, world.user("guest").await);
        let publish = async |author, visibility| {
            let video = NewVideo { visibility, title: title("a #tagged one"), ..world.ready(author) };
            world.store.publish(video, NOW).await.expect("publish")
        };
        let for_friends = publish(ann, Visibility::Friends).await;
        let shown = publish(ann, Visibility::Public).await;
        let bobs = publish(bob, Visibility::Public).await;
        for (one, other) in [(ann, bob), (bob, ann)] {
            world.store.follow_user(one, other, NOW).await.expect("follow");
            world.store.send_message(one, other, content("hi"), NOW).await.expect("send");
            world.store.add_comment(one, shown, None, content("said"), NOW).await.expect("comment");
        }
        world.store.like_video(bob, shown, NOW).await.expect("like");
        Self { world, ann, bob, guest, for_friends, shown, bobs }
    }

    /// What somebody is shown of somebody else: feed, following, author's list, tag, search, comments, people found,
    /// conversations, what they are told of.
    async fn sees(&self, viewer: UserId, other: UserId) -> [usize; 9] {
        let store = &self.world.store;
        let theirs = |cards: Vec<crate::VideoCard>| {
            cards.into_iter().filter(|card| card.author.id == other.get()).count()
        };
        let feed = theirs(store.feed(never(), Some(viewer)).await.expect("a page").cards());
        let following = theirs(store.following_feed(viewer, Slice::NEWEST).await.expect("a list").rows);
        let own =
            store.videos_of(other, Some(viewer), Slice::NEWEST).await.map_or(0, |list| theirs(list.rows));
        let tag = super::fixture::tag("tagged");
        let tagged =
            theirs(store.tagged_videos(tag, Some(viewer), Slice::NEWEST).await.expect("a list").rows);
        let found = store.search_videos(query("tagged"), Some(viewer), Slice::NEWEST).await.expect("a list");
        let said = store.comments(self.bobs, Some(viewer), Thread::All, Slice::NEWEST).await;
        let said = said.map_or(0, |list| list.iter().filter(|row| row.author.id == other.get()).count());
        let name = if other == self.ann { "ann" } else { "bob" };
        let people = store.search_people(query(name), Some(viewer), Slice::NEWEST).await.expect("a list");
        let chats = store.conversations(viewer, false, Slice::NEWEST).await.expect("a list");
        let told = store.notifications(viewer, Slice::NEWEST).await.expect("a list");
        let told = told.iter().filter(|row| row.actor.as_ref().is_some_and(|actor| actor.id == other.get()));
        [feed, following, own, tagged, theirs(found.rows), said, people.len(), chats.len(), told.count()]
    }
}

async fn between_who_blocks_and_who_is_blocked_there_is_nothing(on: On) {
    let cast = Cast::new(on).await;
    let Cast { ref world, ann, bob, guest, for_friends, shown, bobs } = cast;
    let store = &world.store;
    store.add_comment(ann, bobs, None, content("said"), NOW).await.expect("comment");
    store.add_comment(guest, bobs, None, content("said"), NOW).await.expect("comment");
    assert_eq!(cast.sees(bob, ann).await, [1, 2, 2, 2, 2, 1, 1, 1, 2], "as it was");
    let of_guest = cast.sees(guest, ann).await;
    store.block_user(ann, bob, NOW).await.expect("block");
    store.block_user(ann, bob, NOW).await.expect("block again");
    for (one, other) in [(ann, bob), (bob, ann)] {
        assert_eq!(cast.sees(one, other).await, [0; 9], "{one} of {other}");
        let followed = store.follow_user(one, other, NOW).await;
        assert!(matches!(followed, Err(Error::UserNotFound(who)) if who == other), "{followed:?}");
        let sent = store.send_message(one, other, content("hi"), NOW).await;
        assert!(matches!(sent, Err(Error::UserNotFound(who)) if who == other), "{sent:?}");
    }
    for video in [for_friends, shown] {
        let gone = |result: domain::Result<()>| {
            assert!(matches!(result, Err(Error::VideoNotFound(_))), "{result:?}")
        };
        gone(store.like_video(bob, video, NOW).await);
        gone(store.bookmark(bob, video, NOW).await);
        gone(store.add_comment(bob, video, None, content("no"), NOW).await.map(|_| ()));
        gone(store.video(video, Some(bob)).await.map(|_| ()));
        gone(store.comments(video, Some(bob), Thread::All, Slice::NEWEST).await.map(|_| ()));
    }
    assert!(matches!(store.user_card(ann, Some(bob)).await, Err(Error::UserNotFound(_))));
    assert!(matches!(store.relation(bob, ann).await, Err(Error::UserNotFound(_))));
    assert_eq!(
        store.user_card(bob, Some(ann)).await.expect("a card").follower_count,
        0,
        "who blocks sees whom"
    );
    let blocked = store.barriers(ann, Barrier::Block, Slice::NEWEST).await.expect("a list");
    assert_eq!(blocked.iter().map(|user| user.id).collect::<Vec<_>>(), [bob.get()]);
    assert_eq!(store.barriers(bob, Barrier::Block, Slice::NEWEST).await.expect("a list").len(), 0);
    assert_eq!(cast.sees(guest, ann).await, of_guest, "others see what they saw");
    store.unblock_user(bob, ann).await.expect("nothing changes");
    assert_eq!(
        store.relation(ann, bob).await.expect("a relation"),
        Relation { is_blocked: true, ..Relation::default() }
    );
    store.unblock_user(ann, bob).await.expect("unblock");
    assert_eq!(cast.sees(bob, ann).await, [1, 0, 1, 1, 1, 1, 1, 1, 2], "follows stay ended");
    store.follow_user(bob, ann, later(1)).await.expect("follow");
    world.is_sound().await;
}

async fn who_is_muted_is_not_shown_and_does_not_notice(on: On) {
    let cast = Cast::new(on).await;
    let Cast { ref world, ann, bob, shown, bobs, .. } = cast;
    let store = &world.store;
    store.add_comment(ann, bobs, None, content("said"), NOW).await.expect("comment");
    let before = cast.sees(ann, bob).await;
    store.mute_user(bob, ann, NOW).await.expect("mute");
    store.mute_user(bob, ann, NOW).await.expect("mute again");
    assert_eq!(cast.sees(bob, ann).await, [0, 0, 2, 2, 2, 0, 1, 1, 0]);
    assert_eq!(cast.sees(ann, bob).await, before);
    store.like_video(bob, shown, NOW).await.expect("like");
    store.send_message(bob, ann, content("hi"), later(1)).await.expect("send");
    let muted = store.barriers(bob, Barrier::Mute, Slice::NEWEST).await.expect("a list");
    assert_eq!(muted.iter().map(|user| user.id).collect::<Vec<_>>(), [ann.get()]);
    assert!(store.relation(bob, ann).await.expect("a relation").is_muted);
    store.unmute_user(bob, ann).await.expect("unmute");
    assert_eq!(cast.sees(bob, ann).await, [1, 2, 2, 2, 2, 1, 1, 1, 2]);
    let nobody = store.block_user(ann, super::fixture::no_user(), NOW).await;
    assert!(matches!(nobody, Err(Error::UserNotFound(_))), "{nobody:?}");
    world.is_sound().await;
}

on_both!(
    between_who_blocks_and_who_is_blocked_there_is_nothing,
    who_is_muted_is_not_shown_and_does_not_notice,
);
