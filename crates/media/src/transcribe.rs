//! Captions by a program of the operator's: what it is given is a clip made here, what it prints is WebVTT.

use std::path::Path;
use std::time::Duration;

use crate::arguments::Arguments;
use crate::{Error, Media};

impl Media {
    /// What the configured program prints of a rendition; nothing when none is configured. It runs with the limits
    /// of an encode and without an environment, but is not confined: it is the operator's, and may need a model or
    /// the network. Waits for its turn among the encodes.
    ///
    /// # Errors
    /// The program's or the system's failure.
    pub async fn transcribe(&self, rendition: &Path, duration: Duration) -> Result<Option<String>, Error> {
        if self.tools.transcriber.is_empty() {
            return Ok(None);
        }
        let _permit = self.tools.heavy.acquire().await.ok();
        let arguments = Arguments::default().path(rendition);
        let limits = self.heavy_limits(duration);
        let finished = self.run(&self.tools.transcriber, arguments, limits, None).await?;
        if !finished.success() {
            return Err(finished.failed());
        }
        Ok(Some(String::from_utf8_lossy(&finished.stdout).into_owned()))
    }
}
