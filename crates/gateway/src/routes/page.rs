//! Pages: the web client's, and where that was not built a plain one, without scripts: what there is to see, how
//! to reach it from a phone, where the API is described. The pictures it and the API show by default are beside it.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use proto::{ListFeedRequest, Video, VideoRequest};
use qrcode::QrCode;
use qrcode::render::svg;
use sha2::{Digest, Sha256};

use crate::Gateway;
use crate::address::Base;
use crate::error::Failure;
use crate::params::Params;
use crate::viewer::Visitor;
use crate::web;

const PAGE: &str = include_str!("../../assets/page.html");

/// What we ship, by name.
const ASSETS: [(&str, &str, &[u8]); 4] = [
    ("page.css", "text/css; charset=utf-8", include_bytes!("../../assets/page.css")),
    ("avatar.png", "image/png", include_bytes!("../../assets/avatar.png")),
    ("background.jpg", "image/jpeg", include_bytes!("../../assets/background.jpg")),
    ("cover.jpg", "image/jpeg", include_bytes!("../../assets/cover.jpg")),
];

/// Below these nothing is a page: what is not there is told in the words of the API, and no stale address of a
/// script gets a page instead.
const NO_PAGES: [&str; 7] = ["/api/", "/app/", "/assets/", "/docs/", "/douyin/", "/media/", "/openapi.json"];

/// The web client, or else the newest videos, playable.
pub(super) async fn first(
    State(gateway): State<Gateway>,
    Visitor(call): Visitor,
    base: Base,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    if let Some(page) = web::page() {
        return Ok(client(&gateway, &headers, page));
    }
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

/// The web client at a video, with what other programs show of a link to it.
pub(super) async fn video(
    State(gateway): State<Gateway>,
    Visitor(call): Visitor,
    Path(id): Path<String>,
    base: Base,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let Some(page) = web::page() else { return crate::edge::not_found(uri).await };
    // As nobody: a page may be kept by whoever is in between.
    let anonymous = domain::Call { viewer: None, ..call };
    let request = id.parse().map(|video_id| VideoRequest { video_id });
    let found = match request {
        Ok(request) => gateway.services.video.get_video(&anonymous, request).await.ok(),
        Err(_no_id) => None,
    };
    // What is not to be seen by everybody, or not there, the client itself tells.
    let told = found.and_then(|found| found.video).map_or(page.clone(), |video| told(&page, &base, &video));
    client(&gateway, &headers, told)
}

/// Whatever else: a file of the web client, one of its pages, or nothing.
pub(super) async fn other(
    State(gateway): State<Gateway>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let path = uri.path();
    if matches!(method, Method::GET | Method::HEAD) {
        if let Some(file) = web::file(path.trim_start_matches('/'), &headers) {
            return file;
        }
        let accepted = headers.get(header::ACCEPT).and_then(|kinds| kinds.to_str().ok()).unwrap_or_default();
        if accepted.contains("text/html")
            && !NO_PAGES.iter().any(|prefix| path.starts_with(prefix))
            && let Some(page) = web::page()
        {
            return client(&gateway, &headers, page);
        }
    }
    crate::edge::not_found(uri).await
}

/// A page of the web client: nothing in it runs but what was built, and it asks this server alone.
fn client(gateway: &Gateway, headers: &HeaderMap, page: String) -> Response {
    let tag = web::tag(&Sha256::digest(&page), "page");
    let mut response = if web::is_known(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Html(page).into_response()
    };
    let objects = gateway.blobs.viewers_go_to().unwrap_or_default();
    let policy = format!(
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob: {objects}; \
         media-src 'self' blob: {objects}; connect-src 'self'; worker-src 'self'; object-src 'none'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::CACHE_CONTROL, "no-cache"),
        (header::ETAG, tag.as_str()),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A page with a video's title, OpenGraph, its cover loaded at once, and the video itself where nothing runs.
fn told(page: &str, base: &Base, video: &Video) -> String {
    let title = escape(&video.title);
    let author = escape(video.author.as_ref().map_or("", |author| author.name.as_str()));
    let address = escape(base.as_str());
    let cover = escape(&base.cover(&video.cover_key));
    let clip = escape(&base.object(&video.play_key));
    let id = video.id;
    let head = format!(
        "<meta name=\"description\" content=\"{title} · @{author}\">\
         <meta property=\"og:type\" content=\"video.other\">\
         <meta property=\"og:site_name\" content=\"dytt\">\
         <meta property=\"og:title\" content=\"{title}\">\
         <meta property=\"og:description\" content=\"@{author}\">\
         <meta property=\"og:url\" content=\"{address}/video/{id}\">\
         <meta property=\"og:image\" content=\"{cover}\">\
         <meta property=\"og:video\" content=\"{clip}\">\
         <meta property=\"og:video:type\" content=\"video/mp4\">\
         <link rel=\"preload\" as=\"image\" fetchpriority=\"high\" href=\"{cover}\">"
    );
    let still = format!("<video controls playsinline poster=\"{cover}\" src=\"{clip}\"></video>");
    // In one pass each, so that a title is never taken for a place to fill.
    let Some((before, after)) = page.split_once("<!-- page -->") else { return page.to_owned() };
    let before = before.replacen("<title>dytt</title>", &format!("<title>{title} · dytt</title>"), 1);
    format!("{before}{head}{}", after.replacen("<!-- noscript -->", &still, 1))
}

/// The address for a phone's camera: the first page's, or that of the page at `path`.
pub(super) async fn qr(State(gateway): State<Gateway>, base: Base, params: Params) -> Response {
    let path = params.text("path").ok().flatten().unwrap_or_default();
    // Only ever an address of ours.
    let path = if path.starts_with('/') { path } else { "" };
    let Some(picture) = qr_code(&format!("{}{path}", phone_address(&gateway, &base))) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    ([(header::CONTENT_TYPE, "image/svg+xml")], picture).into_response()
}

/// A text for a phone's camera, as SVG; none for one that is too long.
pub(super) fn qr_code(text: &str) -> Option<String> {
    let code = QrCode::new(text).ok()?;
    Some(code.render::<svg::Color>().min_dimensions(180, 180).build())
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
    use proto::{User, Video};

    use super::*;

    #[test]
    fn a_title_is_text_wherever_it_stands() {
        let title = "</title><script>x</script><!-- noscript --> \"'><!-- page -->".to_owned();
        let author = Some(User { name: title.clone(), ..User::default() });
        let video = Video { id: 7, title, author, ..Video::default() };
        let page = "<title>dytt</title><!-- page --><noscript><!-- noscript --></noscript>";
        let told = told(page, &Base::at("http://x\"y"), &video);
        assert!(!told.contains("<script>") && !told.contains("http://x\"y"), "{told}");
        assert_eq!(told.matches("</title>").count(), 1, "{told}");
        assert_eq!(told.matches("<video").count(), 1, "{told}");
        assert!(told.contains("og:url\" content=\"http://x&quot;y/video/7\""), "{told}");
    }

    #[test]
    fn text_is_only_ever_text() {
        assert_eq!(escape("<b a=\"'&\">"), "&lt;b a=&quot;&#39;&amp;&quot;&gt;");
    }
}
