//! Comments: shown at once, deleted by their authors alone.

use domain::{Call, Error};
use proto::{AddCommentRequest, CountCommentsRequest, DeleteCommentRequest, ListCommentsRequest};

use crate::world::{World, nobody};

#[tokio::test]
async fn a_comment_is_returned_counted_and_listed_newest_first() {
    let world = World::start().await;
    let ann = world.somebody("ann").await;
    let video_id = world.clip(&ann, "clip").await;
    for content in ["first", " second 🎬 "] {
        let request = AddCommentRequest { video_id, content: content.into(), ..Default::default() };
        let added = world.comment.add_comment(&ann, request).await.expect("adds");
        assert_eq!(
            (added.content.as_str(), added.author.map(|author| author.name)),
            (content.trim(), Some("ann".into()))
        );
    }
    let list = world
        .comment
        .list_comments(&nobody(), ListCommentsRequest { video_id, ..Default::default() })
        .await
        .expect("lists");
    assert_eq!(
        list.comments.iter().map(|one| one.content.as_str()).collect::<Vec<_>>(),
        ["second 🎬", "first"]
    );
    let count =
        world.comment.count_comments(&nobody(), CountCommentsRequest { video_id }).await.expect("counts");
    assert_eq!(count.count, 2);
    world.finish().await;
}

#[tokio::test]
async fn only_its_author_deletes_a_comment_and_only_under_its_video() {
    let world = World::start().await;
    let (ann, bob) = (world.somebody("ann").await, world.somebody("bob").await);
    let (video_id, other) = (world.clip(&ann, "one").await, world.clip(&ann, "two").await);
    let request = AddCommentRequest { video_id, content: "mine".into(), ..Default::default() };
    let comment_id = world.comment.add_comment(&bob, request).await.expect("adds").id;
    let delete = async |call: &Call, video_id| {
        world
            .comment
            .delete_comment(call, DeleteCommentRequest { video_id, comment_id, moderate: false })
            .await
    };
    assert!(matches!(delete(&ann, video_id).await, Err(Error::PermissionDenied)), "the video's owner");
    assert!(matches!(delete(&bob, other).await, Err(Error::CommentNotFound(_))), "another video");
    assert!(matches!(delete(&nobody(), video_id).await, Err(Error::TokenMissing)));
    assert!(matches!(delete(&bob, 99).await, Err(Error::VideoNotFound(_))), "no video");
    delete(&bob, video_id).await.expect("deletes");
    assert!(matches!(delete(&bob, video_id).await, Err(Error::CommentNotFound(_))), "twice");
    world.finish().await;
}

#[tokio::test]
async fn text_has_limits_and_the_video_must_exist() {
    let world = World::start().await;
    let ann = world.somebody("ann").await;
    let video_id = world.clip(&ann, "clip").await;
    let add = async |video_id, content: &str| {
        world
            .comment
            .add_comment(&ann, AddCommentRequest { video_id, content: content.into(), ..Default::default() })
            .await
    };
    assert!(matches!(add(video_id, "  ").await, Err(Error::BadParameter { .. })));
    assert!(matches!(add(video_id, &"字".repeat(256)).await, Err(Error::Invalid { .. })));
    add(video_id, &"字".repeat(255)).await.expect("adds");
    assert!(matches!(add(99, "hi").await, Err(Error::VideoNotFound(_))));
    let list =
        world.comment.list_comments(&ann, ListCommentsRequest { video_id: 99, ..Default::default() }).await;
    assert!(matches!(list, Err(Error::VideoNotFound(_))));
    world.finish().await;
}
