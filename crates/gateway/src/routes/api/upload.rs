//! Resumable uploads: tus 1.0 (tus.io/protocols/resumable-upload, with creation, termination, checksum and
//! expiration). What arrives is stored in parts, each durable before it counts: a connection cut at any byte, or a
//! process that dies, costs at most the part that was on its way.

use std::time::{Duration, Instant, SystemTime};

use axum::body::{Body, BodyDataStream};
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use blobs::Key;
use domain::limits::CALL_TIME;
use domain::{Call, Error, Result};
use futures_util::StreamExt;
use proto::{AppendUploadRequest, CreateUploadRequest, StoredObject, Upload, UploadRequest};
use tokio::time::timeout;

use super::rule::Account;
use crate::address::client;
use crate::error::Failure;
use crate::form::{SILENCE, SLOWEST};
use crate::params::bad;
use crate::{Gateway, random_bits};

use checksum::Checksum;

mod checksum;

/// The version of the protocol.
const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,termination,checksum,expiration";
/// Bytes after which a part ends and the next begins.
const PART_BYTES: u64 = 32 * 1024 * 1024;

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");

/// What this server can do.
#[utoipa::path(options, path = "/api/v1/uploads", tag = "upload", responses((status = 204)))]
pub(super) async fn options(State(gateway): State<Gateway>) -> Response {
    let most = gateway.config.max_upload_bytes.to_string();
    let told = [
        ("tus-version", VERSION),
        ("tus-extension", EXTENSIONS),
        ("tus-checksum-algorithm", checksum::ALGORITHMS),
        ("tus-max-size", most.as_str()),
    ];
    let mut response = answer(StatusCode::NO_CONTENT);
    for (name, value) in told {
        set(&mut response, HeaderName::from_static(name), value);
    }
    response
}

/// Begins an upload; its address is in `Location`.
#[utoipa::path(post, path = "/api/v1/uploads", tag = "upload",
    params(("Tus-Resumable" = String, Header), ("Upload-Length" = u64, Header)),
    responses((status = 201),
        (status = 412, description = "another version of tus: `Tus-Version` tells ours")))]
pub(super) async fn create(
    State(gateway): State<Gateway>,
    Account(call): Account,
    _tus: Tus,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let bytes = number(&headers, &UPLOAD_LENGTH, "Upload-Length")?;
    let made = gateway.services.video.create_upload(&call, CreateUploadRequest { bytes }).await?;
    let mut response = answer(StatusCode::CREATED);
    set(&mut response, header::LOCATION, &format!("/api/v1/uploads/{}", made.name));
    expires(&mut response, &made);
    Ok(response)
}

/// How much has arrived.
#[utoipa::path(head, path = "/api/v1/uploads/{name}", tag = "upload",
    params(("name" = String, Path), ("Tus-Resumable" = String, Header)),
    responses((status = 200),
        (status = 412, description = "another version of tus: `Tus-Version` tells ours")))]
pub(super) async fn look(
    State(gateway): State<Gateway>,
    Account(call): Account,
    _tus: Tus,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let found = gateway.services.video.get_upload(&call, UploadRequest { name }).await?;
    let mut response = answer(StatusCode::OK);
    set(&mut response, UPLOAD_LENGTH, &found.bytes.to_string());
    set(&mut response, UPLOAD_OFFSET, &found.received.to_string());
    expires(&mut response, &found);
    Ok(response)
}

/// Adds bytes where the upload ends.
#[utoipa::path(patch, path = "/api/v1/uploads/{name}", tag = "upload",
    params(("name" = String, Path), ("Tus-Resumable" = String, Header), ("Upload-Offset" = u64, Header),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha1` or `sha256`, a blank, Base64")),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses((status = 204),
        (status = 412, description = "another version of tus: `Tus-Version` tells ours")))]
pub(super) async fn append(
    State(gateway): State<Gateway>,
    Account(call): Account,
    _tus: Tus,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if kind != Some("application/offset+octet-stream") {
        let problem = "must be application/offset+octet-stream";
        return Err(Error::BadParameter { name: "Content-Type".into(), problem: problem.into() }.into());
    }
    let offset = number(&parts.headers, &UPLOAD_OFFSET, "Upload-Offset")?;
    let checksum = Checksum::of(&parts.headers)?;
    let _place = gateway.limits.admit_upload(client(&gateway.config, &parts))?;
    let found = gateway.services.video.get_upload(&call, UploadRequest { name: name.clone() }).await?;
    if found.received != offset {
        return Err(Error::UploadMoved.into());
    }
    let arriving = Arriving { gateway: &gateway, viewer: &call, name, offset, bytes: found.bytes };
    let upload = match checksum {
        Some(checksum) => arriving.whole(body, checksum).await?,
        None => arriving.piecemeal(body).await?,
    };
    let mut response = answer(StatusCode::NO_CONTENT);
    set(&mut response, UPLOAD_OFFSET, &upload.received.to_string());
    expires(&mut response, &upload);
    Ok(response)
}

/// Gives an upload up.
#[utoipa::path(delete, path = "/api/v1/uploads/{name}", tag = "upload",
    params(("name" = String, Path), ("Tus-Resumable" = String, Header)),
    responses((status = 204),
        (status = 412, description = "another version of tus: `Tus-Version` tells ours")))]
pub(super) async fn end(
    State(gateway): State<Gateway>,
    Account(call): Account,
    _tus: Tus,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    gateway.services.video.delete_upload(&call, UploadRequest { name }).await?;
    Ok(answer(StatusCode::NO_CONTENT))
}

/// Bytes on their way into an upload.
struct Arriving<'a> {
    gateway: &'a Gateway,
    viewer: &'a Call,
    name: String,
    /// Where the next byte belongs.
    offset: i64,
    /// How long the upload is to become.
    bytes: i64,
}

impl Arriving<'_> {
    /// All of a body or nothing of it: only its end tells whether it is what was sent.
    async fn whole(mut self, body: Body, mut checksum: Checksum) -> Result<Upload> {
        let mut stream = Stream::of(body);
        let mut part = self.begin().await?;
        let read = async {
            while let Some(piece) = stream.next().await? {
                checksum.update(&piece);
                self.write(&mut part, piece).await?;
            }
            if checksum.fits() { Ok(()) } else { Err(Error::ChecksumMismatch) }
        };
        match read.await {
            Ok(()) => self.commit(part).await,
            Err(error) => {
                give_up(part).await;
                Err(error)
            }
        }
    }

    /// What arrives counts from part to part; the last one may be cut off anywhere.
    async fn piecemeal(mut self, body: Body) -> Result<Upload> {
        let mut stream = Stream::of(body);
        let mut part = self.begin().await?;
        loop {
            let piece = stream.next().await;
            let (end, outcome) = match piece {
                Ok(Some(piece)) => match self.write(&mut part, piece).await {
                    Ok(()) if part.bytes() < PART_BYTES => continue,
                    Ok(()) => (false, Ok(())),
                    // What is too much, or could not be stored, makes the part useless.
                    Err(error) => {
                        give_up(part).await;
                        return Err(error);
                    }
                },
                Ok(None) => (true, Ok(())),
                Err(cut) => (true, Err(cut)),
            };
            let upload = self.commit(part).await?;
            if end {
                return outcome.map(|()| upload);
            }
            part = self.begin().await?;
        }
    }

    async fn begin(&self) -> Result<blobs::Upload> {
        let key = Key::random("o", random_bits()?, "bin");
        self.gateway.blobs.upload(&key).await.map_err(Error::unavailable)
    }

    async fn write(&self, part: &mut blobs::Upload, piece: bytes::Bytes) -> Result<()> {
        let end = self.offset.unsigned_abs() + part.bytes() + piece.len() as u64;
        if end > self.bytes.unsigned_abs() {
            return Err(Error::TooLarge { limit_bytes: self.bytes.unsigned_abs() });
        }
        part.write(piece).await.map_err(Error::unavailable)
    }

    /// Makes a part durable and counts it.
    async fn commit(&mut self, part: blobs::Upload) -> Result<Upload> {
        let Self { gateway, viewer, name, offset, bytes: _ } = self;
        // Each call has its own time: the whole upload may take hours.
        let call = Call::within(CALL_TIME, viewer.viewer, viewer.trace);
        if part.bytes() == 0 {
            give_up(part).await;
            return gateway.services.video.get_upload(&call, UploadRequest { name: name.clone() }).await;
        }
        let stored = part.finish().await.map_err(Error::unavailable)?;
        let part = StoredObject {
            key: stored.key.to_string(),
            bytes: i64::try_from(stored.bytes).unwrap_or(i64::MAX),
            sha256: stored.sha256,
        };
        let request = AppendUploadRequest { name: name.clone(), start: *offset, part: Some(part) };
        let upload = gateway.services.video.append_upload(&call, request).await?;
        *offset = upload.received;
        Ok(upload)
    }
}

async fn give_up(part: blobs::Upload) {
    if let Err(error) = part.abort().await {
        tracing::warn!(%error, "a part of an upload stays until the sweep");
    }
}

/// A body that has to keep moving.
struct Stream {
    body: BodyDataStream,
    began: Instant,
    bytes: u64,
}

impl Stream {
    fn of(body: Body) -> Self {
        Self { body: body.into_data_stream(), began: Instant::now(), bytes: 0 }
    }

    async fn next(&mut self) -> Result<Option<bytes::Bytes>> {
        let stopped = |_elapsed| bad("request body", "stopped arriving before it was whole");
        let Some(piece) = timeout(SILENCE, self.body.next()).await.map_err(stopped)? else { return Ok(None) };
        let piece = piece.map_err(|_cut| bad("request body", "is cut off"))?;
        self.bytes += piece.len() as u64;
        let elapsed = self.began.elapsed();
        if elapsed > SILENCE && self.bytes < elapsed.as_secs() * SLOWEST {
            return Err(bad("request body", "arrives too slowly"));
        }
        Ok(Some(piece))
    }
}

/// A request in our version of the protocol; who speaks another is told ours.
pub(super) struct Tus;

impl<S: Send + Sync> FromRequestParts<S> for Tus {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        if parts.headers.get(TUS_RESUMABLE).is_some_and(|version| version == VERSION) {
            return Ok(Self);
        }
        let mut response = answer(StatusCode::PRECONDITION_FAILED);
        set(&mut response, TUS_VERSION, VERSION);
        Err(response)
    }
}

fn answer(status: StatusCode) -> Response {
    let mut response = status.into_response();
    set(&mut response, TUS_RESUMABLE, VERSION);
    set(&mut response, header::CACHE_CONTROL, "no-store");
    response
}

fn expires(response: &mut Response, upload: &Upload) {
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(upload.expires_at.unsigned_abs());
    set(response, UPLOAD_EXPIRES, &httpdate::fmt_http_date(at));
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}

fn number(headers: &HeaderMap, header: &HeaderName, name: &'static str) -> Result<i64> {
    let value = headers.get(header).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    value
        .filter(|number| *number >= 0)
        .ok_or_else(|| bad(name, "is required and must be a whole number of bytes"))
}
