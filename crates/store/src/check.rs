//! The database against itself: counters against the rows they count, references against what they name.
//! Whether the objects exist is checked where `blobs` is known.

use domain::Result;
use sea_orm::Value;

use crate::Store;
use crate::card::column;

/// One difference between what is stored and what should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Table, or `table.column` of a counter.
    pub place: String,
    /// The row's number; 0 where the table as a whole is meant.
    pub id: i64,
    /// What is wrong, in words.
    pub problem: String,
}

/// A counter, the rows it counts, and the statement that says so.
struct Counter {
    table: &'static str,
    key: &'static str,
    column: &'static str,
    rows: &'static str,
}

const COUNTERS: [Counter; 7] = [
    Counter {
        table: "video_stat",
        key: "video_id",
        column: "like_count",
        rows: "SELECT COUNT(*) FROM video_like x WHERE x.video_id = s.video_id",
    },
    Counter {
        table: "video_stat",
        key: "video_id",
        column: "comment_count",
        rows: "SELECT COUNT(*) FROM comment x WHERE x.video_id = s.video_id",
    },
    Counter {
        table: "user_stat",
        key: "user_id",
        column: "follow_count",
        rows: "SELECT COUNT(*) FROM follow x WHERE x.follower_id = s.user_id",
    },
    Counter {
        table: "user_stat",
        key: "user_id",
        column: "follower_count",
        rows: "SELECT COUNT(*) FROM follow x WHERE x.followee_id = s.user_id",
    },
    Counter {
        table: "user_stat",
        key: "user_id",
        column: "work_count",
        rows: "SELECT COUNT(*) FROM video x WHERE x.author_id = s.user_id AND x.published_at IS NOT NULL",
    },
    Counter {
        table: "user_stat",
        key: "user_id",
        column: "liked_count",
        rows: "SELECT COUNT(*) FROM video_like x WHERE x.user_id = s.user_id",
    },
    Counter {
        table: "user_stat",
        key: "user_id",
        column: "received_like_count",
        rows: "SELECT COUNT(*) FROM video_like x JOIN video v ON v.id = x.video_id WHERE v.author_id = s.user_id",
    },
];

/// Rows that must not exist, as (place, number of the row, problem).
const RULES: [(&str, &str, &str); 5] = [
    (
        "user",
        "SELECT u.id AS id FROM user u LEFT JOIN user_stat s ON s.user_id = u.id \
      WHERE s.user_id IS NULL LIMIT 1000",
        "has no counters",
    ),
    (
        "video",
        "SELECT v.id AS id FROM video v LEFT JOIN video_stat s ON s.video_id = v.id \
      WHERE s.video_id IS NULL LIMIT 1000",
        "has no counters",
    ),
    (
        "video",
        "SELECT v.id AS id FROM video v LEFT JOIN video_object o ON o.object_key = v.play_key \
      WHERE v.state = 'ready' AND (o.object_key IS NULL OR v.published_at IS NULL) LIMIT 1000",
        "is ready without a playable object or a publish time",
    ),
    (
        "video",
        "SELECT v.id AS id FROM video v LEFT JOIN job j ON j.video_id = v.id \
      AND j.state IN ('queued', 'leased') WHERE v.state = 'processing' AND j.id IS NULL LIMIT 1000",
        "is processing and no job works on it",
    ),
    (
        "video",
        "SELECT v.id AS id FROM video v LEFT JOIN video_object o ON o.object_key = v.cover_key \
      WHERE v.cover_key IS NOT NULL AND o.object_key IS NULL LIMIT 1000",
        "names a cover it does not own",
    ),
];

impl Store {
    /// Every difference, at most 1,000 of each kind; an empty list is a healthy database.
    /// Fourteen statements.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn check(&self) -> Result<Vec<Finding>> {
        let session = self.read();
        let mut findings = Vec::new();
        for row in session.rows("PRAGMA integrity_check(1000)", []).await? {
            let problem: String = column(&row, "integrity_check")?;
            if problem != "ok" {
                findings.push(Finding { place: "database".into(), id: 0, problem });
            }
        }
        // As a table: the bare PRAGMA finds nothing on a connection that has not yet read the schema.
        let sql = "SELECT \"table\", rowid, parent FROM pragma_foreign_key_check LIMIT 1000";
        for row in session.rows(sql, []).await? {
            let parent: String = column(&row, "parent")?;
            findings.push(Finding {
                place: column(&row, "table")?,
                id: column::<Option<i64>>(&row, "rowid")?.unwrap_or(0),
                problem: format!("names a row of {parent} that does not exist"),
            });
        }
        for (place, sql, problem) in RULES {
            for row in session.rows(sql, []).await? {
                let id = column(&row, "id")?;
                findings.push(Finding { place: place.into(), id, problem: problem.into() });
            }
        }
        for counter in &COUNTERS {
            let Counter { table, key, column: name, rows } = counter;
            let sql = format!(
                "SELECT {key} AS id, {name} AS stored, real FROM \
                 (SELECT s.{key}, s.{name}, ({rows}) AS real FROM {table} s) counted \
                 WHERE {name} <> real LIMIT 1000"
            );
            for row in session.rows(&sql, []).await? {
                let (stored, real): (i64, i64) = (column(&row, "stored")?, column(&row, "real")?);
                findings.push(Finding {
                    place: format!("{table}.{name}"),
                    id: column(&row, "id")?,
                    problem: format!("says {stored}, the rows say {real}"),
                });
            }
        }
        Ok(findings)
    }

    /// Sets every counter to what its rows say; returns how many counters were wrong. Seven statements.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn repair_counters(&self) -> Result<u64> {
        self.write(|session| {
            Box::pin(async move {
                let mut mended = 0;
                for Counter { table, column, rows, .. } in &COUNTERS {
                    let sql =
                        format!("UPDATE {table} AS s SET {column} = ({rows}) WHERE {column} <> ({rows})");
                    mended += session.change(&sql, Vec::<Value>::new()).await?;
                }
                Ok(mended)
            })
        })
        .await
    }
}
