//! One video: made of an upload, seen with all it consists of, shown to others or fewer, deleted.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use domain::Call;
use domain::limits::PUBLISH_TIME;
use proto::{
    ChangeVideoRequest, LikeVideoRequest, PublishRequest, User, VideoDetail, VideoRequest, WatchVideoRequest,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Id, Json};
use super::done;
use super::rule::{Account, Anybody};
use crate::Gateway;
use crate::address::{Base, Client};
use crate::error::Failure;
use crate::reply;

/// What to publish.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewVideo {
    /// The name of a complete upload.
    upload: String,
    title: String,
    /// `public` when absent.
    visibility: Option<String>,
    /// Where in the clip its cover is, in milliseconds; the most typical frame when absent.
    cover_ms: Option<i64>,
}

/// What was published.
#[derive(Serialize, ToSchema)]
struct Published {
    id: i64,
    /// Whether it plays already; else it will in a while, and its timeline tells.
    ready: bool,
}

/// What to change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// 1 to 255 characters.
    title: Option<String>,
    /// `public`, `followers`, `friends` or `private`.
    visibility: Option<String>,
}

/// A video with what it consists of.
#[derive(Serialize, ToSchema)]
pub(super) struct Video {
    id: i64,
    title: String,
    /// The words of the title that follow a `#`, without it.
    tags: Vec<String>,
    author: Author,
    /// `public`, `followers`, `friends`, `private`, or `hidden` by an administrator.
    visibility: String,
    /// `processing`, `ready` or `failed`.
    state: String,
    /// UTC milliseconds; absent while not everybody can see it.
    published_at: Option<i64>,
    duration_ms: i64,
    like_count: i64,
    comment_count: i64,
    /// Whether the caller likes it.
    is_liked: bool,
    /// Whether the caller wants to find it again.
    is_bookmarked: bool,
    /// By how many it was viewed who were logged in.
    view_count: i64,
    /// Some 25 bytes as hexadecimal digits that stand for the cover until it has loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbhash: Option<String>,
    /// What to play when nothing is known of the client.
    play_url: String,
    cover: Cover,
    /// Progressive MP4s, from which a client picks by size.
    renditions: Vec<Rendition>,
    /// HLS over the same renditions; of clips above a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hls_url: Option<String>,
    /// A moving picture of three seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    preview_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storyboard: Option<Storyboard>,
    captions: Vec<Captions>,
}

/// A video as lists show it.
#[derive(Serialize, ToSchema)]
pub(super) struct Card {
    id: i64,
    title: String,
    /// The words of the title that follow a `#`, without it.
    tags: Vec<String>,
    author: Author,
    /// UTC milliseconds; absent while not everybody can see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    published_at: Option<i64>,
    like_count: i64,
    comment_count: i64,
    /// Whether the caller likes it.
    is_liked: bool,
    play_url: String,
    cover_url: String,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Author {
    id: i64,
    /// Unique.
    name: String,
    /// What they call themselves.
    display_name: String,
    /// Whether the caller follows the author.
    is_followed: bool,
    /// A square of 512 pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<String>,
}

/// How much was watched.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct View {
    /// At least 0; at most the video's length counts.
    watched_ms: i64,
}

/// The cover in the kinds and sizes that exist.
#[derive(Serialize, ToSchema)]
struct Cover {
    jpeg_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    webp_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    small_jpeg_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    small_webp_url: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Rendition {
    /// `480p`, `720p` or `1080p`: the short edge, at most.
    name: String,
    width: i64,
    height: i64,
    bytes: i64,
    bits_per_second: i64,
    /// As RFC 6381 names them.
    codecs: String,
    url: String,
}

/// A picture of many small ones, in rows, for a scrub bar.
#[derive(Serialize, ToSchema)]
struct Storyboard {
    url: String,
    columns: u32,
    rows: u32,
    tile_width: i64,
    tile_height: i64,
    seconds_per_tile: f64,
}

#[derive(Serialize, ToSchema)]
struct Captions {
    /// A language tag in lower case.
    language: String,
    url: String,
}

/// How far a video is.
#[derive(Serialize, ToSchema)]
struct Timeline {
    events: Vec<Event>,
    /// How much of the renditions is made, from 0 to 1; absent when nothing works on them.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<f64>,
    /// When they are probably made.
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining_seconds: Option<f64>,
}

#[derive(Serialize, ToSchema)]
struct Event {
    /// `received`, `checked`, `playable`, `rendition`, `done` or `refused`.
    name: String,
    /// Which rendition, or why refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// UTC milliseconds.
    at: i64,
}

/// Publishes a complete upload.
#[utoipa::path(post, path = "/api/v1/videos", tag = "video",
    request_body = NewVideo,
    responses((status = 201, body = Published)))]
pub(super) async fn publish(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Client(client): Client,
    Json(NewVideo { upload, title, visibility, cover_ms }): Json<NewVideo>,
) -> Result<Response, Failure> {
    let _place = gateway.limits.admit_upload(client)?;
    let visibility = visibility.unwrap_or_else(|| "public".into());
    let request = PublishRequest { title, source: None, upload, visibility, cover_ms };
    let call = Call::within(PUBLISH_TIME, call.viewer, call.trace);
    let made = gateway.services.video.publish(&call, request).await?;
    let mut response = reply::list(StatusCode::CREATED, &Published { id: made.video_id, ready: made.ready });
    if let Ok(address) = HeaderValue::try_from(format!("/api/v1/videos/{}", made.video_id)) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    Ok(response)
}

/// A video, for those who may see it.
#[utoipa::path(get, path = "/api/v1/videos/{id}", tag = "video", params(("id" = i64, Path)),
    responses((status = 200, body = Video)))]
pub(super) async fn get(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    Id(video_id): Id,
    base: Base,
) -> Result<Response, Failure> {
    let found = gateway.services.video.get_video(&call, VideoRequest { video_id }).await?;
    Ok(reply::list(StatusCode::OK, &shown(&base, found)))
}

/// How far an own video is: received, checked, playable, each rendition, done; or why not.
#[utoipa::path(get, path = "/api/v1/videos/{id}/timeline", tag = "video",
    params(("id" = i64, Path)), responses((status = 200, body = Timeline)))]
pub(super) async fn timeline(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
) -> Result<Response, Failure> {
    let found = gateway.services.video.get_timeline(&call, VideoRequest { video_id }).await?;
    let known = |number: i64| (number >= 0).then(|| number as f64 / 1000.0);
    let event = |event: proto::VideoEvent| Event {
        name: event.name,
        detail: some(event.detail),
        at: event.created_at,
    };
    let told = Timeline {
        events: found.events.into_iter().map(event).collect(),
        progress: known(found.progress),
        remaining_seconds: known(found.remaining_ms),
    };
    Ok(reply::list(StatusCode::OK, &told))
}

/// Gives an own video another title, or says who may see it: who may not any more does not from now on; who may sees it
/// within moments.
#[utoipa::path(patch, path = "/api/v1/videos/{id}", tag = "video",
    params(("id" = i64, Path)), request_body = Change,
    responses((status = 204)))]
pub(super) async fn change(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
    Json(Change { title, visibility }): Json<Change>,
) -> Result<Response, Failure> {
    let request = ChangeVideoRequest { video_id, title, visibility };
    gateway.services.video.change_video(&call, request).await?;
    Ok(done())
}

/// The caller has watched a video for so long in one go. Told more than once, the longest counts; a view counts once, when
/// three seconds or half of the video were watched.
#[utoipa::path(put, path = "/api/v1/videos/{id}/view", tag = "video", params(("id" = i64, Path)),
    request_body = View, responses((status = 204)))]
pub(super) async fn watch(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
    Json(View { watched_ms }): Json<View>,
) -> Result<Response, Failure> {
    gateway.services.video.watch_video(&call, WatchVideoRequest { video_id, watched_ms }).await?;
    Ok(done())
}

/// The same, for a page that is being left: its browser sends nothing else then (`navigator.sendBeacon`).
#[utoipa::path(post, path = "/api/v1/videos/{id}/view", tag = "video", params(("id" = i64, Path)),
    request_body = View, responses((status = 204)))]
pub(super) async fn watched(
    gateway: State<Gateway>,
    account: Account,
    id: Id,
    view: Json<View>,
) -> Result<Response, Failure> {
    watch(gateway, account, id, view).await
}

/// Likes a video; a second time changes nothing.
#[utoipa::path(put, path = "/api/v1/videos/{id}/like", tag = "video", params(("id" = i64, Path)),
    responses((status = 204)))]
pub(super) async fn like(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
) -> Result<Response, Failure> {
    gateway.services.like.like_video(&call, LikeVideoRequest { video_id }).await?;
    Ok(done())
}

/// Takes a like back; a second time changes nothing.
#[utoipa::path(delete, path = "/api/v1/videos/{id}/like", tag = "video", params(("id" = i64, Path)),
    responses((status = 204)))]
pub(super) async fn unlike(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
) -> Result<Response, Failure> {
    gateway.services.like.unlike_video(&call, LikeVideoRequest { video_id }).await?;
    Ok(done())
}

/// Bookmarks a video, which nobody else sees; a second time changes nothing.
#[utoipa::path(put, path = "/api/v1/videos/{id}/bookmark", tag = "video", params(("id" = i64, Path)),
    responses((status = 204)))]
pub(super) async fn bookmark(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
) -> Result<Response, Failure> {
    gateway.services.like.bookmark_video(&call, LikeVideoRequest { video_id }).await?;
    Ok(done())
}

/// Takes a bookmark away; a second time changes nothing.
#[utoipa::path(delete, path = "/api/v1/videos/{id}/bookmark", tag = "video", params(("id" = i64, Path)),
    responses((status = 204)))]
pub(super) async fn unbookmark(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
) -> Result<Response, Failure> {
    gateway.services.like.unbookmark_video(&call, LikeVideoRequest { video_id }).await?;
    Ok(done())
}

/// Deletes an own video. Nobody sees it from now on, and what it consists of is gone within a minute.
#[utoipa::path(delete, path = "/api/v1/videos/{id}", tag = "video",
    params(("id" = i64, Path)), responses((status = 204)))]
pub(super) async fn delete(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
) -> Result<Response, Failure> {
    gateway.services.video.delete_video(&call, VideoRequest { video_id }).await?;
    Ok(done())
}

pub(super) fn author(base: &Base, user: User) -> Author {
    Author {
        id: user.id,
        display_name: shown_name(&user),
        avatar_url: base.picture(&user.avatar_key),
        name: user.name,
        is_followed: user.is_followed,
    }
}

/// What a person is called.
pub(super) fn shown_name(user: &User) -> String {
    if user.display_name.is_empty() { user.name.clone() } else { user.display_name.clone() }
}

pub(super) fn card(base: &Base, video: proto::Video) -> Card {
    Card {
        id: video.id,
        tags: tags(&video.title),
        title: video.title,
        author: author(base, video.author.unwrap_or_default()),
        published_at: Some(video.published_at).filter(|at| *at > 0),
        like_count: video.like_count,
        comment_count: video.comment_count,
        is_liked: video.is_liked,
        play_url: base.object(&video.play_key),
        cover_url: base.cover(&video.cover_key),
    }
}

pub(super) fn shown(base: &Base, detail: VideoDetail) -> Video {
    let VideoDetail { video, visibility, state, duration_ms, thumbhash, files, is_bookmarked, view_count } =
        detail;
    let video = video.unwrap_or_default();
    let url = |role: &str| files.iter().find(|file| file.role == role).map(|file| base.object(&file.key));
    let named = |prefix: &'static str| {
        files.iter().filter_map(move |file| Some((file.role.strip_prefix(prefix)?, file)))
    };
    let mut renditions: Vec<_> = ["480p", "720p", "1080p"]
        .into_iter()
        .filter_map(|name| files.iter().find(|file| file.role == name))
        .map(|file| Rendition {
            name: file.role.clone(),
            width: file.width,
            height: file.height,
            bytes: file.bytes,
            bits_per_second: file.bits_per_second,
            codecs: file.format.clone(),
            url: base.object(&file.key),
        })
        .collect();
    renditions.sort_by_key(|rendition| rendition.width * rendition.height);
    let has_list = named("playlist.").next().is_some();
    Video {
        id: video.id,
        tags: tags(&video.title),
        title: video.title,
        author: author(base, video.author.unwrap_or_default()),
        published_at: Some(video.published_at).filter(|at| *at > 0),
        duration_ms,
        like_count: video.like_count,
        comment_count: video.comment_count,
        is_liked: video.is_liked,
        is_bookmarked,
        view_count,
        thumbhash: (!thumbhash.is_empty()).then(|| domain::hex(&thumbhash)),
        play_url: base.object(&video.play_key),
        cover: Cover {
            jpeg_url: url("cover").unwrap_or_else(|| base.asset("cover.jpg")),
            webp_url: url("cover.webp"),
            small_jpeg_url: url("cover.small"),
            small_webp_url: url("cover.small.webp"),
        },
        renditions,
        hls_url: has_list.then(|| format!("{}/api/v1/videos/{}/master.m3u8", base.as_str(), video.id)),
        preview_url: url("preview"),
        storyboard: files
            .iter()
            .find(|file| file.role == "storyboard")
            .and_then(|file| storyboard(base, file)),
        captions: named("captions.")
            .map(|(language, file)| Captions { language: language.to_owned(), url: base.object(&file.key) })
            .collect(),
        visibility,
        state,
    }
}

fn tags(title: &str) -> Vec<String> {
    domain::Tag::all(title).into_iter().map(|tag| tag.name).collect()
}

/// A storyboard's grid is told as `COLUMNSxROWS@SECONDS`.
fn storyboard(base: &Base, file: &proto::VideoFile) -> Option<Storyboard> {
    let (grid, seconds) = file.format.split_once('@')?;
    let (columns, rows) = grid.split_once('x')?;
    Some(Storyboard {
        url: base.object(&file.key),
        columns: columns.parse().ok()?,
        rows: rows.parse().ok()?,
        tile_width: file.width,
        tile_height: file.height,
        seconds_per_tile: seconds.parse().ok()?,
    })
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
