//! What a video consists of: its objects, and what a job needs to know of it.

use domain::{Error, Result, Timestamp, UserId, VideoId, Visibility};

use sea_orm::Value;

use super::sight::visible;
use crate::Store;
use crate::card::{VideoCard, column, video_columns, video_joins};
use crate::object::{self, NewObject, Shape};
use crate::row::{Row, read_all};
use crate::session::Session;
use crate::user::number;

/// A video as jobs see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoFiles {
    /// `processing`, `ready`, `failed`, `deleting` or `gone`.
    pub state: String,
    /// Who may see it.
    pub visibility: Visibility,
    /// Whether everybody can see it now.
    pub is_published: bool,
    /// Where what plays is, or will be.
    pub play_key: String,
    /// Its length.
    pub duration_ms: i64,
    /// Some 25 bytes that stand for its cover.
    pub thumbhash: Option<Vec<u8>>,
    /// What is stored of it.
    pub files: Vec<VideoFile>,
}

/// A video as one viewer sees it who looks at nothing else.
#[derive(Clone, Debug)]
pub struct Watched {
    /// As lists show it.
    pub card: VideoCard,
    /// What it consists of.
    pub files: VideoFiles,
    /// Whether the viewer has bookmarked it.
    pub is_bookmarked: bool,
    /// By how many it was viewed.
    pub view_count: i64,
}

/// One object of a video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoFile {
    /// Where it lies.
    pub key: String,
    /// What it is to the video.
    pub role: String,
    /// Its length in bytes.
    pub bytes: i64,
    /// How it is shown.
    pub shape: Shape,
}

impl VideoFiles {
    /// The object that is this to the video.
    #[must_use]
    pub fn file(&self, role: &str) -> Option<&VideoFile> {
        self.files.iter().find(|file| file.role == role)
    }
}

impl Store {
    /// What a video consists of, whoever may see it. Two statements.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`].
    pub async fn files_of(&self, video: VideoId) -> Result<VideoFiles> {
        self.database.read(move |session| Box::pin(files(session, video))).await
    }

    /// A video with what it consists of, for a viewer who may see it; its author sees it before it can be played,
    /// too. Without what is shown to nobody. Three statements.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] for a viewer who may not.
    pub async fn video(&self, video: VideoId, viewer: Option<UserId>) -> Result<Watched> {
        let sql = concat!(
            "SELECT EXISTS (SELECT 1 FROM bookmark b WHERE b.user_id = ? AND b.video_id = v.id) AS is_bookmarked, \
             vs.view_count, ",
            video_columns!(),
            " FROM video v ",
            video_joins!(),
            " WHERE v.id = ? AND (",
            visible!("?"),
            " OR (v.author_id = ? AND v.state IN ('processing', 'failed'))) LIMIT 1"
        );
        let viewer = number(viewer);
        let id = Value::from(video.get());
        let own = [viewer.clone(), viewer.clone(), viewer.clone(), id];
        let values = Vec::from_iter(own.into_iter().chain(std::iter::repeat_n(viewer, 5)));
        let read = self.database.read(move |session| Box::pin(watched(session, sql, values)));
        read.await?.ok_or(Error::VideoNotFound(video))
    }

    /// A video with what it consists of, for whoever has a link to it whose word has this hash: whoever may see it
    /// otherwise, but not what an administrator has hidden. Without what is shown to nobody. Three statements.
    ///
    /// # Errors
    /// [`Error::ShareNotFound`].
    pub async fn shared_video(
        &self,
        word: [u8; 32],
        viewer: Option<UserId>,
        now: Timestamp,
    ) -> Result<Watched> {
        let sql = concat!(
            "SELECT EXISTS (SELECT 1 FROM bookmark b WHERE b.user_id = ? AND b.video_id = v.id) AS is_bookmarked, \
             vs.view_count, ",
            video_columns!(),
            " FROM share s JOIN video v ON v.id = s.video_id ",
            video_joins!(),
            " WHERE s.sha256 = ? AND s.expires_at > ? AND v.state = 'ready' AND v.visibility <> 'hidden' LIMIT 1"
        );
        let viewer = number(viewer);
        let values = vec![viewer.clone(), viewer.clone(), viewer, word.to_vec().into(), now.millis().into()];
        let read = self.database.read(move |session| Box::pin(watched(session, sql, values)));
        read.await?.ok_or(Error::ShareNotFound)
    }
}

impl Store {
    /// Gives a video of this author a file, in place of the one of the same role; gives that one's key, which may
    /// be deleted. Four statements; three without one, one when refused.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when the author has none of that number that is ready.
    pub async fn put_file(&self, author: UserId, video: VideoId, file: NewObject) -> Result<Option<String>> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let old = take(session, author, video, &file.role).await?;
                    object::insert(session, video, std::slice::from_ref(&file)).await?;
                    Ok(old)
                })
            })
            .await
    }

    /// Takes a file from a video of this author; gives its key, which may be deleted, if there is one. Three
    /// statements; two without one, one when refused.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when the author has none of that number that is ready.
    pub async fn take_file(&self, author: UserId, video: VideoId, role: String) -> Result<Option<String>> {
        self.database
            .write(move |session| Box::pin(async move { take(session, author, video, &role).await }))
            .await
    }
}

async fn take(session: &Session, author: UserId, video: VideoId, role: &str) -> Result<Option<String>> {
    // Held, so that two do not both find none.
    let sql = "UPDATE video SET title = title WHERE id = ? AND author_id = ? AND state = 'ready'";
    if session.change(sql, [video.get().into(), author.get().into()]).await? == 0 {
        return Err(Error::VideoNotFound(video));
    }
    let sql = "SELECT object_key FROM video_object WHERE video_id = ? AND role = ? LIMIT 1";
    let Some(row) = session.row(sql, [video.get().into(), role.into()]).await? else { return Ok(None) };
    let key: String = column(&row, "object_key")?;
    session.change("DELETE FROM video_object WHERE object_key = ?", [key.as_str().into()]).await?;
    Ok(Some(key))
}

/// Three statements, one for none.
async fn watched(session: &Session, sql: &str, values: Vec<Value>) -> Result<Option<Watched>> {
    let Some(row) = session.row(sql, values).await? else { return Ok(None) };
    let card = VideoCard::read(&row)?;
    let mut files = files(session, VideoId::parse(card.id)?).await?;
    files.files.retain(|file| !file.key.starts_with("o/"));
    let is_bookmarked = column::<i64>(&row, "is_bookmarked")? != 0;
    Ok(Some(Watched { card, files, is_bookmarked, view_count: column(&row, "view_count")? }))
}

async fn files(session: &Session, video: VideoId) -> Result<VideoFiles> {
    let sql = "SELECT state, visibility, published_at, play_key, duration_ms, thumbhash FROM video \
               WHERE id = ? LIMIT 1";
    let row = session.row(sql, [video.get().into()]).await?.ok_or(Error::VideoNotFound(video))?;
    let sql = "SELECT object_key, role, bytes, width, height, bits_per_second, format FROM video_object \
               WHERE video_id = ? ORDER BY object_key LIMIT 200";
    let files = session.rows(sql, [video.get().into()]).await?;
    Ok(VideoFiles {
        state: column(&row, "state")?,
        visibility: Visibility::stored(&column::<String>(&row, "visibility")?)?,
        is_published: column::<Option<i64>>(&row, "published_at")?.is_some(),
        play_key: column(&row, "play_key")?,
        duration_ms: column(&row, "duration_ms")?,
        thumbhash: column(&row, "thumbhash")?,
        files: read_all(&files, VideoFile::read)?,
    })
}

impl VideoFile {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            key: column(row, "object_key")?,
            role: column(row, "role")?,
            bytes: column(row, "bytes")?,
            shape: Shape {
                width: column(row, "width")?,
                height: column(row, "height")?,
                bits_per_second: column(row, "bits_per_second")?,
                format: column(row, "format")?,
            },
        })
    }
}
