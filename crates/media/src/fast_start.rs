//! Reads the outermost boxes of an MP4 to tell whether a player can begin before it has the whole file.

use std::io::{ErrorKind, Result, SeekFrom};
use std::path::Path;

use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

const MAX_BOXES: usize = 64;
/// A box's size and name; a size of 1 means that the real one follows as a 64-bit number.
const HEADER_BYTES: u64 = 8;
const LONG_HEADER_BYTES: u64 = 16;

/// Whether `moov` comes before `mdat`.
pub(crate) async fn is_fast_start(path: &Path) -> Result<bool> {
    let mut file = File::open(path).await?;
    let mut position = 0;
    for _ in 0..MAX_BOXES {
        file.seek(SeekFrom::Start(position)).await?;
        let Some((name, size)) = next_box(&mut file).await? else {
            return Ok(false);
        };
        match &name {
            b"moov" => return Ok(true),
            b"mdat" => return Ok(false),
            _ => {}
        }
        let Some(next) = position.checked_add(size) else {
            return Ok(false);
        };
        position = next;
    }
    Ok(false)
}

/// The name and whole size of the box here; none at the end of the file or on nonsense.
async fn next_box(file: &mut File) -> Result<Option<([u8; 4], u64)>> {
    let size = match file.read_u32().await {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        size => u64::from(size?),
    };
    let mut name = [0; 4];
    file.read_exact(&mut name).await?;
    let (size, header) = match size {
        1 => (file.read_u64().await?, LONG_HEADER_BYTES),
        size => (size, HEADER_BYTES),
    };
    Ok((size >= header).then_some((name, size)))
}
