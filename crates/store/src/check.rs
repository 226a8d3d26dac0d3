//! The database against itself: counters against the rows they count, references against what they name.
//! Whether the objects exist is checked where `blobs` is known.

use domain::Result;
use sea_orm::Value;

use crate::Store;
use crate::card::column;
use crate::session::Session;

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

const COUNTERS: [Counter; 10] = [
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
        table: "video_stat",
        key: "video_id",
        column: "view_count",
        rows: "SELECT COUNT(*) FROM video_view x WHERE x.video_id = s.video_id AND x.is_counted = 1",
    },
    Counter {
        table: "comment",
        key: "id",
        column: "reply_count",
        rows: "SELECT COUNT(*) FROM comment x WHERE x.parent_id = s.id",
    },
    Counter {
        table: "comment",
        key: "id",
        column: "like_count",
        rows: "SELECT COUNT(*) FROM comment_like x WHERE x.comment_id = s.id",
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

/// Each reference: the table, the number of its row (0 where rows have none), the column, and the table it
/// names. A test holds this against the schema.
pub(crate) const REFERENCES: [(&str, &str, &str, &str); 57] = [
    ("user_stat", "x.user_id", "user_id", "user"),
    ("video", "x.id", "author_id", "user"),
    ("video_stat", "x.video_id", "video_id", "video"),
    ("video_object", "0", "video_id", "video"),
    ("video_like", "x.id", "user_id", "user"),
    ("video_like", "x.id", "video_id", "video"),
    ("comment", "x.id", "video_id", "video"),
    ("comment", "x.id", "author_id", "user"),
    ("comment", "x.id", "parent_id", "comment"),
    ("comment_like", "x.id", "user_id", "user"),
    ("comment_like", "x.id", "comment_id", "comment"),
    ("report", "x.id", "reporter_id", "user"),
    ("report", "x.id", "video_id", "video"),
    ("report", "x.id", "comment_id", "comment"),
    ("report", "x.id", "person_id", "user"),
    ("follow", "x.id", "follower_id", "user"),
    ("follow", "x.id", "followee_id", "user"),
    ("message", "x.id", "sender_id", "user"),
    ("message", "x.id", "receiver_id", "user"),
    ("conversation", "x.id", "user_id", "user"),
    ("conversation", "x.id", "peer_id", "user"),
    ("conversation", "x.id", "message_id", "message"),
    ("video_tag", "x.id", "tag_id", "tag"),
    ("video_tag", "x.id", "video_id", "video"),
    ("video_view", "x.id", "user_id", "user"),
    ("video_view", "x.id", "video_id", "video"),
    ("job", "x.id", "video_id", "video"),
    ("video_event", "x.id", "video_id", "video"),
    ("upload", "x.id", "user_id", "user"),
    ("upload_part", "x.id", "upload_id", "upload"),
    ("session", "x.id", "user_id", "user"),
    ("answer", "x.id", "user_id", "user"),
    ("audit", "x.id", "user_id", "user"),
    ("bookmark", "x.id", "user_id", "user"),
    ("bookmark", "x.id", "video_id", "video"),
    ("video_text", "x.video_id", "video_id", "video"),
    ("user_text", "x.user_id", "user_id", "user"),
    ("notification", "x.id", "user_id", "user"),
    ("notification", "x.id", "actor_id", "user"),
    ("notification", "x.id", "video_id", "video"),
    ("notification", "x.id", "comment_id", "comment"),
    ("barrier", "x.id", "user_id", "user"),
    ("barrier", "x.id", "other_id", "user"),
    ("impression", "x.id", "user_id", "user"),
    ("impression", "x.id", "video_id", "video"),
    ("user_object", "x.id", "user_id", "user"),
    ("follow_request", "x.id", "requester_id", "user"),
    ("follow_request", "x.id", "user_id", "user"),
    ("webhook_event", "x.id", "webhook_id", "webhook"),
    ("delivery", "x.id", "webhook_id", "webhook"),
    ("recovery_code", "x.id", "user_id", "user"),
    ("share", "x.id", "video_id", "video"),
    ("held_comment", "x.id", "owner_id", "user"),
    ("held_comment", "x.id", "video_id", "video"),
    ("held_comment", "x.id", "author_id", "user"),
    ("held_comment", "x.id", "parent_id", "comment"),
    ("identity", "x.id", "user_id", "user"),
];

/// Rows that must not exist, as (place, number of the row, problem).
const RULES: [(&str, &str, &str); 9] = [
    (
        "user",
        "SELECT u.id AS id FROM user u LEFT JOIN user_stat s ON s.user_id = u.id \
      LEFT JOIN user_text t ON t.user_id = u.id \
      WHERE u.standing <> 'gone' AND (s.user_id IS NULL OR t.user_id IS NULL) LIMIT 1000",
        "has no counters or cannot be searched for",
    ),
    (
        "video",
        "SELECT v.id AS id FROM video v LEFT JOIN video_stat s ON s.video_id = v.id \
      LEFT JOIN video_text t ON t.video_id = v.id WHERE s.video_id IS NULL OR t.video_id IS NULL LIMIT 1000",
        "has no counters or cannot be searched for",
    ),
    (
        "video",
        "SELECT v.id AS id FROM video v LEFT JOIN video_object o ON o.object_key = v.play_key \
      LEFT JOIN job j ON j.video_id = v.id AND j.kind = 'settle' AND j.state IN ('queued', 'leased') \
      WHERE v.state = 'ready' AND (o.object_key IS NULL \
      OR (v.visibility = 'public' AND v.published_at IS NULL AND j.id IS NULL)) LIMIT 1000",
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
        "SELECT v.id AS id FROM video v WHERE v.published_at IS NOT NULL \
      AND (v.state <> 'ready' OR v.visibility <> 'public') LIMIT 1000",
        "is published and should not be",
    ),
    (
        "video",
        "SELECT v.id AS id FROM video v LEFT JOIN job j ON j.video_id = v.id AND j.kind = 'settle' \
      AND j.state IN ('queued', 'leased') WHERE v.state = 'deleting' AND j.id IS NULL LIMIT 1000",
        "is being deleted and no job works on it",
    ),
    (
        "upload",
        "SELECT u.id AS id FROM upload u WHERE u.received <> \
      (SELECT COALESCE(SUM(p.bytes), 0) FROM upload_part p WHERE p.upload_id = u.id) LIMIT 1000",
        "has received other than its parts",
    ),
    (
        "video",
        "SELECT v.id AS id FROM video v LEFT JOIN video_object o ON o.object_key = v.cover_key \
      WHERE v.cover_key IS NOT NULL AND o.object_key IS NULL LIMIT 1000",
        "names a cover it does not own",
    ),
    (
        "user",
        "SELECT u.id AS id FROM user u LEFT JOIN user_object a ON a.object_key = u.avatar_key \
      LEFT JOIN user_object b ON b.object_key = u.background_key WHERE (u.avatar_key IS NOT NULL \
      AND a.object_key IS NULL) OR (u.background_key IS NOT NULL AND b.object_key IS NULL) LIMIT 1000",
        "names a picture they do not own",
    ),
];

impl Store {
    /// Every difference, at most 1,000 of each kind; an empty list is a healthy database.
    /// 21 statements, 20 on MySQL.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn check(&self) -> Result<Vec<Finding>> {
        self.database.read_slowly(|session| Box::pin(findings(session))).await
    }

    /// Sets every counter to what its rows say; returns how many counters were wrong. Ten statements,
    /// on MySQL two more.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn repair_counters(&self) -> Result<u64> {
        self.database
            .write_slowly(|session| {
                Box::pin(async move {
                    session.hold_all().await?;
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

async fn findings(session: &Session) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if session.is_mysql() {
        references_on_mysql(session, &mut findings).await?;
    } else {
        references_on_sqlite(session, &mut findings).await?;
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
            "SELECT {key} AS id, {name} AS stored, actual FROM \
             (SELECT s.{key}, s.{name}, ({rows}) AS actual FROM {table} s) counted \
             WHERE {name} <> actual LIMIT 1000"
        );
        for row in session.rows(&sql, []).await? {
            let (stored, actual): (i64, i64) = (column(&row, "stored")?, column(&row, "actual")?);
            findings.push(Finding {
                place: format!("{table}.{name}"),
                id: column(&row, "id")?,
                problem: format!("says {stored}, the rows say {actual}"),
            });
        }
    }
    Ok(findings)
}

/// The file itself, and every reference to a row that is not there. Two statements.
async fn references_on_sqlite(session: &Session, findings: &mut Vec<Finding>) -> Result<()> {
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
        let id = column::<Option<i64>>(&row, "rowid")?.unwrap_or(0);
        findings.push(orphan(column(&row, "table")?, id, &parent));
    }
    Ok(())
}

/// Every reference to a row that is not there: the server enforces them, unless somebody told it not to.
/// One statement.
async fn references_on_mysql(session: &Session, findings: &mut Vec<Finding>) -> Result<()> {
    let select = |(table, key, column, parent): &(&str, &str, &str, &str)| {
        format!(
            "(SELECT '{table}' AS place, {key} AS id, '{parent}' AS parent FROM {table} x \
             LEFT JOIN {parent} p ON p.id = x.{column} \
             WHERE x.{column} IS NOT NULL AND p.id IS NULL LIMIT 1000)"
        )
    };
    let sql = REFERENCES.iter().map(select).collect::<Vec<_>>().join(" UNION ALL ");
    for row in session.rows(&sql, []).await? {
        let parent: String = column(&row, "parent")?;
        findings.push(orphan(column(&row, "place")?, column(&row, "id")?, &parent));
    }
    Ok(())
}

fn orphan(place: String, id: i64, parent: &str) -> Finding {
    Finding { place, id, problem: format!("names a row of {parent} that does not exist") }
}
