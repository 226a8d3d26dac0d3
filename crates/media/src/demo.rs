//! Draws clips to show the platform with: moving pictures, a caption and soft tones, made from nothing. Runs on
//! our own arguments; which clips there are is the caller's.

mod caption;
mod scene;
mod tones;

use std::path::Path;

use crate::arguments::Arguments;
use crate::output::{CLEAN, Output, failure};
use crate::{Error, Media};
use caption::Caption;
use scene::Scene;

/// Few frames and the quickest preset: a clip must cost well under a processor second.
const FRAMES_PER_SECOND: u32 = 20;
const VIDEO: &str =
    "-c:v libx264 -preset ultrafast -crf 28 -g 40 -pix_fmt yuv420p -threads 1 -flags:v +bitexact";
const AUDIO: &str = "-c:a aac -b:a 64k -ac 2 -ar 44100 -flags:a +bitexact";

/// A clip to be drawn. The same clip is drawn the same way by the same ffmpeg.
#[derive(Clone, Debug)]
pub struct Clip {
    /// Chooses picture, colours and tones.
    pub seed: u64,
    /// Width in pixels, made even; 64 at least.
    pub width: u32,
    /// Height in pixels, made even; 64 at least.
    pub height: u32,
    /// Length in seconds, 1 at least.
    pub seconds: u32,
    /// Written in large letters across the picture; any text, only its first lines if it is long.
    pub caption: String,
    /// Without an audio track.
    pub silent: bool,
}

impl Media {
    /// Draws `clip` into a fast-start MP4 at `output` that needs no more than a remux. Leaves the caption out
    /// where ffmpeg cannot draw letters.
    ///
    /// # Errors
    /// The tool's or the system's failure. No output is left.
    pub async fn draw(&self, clip: &Clip, output: &Path) -> Result<(), Error> {
        let _permit = self.tools.light.acquire().await.ok();
        // The tool runs in the output's folder, where the caption's files need no escaping in a filter.
        let output = std::path::absolute(output).map_err(Error::io("find the demo clip's folder"))?;
        let folder = output.parent().unwrap_or(Path::new("/"));
        let made = Output::new(&output);
        let caption =
            Caption::write(clip, folder).await.map_err(Error::io("write the demo clip's caption"))?;
        let limits = self.light_limits();
        let mut finished = self.ffmpeg(arguments(clip, &caption.filters(), &output), limits).await?;
        if !finished.success() && !caption.is_empty() {
            finished = self.ffmpeg(arguments(clip, "", &output), limits).await?;
        }
        if !finished.success() {
            return Err(failure(&finished));
        }
        made.keep();
        Ok(())
    }
}

fn arguments(clip: &Clip, caption: &str, output: &Path) -> Arguments {
    let mut chance = fastrand::Rng::with_seed(clip.seed);
    let (width, height) = clip.size();
    let ground = Scene::choose(&mut chance, clip.seconds()).graph(&mut chance, width, height);
    let picture =
        format!("{ground},scale={width}:{height}:flags=bicubic,setsar=1{caption},format=yuv420p[picture]");
    let graph = if clip.silent {
        picture
    } else {
        format!("{picture};{}[sound]", tones::graph(&mut chance, clip.seconds()))
    };
    let arguments = Arguments::ffmpeg().value("-filter_complex", graph).words("-map [picture]").words(VIDEO);
    let arguments = if clip.silent { arguments } else { arguments.words("-map [sound]").words(AUDIO) };
    let folder = output.parent().unwrap_or(Path::new("/"));
    arguments.value("-t", clip.seconds().to_string()).words(CLEAN).output(output).within(folder)
}

impl Clip {
    fn size(&self) -> (u32, u32) {
        let even = |side: u32| side.max(64) / 2 * 2;
        (even(self.width), even(self.height))
    }

    fn seconds(&self) -> u32 {
        self.seconds.max(1)
    }
}
