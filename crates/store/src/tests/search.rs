//! Search: found by their words, by who may see them, the worthiest first, as long as the words stand there.

use domain::{DisplayName, Standing, UserId, VideoId, Visibility};

use super::fixture::{NOW, On, World, later, on_both, query, title};
use crate::{NewVideo, Slice};

async fn videos(world: &World, text: &str, viewer: Option<UserId>) -> Vec<i64> {
    let list = world.store.search_videos(query(text), viewer, Slice::NEWEST).await.expect("a list");
    list.into_iter().map(|card| card.id).collect()
}

async fn people(world: &World, text: &str) -> Vec<String> {
    let list = world.store.search_people(query(text), None, Slice::NEWEST).await.expect("a list");
    list.into_iter().map(|card| card.name).collect()
}

async fn publish(world: &World, author: UserId, text: &str, visibility: Visibility) -> VideoId {
    let video = NewVideo { title: title(text), visibility, ..world.ready(author) };
    world.store.publish(video, NOW).await.expect("publish")
}

async fn videos_are_found_by_all_of_the_words_by_who_may_see_them(on: On) {
    let world = World::new(on).await;
    let (author, guest) = (world.user("author").await, world.user("guest").await);
    let first = publish(&world, author, "周末的美食节 in Go", Visibility::Public).await;
    let second = publish(&world, author, "Cooking at the weekend", Visibility::Public).await;
    let own = publish(&world, author, "cooking alone", Visibility::Private).await;
    for text in ["美食", "食节", "节", "go", "GO 美食"] {
        assert_eq!(videos(&world, text, Some(guest)).await, [first.get()], "{text}");
    }
    assert_eq!(videos(&world, "cook", Some(guest)).await, [second.get()], "half typed");
    assert_eq!(videos(&world, "cook", Some(author)).await, [second.get(), own.get()]);
    for text in ["美节", "cook weekend", "cooking go", "the end"] {
        assert_eq!(videos(&world, text, None).await, [0; 0], "{text}");
    }
    world.store.set_title(author, second, title("Baking")).await.expect("change");
    assert_eq!(videos(&world, "cook", Some(guest)).await, [0; 0]);
    assert_eq!(videos(&world, "baking", Some(guest)).await, [second.get()]);
    world.store.delete_video(author, second, NOW).await.expect("delete");
    assert_eq!(videos(&world, "baking", Some(author)).await, [0; 0]);
    world.is_sound().await;
}

async fn the_liked_come_before_the_new_and_parts_neither_repeat_nor_skip(on: On) {
    let world = World::new(on).await;
    let (author, fan) = (world.user("author").await, world.user("fan").await);
    let mut expected = Vec::new();
    for _ in 0..7 {
        expected.insert(0, publish(&world, author, "one of them", Visibility::Public).await.get());
    }
    let liked = VideoId::parse(expected.remove(5)).expect("a number");
    world.store.like_video(fan, liked, NOW).await.expect("like");
    expected.insert(0, liked.get());
    // Nobody sees these: all of one moment, so that their worth is the same.
    for _ in 0..3 {
        publish(&world, author, "one of them", Visibility::Private).await;
    }
    let (mut found, mut before) = (Vec::new(), i64::MAX);
    while before != 0 {
        let slice = Slice { before, rows: 2 };
        let part = world.store.search_videos(query("of one"), Some(fan), slice).await.expect("a part");
        assert!(part.len() <= 2);
        before = part.next;
        found.extend(part.into_iter().map(|card| card.id));
    }
    assert_eq!(found, expected);
    let (mut all, mut before) = (Vec::new(), i64::MAX);
    while before != 0 {
        let slice = Slice { before, rows: 1 };
        let part = world.store.search_videos(query("one"), Some(author), slice).await.expect("a part");
        before = part.next;
        all.extend(part.into_iter().map(|card| card.id));
    }
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 10, "each once");
}

async fn people_are_found_by_both_names_who_is_called_that_first(on: On) {
    let world = World::new(on).await;
    let (li, known) = (world.user("li").await, world.user("lisa li").await);
    let (other, away) = (world.user("小明").await, world.user("li away").await);
    world.store.follow_user(other, known, NOW).await.expect("follow");
    assert_eq!(people(&world, "LI").await, ["li", "lisa li", "li away"]);
    assert_eq!(people(&world, "lisa").await, ["lisa li"]);
    assert_eq!(people(&world, "明").await, ["小明"]);
    let name = DisplayName::parse("王小美").expect("a name");
    world.store.set_profile(li, Some(name), None, None).await.expect("change");
    assert_eq!(people(&world, "小美").await, ["li"]);
    assert_eq!(
        people(&world, "li").await,
        ["li", "lisa li", "li away"],
        "still by the name they log in with"
    );
    world.store.set_profile(li, DisplayName::parse("").ok(), None, None).await.expect("change");
    assert_eq!(people(&world, "小美").await, [""; 0]);
    world.store.set_standing(other, away, Standing::Suspended, "why".into(), NOW).await.expect("suspend");
    assert_eq!(people(&world, "away").await, [""; 0]);
    world.is_sound().await;
}

async fn tags_are_found_by_how_they_begin_that_one_first(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    for text in ["#cat #猫咪", "#Category #cat", "#dog #cats", "#Café"] {
        publish(&world, author, text, Visibility::Public).await;
    }
    let found = async |text: &str| {
        let list = world.store.search_tags(query(text)).await.expect("a list");
        list.into_iter().map(|row| (row.name, row.videos)).collect::<Vec<_>>()
    };
    let expected = [("cat", 2), ("cats", 1), ("Category", 1)];
    assert_eq!(found("CAT").await, expected.map(|(name, videos)| (name.to_owned(), videos)));
    assert_eq!(found("猫").await, [("猫咪".to_owned(), 1)]);
    assert_eq!(found("CAFE\u{301}").await, [("Café".to_owned(), 1)]);
    assert_eq!(found("bird").await, []);
}

async fn what_was_there_before_the_index_is_found(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let video = publish(&world, author, "an old one", Visibility::Public).await;
    let name = DisplayName::parse("Ada").expect("a name");
    world.store.set_profile(author, Some(name), None, None).await.expect("change");
    for statement in ["DROP TABLE video_text", "DROP TABLE user_text"] {
        world.run(statement).await;
    }
    if on == On::Sqlite {
        world.run("DROP TABLE video_text_fts").await;
        world.run("DROP TABLE user_text_fts").await;
    }
    world.run("DELETE FROM seaql_migrations WHERE version = 'm0008_search'").await;
    let again = world.second().await;
    let list = again.search_videos(query("old"), None, Slice::NEWEST).await.expect("a list");
    assert_eq!(list.into_iter().map(|card| card.id).collect::<Vec<_>>(), [video.get()]);
    let list = again.search_people(query("ada"), None, Slice::NEWEST).await.expect("a list");
    assert_eq!(list.into_iter().map(|card| card.id).collect::<Vec<_>>(), [author.get()]);
    again
        .create_user(super::fixture::user_name("new"), "hash".into(), crate::Entry::Open, later(1))
        .await
        .expect("new");
    let list = again.search_people(query("new"), None, Slice::NEWEST).await.expect("a list");
    assert_eq!(list.len(), 1);
}

on_both!(
    videos_are_found_by_all_of_the_words_by_who_may_see_them,
    the_liked_come_before_the_new_and_parts_neither_repeat_nor_skip,
    people_are_found_by_both_names_who_is_called_that_first,
    tags_are_found_by_how_they_begin_that_one_first,
    what_was_there_before_the_index_is_found,
);
