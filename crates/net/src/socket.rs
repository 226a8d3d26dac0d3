//! A connection's bytes, counted; and the first of them looked at, to know what is spoken.

use std::io::{ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use crate::calls::Calls;

/// What every HTTP/2 connection begins with, and no other.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What is spoken over a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Http1,
    Http2,
}

pub(crate) struct Socket<S> {
    stream: S,
    calls: Arc<Calls>,
    /// What was read ahead of its time, to be read again.
    ahead: Bytes,
    is_blocked: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub(crate) fn new(stream: S, calls: Arc<Calls>) -> Self {
        Self { stream, calls, ahead: Bytes::new(), is_blocked: false }
    }

    /// Reads as much as it takes to know what is spoken, at least a byte; it will be read again.
    pub(crate) async fn version(&mut self) -> Result<Version> {
        if !self.ahead.is_empty() {
            return Ok(Version::Http1);
        }
        let (mut ahead, mut end) = ([0; PREFACE.len()], 0);
        while end < PREFACE.len() && ahead[..end] == PREFACE[..end] {
            match self.stream.read(&mut ahead[end..]).await? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                more => end += more,
            }
        }
        self.ahead = Bytes::copy_from_slice(&ahead[..end]);
        Ok(if ahead == *PREFACE { Version::Http2 } else { Version::Http1 })
    }

    /// Bytes to be read again.
    pub(crate) fn put_back(&mut self, bytes: Bytes) {
        // Empty ones hold on to the buffer they were cut from.
        self.ahead = if bytes.is_empty() { Bytes::new() } else { bytes };
    }

    /// What a write came to.
    fn wrote<T>(&mut self, polled: Poll<Result<T>>, bytes: impl FnOnce(&T) -> usize) -> Poll<Result<T>> {
        if self.is_blocked != polled.is_pending() {
            self.is_blocked = polled.is_pending();
            self.calls.blocked(self.is_blocked);
        }
        if let Poll::Ready(Ok(done)) = &polled {
            self.calls.wrote(bytes(done));
        }
        polled
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let this = self.get_mut();
        let polled = if this.ahead.is_empty() {
            Pin::new(&mut this.stream).poll_read(context, buffer)
        } else {
            let taken = this.ahead.len().min(buffer.remaining());
            buffer.put_slice(&this.ahead.split_to(taken));
            Poll::Ready(Ok(()))
        };
        if polled.is_ready() {
            this.calls.heard(true);
        }
        polled
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.wrote(polled, |taken| *taken)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.wrote(polled, |taken| *taken)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_flush(context);
        this.wrote(polled, |()| 0)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_shutdown(context);
        this.wrote(polled, |()| 0)
    }
}
