//! The feed endpoint.

use std::time::Instant;

use axum::extract::State;
use proto::ListFeedRequest;
use serde::Serialize;
use utoipa::ToSchema;

use super::card::{Video, video};
use crate::Gateway;
use crate::address::Base;
use crate::error::Failure;
use crate::params::Params;
use crate::reply::Reply;
use crate::viewer::Visitor;

/// One page of the feed.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct FeedBody {
    video_list: Vec<Video>,
    /// The `latest_time` of the next page, in milliseconds.
    next_time: i64,
}

/// At most 30 videos published before a moment, newest first.
#[utoipa::path(get, path = "/douyin/feed/", tag = "feed",
    params(
        ("latest_time" = Option<i64>, Query, description = "UTC milliseconds or seconds; absent or 0: now"),
        ("token" = Option<String>, Query, description = "a bad one counts as none"),
    ),
    responses((status = 200, body = Reply<FeedBody>)))]
pub(super) async fn feed(
    State(gateway): State<Gateway>,
    Visitor(call): Visitor,
    base: Base,
    params: Params,
) -> Result<Reply<FeedBody>, Failure> {
    let request = ListFeedRequest { before: params.moment("latest_time") };
    let answered = gateway.services.feed.list_feed(&call, request).await;
    let page = gateway.last_page.stand_in(&call, request, answered, Instant::now())?;
    let video_list = page.videos.into_iter().map(|found| video(&base, found)).collect();
    Ok(Reply::success(FeedBody { video_list, next_time: page.next_before }))
}
