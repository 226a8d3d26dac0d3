//! What the platform keeps about one person, for that person to take along.

use domain::{Error, Result, UserId};
use serde_json::{Map, Value as Json};

use crate::Store;
use crate::backup::{ColumnKind, ExportedRow};
use crate::card::column;
use crate::row::Row;

use ColumnKind::{Hex, Integer, Text};

/// Rows read at once, more than a video has files.
const ROWS: usize = 1000;

/// A kind of rows: what is told of each.
struct Section {
    name: &'static str,
    from: &'static str,
    /// Which are the person's.
    whose: &'static str,
    columns: &'static [(&'static str, ColumnKind)],
}

/// Each has `x` with an `id`. Nothing is told here by which somebody else could log in, and nothing that others have
/// decided about the person.
const SECTIONS: [Section; 14] = [
    Section {
        name: "account",
        from: "user x",
        whose: "x.id",
        columns: &[
            ("x.id", Integer),
            ("x.name", Text),
            ("x.display_name", Text),
            ("x.signature", Text),
            ("x.role", Text),
            ("x.is_private", Integer),
            ("x.created_at", Integer),
        ],
    },
    Section {
        name: "videos",
        from: "video x JOIN video_stat s ON s.video_id = x.id AND x.state NOT IN ('deleting', 'gone')",
        whose: "x.author_id",
        columns: &[
            ("x.id", Integer),
            ("x.title", Text),
            ("x.state", Text),
            ("x.visibility", Text),
            ("x.duration_ms", Integer),
            ("x.created_at", Integer),
            ("x.published_at", Integer),
            ("s.like_count", Integer),
            ("s.comment_count", Integer),
            ("s.view_count", Integer),
        ],
    },
    Section {
        name: "comments",
        from: "comment x",
        whose: "x.author_id",
        columns: &[
            ("x.id", Integer),
            ("x.video_id", Integer),
            ("x.parent_id", Integer),
            ("x.content", Text),
            ("x.created_at", Integer),
        ],
    },
    Section { name: "likes", from: "video_like x", whose: "x.user_id", columns: SEEN },
    Section {
        name: "comment_likes",
        from: "comment_like x",
        whose: "x.user_id",
        columns: &[("x.comment_id", Integer), ("x.created_at", Integer)],
    },
    Section { name: "bookmarks", from: "bookmark x", whose: "x.user_id", columns: SEEN },
    Section {
        name: "views",
        from: "video_view x",
        whose: "x.user_id",
        columns: &[("x.video_id", Integer), ("x.seen_at", Integer)],
    },
    Section {
        name: "following",
        from: "follow x JOIN user u ON u.id = x.followee_id",
        whose: "x.follower_id",
        columns: PERSON,
    },
    Section {
        name: "followers",
        from: "follow x JOIN user u ON u.id = x.follower_id",
        whose: "x.followee_id",
        columns: PERSON,
    },
    Section { name: "messages_sent", from: "message x", whose: "x.sender_id", columns: MESSAGE },
    Section { name: "messages_received", from: "message x", whose: "x.receiver_id", columns: MESSAGE },
    Section {
        name: "sessions",
        from: "session x",
        whose: "x.user_id",
        columns: &[
            ("x.device", Text),
            ("x.created_at", Integer),
            ("x.renewed_at", Integer),
            ("x.ended_at", Integer),
        ],
    },
    // These two come with their bytes.
    Section {
        name: "pictures",
        from: "user_object x",
        whose: "x.user_id",
        columns: &[("x.role", Text), ("x.object_key", Text), ("x.bytes", Integer), ("x.sha256", Hex)],
    },
    // What was uploaded as far as it is kept, the tallest that is shown, and captions.
    Section {
        name: "files",
        from: "video x JOIN video_object o ON o.video_id = x.id AND x.state NOT IN ('deleting', 'gone') \
               AND (o.role IN ('source', 'remux') OR o.role LIKE 'captions.%' OR (o.bits_per_second > 0 AND o.height = \
               (SELECT MAX(m.height) FROM video_object m WHERE m.video_id = x.id AND m.bits_per_second > 0)))",
        whose: "x.author_id",
        columns: &[
            ("x.id", Integer),
            ("o.role", Text),
            ("o.object_key", Text),
            ("o.bytes", Integer),
            ("o.sha256", Hex),
        ],
    },
];

const SEEN: &[(&str, ColumnKind)] = &[("x.video_id", Integer), ("x.created_at", Integer)];
const PERSON: &[(&str, ColumnKind)] = &[("u.id", Integer), ("u.name", Text), ("x.created_at", Integer)];
const MESSAGE: &[(&str, ColumnKind)] =
    &[("x.sender_id", Integer), ("x.receiver_id", Integer), ("x.content", Text), ("x.created_at", Integer)];

/// Some rows of what is kept about a person.
#[derive(Clone, Debug, PartialEq)]
pub struct ArchivePart {
    /// What they are.
    pub section: &'static str,
    /// By the names of their columns.
    pub rows: Vec<ExportedRow>,
    /// The section and the place where the next part begins; nothing after the last.
    pub next: Option<(&'static str, i64)>,
}

impl Store {
    /// Part of all that is kept about a person: rows of a section after a place, or of the first section when it is
    /// empty. One statement.
    ///
    /// # Errors
    /// [`Error::BadParameter`] when there is no such section.
    pub async fn archive(&self, user: UserId, section: &str, after: i64) -> Result<ArchivePart> {
        let wanted = |one: &Section| section.is_empty() || one.name == section;
        let place = SECTIONS.iter().position(wanted).ok_or_else(|| Error::BadParameter {
            name: "section".into(),
            problem: "is not one of an archive".into(),
        })?;
        let Section { name, from, whose, columns } = SECTIONS[place];
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let sql = format!(
            "SELECT x.id AS place, {} FROM {from} WHERE {whose} = ? AND x.id > ? ORDER BY x.id LIMIT {ROWS}",
            names.join(", ")
        );
        let id = user.get();
        let read = move |row: &Row| Ok((column::<i64>(row, "place")?, read(row, columns)?));
        let mut found = self
            .database
            .read(move |session| {
                Box::pin(async move {
                    let rows = session.rows(&sql, [id.into(), after.into()]).await?;
                    rows.iter().map(read).collect::<Result<Vec<_>>>()
                })
            })
            .await?;
        // The files of a video are one place, which may go on behind what was read.
        if let Some((last, _)) = found.get(ROWS - 1).filter(|(last, _)| *last != found[0].0) {
            let last = *last;
            found.retain(|(place, _)| *place < last);
        }
        let next = match found.last() {
            Some((last, _)) => Some((name, *last)),
            None => SECTIONS.get(place + 1).map(|next| (next.name, 0)),
        };
        Ok(ArchivePart { section: name, rows: found.into_iter().map(|(_, row)| row).collect(), next })
    }
}

fn read(row: &Row, columns: &[(&str, ColumnKind)]) -> Result<ExportedRow> {
    let mut told = Map::new();
    for (name, kind) in columns {
        let name = name.split_once('.').map_or(*name, |(_, name)| name);
        told.insert(name.to_owned(), kind.json(row, name)?.unwrap_or(Json::Null));
    }
    Ok(told)
}
