//! HLS (RFC 8216) of clips above a minute: lists made at reading, because addresses of what not everybody may see
//! are good for some minutes only. The segments are ranges of one file for each rendition.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use blobs::Key;
use domain::{Call, Error};
use proto::{VideoDetail, VideoFile, VideoRequest};

use super::body::Id;
use super::rule::Anybody;
use crate::Gateway;
use crate::address::Base;
use crate::error::Failure;

/// What a stored list of segments has in place of their file's address.
const ADDRESS: &str = "{media}";

/// The renditions to choose from, and the captions.
#[utoipa::path(get, path = "/api/v1/videos/{id}/master.m3u8", tag = "video", params(("id" = i64, Path)),
    responses((status = 200, content_type = "application/vnd.apple.mpegurl", body = String)))]
pub(super) async fn master(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    Id(video_id): Id,
) -> Result<Response, Failure> {
    let found = detail(&gateway, &call, video_id).await?;
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    let mut has_captions = false;
    for language in found.files.iter().filter_map(|file| file.role.strip_prefix("captions.")) {
        has_captions = true;
        text.push_str(&format!(
            "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"captions\",NAME=\"{language}\",LANGUAGE=\"{language}\",\
             AUTOSELECT=YES,DEFAULT=NO,URI=\"captions/{language}.m3u8\"\n"
        ));
    }
    let mut renditions: Vec<(&str, &VideoFile)> =
        found.files.iter().filter_map(|file| Some((file.role.strip_prefix("segments.")?, file))).collect();
    if renditions.is_empty() {
        return Err(Error::VideoNotFound(domain::VideoId::parse(video_id)?).into());
    }
    // A player begins with the first.
    renditions.sort_by_key(|(name, file)| (*name != "720p", file.bits_per_second));
    for (name, file) in renditions {
        let VideoFile { bits_per_second, width, height, format, .. } = file;
        let captions = if has_captions { ",SUBTITLES=\"captions\"" } else { "" };
        text.push_str(&format!(
            "#EXT-X-STREAM-INF:BANDWIDTH={bits_per_second},RESOLUTION={width}x{height},CODECS=\"{format}\"{captions}\n\
             {name}.m3u8\n"
        ));
    }
    Ok(playlist(text))
}

/// The segments of one rendition.
#[utoipa::path(get, path = "/api/v1/videos/{id}/{rendition}", tag = "video",
    params(("id" = i64, Path), ("rendition" = String, Path, description = "such as `720p.m3u8`")),
    responses((status = 200, content_type = "application/vnd.apple.mpegurl", body = String)))]
pub(super) async fn media(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    Id(video_id): Id,
    Path(path): Path<(String, String)>,
    base: Base,
) -> Result<Response, Failure> {
    let found = detail(&gateway, &call, video_id).await?;
    let name = path.1.strip_suffix(".m3u8").unwrap_or_default();
    let key = |kind: &str| {
        let role = format!("{kind}.{name}");
        let file = found.files.iter().find(|file| file.role == role);
        file.map(|file| file.key.as_str()).ok_or(Error::VideoNotFound(domain::VideoId::parse(video_id)?))
    };
    let (list, segments) = (key("playlist")?, key("segments")?);
    let list = Key::parse(list).ok_or_else(|| Error::internal("a stored key is not one of ours"))?;
    let text = gateway.blobs.text(&list).await.map_err(Error::unavailable)?;
    Ok(playlist(text.replace(ADDRESS, &base.object(segments))))
}

/// The captions of a language as one segment.
#[utoipa::path(get, path = "/api/v1/videos/{id}/captions/{language}", tag = "video",
    params(("id" = i64, Path), ("language" = String, Path, description = "such as `en.m3u8`")),
    responses((status = 200, content_type = "application/vnd.apple.mpegurl", body = String)))]
pub(super) async fn subtitles(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    Id(video_id): Id,
    Path(path): Path<(String, String)>,
    base: Base,
) -> Result<Response, Failure> {
    let found = detail(&gateway, &call, video_id).await?;
    let role = format!("captions.{}", path.1.strip_suffix(".m3u8").unwrap_or_default().to_ascii_lowercase());
    let file = found.files.iter().find(|file| file.role == role);
    let file = file.ok_or(Error::VideoNotFound(domain::VideoId::parse(video_id)?))?;
    let (whole, millis) = (found.duration_ms / 1000 + 1, found.duration_ms % 1000);
    let seconds = found.duration_ms / 1000;
    Ok(playlist(format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{whole}\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXTINF:{seconds}.{millis:03},\n{}\n#EXT-X-ENDLIST\n",
        base.object(&file.key)
    )))
}

async fn detail(gateway: &Gateway, call: &Call, video_id: i64) -> Result<VideoDetail, Error> {
    gateway.services.video.get_video(call, VideoRequest { video_id }).await
}

fn playlist(text: String) -> Response {
    let kind = HeaderValue::from_static("application/vnd.apple.mpegurl");
    let mut response = (StatusCode::OK, text).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
