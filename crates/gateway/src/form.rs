//! Multipart bodies, read within bounds of memory and time. What the parts mean is the caller's business.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::StatusCode;
use bytes::Bytes;
use domain::{Error, Result};
use tokio::time::timeout;

use crate::paced::{Sent, paced};
use crate::params::{MAX_BODY_BYTES, bad};

/// Most parts a body may have.
const MAX_PARTS: usize = 32;
/// A client that sends nothing for this long has gone.
pub(crate) const SILENCE: Duration = Duration::from_secs(30);
/// Bytes a second that an upload has to keep up on average once it has taken longer than [`SILENCE`].
pub(crate) const SLOWEST: u64 = 16 * 1024;
/// How long everything but a file's content may take altogether.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the rest of a refused body is still read, so that its sender reads the answer.
const DRAIN: Duration = Duration::from_secs(10);
/// How much of it is read that goes beyond the body's limit.
const MAX_SURPLUS_BYTES: usize = 8 * 1024 * 1024;

/// A body on its way in.
pub(crate) struct Form {
    multipart: Multipart,
    sent: Sent,
    bounds: Bounds,
    parts: usize,
}

/// What is left of each bound.
struct Bounds {
    /// Bytes that arrived since a part or a piece of one was last handed on: headers and what is between
    /// parts are held in memory until they end.
    unread: Arc<AtomicUsize>,
    /// Bytes that all small parts together may still have.
    room: usize,
    patience: Duration,
    /// The limit of the whole body, to be told when it was the one that was broken.
    limit_bytes: u64,
}

impl Form {
    /// A reader of a request's body, whose overall limit is set by its route.
    ///
    /// # Errors
    /// [`Error::BadParameter`] when the request's head does not announce a readable form.
    pub(crate) async fn open(request: Request, limit_bytes: u64) -> Result<Self> {
        let unread = Arc::new(AtomicUsize::new(0));
        let (head, body) = request.into_parts();
        let sent = Sent::of(body);
        let request = Request::from_parts(head, paced(sent.clone(), Arc::clone(&unread)));
        let wrong = |_rejection| bad("request body", "must be multipart/form-data with a boundary");
        let multipart = Multipart::from_request(request, &()).await.map_err(wrong)?;
        let bounds = Bounds { unread, room: MAX_BODY_BYTES, patience: PATIENCE, limit_bytes };
        Ok(Self { multipart, sent, bounds, parts: 0 })
    }

    /// The next part, if there is one.
    pub(crate) async fn next(&mut self) -> Result<Option<Part<'_>>> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(bad("request body", &format!("must not have more than {MAX_PARTS} parts")));
        }
        let field = self.bounds.patiently(self.multipart.next_field()).await?;
        Ok(field.map(|field| Part { field, bounds: &mut self.bounds }))
    }

    /// Reads what is left and forgets it.
    pub(crate) async fn drain(mut self) {
        let rest = async {
            while let Ok(Some(mut field)) = self.multipart.next_field().await {
                while let Ok(Some(_piece)) = field.chunk().await {
                    self.bounds.unread.store(0, Ordering::Relaxed);
                }
            }
            // The reader has given up at the limit, while the sender may be almost done.
            let mut surplus = 0;
            while surplus < MAX_SURPLUS_BYTES
                && let Some(Ok(piece)) = poll_fn(|context| self.sent.poll(context)).await
            {
                surplus += piece.len();
            }
        };
        let _slow = timeout(DRAIN, rest).await;
    }
}

/// One part of a form.
pub(crate) struct Part<'f> {
    field: Field<'f>,
    bounds: &'f mut Bounds,
}

impl Part<'_> {
    pub(crate) fn name(&self) -> &str {
        self.field.name().unwrap_or_default()
    }

    /// A small part's value: none when it is not UTF-8.
    pub(crate) async fn text(mut self) -> Result<Option<String>> {
        let mut value = Vec::new();
        while let Some(piece) = self.bounds.patiently(self.field.chunk()).await? {
            let left = self.bounds.room.checked_sub(piece.len());
            self.bounds.room = left.ok_or(Error::TooLarge { limit_bytes: MAX_BODY_BYTES as u64 })?;
            value.extend_from_slice(&piece);
        }
        Ok(String::from_utf8(value).ok())
    }

    /// The next piece of a file.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>> {
        self.bounds.within(SILENCE, self.field.chunk()).await
    }
}

impl Bounds {
    async fn patiently<T>(&mut self, read: impl Future<Output = Result<T, MultipartError>>) -> Result<T> {
        let began = Instant::now();
        let read = self.within(self.patience.min(SILENCE), read).await;
        self.patience = self.patience.saturating_sub(began.elapsed());
        read
    }

    async fn within<T>(
        &self,
        time: Duration,
        read: impl Future<Output = Result<T, MultipartError>>,
    ) -> Result<T> {
        let late = |_elapsed| bad("request body", "stopped arriving before it was whole");
        let read = timeout(time, read).await.map_err(late)?.map_err(|error| self.cut(&error))?;
        self.unread.store(0, Ordering::Relaxed);
        Ok(read)
    }

    /// A body that ended or broke before it was whole, or that went on after its limit: the reader runs
    /// ahead of the part it is asked for, so a large body is noticed by whichever part is being read.
    fn cut(&self, error: &MultipartError) -> Error {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Error::TooLarge { limit_bytes: self.limit_bytes };
        }
        tracing::debug!(%error, "a multipart body could not be read");
        bad("request body", "is cut off or is not well-formed multipart/form-data")
    }
}
