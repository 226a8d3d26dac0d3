//! What is kept about a person, as parts of an archive.

use proto::ArchiveFile;
use serde_json::Value;
use store::ArchivePart;

/// A part of rows, each a line of JSON, with the objects they name.
pub(super) fn part(part: ArchivePart) -> proto::ArchivePart {
    let ArchivePart { section, rows, next } = part;
    let file = |row: &store::ExportedRow| {
        let text = |name| row.get(name).and_then(Value::as_str);
        let (role, key) = (text("role")?, text("object_key")?);
        let of = row.get("id").map_or_else(|| "account".to_owned(), |video| format!("video-{video}"));
        let extension = key.rsplit_once('.').map_or("bin", |(_, extension)| extension);
        Some(ArchiveFile { name: format!("{of}-{role}.{extension}"), key: key.to_owned() })
    };
    let files = rows.iter().filter_map(file).collect();
    let (next_section, next_after) = next.unwrap_or_default();
    proto::ArchivePart {
        section: section.to_owned(),
        rows: rows.into_iter().map(|row| Value::Object(row).to_string()).collect(),
        files,
        next_section: next_section.to_owned(),
        next_after,
    }
}
