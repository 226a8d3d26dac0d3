//! Views: who watched what for how long. A video is viewed once by each who watched enough of it.

use std::time::Duration;

use domain::{Error, Result, Timestamp, UserId, VideoId};

use crate::Store;
use crate::card::column;
use crate::row::Row;
use crate::user::number;
use crate::video::sight::visible;

/// Who has watched this much has viewed a video, or half of it where that is less.
const ENOUGH: Duration = Duration::from_secs(3);

impl Store {
    /// Somebody has watched a video for so long, in one go; it counts as viewed once, when that was long enough. Four
    /// statements, on MySQL one more; three when it was counted before or does not count yet.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when there is no video of that number that the viewer may see.
    pub async fn watch_video(
        &self,
        viewer: UserId,
        video: VideoId,
        watched: Duration,
        now: Timestamp,
    ) -> Result<()> {
        let sql = concat!("SELECT v.duration_ms FROM video v WHERE v.id = ? AND ", visible!("?"), " LIMIT 1");
        let watched = i64::try_from(watched.as_millis()).unwrap_or(i64::MAX);
        self.database
            .write(move |session| {
                Box::pin(async move {
                    session.hold_video(video).await?;
                    let id = number(Some(viewer));
                    let values = [video.get().into()].into_iter().chain(std::iter::repeat_n(id.clone(), 4));
                    let row = session.row(sql, values).await?.ok_or(Error::VideoNotFound(video))?;
                    // Nobody watches more of a video than there is.
                    let length: i64 = column(&row, "duration_ms")?;
                    let watched = if length > 0 { watched.min(length) } else { watched };
                    let enough = ENOUGH.as_millis() as i64;
                    let is_enough = watched >= if length > 0 { enough.min(length / 2) } else { enough };
                    let before = "SELECT watched_ms, is_counted FROM video_view \
                                  WHERE user_id = ? AND video_id = ? LIMIT 1";
                    let row = session.row(before, [id.clone(), video.get().into()]).await?;
                    let was = |row: Row| -> Result<(i64, i64)> {
                        Ok((column(&row, "watched_ms")?, column(&row, "is_counted")?))
                    };
                    let (longest, counted, sql) = match row.map(was).transpose()? {
                        None => {
                            let sql = "INSERT INTO video_view (watched_ms, is_counted, seen_at, user_id, video_id) \
                                       VALUES (?, ?, ?, ?, ?)";
                            (0, 0, sql)
                        }
                        Some((longest, counted)) => {
                            let sql = "UPDATE video_view SET watched_ms = ?, is_counted = ?, seen_at = ? \
                                       WHERE user_id = ? AND video_id = ?";
                            (longest, counted, sql)
                        }
                    };
                    let counts = counted.max(i64::from(is_enough));
                    let values = [watched.max(longest).into(), counts.into(), now.millis().into()];
                    session.change(sql, values.into_iter().chain([id, video.get().into()])).await?;
                    if counts > counted {
                        // Invariant: view_count equals the rows of video_view that are counted.
                        let sql = "UPDATE video_stat SET view_count = view_count + 1 WHERE video_id = ?";
                        session.change(sql, [video.get().into()]).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}
