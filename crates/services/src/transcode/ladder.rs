//! One job's work: from what was uploaded to every rendition, picture and list of segments. What cannot be played
//! yet gets its first rendition before anything else.

use std::path::PathBuf;
use std::time::Duration;

use blobs::Key;
use domain::{Error, Result, Timestamp};
use media::{Gain, HLS_FROM, Probe, Rendition, Rung};
use store::{COMING, FIRST_RENDITION, Finished, Job, NewObject, REMUX, SOURCE, Shape, VideoFiles};

use super::{Progress, Transcoder, own_key};
use crate::media::{media_failed, stored_object};
use crate::video::{caption, new_object};
use crate::{blob_failed, discard};

/// How long what was replaced can still be played by who has its address.
const GRACE: Duration = Duration::from_secs(600);

/// A job with what it works on, in a folder of its own.
pub(super) struct Work<'w> {
    own: &'w Transcoder,
    job: &'w Job,
    video: VideoFiles,
    folder: tempfile::TempDir,
    source: PathBuf,
    probe: Probe,
}

impl<'w> Work<'w> {
    pub(super) async fn begin(own: &'w Transcoder, job: &'w Job) -> Result<Self> {
        let video = own.store.files_of(job.video).await?;
        for file in video.files.iter().filter(|file| file.role == COMING) {
            // An earlier attempt did not get to the end.
            discard(&own.files.blobs, &file.key).await;
        }
        let file = video.file(SOURCE).or(video.file(REMUX));
        let file = file.ok_or_else(|| Error::internal("a video without anything to re-encode"))?;
        let folder = own.files.work_folder()?;
        let source = folder.path().join("source");
        own.files.blobs.fetch(&own_key(&file.key)?, &source).await.map_err(blob_failed)?;
        let probe = own.files.media.probe(&source).await.map_err(media_failed)?;
        Ok(Self { own, job, video, folder, source, probe })
    }

    pub(super) async fn run(self, done: &Progress) -> Result<()> {
        let gain = self.own.files.media.loudness(&self.source, &self.probe).await.map_err(media_failed)?;
        let ladder = self.probe.ladder();
        let (first, others) = ladder.split_at(1);
        let mut share = 0.0;
        let mut renditions = Vec::new();
        if self.video.state == "processing" {
            share = 1.0 / ladder.len() as f64;
            let made = self.encode(first, gain, |part| done.set(part * share)).await?;
            if !self.is_playable(&made[0]).await? {
                return Ok(());
            }
            renditions = made;
        } else if let Some(first) = self.video.file(FIRST_RENDITION) {
            // An earlier attempt got so far.
            renditions.push(self.again(first.clone(), ladder[0]).await?);
        }
        let has_first = !renditions.is_empty();
        let wanted = if has_first { others } else { &ladder };
        if !wanted.is_empty() {
            renditions
                .extend(self.encode(wanted, gain, |part| done.set(share + part * (0.95 - share))).await?);
        }
        let (made, thumbhash) = self.all(&renditions, has_first).await?;
        let Some(objects) = self.keep(made).await? else { return Ok(()) };
        let keys: Vec<String> = objects.iter().map(|object| object.key.clone()).collect();
        let mut unneeded = vec![REMUX];
        if !self.own.keep_originals {
            unneeded.push(SOURCE);
        }
        // Nobody has the address of an original.
        let grace = if self.video.file(SOURCE).is_some() { Duration::ZERO } else { GRACE };
        let delete_at = Timestamp::now().after(grace);
        let finished = Finished { objects, thumbhash, unneeded, delete_at };
        let Job { attempt, video, .. } = self.job;
        if !self.own.store.video_finished(*attempt, *video, finished, Timestamp::now()).await? {
            for key in &keys {
                discard(&self.own.files.blobs, key).await;
            }
        }
        Ok(())
    }

    async fn encode(
        &self,
        rungs: &[Rung],
        gain: Gain,
        progress: impl Fn(f64) + Send + Sync,
    ) -> Result<Vec<Rendition>> {
        let media = &self.own.files.media;
        media
            .encode(&self.source, &self.probe, rungs, gain, self.folder.path(), progress)
            .await
            .map_err(media_failed)
    }

    /// Stores the first rendition where the video's address has pointed to from the beginning. False when another
    /// has the job by now.
    async fn is_playable(&self, first: &Rendition) -> Result<bool> {
        let Job { attempt, video, .. } = self.job;
        let key = own_key(&self.video.play_key)?;
        // Objects never change: one that lost its lease while it encoded must not write the winner's.
        if !self.own.store.objects_coming(*attempt, *video, vec![key.to_string()]).await? {
            return Ok(false);
        }
        let stored = self.own.files.blobs.store_file(&first.path, &key).await.map_err(blob_failed)?;
        let mut object = new_object(stored_object(stored), FIRST_RENDITION);
        object.shape = shape(first);
        self.own.store.video_playable(*attempt, *video, object, Timestamp::now()).await
    }

    /// A rendition that was stored by an earlier attempt.
    async fn again(&self, file: store::VideoFile, rung: Rung) -> Result<Rendition> {
        let path = self.folder.path().join("first.mp4");
        self.own.files.blobs.fetch(&own_key(&file.key)?, &path).await.map_err(blob_failed)?;
        let number = |number: i64| u32::try_from(number).unwrap_or(0);
        Ok(Rendition {
            rung,
            path,
            width: number(file.shape.width),
            height: number(file.shape.height),
            bytes: u64::try_from(file.bytes).unwrap_or(0),
            bits_per_second: u64::try_from(file.shape.bits_per_second).unwrap_or(0),
            codecs: file.shape.format.unwrap_or_default(),
        })
    }

    /// Everything that is not stored yet, and what stands for the cover until it has loaded.
    async fn all(&self, renditions: &[Rendition], has_first: bool) -> Result<(Vec<Made>, Option<Vec<u8>>)> {
        let first = renditions.first().ok_or_else(|| Error::internal("a ladder without a rung"))?;
        let new = renditions.iter().skip(usize::from(has_first));
        let mut made: Vec<Made> =
            new.map(|one| Made::new(one.path.clone(), "mp4", one.rung.name()).shaped(shape(one))).collect();
        if self.probe.duration > HLS_FROM {
            for rendition in renditions {
                made.extend(self.segments(rendition).await?);
            }
        }
        made.extend(self.moving_pictures(first).await?);
        made.extend(self.captions(first).await);
        let (pictures, thumbhash) = self.pictures().await?;
        made.extend(pictures);
        Ok((made, thumbhash))
    }

    /// The same rendition once more in segments, with the list of these.
    async fn segments(&self, rendition: &Rendition) -> Result<[Made; 2]> {
        let name = rendition.rung.name();
        let found = self.own.files.media.segment(&rendition.path, self.folder.path(), name).await;
        let found = found.map_err(media_failed)?;
        let peak = i64::try_from(found.peak_bits_per_second).unwrap_or(i64::MAX);
        let list = self.folder.path().join(format!("{name}.list"));
        tokio::fs::write(&list, found.playlist).await.map_err(Error::unavailable)?;
        Ok([
            Made::new(found.path, "mp4", &format!("segments.{name}"))
                .shaped(Shape { bits_per_second: peak, ..shape(rendition) }),
            Made::new(list, "m3u8", &format!("playlist.{name}")),
        ])
    }

    async fn moving_pictures(&self, first: &Rendition) -> Result<[Made; 2]> {
        let media = &self.own.files.media;
        let (duration, size) = (self.probe.duration, (first.width, first.height));
        let [preview, board] = ["preview.webp", "board.jpg"].map(|name| self.folder.path().join(name));
        media.preview(&first.path, duration, &preview).await.map_err(media_failed)?;
        let tiles = media.storyboard(&first.path, size, duration, &board).await.map_err(media_failed)?;
        let grid = Shape {
            width: tiles.tile_width.into(),
            height: tiles.tile_height.into(),
            format: Some(format!("{}x{}@{:.3}", tiles.columns, tiles.rows, tiles.seconds_per_tile)),
            ..Shape::default()
        };
        Ok([Made::new(preview, "webp", "preview"), Made::new(board, "jpg", "storyboard").shaped(grid)])
    }

    /// What a program of the operator's heard; a clip is no worse for having none.
    async fn captions(&self, first: &Rendition) -> Option<Made> {
        let heard = self.own.files.media.transcribe(&first.path, self.probe.duration).await;
        let track = heard.map_err(media_failed).and_then(|text| text.map(caption::track).transpose());
        let written = match track {
            Ok(None) => return None,
            Ok(Some(track)) => {
                let path = self.folder.path().join("captions.vtt");
                tokio::fs::write(&path, track).await.map(|()| path).map_err(Error::unavailable)
            }
            Err(error) => Err(error),
        };
        match written {
            // Which language it is, nobody said.
            Ok(path) => Some(Made::new(path, "vtt", "captions.und")),
            Err(error) => {
                tracing::warn!(video = %self.job.video, error = %error.chain(), "no captions were made");
                None
            }
        }
    }

    /// The cover in other sizes and kinds, when there is one.
    async fn pictures(&self) -> Result<(Vec<Made>, Option<Vec<u8>>)> {
        let Some(cover) = self.video.file("cover") else { return Ok((Vec::new(), None)) };
        let path = self.folder.path().join("cover.jpg");
        self.own.files.blobs.fetch(&own_key(&cover.key)?, &path).await.map_err(blob_failed)?;
        let made = self.own.files.media.pictures(&path, self.folder.path()).await.map_err(media_failed)?;
        let files = vec![
            Made::new(made.large_webp, "webp", "cover.webp"),
            Made::new(made.small_jpeg, "jpg", "cover.small"),
            Made::new(made.small_webp, "webp", "cover.small.webp"),
        ];
        Ok((files, Some(made.thumbhash)))
    }

    /// Stores files, whose keys are known to the database before; nothing when another has the job by now.
    async fn keep(&self, made: Vec<Made>) -> Result<Option<Vec<NewObject>>> {
        let prefix = self.video.visibility.prefix();
        let mut keys = Vec::new();
        for one in &made {
            keys.push(Key::random(prefix, crate::random_bits()?, one.extension));
        }
        let Job { attempt, video, .. } = self.job;
        let texts = keys.iter().map(Key::to_string).collect();
        if !self.own.store.objects_coming(*attempt, *video, texts).await? {
            return Ok(None);
        }
        let mut objects = Vec::new();
        for (one, key) in made.into_iter().zip(&keys) {
            let stored = self.own.files.blobs.store_file(&one.path, key).await.map_err(blob_failed)?;
            let object = new_object(stored_object(stored), &one.role);
            objects.push(NewObject { shape: one.shape, ..object });
        }
        Ok(Some(objects))
    }
}

/// A file that is to become an object.
struct Made {
    path: PathBuf,
    extension: &'static str,
    role: String,
    shape: Shape,
}

impl Made {
    fn new(path: PathBuf, extension: &'static str, role: &str) -> Self {
        Self { path, extension, role: role.into(), shape: Shape::default() }
    }

    fn shaped(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }
}

fn shape(rendition: &Rendition) -> Shape {
    Shape {
        width: rendition.width.into(),
        height: rendition.height.into(),
        bits_per_second: i64::try_from(rendition.bits_per_second).unwrap_or(i64::MAX),
        format: Some(rendition.codecs.clone()),
    }
}
