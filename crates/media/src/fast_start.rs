//! Reads boxes of an MP4: whether a player can begin before it has the whole file, and what it has to decode.

use std::io::{ErrorKind, Result, SeekFrom};
use std::path::Path;

use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

const MAX_BOXES: usize = 64;
/// Where an index that comes first is looked through.
const MAX_INDEX_BYTES: u64 = 64 * 1024;
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

/// The video codec as RFC 6381 names it, of a file made here, whose index comes first: what decoders need to know
/// stands behind `avcC` (ISO/IEC 14496-15, 5.3.3.1), its profile, constraints and level after the version.
pub(crate) async fn codec_of(path: &Path) -> Result<String> {
    let mut head = Vec::new();
    File::open(path).await?.take(MAX_INDEX_BYTES).read_to_end(&mut head).await?;
    let found = head.windows(8).find(|window| window.starts_with(b"avcC"));
    let found = found.ok_or_else(|| std::io::Error::new(ErrorKind::InvalidData, "it has no avcC"))?;
    Ok(format!("avc1.{:02x}{:02x}{:02x}", found[5], found[6], found[7]))
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
