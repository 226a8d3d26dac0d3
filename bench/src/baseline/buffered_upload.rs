//! The upload that the platform's replaces: the whole file in memory, then once more as one message, then
//! written. Without the call over a socket that would follow, and without a sync, which flatters it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::StatusCode;
use axum::routing::post;

/// Files that are kept: the disk must not fill.
const FILES: u64 = 64;

#[derive(Clone)]
struct Uploads {
    dir: Arc<Path>,
    arrived: Arc<AtomicU64>,
}

pub(super) fn router(dir: &Path) -> Result<Router> {
    std::fs::create_dir_all(dir).context("create the folder of uploads")?;
    let uploads = Uploads { dir: dir.into(), arrived: Arc::default() };
    Ok(Router::new().fallback(post(upload)).layer(DefaultBodyLimit::disable()).with_state(uploads))
}

/// `{"status_code":0}` when the part `data` is written.
async fn upload(State(uploads): State<Uploads>, mut form: Multipart) -> Result<&'static str, StatusCode> {
    let mut file = None;
    while let Some(field) = form.next_field().await.map_err(|_| StatusCode::BAD_REQUEST)? {
        let is_file = field.name() == Some("data");
        let bytes = field.bytes().await.map_err(|_| StatusCode::BAD_REQUEST)?;
        if is_file {
            file = Some(bytes);
        }
    }
    let file = file.ok_or(StatusCode::BAD_REQUEST)?;
    let message = file.to_vec();
    let number = uploads.arrived.fetch_add(1, Ordering::Relaxed) % FILES;
    let path = uploads.dir.join(format!("{number}.mp4"));
    tokio::fs::write(path, &message).await.map_err(|_| StatusCode::INSUFFICIENT_STORAGE)?;
    drop(file);
    Ok(r#"{"status_code":0}"#)
}
