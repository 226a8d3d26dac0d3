//! How much the platform holds.

use domain::Result;

use crate::Store;
use crate::card::column;
use crate::row::{Row, read_all};

/// What the platform holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    /// Accounts that are not being deleted.
    pub people: i64,
    /// Videos, in whatever state, that are not being deleted.
    pub videos: i64,
    /// Each kind of object, how many there are, and their bytes.
    pub kinds: Vec<(String, i64, i64)>,
}

impl Store {
    /// What the platform holds. It reads whole tables. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn storage(&self) -> Result<Storage> {
        let sql = "SELECT 'people' AS kind, COUNT(*) AS number, -1 AS bytes FROM user \
                   WHERE standing NOT IN ('leaving', 'gone') \
                   UNION ALL SELECT 'videos', COUNT(*), -1 FROM video WHERE state NOT IN ('deleting', 'gone') \
                   UNION ALL SELECT kind, COUNT(*), CAST(SUM(bytes) AS SIGNED) FROM (SELECT bytes, CASE \
                   WHEN role LIKE 'captions.%' THEN 'captions' ELSE role END AS kind FROM video_object) ours GROUP BY kind \
                   UNION ALL SELECT 'picture', COUNT(*), CAST(COALESCE(SUM(bytes), 0) AS SIGNED) FROM user_object \
                   UNION ALL SELECT 'upload', COUNT(*), CAST(COALESCE(SUM(bytes), 0) AS SIGNED) FROM upload_part LIMIT 200";
        let read = |row: &Row| Ok((column(row, "kind")?, column(row, "number")?, column(row, "bytes")?));
        let counts = self
            .database
            .read_slowly(move |session| {
                Box::pin(async move { read_all::<(String, i64, i64)>(&session.rows(sql, []).await?, read) })
            })
            .await?;
        let of = |kind: &str| {
            counts
                .iter()
                .find(|(known, _, bytes)| known == kind && *bytes < 0)
                .map_or(0, |(_, number, _)| *number)
        };
        let (people, videos) = (of("people"), of("videos"));
        Ok(Storage {
            people,
            videos,
            kinds: counts.into_iter().filter(|(_, _, bytes)| *bytes >= 0).collect(),
        })
    }
}
