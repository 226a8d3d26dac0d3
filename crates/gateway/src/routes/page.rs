//! The first page: what there is to see, how to reach it from a phone, where the API is described. It is
//! made here, without scripts; the pictures it and the API show by default are beside it.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use proto::{ListFeedRequest, Video};
use qrcode::QrCode;
use qrcode::render::svg;

use crate::Gateway;
use crate::address::Base;
use crate::error::Failure;
use crate::viewer::Visitor;

const PAGE: &str = include_str!("../../assets/page.html");

/// What we ship, by name.
const ASSETS: [(&str, &str, &[u8]); 4] = [
    ("page.css", "text/css; charset=utf-8", include_bytes!("../../assets/page.css")),
    ("avatar.png", "image/png", include_bytes!("../../assets/avatar.png")),
    ("background.jpg", "image/jpeg", include_bytes!("../../assets/background.jpg")),
    ("cover.jpg", "image/jpeg", include_bytes!("../../assets/cover.jpg")),
];

/// The newest videos, playable.
pub(super) async fn first(
    State(gateway): State<Gateway>,
    Visitor(call): Visitor,
    base: Base,
) -> Result<Response, Failure> {
    let page = gateway.services.feed.list_feed(&call, ListFeedRequest::default()).await?;
    let videos: String = page.videos.iter().map(|video| article(&base, video)).collect();
    let list = if videos.is_empty() { include_str!("../../assets/empty.html").to_owned() } else { videos };
    let html =
        PAGE.replace("{{address}}", &escape(&phone_address(&gateway, &base))).replace("{{videos}}", &list);
    // Where a clip's address may lead to is named, or a browser would not go there.
    let objects = gateway.blobs.viewers_go_to().unwrap_or_default();
    let policy = format!(
        "default-src 'none'; img-src 'self' {objects}; media-src 'self' {objects}; style-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    Ok(([(header::CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response())
}

/// The address for a phone's camera.
pub(super) async fn qr(State(gateway): State<Gateway>, base: Base) -> Response {
    let Ok(code) = QrCode::new(phone_address(&gateway, &base)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let picture = code.render::<svg::Color>().min_dimensions(180, 180).build();
    ([(header::CONTENT_TYPE, "image/svg+xml")], picture).into_response()
}

/// A file we ship.
pub(super) async fn asset(Path(name): Path<String>, uri: Uri) -> Response {
    let Some((_, kind, bytes)) = ASSETS.iter().find(|(known, ..)| *known == name) else {
        return crate::edge::not_found(uri).await;
    };
    let mut response = (*bytes).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    response
}

/// A phone cannot reach `localhost`: on this machine's own page it is shown the network address.
fn phone_address(gateway: &Gateway, base: &Base) -> String {
    let host = base.as_str().trim_start_matches("http://");
    let local = ["localhost", "127.", "[::1]"].iter().any(|local| host.starts_with(local));
    match &gateway.config.lan_url {
        Some(lan) if local => lan.clone(),
        _ => base.as_str().to_owned(),
    }
}

fn article(base: &Base, video: &Video) -> String {
    let author = video.author.as_ref().map_or("", |author| author.name.as_str());
    let cover =
        if video.cover_key.is_empty() { base.asset("cover.jpg") } else { base.object(&video.cover_key) };
    format!(
        "<article><video controls loop playsinline preload=\"none\" poster=\"{}\" src=\"{}\"></video>\
         <h2>{}</h2><p>@{} · ♥ {} · {} comments</p></article>\n",
        escape(&relative(base, &cover)),
        escape(&relative(base, &base.object(&video.play_key))),
        escape(&video.title),
        escape(author),
        video.like_count,
        video.comment_count
    )
}

/// The page plays from wherever it was opened.
fn relative(base: &Base, address: &str) -> String {
    address.strip_prefix(base.as_str()).unwrap_or(address).to_owned()
}

/// Text is only ever text.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    #[test]
    fn text_is_only_ever_text() {
        assert_eq!(super::escape("<b a=\"'&\">"), "&lt;b a=&quot;&#39;&amp;&quot;&gt;");
    }
}
