//! Files on their way out, window by window: from the page cache at once, from the disk on a thread that may
//! wait for it.

use std::fs::File;
use std::io::{Error, IoSliceMut, Result};
use std::mem;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;
use rustix::io::{ReadWriteFlags, preadv2};
use tokio::task::spawn_blocking;

/// Bytes read at once: few enough to be still in the processor's cache when they are sent.
const WINDOW: usize = 256 * 1024;
/// Buffers kept for the next window: a fresh one costs more to get from the system than to fill.
const KEPT: usize = 16;

/// Buffers that no window is in.
#[derive(Default)]
pub(crate) struct Buffers(Mutex<Vec<Vec<u8>>>);

/// An open file. What it holds can be read to its end even if it is removed meanwhile.
pub(crate) struct Reading {
    pub file: File,
    pub buffers: Arc<Buffers>,
}

/// Bytes of a file, in a buffer that goes back when they are sent.
struct Window {
    buffer: Vec<u8>,
    bytes: usize,
    buffers: Arc<Buffers>,
}

impl Reading {
    /// The bytes of a range. Nothing is read before it is asked for.
    pub(crate) fn windows(self: Arc<Self>, range: Range<u64>) -> impl Stream<Item = Result<Bytes>> + Send {
        stream::try_unfold((self, range), |(reading, rest)| async move {
            if rest.is_empty() {
                return Ok(None);
            }
            let window = reading.window(&rest).await?;
            let next = rest.start + window.len() as u64;
            Ok(Some((window, (reading, next..rest.end))))
        })
    }

    /// The first window of a range.
    async fn window(self: &Arc<Self>, range: &Range<u64>) -> Result<Bytes> {
        let bytes = usize::try_from(range.end - range.start).map_or(WINDOW, |bytes| bytes.min(WINDOW));
        let mut window = Window::of(&self.buffers, bytes);
        let (start, cached) = (range.start, window.fill_from_cache(&self.file, range.start));
        if cached < bytes {
            let reading = Arc::clone(self);
            let filled = spawn_blocking(move || window.fill(cached, &reading.file, start).map(|()| window));
            window = filled.await.map_err(Error::other)??;
        }
        Ok(Bytes::from_owner(window))
    }
}

impl Window {
    fn of(buffers: &Arc<Buffers>, bytes: usize) -> Self {
        let kept = buffers.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Self { buffer: kept.unwrap_or_else(|| vec![0; WINDOW]), bytes, buffers: Arc::clone(buffers) }
    }

    /// Reads what is there without waiting; says how much that was. Saves the way to another thread and back,
    /// a quarter of the time of a small object.
    fn fill_from_cache(&mut self, file: &File, start: u64) -> usize {
        let mut slices = [IoSliceMut::new(&mut self.buffer[..self.bytes])];
        // Whatever else is wrong, the read that waits will say it.
        preadv2(file, &mut slices, start, ReadWriteFlags::NOWAIT).unwrap_or(0)
    }

    /// Reads the rest. The system reads ahead by itself: asked to, it takes twice the time.
    fn fill(&mut self, done: usize, file: &File, start: u64) -> Result<()> {
        file.read_exact_at(&mut self.buffer[done..self.bytes], start + done as u64)
    }
}

impl AsRef<[u8]> for Window {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.bytes]
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let mut kept = self.buffers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push(mem::take(&mut self.buffer));
        }
    }
}
