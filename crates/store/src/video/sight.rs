//! Who sees a video: its visibility, and the one condition that every statement about videos asks.

use domain::{Error, Result, Timestamp, Title, UserId, VideoId, Visibility};

use super::{count_work, show};
use crate::Store;
use crate::card::{column, read_all};
use crate::changes::Touched;
use crate::job::{self, JobKind};
use crate::row::Row;
use crate::search::find_video_anew;
use crate::session::Session;
use crate::tag::tag_anew;
use crate::user::number;

/// Whether a viewer may see the video `v`. What is written for the viewer stands in four places: `?`, or a column's
/// name.
macro_rules! visible {
    ($viewer:literal) => {
        concat!(
            "(NOT ",
            $crate::barrier::blocked!($viewer, "v.author_id"),
            " AND (v.published_at IS NOT NULL OR (v.state = 'ready' AND (v.author_id = ",
            $viewer,
            " OR (v.visibility IN ('followers', 'friends') AND EXISTS (SELECT 1 FROM follow one WHERE one.follower_id = ",
            $viewer,
            " AND one.followee_id = v.author_id) AND (v.visibility = 'followers' OR EXISTS (SELECT 1 FROM follow other \
             WHERE other.follower_id = v.author_id AND other.followee_id = ",
            $viewer,
            ")))))))"
        )
    };
}

pub(crate) use visible;

impl Store {
    /// Says who may see a video of this author. It is hidden at once from who may not; shown when its objects
    /// lie where those who may can read them, within moments. Six statements, on MySQL one more; one when
    /// nothing changes.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when the author has none of that number that is ready, [`Error::VideoHidden`].
    pub async fn set_visibility(
        &self,
        author: UserId,
        video: VideoId,
        visibility: Visibility,
        now: Timestamp,
    ) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "SELECT visibility, published_at FROM video \
                               WHERE id = ? AND author_id = ? AND state = 'ready' LIMIT 1";
                    let row = session.row(sql, [video.get().into(), author.get().into()]).await?;
                    let row = row.ok_or(Error::VideoNotFound(video))?;
                    let now_is = Visibility::stored(&column::<String>(&row, "visibility")?)?;
                    if now_is == Visibility::Hidden {
                        return Err(Error::VideoHidden);
                    }
                    if now_is == visibility {
                        return Ok(());
                    }
                    session.hold_users(author, author).await?;
                    let sql = "UPDATE video SET visibility = ? \
                               WHERE id = ? AND author_id = ? AND state = 'ready' AND visibility <> 'hidden'";
                    let values = [visibility.as_str().into(), video.get().into(), author.get().into()];
                    if session.change(sql, values).await? == 0 {
                        return Err(Error::VideoNotFound(video));
                    }
                    hide(session, author, video).await?;
                    job::insert(session, video, JobKind::Settle, now, now).await
                })
            })
            .await
    }

    /// Shows some of the videos that an author shows to all to followers only, at once; false when there are no more. 30
    /// statements for eight, on MySQL one more; one when there are none.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn withdraw_videos(&self, author: UserId, now: Timestamp) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    session.hold_users(author, author).await?;
                    let sql = "SELECT id, state FROM video WHERE author_id = ? AND visibility = 'public' \
                               AND state NOT IN ('deleting', 'gone') LIMIT 40";
                    let rows = session.rows(sql, [author.get().into()]).await?;
                    let read = |row: &Row| Ok((VideoId::parse(column(row, "id")?)?, column(row, "state")?));
                    let videos = read_all::<(VideoId, String)>(&rows, read)?;
                    for (video, state) in &videos {
                        let video = *video;
                        let sql = "UPDATE video SET visibility = 'followers' WHERE id = ?";
                        session.change(sql, [video.get().into()]).await?;
                        hide(session, author, video).await?;
                        // What is still made is settled when it is.
                        if state == "ready" {
                            job::insert(session, video, JobKind::Settle, now, now).await?;
                        }
                    }
                    Ok(!videos.is_empty())
                })
            })
            .await
    }

    /// Gives a video of this author another title. Four statements, one when refused, two
    /// more with tags.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when the author has none of that number.
    pub async fn set_title(&self, author: UserId, video: VideoId, title: Title) -> Result<()> {
        self.database
            .write(move |session| {
                let title = title.clone();
                Box::pin(async move {
                    let sql = "UPDATE video SET title = ? \
                               WHERE id = ? AND author_id = ? AND state NOT IN ('deleting', 'gone')";
                    let values = [title.as_str().into(), video.get().into(), author.get().into()];
                    if session.change(sql, values).await? == 0 {
                        return Err(Error::VideoNotFound(video));
                    }
                    tag_anew(session, video, &title).await?;
                    find_video_anew(session, video, title.as_str()).await?;
                    revise(session).await
                })
            })
            .await
    }

    /// The objects of a video were copied to where its visibility wants them: from now on these are its
    /// objects, and a public one is published. False, changing nothing, when it wants otherwise by now.
    /// Nine statements when two objects move and the video is published, two for each object more; on MySQL one
    /// more.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn moved(
        &self,
        video: VideoId,
        visibility: Visibility,
        moves: Vec<(String, String)>,
        now: Timestamp,
    ) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    session.hold_author_of(video).await?;
                    let sql = "UPDATE video SET visibility = visibility \
                               WHERE id = ? AND visibility = ? AND state = 'ready'";
                    let values = [video.get().into(), visibility.as_str().into()];
                    if session.change(sql, values).await? == 0 {
                        return Ok(false);
                    }
                    for (from, to) in &moves {
                        move_object(session, video, from, to).await?;
                    }
                    let sql = "SELECT withheld_at FROM video WHERE id = ? AND visibility = 'public' \
                               AND published_at IS NULL LIMIT 1";
                    if let Some(row) = session.row(sql, [video.get().into()]).await? {
                        show_again(session, video, column(&row, "withheld_at")?, now).await?;
                        count_work(session, video, 1).await?;
                    }
                    Ok(true)
                })
            })
            .await
    }
}

/// An object by its new name, wherever it is named. Two statements.
async fn move_object(session: &Session, video: VideoId, from: &str, to: &str) -> Result<()> {
    let sql = "UPDATE video_object SET object_key = ? WHERE object_key = ? AND video_id = ?";
    session.change(sql, [to.into(), from.into(), video.get().into()]).await?;
    let sql = "UPDATE video SET play_key = CASE WHEN play_key = ? THEN ? ELSE play_key END, \
               cover_key = CASE WHEN cover_key = ? THEN ? ELSE cover_key END WHERE id = ?";
    let values = [from.into(), to.into(), from.into(), to.into(), video.get().into()];
    session.change(sql, values).await?;
    Ok(())
}

/// Takes a video out of everybody's sight, if it was in it. Three statements, one if it was not.
pub(crate) async fn hide(session: &Session, author: UserId, video: VideoId) -> Result<()> {
    let sql = "UPDATE video SET withheld_at = published_at, published_at = NULL \
               WHERE id = ? AND published_at IS NOT NULL";
    if session.change(sql, [video.get().into()]).await? > 0 {
        session.touched(Touched::User(author.get()));
        count_work(session, video, -1).await?;
        revise(session).await?;
    }
    Ok(())
}

/// Makes a video visible to all, where it was before it was withheld: hiding it for a while does not make it
/// the newest. Two statements.
async fn show_again(
    session: &Session,
    video: VideoId,
    withheld_at: Option<i64>,
    now: Timestamp,
) -> Result<()> {
    if let Some(at) = withheld_at {
        let sql = "UPDATE video SET published_at = ?, withheld_at = NULL WHERE id = ?";
        if session.change_unless_taken(sql, [at.into(), video.get().into()]).await? {
            return revise(session).await;
        }
    }
    show(session, video, now).await
}

/// Says that pages of the feed show what is no longer so. Who commits last has the highest number: the row is
/// held until then. One statement.
pub(crate) async fn revise(session: &Session) -> Result<()> {
    session.touched(Touched::Feed);
    session.change("UPDATE feed_state SET revision = revision + 1 WHERE id = 1", []).await?;
    Ok(())
}

/// Who published a video that a viewer may see. One statement.
pub(crate) async fn visible_author(
    session: &Session,
    video: VideoId,
    viewer: Option<UserId>,
) -> Result<UserId> {
    let sql = concat!("SELECT v.author_id FROM video v WHERE v.id = ? AND ", visible!("?"), " LIMIT 1");
    let values = [video.get().into()].into_iter().chain(std::iter::repeat_n(number(viewer), 4));
    let row = session.row(sql, values).await?.ok_or(Error::VideoNotFound(video))?;
    UserId::parse(column(&row, "author_id")?)
}
