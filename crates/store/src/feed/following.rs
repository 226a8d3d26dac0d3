//! The feed of those somebody follows, gathered when it is read: the newest numbers first, in windows that grow until
//! there are enough. Each window costs a look-up for each person followed, and as many rows as they published in it.

use domain::{Result, UserId};
use sea_orm::Value;

use crate::Store;
use crate::barrier::unwanted;
use crate::card::{VideoCard, column, video_columns, video_joins};
use crate::slice::{Listed, Slice};
use crate::user::number;
use crate::video::sight::visible;

/// How many video numbers the first windows span; the last spans the rest.
const WINDOWS: [i64; 3] = [2_000, 20_000, 200_000];
/// People whose videos are looked for: those followed last.
const PEOPLE: u64 = 2_000;

impl Store {
    /// Videos of those a viewer follows, also such as are for followers and friends alone, the newest first, but for
    /// those who are muted. Two
    /// statements, one more for each time that those people were silent for long.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn following_feed(&self, viewer: UserId, slice: Slice) -> Result<Listed<VideoCard>> {
        // What is shown is read for the rows alone that are.
        let sql = concat!(
            "SELECT v.id AS place, ",
            video_columns!(),
            " FROM (SELECT v.id FROM (SELECT followee_id FROM follow WHERE follower_id = ? ORDER BY id DESC LIMIT ?) ends \
             JOIN video v ON v.author_id = ends.followee_id WHERE v.id < ? AND v.id >= ? AND ",
            visible!("?"),
            " AND NOT ",
            unwanted!("?", "v.author_id"),
            " ORDER BY v.id DESC LIMIT ?) few JOIN video v ON v.id = few.id ",
            video_joins!(),
            " ORDER BY v.id DESC LIMIT ?"
        );
        self.database
            .read(move |session| {
                Box::pin(async move {
                    let newest = session.row("SELECT MAX(id) AS id FROM video LIMIT 1", []).await?;
                    let newest: Option<i64> = newest.map(|row| column(&row, "id")).transpose()?.flatten();
                    let end = slice.before.min(newest.unwrap_or(0) + 1);
                    let me = || number(Some(viewer));
                    for window in WINDOWS.into_iter().chain([i64::MAX]) {
                        let start = end.saturating_sub(window).max(0);
                        let [_, limit] = slice.values();
                        let values: [Value; 13] = [
                            me(),
                            me(),
                            me(),
                            PEOPLE.into(),
                            end.into(),
                            start.into(),
                            me(),
                            me(),
                            me(),
                            me(),
                            me(),
                            limit.clone(),
                            limit,
                        ];
                        let found = slice.read(&session.rows(sql, values).await?, VideoCard::read)?;
                        if found.next != 0 || start == 0 {
                            return Ok(found);
                        }
                    }
                    Ok(Listed { rows: Vec::new(), next: 0 })
                })
            })
            .await
    }
}
