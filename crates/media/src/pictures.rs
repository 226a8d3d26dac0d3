//! The cover in other kinds and sizes, and what stands for it until it has loaded.

use std::path::{Path, PathBuf};

use crate::arguments::Arguments;
use crate::output::{Output, failure};
use crate::{Error, Media};

/// The long edge of the small ones, in pixels, at most.
const SMALL: &str =
    "scale=w='min(480,iw)':h='min(480,ih)':force_original_aspect_ratio=decrease:flags=lanczos";
/// One thread each, as for the cover.
const WEBP: &str = "-threads 1 -c:v libwebp -quality 75 -compression_level 4 -frames:v 1 -f webp";
const JPEG: &str = "-threads 1 -c:v mjpeg -q:v 5 -pix_fmt yuvj420p -flags:v +bitexact -frames:v 1 -f mjpeg";
/// The most pixels on a side that a ThumbHash is made of.
const HASHED: u32 = 100;

/// What is made of a cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pictures {
    /// As large as the cover, with fewer bytes.
    pub large_webp: PathBuf,
    /// 480 pixels long.
    pub small_jpeg: PathBuf,
    /// 480 pixels long, with fewer bytes.
    pub small_webp: PathBuf,
    /// A placeholder of some 25 bytes (evanw.github.io/thumbhash).
    pub thumbhash: Vec<u8>,
}

impl Media {
    /// Makes pictures of a cover made here, in `folder`.
    ///
    /// # Errors
    /// The tool's or the system's failure. No output is left.
    pub async fn pictures(&self, cover: &Path, folder: &Path) -> Result<Pictures, Error> {
        let _permit = self.tools.light.acquire().await.ok();
        let [large_webp, small_jpeg, small_webp] =
            ["cover.webp", "small.jpg", "small.webp"].map(|name| folder.join(name));
        let made = [&large_webp, &small_jpeg, &small_webp].map(|path| Output::new(path));
        let arguments = Arguments::ffmpeg()
            .picture_input(cover)
            .words(WEBP)
            .output(&large_webp)
            .value("-vf", SMALL)
            .words(JPEG)
            .output(&small_jpeg)
            .value("-vf", SMALL)
            .words(WEBP)
            .output(&small_webp);
        let finished = self.ffmpeg(arguments, self.light_limits()).await?;
        if !finished.success() {
            return Err(failure(&finished));
        }
        let thumbhash = self.thumbhash(cover).await?;
        made.into_iter().for_each(Output::keep);
        Ok(Pictures { large_webp, small_jpeg, small_webp, thumbhash })
    }

    async fn thumbhash(&self, cover: &Path) -> Result<Vec<u8>, Error> {
        // The height is told by how much comes.
        let scale = format!(
            "scale=w='min({HASHED},iw)':h='min({HASHED},ih)':force_original_aspect_ratio=decrease:flags=area,format=rgba"
        );
        let arguments = Arguments::ffmpeg()
            .picture_input(cover)
            .value("-vf", format!("{scale},showinfo=checksum=0"))
            .words("-v info -nostats -frames:v 1 -threads 1 -f rawvideo pipe:1");
        let finished = self.ffmpeg(arguments, self.light_limits()).await?;
        let size = finished.stderr.lines().find_map(|line| {
            let (_, rest) = line.split_once(" s:")?;
            let (width, height) = rest.split_ascii_whitespace().next()?.split_once('x')?;
            Some((width.parse::<usize>().ok()?, height.parse::<usize>().ok()?))
        });
        let Some((width, height)) =
            size.filter(|(width, height)| width * height * 4 == finished.stdout.len())
        else {
            return Err(finished.failed());
        };
        Ok(thumbhash::rgba_to_thumb_hash(width, height, &finished.stdout))
    }
}
