//! All that is kept about a person, as one file to take along; `docs/archive.md` says what is in it.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use blobs::Key;
use bytes::{BufMut, Bytes, BytesMut};
use domain::limits::CALL_TIME;
use domain::{Call, Error, Result, Timestamp};
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use proto::{ArchiveFile, ArchivePart, ReadArchiveRequest};

use super::rule::Account;
use crate::Gateway;
use crate::error::Failure;

/// What a tar file is made of (POSIX.1-1988, "ustar").
const BLOCK: usize = 512;
const ABOUT: &str = "{\"format\":\"dytt account archive\",\"version\":1}\n";

/// All that is kept about the caller, with their videos: a tar file, while it is read.
#[utoipa::path(get, path = "/api/v1/account/archive", tag = "archive",
    responses((status = 200, content_type = "application/x-tar", body = String)))]
pub(super) async fn get(State(gateway): State<Gateway>, Account(call): Account) -> Result<Response, Failure> {
    let reader = Reader { gateway, call, made_at: Timestamp::now() };
    // What fails at once is still told by a status.
    let first = reader.part(String::new(), 0).await?;
    let about = stream::iter([Ok(reader.entry("about.json", ABOUT.as_bytes()))]);
    let parts = stream::try_unfold((reader, Some(first), 1), |(reader, part, number)| async move {
        let Some(part) = part else { return Ok::<_, Error>(None) };
        let next = match part.next_section.is_empty() {
            true => None,
            false => Some(reader.part(part.next_section.clone(), part.next_after).await?),
        };
        let entries = reader.clone().entries(part, number);
        Ok(Some((entries, (reader, next, number + 1))))
    });
    let end = stream::iter([Ok(Bytes::from_static(&[0; 2 * BLOCK]))]);
    let mut response = Body::from_stream(about.chain(parts.try_flatten()).chain(end)).into_response();
    let told = [
        (header::CONTENT_TYPE, "application/x-tar"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"dytt-account.tar\""),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    response.headers_mut().extend(told.map(|(name, value)| (name, HeaderValue::from_static(value))));
    Ok(response)
}

#[derive(Clone)]
struct Reader {
    gateway: Gateway,
    call: Call,
    made_at: Timestamp,
}

impl Reader {
    /// Each part is asked for within the time of its own: the whole takes as long as whoever reads it.
    async fn part(&self, section: String, after: i64) -> Result<ArchivePart> {
        let call = Call::within(CALL_TIME, self.call.viewer, self.call.trace);
        self.gateway.services.user.read_archive(&call, ReadArchiveRequest { section, after }).await
    }

    /// A part's rows, a line each, and the objects they name.
    fn entries(self, part: ArchivePart, number: u32) -> BoxStream<'static, Result<Bytes>> {
        let name = format!("{number:04}-{}.jsonl", part.section);
        let rows = match part.rows.is_empty() {
            true => None,
            false => Some(Ok(self.entry(&name, (part.rows.join("\n") + "\n").as_bytes()))),
        };
        let file = move |file| {
            let reader = self.clone();
            stream::once(async move { reader.file(file).await }).try_flatten()
        };
        stream::iter(rows).chain(stream::iter(part.files).flat_map(file)).boxed()
    }

    /// An object as an entry; nothing when it was deleted or moved meanwhile.
    async fn file(self, file: ArchiveFile) -> Result<BoxStream<'static, Result<Bytes>>> {
        let key =
            Key::parse(&file.key).ok_or_else(|| Error::internal("an object's key is not one of ours"))?;
        let object = match self.gateway.blobs.object(&key).await {
            Ok(object) => object,
            Err(blobs::Error::NotFound) => return Ok(stream::empty().boxed()),
            Err(error) => return Err(Error::unavailable(error)),
        };
        let bytes = object.bytes();
        let head = self.head(&file.name, bytes);
        let body = object.read(0..bytes).map_err(Error::unavailable);
        let fill = Bytes::from_static(&[0; BLOCK]).slice(..filling(bytes));
        Ok(stream::iter([Ok(head)]).chain(body).chain(stream::iter([Ok(fill)])).boxed())
    }

    fn entry(&self, name: &str, content: &[u8]) -> Bytes {
        let bytes = content.len() as u64;
        let mut entry = BytesMut::from(self.head(name, bytes));
        entry.put(content);
        entry.put_bytes(0, filling(bytes));
        entry.freeze()
    }

    fn head(&self, name: &str, bytes: u64) -> Bytes {
        let mut head = tar::Header::new_ustar();
        // Names here are short and of ASCII.
        let _fits = head.set_path(name);
        head.set_size(bytes);
        head.set_mode(0o644);
        head.set_mtime(u64::try_from(self.made_at.millis() / 1000).unwrap_or(0));
        head.set_cksum();
        Bytes::copy_from_slice(head.as_bytes())
    }
}

/// What is missing to whole blocks.
fn filling(bytes: u64) -> usize {
    (BLOCK - (bytes % BLOCK as u64) as usize) % BLOCK
}
