//! Text: stored byte by byte and compared the same way on both databases, whatever their habits.

use domain::{Error, Title};

use super::fixture::{NOW, On, World, content, never, on_both, user_name};
use crate::{Entry, Slice, Thread};

async fn what_people_type_comes_back_byte_by_byte(on: On) {
    let world = World::new(on).await;
    let longest = "🎉".repeat(255);
    for text in [
        "José",
        "Jose\u{301}",
        "😀",
        "🎉",
        "العربية",
        "a\u{202e}b",
        "a\u{200b}b",
        "'; DROP TABLE user; --",
        "\\",
        "\"`%_",
        "ﷺ",
        "e\u{301}\u{302}\u{303}",
        "tab\there",
        &longest,
    ] {
        let author =
            world.user(&format!("author {}", world.texts("SELECT name AS text FROM user").await.len())).await;
        let mut new = world.ready(author);
        new.title = Title::parse(text).expect("a title");
        let video = world.store.publish(new, NOW).await.expect("publish");
        let comment =
            world.store.add_comment(author, video, None, content(text), NOW).await.expect("comment");
        let other = world.user(&format!("other {author}")).await;
        world.store.send_message(author, other, content(text), NOW).await.expect("send");
        assert_eq!(world.feed(never(), None).await[0].title, text);
        assert_eq!(
            world.store.comments(video, None, Thread::All, Slice::NEWEST).await.expect("a list").rows,
            [comment.clone()].map(|mut row| {
                row.author.is_followed = false;
                row
            })
        );
        assert_eq!(comment.content, text);
        assert_eq!(
            world.store.conversation(other, author, Slice::NEWEST).await.expect("a list")[0].content,
            text
        );
    }
}

async fn names_are_one_or_two_people_alike_everywhere(on: On) {
    let world = World::new(on).await;
    // Each with what is another spelling of it, and what is not.
    for (name, same, other) in [
        ("José", vec!["josé", "JOSE\u{301}", " José ", "José\u{a0}"], vec!["Jose", "Josè"]),
        ("😀", vec![], vec!["🎉", "😀😀"]),
        ("straße", vec!["STRASSE", "Straße"], vec!["strase"]),
        ("ｆｕｌｌ", vec!["full", "FULL"], vec!["ful"]),
        ("a b", vec!["A B"], vec!["ab", "a  b"]),
        ("İstanbul", vec![], vec!["istanbul"]),
    ] {
        let id = world.user(name).await;
        for spelling in same {
            let second = world.store.create_user(user_name(spelling), "hash".into(), Entry::Open, NOW).await;
            assert!(matches!(second, Err(Error::UsernameTaken)), "{spelling:?}: {second:?}");
            let row =
                world.store.login_row(&user_name(spelling)).await.expect("look up").expect("the account");
            assert_eq!(row.id, id.get(), "{spelling:?}");
        }
        for another in other {
            assert_eq!(
                world.store.login_row(&user_name(another)).await.expect("look up"),
                None,
                "{another:?}"
            );
            world.user(another).await;
        }
        assert_eq!(world.store.user_card(id, None).await.expect("a card").name, name.trim());
    }
}

on_both!(what_people_type_comes_back_byte_by_byte, names_are_one_or_two_people_alike_everywhere);
