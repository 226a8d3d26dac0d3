//! Many do the same at once through both gateways: it happens once.

use std::sync::Arc;
use std::time::Instant;

use tokio::task::JoinSet;

use crate::cluster::Cluster;
use crate::front::{Front, How};

const LIKES: usize = 1_000;
/// More than that an unoptimised build on two cores does not answer within its deadline.
const AT_ONCE: usize = 100;
/// As many names as a person tries at once.
const SAME_NAME: usize = 100;

pub async fn a_thousand_equal_likes_are_one(cluster: Arc<Cluster>) {
    let front = Arc::new(Front::new(&cluster));
    let ann = front.join("crowd ann").await;
    let video = front.video(&ann, "crowd").await;
    let began = Instant::now();
    let (mut likes, mut failed) = (JoinSet::new(), Vec::new());
    for number in 0..LIKES {
        let (front, token) = (Arc::clone(&front), ann.token.clone());
        let pairs = [("token", token), ("video_id", video.to_string()), ("action_type", "1".into())];
        likes.spawn(async move { front.post("/douyin/favorite/action/", &pairs).await.how });
        if number >= AT_ONCE {
            failed.extend(likes.join_next().await.map(|how| how.expect("a call ends")));
        }
    }
    failed.extend(likes.join_all().await);
    failed.retain(|how| !matches!(how, How::Done(_)));
    let took = began.elapsed();
    let mut names = JoinSet::new();
    for _ in 0..SAME_NAME {
        let front = Arc::clone(&front);
        let pairs = [("username", "crowd bob".to_owned()), ("password", "a password of tests".to_owned())];
        // Behind a full queue for hashes whoever comes is sent away, and comes again.
        names.spawn(async move {
            loop {
                let how = front.post("/douyin/user/register/", &pairs).await.how;
                if !matches!(how, How::Refused(503, 100_008)) {
                    return how;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    let answers = names.join_all().await;
    let registered = answers.iter().filter(|how| matches!(how, How::Done(_))).count();
    let taken = answers.iter().filter(|how| matches!(how, How::Refused(200, 110_002))).count();
    let liked = front.list("/douyin/favorite/list/", &[("token", ann.token.clone())], "video_list").await;
    println!(
        "crowd: {LIKES} equal likes, {AT_ONCE} at once, in {:.1} s, {} failed, count {}; {SAME_NAME} registrations of one name: \
         {registered} done, {taken} refused",
        took.as_secs_f64(),
        failed.len(),
        liked[0]["favorite_count"]
    );
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!((liked.len(), &liked[0]["favorite_count"]), (1, &1.into()));
    assert_eq!((registered, taken), (1, SAME_NAME - 1), "{answers:?}");
    cluster.fsck().await;
}
