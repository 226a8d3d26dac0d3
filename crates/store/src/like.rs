//! Likes: who liked what, and how many. Ranking is the feed's.

use std::collections::BTreeMap;

use domain::{Error, Occasion, Result, Timestamp, UserId, VideoId};
use futures_util::future::BoxFuture;

use crate::Store;
use crate::card::{VideoCard, video_columns, video_joins};
use crate::changes::Touched;
use crate::coalesce::edge::{Edges, Fulfilled, Wish};
use crate::coalesce::{Coalesced, Operation, Queues, many};
use crate::notification::{News, tell};
use crate::session::Session;
use crate::slice::{Listed, Slice};
use crate::user::number;
use crate::video::sight::visible;

impl Store {
    /// Likes a video; a repeated like changes nothing. Five statements, one when repeated.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when there is no video of that number that the viewer may see.
    pub async fn like_video(&self, viewer: UserId, video: VideoId, now: Timestamp) -> Result<()> {
        self.write_together(Like { viewer, video, since: Some(now) }).await
    }

    /// Takes a like back; without one nothing changes. Four statements, one when there is none.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when there is no video of that number that the viewer may see.
    pub async fn unlike_video(&self, viewer: UserId, video: VideoId) -> Result<()> {
        self.write_together(Like { viewer, video, since: None }).await
    }

    /// What a user likes, the most recent like first. Two statements.
    ///
    /// # Errors
    /// [`domain::Error::UserNotFound`].
    pub async fn liked_videos(
        &self,
        user: UserId,
        viewer: Option<UserId>,
        slice: Slice,
    ) -> Result<Listed<VideoCard>> {
        let sql = concat!(
            "SELECT l.id AS place, ",
            video_columns!(),
            " FROM video_like l JOIN video v ON v.id = l.video_id ",
            video_joins!(),
            " WHERE l.user_id = ? AND ",
            visible!("?"),
            " AND l.id < ? ORDER BY l.id DESC LIMIT ?"
        );
        let of_whom = (user, viewer);
        let viewer = number(viewer);
        let of = [viewer.clone(), viewer.clone(), user.get().into()];
        let values = of.into_iter().chain(std::iter::repeat_n(viewer, 4));
        self.database.list_of(of_whom, sql, values, slice, VideoCard::read).await
    }
}

/// A like, or one taken back.
#[derive(Clone, Copy)]
pub(crate) struct Like {
    pub(crate) viewer: UserId,
    pub(crate) video: VideoId,
    /// Nothing: it is taken back.
    pub(crate) since: Option<Timestamp>,
}

const LIKES: Edges = Edges {
    table: "video_like",
    from: "user_id",
    to: "video_id",
    target: "LEFT JOIN video_stat t ON t.video_id = pairs.other",
    owner: concat!(
        "(SELECT v.author_id FROM video v WHERE v.id = t.video_id AND ",
        visible!("pairs.one"),
        ")"
    ),
};

impl Operation for Like {
    type Answer = ();
    const NAME: &'static str = "likes";

    fn key(&self) -> i64 {
        self.video.get()
    }

    fn queues(all: &Coalesced) -> &Queues<Self> {
        &all.likes
    }

    fn carry_out<'s>(session: &'s Session, batch: &'s [Self]) -> BoxFuture<'s, Result<Vec<Result<()>>>> {
        Box::pin(async move {
            let wish = |like: &Like| Wish { pair: (like.viewer.get(), like.video.get()), since: like.since };
            let done = LIKES.fulfil(session, &batch.iter().map(wish).collect::<Vec<_>>()).await?;
            count(session, &done).await?;
            let at = batch.iter().filter_map(|like| like.since).max();
            let news = done.changes.iter().filter(|(_, by)| *by > 0).filter_map(|((viewer, video), _)| {
                let to = *done.owners.get(&(*viewer, *video))?;
                let video = Some(VideoId::parse(*video).ok()?);
                Some(News {
                    to,
                    occasion: Occasion::Like,
                    actor: Some(*viewer),
                    video,
                    comment: None,
                    at: at?,
                })
            });
            tell(session, news).await?;
            let answer = |like: &Like| match done.owners.contains_key(&(like.viewer.get(), like.video.get()))
            {
                true => Ok(()),
                false => Err(Error::VideoNotFound(like.video)),
            };
            Ok(batch.iter().map(answer).collect())
        })
    }
}

/// Invariant: the counters equal the rows of video_like; both change in this transaction. Two statements, none
/// when nothing changed.
async fn count(session: &Session, done: &Fulfilled) -> Result<()> {
    let (mut videos, mut people) = (BTreeMap::new(), BTreeMap::new());
    for ((viewer, video), by) in &done.changes {
        let author = done
            .owners
            .get(&(*viewer, *video))
            .ok_or_else(|| Error::internal("a like of an unknown video"))?;
        videos.entry(*video).or_insert([0])[0] += by;
        people.entry(*viewer).or_insert([0; 2])[0] += by;
        people.entry(*author).or_insert([0; 2])[1] += by;
    }
    many::add(session, ("video_stat", "video_id"), ["like_count"], &videos).await?;
    many::add(session, ("user_stat", "user_id"), ["liked_count", "received_like_count"], &people).await?;
    videos.into_keys().for_each(|video| session.touched(Touched::Video(video)));
    people.into_keys().for_each(|person| session.touched(Touched::User(person)));
    Ok(())
}
