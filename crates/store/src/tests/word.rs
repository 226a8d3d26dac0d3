//! Words a site does not want to read, and comments that wait because of them: nothing of one is lost until somebody decides.

use domain::{CommentId, Error, Visibility, WordAction};

use super::fixture::{NOW, On, World, content, later, on_both, unwanted};
use crate::{Slice, Thread};

async fn a_word_stands_in_the_list_once_however_it_is_written(on: On) {
    let world = World::new(on).await;
    let store = &world.store;
    let admin = world.user("admin").await;
    let put =
        async |text: &str, action| store.put_word(admin, unwanted(text), action, NOW).await.expect("a word");
    let first = put("Bad", WordAction::Hold).await;
    assert_eq!(put("ＢＡＤ", WordAction::Refuse).await, first);
    let words = store.words().await.expect("a list");
    let [word] = &words[..] else { panic!("{words:?}") };
    assert_eq!((word.word.as_str(), word.key.as_str(), word.action), ("ＢＡＤ", "bad", WordAction::Refuse));
    store.delete_word(admin, first, NOW).await.expect("delete");
    assert!(matches!(store.delete_word(admin, first, NOW).await, Err(Error::WordNotFound)));
    assert_eq!(store.audit_log(Slice::NEWEST).await.expect("a list").len(), 3);
}

async fn a_comment_that_waits_counts_for_nothing_until_it_is_let_through(on: On) {
    let world = World::new(on).await;
    let store = &world.store;
    let (ann, bob, eve) = (world.user("ann").await, world.user("bob").await, world.user("eve").await);
    let video = world.video(ann).await;
    let said = store.add_comment(ann, video, None, content("first"), NOW).await.expect("comment");
    let parent = Some(CommentId::parse(said.id).expect("a number"));
    let hold = async |parent, text: &str| {
        store.hold_comment(bob, (video, parent), content(text), "bad".into(), NOW).await
    };
    hold(None, "bad one").await.expect("hold");
    hold(parent, "bad reply").await.expect("hold");
    assert_eq!(store.comment_count(video, None).await.expect("a count"), 1);
    assert!(store.held_comments(Some(eve), Slice::NEWEST).await.expect("a list").is_empty());
    let waiting = store.held_comments(Some(ann), Slice::NEWEST).await.expect("a list");
    assert_eq!(store.held_comments(None, Slice::NEWEST).await.expect("a list").len(), 2);
    let [reply, root] = &waiting[..] else { panic!("{waiting:?}") };
    assert_eq!(
        (reply.content.as_str(), reply.word.as_str(), reply.author.id),
        ("bad reply", "bad", bob.get())
    );
    assert_eq!(store.owner_of_held(root.id).await.expect("an owner"), ann);
    let shown = store.release_comment(reply.id, later(5)).await.expect("let through");
    assert_eq!((shown.parent, shown.created_at), (Some(said.id), later(5).millis()));
    assert!(matches!(store.release_comment(reply.id, NOW).await, Err(Error::HeldCommentNotFound)));
    let found = store.comments(video, Some(eve), Thread::All, Slice::NEWEST).await.expect("a list");
    assert_eq!(found.iter().map(|row| row.content.as_str()).collect::<Vec<_>>(), ["bad reply", "first"]);
    // Where its author may no longer write, it goes on waiting.
    store.set_visibility(ann, video, Visibility::Private, NOW).await.expect("hide");
    assert!(matches!(store.release_comment(root.id, NOW).await, Err(Error::VideoNotFound(_))));
    assert_eq!(store.held_comments(Some(ann), Slice::NEWEST).await.expect("a list").len(), 1);
    assert!(matches!(hold(None, "bad").await, Err(Error::VideoNotFound(_))));
    store.drop_comment(root.id).await.expect("drop");
    assert!(matches!(store.drop_comment(root.id).await, Err(Error::HeldCommentNotFound)));
    world.is_sound().await;
}

on_both!(
    a_word_stands_in_the_list_once_however_it_is_written,
    a_comment_that_waits_counts_for_nothing_until_it_is_let_through
);
