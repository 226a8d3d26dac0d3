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
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

/// Bytes read at once: enough that waking the receiver is cheap beside it (half as many cost a third more), few
/// enough to be still in the processor's cache when they are sent.
const WINDOW: usize = 256 * 1024;
/// The same when many receivers are slow: each holds a window for as long as it takes.
const SMALL_WINDOW: usize = 16 * 1024;
/// Windows of full size on their way at once, 32 MiB of them; whoever comes then gets small ones.
const LENT: usize = 128;
/// Buffers kept for the next window: a fresh one costs more to get from the system than to fill.
const KEPT: usize = 16;

/// Files open at once: each holds a descriptor and, while its receiver is slow, a window.
const READERS: usize = 1024;

/// What all readers of a folder share: buffers that no window is in, and places.
pub(crate) struct Readers {
    buffers: Arc<Buffers>,
    places: Arc<Semaphore>,
}

type Buffers = Mutex<Shelf>;

/// Buffers of full size.
#[derive(Default)]
struct Shelf {
    kept: Vec<Vec<u8>>,
    lent: usize,
}

/// An open file. What it holds can be read to its end even if it is removed meanwhile.
pub(crate) struct Reading {
    pub file: File,
    buffers: Arc<Buffers>,
    _place: OwnedSemaphorePermit,
}

/// Bytes of a file, in a buffer that goes back when they are sent.
struct Window {
    buffer: Vec<u8>,
    bytes: usize,
    buffers: Arc<Buffers>,
}

impl Default for Readers {
    fn default() -> Self {
        Self { buffers: Arc::default(), places: Arc::new(Semaphore::new(READERS)) }
    }
}

impl Readers {
    /// A reader of a file, unless there are too many.
    pub(crate) fn of(&self, file: File) -> Option<Reading> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Reading { file, buffers: Arc::clone(&self.buffers), _place: place })
    }
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
        if cached < window.bytes {
            let reading = Arc::clone(self);
            let filled = spawn_blocking(move || window.fill(cached, &reading.file, start).map(|()| window));
            window = filled.await.map_err(Error::other)??;
        }
        Ok(Bytes::from_owner(window))
    }
}

impl Window {
    /// A window for so many bytes, or for as many as there is room for.
    fn of(buffers: &Arc<Buffers>, bytes: usize) -> Self {
        let mut shelf = buffers.lock().unwrap_or_else(PoisonError::into_inner);
        let buffers = Arc::clone(buffers);
        if shelf.lent >= LENT {
            let bytes = bytes.min(SMALL_WINDOW);
            return Self { buffer: vec![0; bytes], bytes, buffers };
        }
        shelf.lent += 1;
        let kept = shelf.kept.pop();
        drop(shelf);
        Self { buffer: kept.unwrap_or_else(|| vec![0; WINDOW]), bytes, buffers }
    }

    /// Reads what is there without waiting; says how much that was. With kept buffers a fifth of a long range's
    /// cost and half of a small object's: no way to another thread and back, no fresh memory.
    fn fill_from_cache(&mut self, file: &File, start: u64) -> usize {
        let mut slices = [IoSliceMut::new(&mut self.buffer[..self.bytes])];
        // Whatever else is wrong, the read that waits will say it.
        preadv2(file, &mut slices, start, ReadWriteFlags::NOWAIT).unwrap_or(0)
    }

    /// Reads the rest. The system reads ahead by itself; asked to, it took twice the processor time.
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
        if self.buffer.len() < WINDOW {
            return;
        }
        let mut shelf = self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.lent -= 1;
        if shelf.kept.len() < KEPT {
            shelf.kept.push(mem::take(&mut self.buffer));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;
    use rustix::fs::{Advice, fadvise};

    use super::*;

    const LENGTH: usize = 2 * WINDOW + WINDOW / 2;

    fn reading(content: &[u8]) -> (tempfile::NamedTempFile, Arc<Reading>) {
        let named = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(named.path(), content).expect("writes");
        let file = File::open(named.path()).expect("opens");
        (named, Arc::new(Readers::default().of(file).expect("has a place")))
    }

    fn content() -> Vec<u8> {
        (0..LENGTH).map(|n| (n / 1000 % 251) as u8).collect()
    }

    async fn read(reading: &Arc<Reading>, range: Range<u64>) -> Result<Vec<Bytes>> {
        Arc::clone(reading).windows(range).try_collect().await
    }

    #[tokio::test]
    async fn a_range_reads_the_same_from_the_cache_and_from_the_disk() {
        let (named, reading) = reading(&content());
        for cached in [true, false] {
            if !cached {
                named.as_file().sync_all().expect("syncs");
                fadvise(&reading.file, 0, None, Advice::DontNeed).expect("forgets");
            }
            let windows = read(&reading, 7..LENGTH as u64 - 7).await.expect("reads");
            assert_eq!(windows.len(), 3);
            assert_eq!(windows.concat(), content()[7..LENGTH - 7], "cached: {cached}");
        }
    }

    #[tokio::test]
    async fn a_removed_file_reads_to_its_end_and_a_shorter_one_is_an_error() {
        let (named, reading) = reading(&content());
        let file = named.into_file();
        assert_eq!(read(&reading, 0..LENGTH as u64).await.expect("reads").concat(), content());
        file.set_len(WINDOW as u64 + 5).expect("shortens");
        let error = read(&reading, 0..LENGTH as u64).await.expect_err("lacks bytes");
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn buffers_come_back_and_few_are_kept() {
        let (_named, reading) = reading(&content());
        let kept = || reading.buffers.lock().expect("is whole").kept.len();
        drop(read(&reading, 0..LENGTH as u64).await.expect("reads"));
        assert_eq!(kept(), 3);
        let held: Vec<_> = (0..2 * KEPT).map(|_| Window::of(&reading.buffers, 1)).collect();
        assert_eq!(kept(), 0);
        drop(held);
        assert_eq!(kept(), KEPT);
    }

    #[tokio::test]
    async fn who_comes_when_many_are_slow_reads_the_same_in_small_windows() {
        let (_named, reading) = reading(&content());
        let slow: Vec<_> = (0..LENT).map(|_| Window::of(&reading.buffers, WINDOW)).collect();
        let windows = read(&reading, 0..LENGTH as u64).await.expect("reads");
        assert!(windows.iter().all(|window| window.len() <= SMALL_WINDOW));
        assert_eq!(windows.concat(), content());
        drop(slow);
        assert_eq!(read(&reading, 0..LENGTH as u64).await.expect("reads").len(), 3);
    }

    #[test]
    fn files_open_at_once_are_bounded() {
        let readers = Readers::default();
        let file = || File::open("/dev/null").expect("opens");
        let mut held: Vec<_> = (0..READERS).map(|_| readers.of(file()).expect("has a place")).collect();
        assert!(readers.of(file()).is_none());
        held.pop();
        assert!(readers.of(file()).is_some());
    }
}
