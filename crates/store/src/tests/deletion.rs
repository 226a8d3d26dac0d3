//! A person who leaves takes along all they did, and nothing else; before, they can take it all home.

use std::time::Duration;

use domain::{CommentId, Error, Reason, UserId};

use super::fixture::{NOW, On, World, content, later, never, on_both, query, user_name};
use crate::{Entry, Slice, Subject, Thread};

/// Ann, who has done everything, and Bob, who has done everything to her.
async fn both(world: &World) -> (UserId, UserId) {
    let store = &world.store;
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let (anns, bobs) = (world.video(ann).await, world.video(bob).await);
    for (one, other, video) in [(ann, bob, bobs), (bob, ann, anns)] {
        for liked in [video, if video == bobs { anns } else { bobs }] {
            store.like_video(one, liked, NOW).await.expect("like");
        }
        store.bookmark(one, video, NOW).await.expect("bookmark");
        store.watch_video(one, video, Duration::from_secs(60), NOW).await.expect("watch");
        store.follow_user(one, other, NOW).await.expect("follow");
        store.send_message(one, other, content("hello"), NOW).await.expect("send");
        store.mute_user(one, other, NOW).await.expect("mute");
        store.report(one, Subject::Person(other), Reason::Spam, None, NOW).await.expect("report");
    }
    let root = store.add_comment(ann, bobs, None, content("ann's"), NOW).await.expect("comment");
    let root = CommentId::parse(root.id).expect("a number");
    let reply = store.add_comment(bob, bobs, Some(root), content("to ann"), NOW).await.expect("comment");
    let own = store.add_comment(bob, bobs, None, content("bob's"), NOW).await.expect("comment");
    let own = CommentId::parse(own.id).expect("a number");
    store.add_comment(ann, bobs, Some(own), content("to bob"), NOW).await.expect("comment");
    for liked in [own, CommentId::parse(reply.id).expect("a number")] {
        store.like_comment(ann, bobs, liked, NOW).await.expect("like");
    }
    store.open_session(ann, "ann's phone".into(), NOW).await.expect("open");
    world.upload(ann, "open", 1000).await;
    world.append(ann, "open", 0, 400).await.expect("append");
    (ann, bob)
}

/// Whether nothing is left of who leaves, once all is done that the loops do.
async fn leave(world: &World, person: UserId) -> bool {
    let store = &world.store;
    for video in store.undeleted_videos(person).await.expect("a list") {
        store.delete_video(person, video, NOW).await.expect("delete");
        let job = world.claim_settle().await;
        while store.forget_reactions(job.video).await.expect("forget") {}
        assert!(store.video_gone(job.attempt, job.video).await.expect("gone"));
    }
    store.forget_uploads(NOW).await.expect("forget");
    while store.forget_person(person).await.expect("forget") {
        world.is_sound().await;
    }
    store.account_gone(person).await.expect("gone")
}

async fn nothing_is_left_of_who_leaves_and_everything_of_the_others(on: On) {
    let world = World::new(on).await;
    let store = &world.store;
    let (ann, bob) = both(&world).await;
    store.delete_account(ann, NOW).await.expect("delete");
    assert!(matches!(store.delete_account(ann, NOW).await, Err(Error::UserNotFound(_))));
    // Tokens may be good for some seconds, in which more could be done.
    assert_eq!(store.leaving(NOW).await.expect("a list"), []);
    assert_eq!(store.leaving(later(10_000)).await.expect("a list"), [ann]);
    assert!(!store.account_gone(ann).await.expect("not yet"), "she has videos and follows");
    assert!(leave(&world, ann).await);
    assert_eq!(store.leaving(never()).await.expect("a list"), []);
    world.is_sound().await;
    let rows = world.dump().await;
    let told: Vec<_> = rows.iter().filter(|row| row.contains("ann") || row.contains("hello")).collect();
    assert_eq!(told, Vec::<&String>::new());
    let card = store.user_card(bob, None).await.expect("bob");
    let counts = [card.follow_count, card.follower_count, card.work_count, card.liked_count];
    assert_eq!((counts, card.received_like_count), ([0, 0, 1, 1], 1), "his own like of his own");
    let bobs = store.videos_of(bob, Some(bob), Slice::NEWEST).await.expect("a list");
    let said = domain::VideoId::parse(bobs[0].id).expect("a number");
    let said = store.comments(said, Some(bob), Thread::All, Slice::NEWEST).await.expect("a list");
    assert_eq!(said.iter().map(|row| row.content.as_str()).collect::<Vec<_>>(), ["bob's"]);
    assert_eq!((said[0].like_count, said[0].reply_count), (0, 0));
    assert!(store.conversations(bob, false, Slice::NEWEST).await.expect("a list").is_empty());
    // Nobody reaches her, and her name is free.
    assert!(matches!(store.user_card(ann, None).await, Err(Error::UserNotFound(_))));
    assert!(matches!(store.followers(ann, None, Slice::NEWEST).await, Err(Error::UserNotFound(_))));
    assert!(matches!(store.follow_user(bob, ann, NOW).await, Err(Error::UserNotFound(_))));
    assert!(matches!(store.mute_user(bob, ann, NOW).await, Err(Error::UserNotFound(_))));
    let sent = store.send_message(bob, ann, content("there?"), NOW).await;
    assert!(matches!(sent, Err(Error::UserNotFound(_))));
    assert_eq!(store.login_row(&user_name("ann")).await.expect("a look"), None);
    let anew = store.create_user(user_name("ann"), "hash".into(), Entry::Open, NOW).await.expect("a user");
    assert!(anew > ann, "no number is given twice");
    assert_eq!(store.search_people(query("ann"), None, Slice::NEWEST).await.expect("a list").len(), 1);
}

async fn an_archive_has_all_that_is_kept_and_nothing_by_which_others_log_in(on: On) {
    let world = World::new(on).await;
    let (ann, bob) = both(&world).await;
    let mut found = Vec::new();
    let mut next = Some((String::new(), 0));
    while let Some((section, after)) = next {
        let part = world.store.archive(ann, &section, after).await.expect("a part");
        found.extend(part.rows.into_iter().map(|row| (part.section, row)));
        next = part.next.map(|(section, place)| (section.to_owned(), place));
    }
    let count = |section| found.iter().filter(|(of, _)| *of == section).count();
    let sections = ["account", "videos", "comments", "likes", "comment_likes", "bookmarks", "views"];
    assert_eq!(sections.map(count), [1, 1, 2, 2, 2, 1, 1]);
    let sections = ["following", "followers", "messages_sent", "messages_received", "sessions"];
    assert_eq!(sections.map(count), [1; 5]);
    assert_eq!(count("files"), 1, "what plays; a cover is made of it");
    let text = found.iter().map(|(_, row)| serde_json::to_string(row).expect("json")).collect::<String>();
    for told in ["ann", "ann's phone", "hello", "to bob"] {
        assert!(text.contains(told), "{told}");
    }
    assert!(!text.contains("hash") && !text.contains("epoch"), "{text}");
    let theirs = world.store.archive(bob, "comments", 0).await.expect("a part");
    assert_eq!(theirs.rows.len(), 2);
    let unknown = world.store.archive(ann, "user; DROP TABLE user", 0).await;
    assert!(matches!(unknown, Err(Error::BadParameter { .. })));
}

on_both!(
    nothing_is_left_of_who_leaves_and_everything_of_the_others,
    an_archive_has_all_that_is_kept_and_nothing_by_which_others_log_in
);
