//! Pictures of the own person. What is uploaded is made anew, so that nothing is shown of what a camera or anybody else
//! hid in it.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use blobs::Key;
use domain::{Call, Error, Result};
use futures_util::StreamExt;
use proto::SetPictureRequest;

use super::done;
use super::rule::Account;
use crate::error::Failure;
use crate::params::{bad, within};
use crate::{Gateway, random_bits};

/// The largest upload, in bytes.
const MAX_BYTES: u64 = 10 << 20;
/// How long one may take to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

/// Gives the own person a small picture: the middle square of a JPEG, PNG or WebP of at most 10 MiB.
#[utoipa::path(put, path = "/api/v1/account/avatar", tag = "account",
    request_body(content = String, content_type = "application/octet-stream", description = "JPEG, PNG or WebP"),
    responses((status = 204)))]
pub(super) async fn put_avatar(
    State(gateway): State<Gateway>,
    Account(call): Account,
    body: Body,
) -> Result<Response, Failure> {
    put(&gateway, &call, body, false).await
}

/// Takes the own small picture away.
#[utoipa::path(delete, path = "/api/v1/account/avatar", tag = "account", responses((status = 204)))]
pub(super) async fn delete_avatar(
    State(gateway): State<Gateway>,
    Account(call): Account,
) -> Result<Response, Failure> {
    set(&gateway, &call, false, String::new()).await
}

/// Gives the own person a wide picture: the middle, 16 by 9, of a JPEG, PNG or WebP of at most 10 MiB.
#[utoipa::path(put, path = "/api/v1/account/background", tag = "account",
    request_body(content = String, content_type = "application/octet-stream", description = "JPEG, PNG or WebP"),
    responses((status = 204)))]
pub(super) async fn put_background(
    State(gateway): State<Gateway>,
    Account(call): Account,
    body: Body,
) -> Result<Response, Failure> {
    put(&gateway, &call, body, true).await
}

/// Takes the own wide picture away.
#[utoipa::path(delete, path = "/api/v1/account/background", tag = "account", responses((status = 204)))]
pub(super) async fn delete_background(
    State(gateway): State<Gateway>,
    Account(call): Account,
) -> Result<Response, Failure> {
    set(&gateway, &call, true, String::new()).await
}

async fn put(gateway: &Gateway, call: &Call, body: Body, background: bool) -> Result<Response, Failure> {
    let key = within(PATIENCE, store(gateway, body)).await?;
    set(gateway, call, background, key.to_string()).await
}

async fn set(
    gateway: &Gateway,
    call: &Call,
    background: bool,
    source_key: String,
) -> Result<Response, Failure> {
    gateway.services.video.set_picture(call, SetPictureRequest { background, source_key }).await?;
    Ok(done())
}

/// Stores what arrives; should it not become whole, nothing of it stays.
async fn store(gateway: &Gateway, body: Body) -> Result<Key> {
    let key = Key::random("o", random_bits()?, "bin");
    let mut upload = gateway.blobs.upload(&key).await.map_err(Error::unavailable)?;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_cut| bad("request body", "is cut off"))?;
        if upload.bytes() + chunk.len() as u64 > MAX_BYTES {
            return Err(Error::TooLarge { limit_bytes: MAX_BYTES });
        }
        upload.write(chunk).await.map_err(Error::unavailable)?;
    }
    upload.finish().await.map_err(Error::unavailable)?;
    Ok(key)
}
