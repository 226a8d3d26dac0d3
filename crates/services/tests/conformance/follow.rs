//! Follows: counted once, mutual ones are friendships.

use domain::{Call, Error};
use proto::{FollowUserRequest, ListFollowsRequest, ListFriendsRequest, SendMessageRequest};

use crate::world::{World, nobody};

fn id(call: &Call) -> i64 {
    call.viewer().expect("is somebody").get()
}

#[tokio::test]
async fn a_second_follow_changes_nothing_and_nobody_follows_themselves() {
    let world = World::start().await;
    let (ann, bob) = (world.somebody("ann").await, world.somebody("bob").await);
    let request = FollowUserRequest { user_id: id(&bob) };
    for _ in 0..2 {
        world.follow.follow_user(&ann, request).await.expect("follows");
    }
    let followers =
        world.follow.list_followers(&nobody(), ListFollowsRequest { user_id: id(&bob), slice: None }).await;
    assert_eq!(followers.expect("lists").users.len(), 1);
    for _ in 0..2 {
        world.follow.unfollow_user(&ann, request).await.expect("unfollows");
    }
    let own = FollowUserRequest { user_id: id(&ann) };
    assert!(matches!(world.follow.follow_user(&ann, own).await, Err(Error::SelfFollow)));
    let missing = FollowUserRequest { user_id: 99 };
    assert!(matches!(world.follow.follow_user(&ann, missing).await, Err(Error::UserNotFound(_))));
    assert!(matches!(world.follow.follow_user(&nobody(), request).await, Err(Error::TokenMissing)));
    world.finish().await;
}

#[tokio::test]
async fn lists_are_of_the_user_named_with_the_callers_flags_most_recent_first() {
    let world = World::start().await;
    let (ann, bob, eve) =
        (world.somebody("ann").await, world.somebody("bob").await, world.somebody("eve").await);
    for user in [&bob, &eve] {
        world.follow.follow_user(&ann, FollowUserRequest { user_id: id(user) }).await.expect("follows");
    }
    let list = world
        .follow
        .list_following(&bob, ListFollowsRequest { user_id: id(&ann), slice: None })
        .await
        .expect("lists");
    assert_eq!(list.users.iter().map(|user| user.id).collect::<Vec<_>>(), [id(&eve), id(&bob)]);
    assert!(list.users.iter().all(|user| !user.is_followed), "bob follows neither");
    let list = world
        .follow
        .list_following(&ann, ListFollowsRequest { user_id: id(&ann), slice: None })
        .await
        .expect("lists");
    assert!(list.users.iter().all(|user| user.is_followed));
    world.finish().await;
}

#[tokio::test]
async fn friends_follow_each_other_and_stand_in_the_order_of_their_talk() {
    let world = World::start().await;
    let (ann, bob, eve) =
        (world.somebody("ann").await, world.somebody("bob").await, world.somebody("eve").await);
    let admirer = world.somebody("admirer").await;
    for (from, to) in [(&ann, &bob), (&bob, &ann), (&ann, &eve), (&eve, &ann), (&admirer, &ann)] {
        world.follow.follow_user(from, FollowUserRequest { user_id: id(to) }).await.expect("follows");
    }
    let friends =
        async || world.follow.list_friends(&ann, ListFriendsRequest {}).await.expect("lists").friends;
    let told = |friend: &proto::Friend| {
        let name = friend.user.as_ref().map(|user| user.name.clone()).unwrap_or_default();
        (name, friend.latest_message.clone(), friend.sent_by_viewer)
    };
    let line = |name: &str, text: &str, mine| (name.to_owned(), text.to_owned(), mine);
    assert_eq!(
        friends().await.iter().map(told).collect::<Vec<_>>(),
        [line("eve", "", false), line("bob", "", false)]
    );
    for (from, to, content) in [(&ann, &bob, "hi bob"), (&ann, &eve, "hi eve"), (&bob, &ann, "hi ann")] {
        let request = SendMessageRequest { receiver_id: id(to), content: content.into() };
        world.message.send_message(from, request).await.expect("sends");
    }
    let seen: Vec<_> = friends().await.iter().map(told).collect();
    assert_eq!(seen, [line("bob", "hi ann", false), line("eve", "hi eve", true)]);
    world.finish().await;
}
