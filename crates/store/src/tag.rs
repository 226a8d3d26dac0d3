//! Tags: the words in titles that videos are found by.

use domain::{Result, Tag, Title, UserId, VideoId};
use sea_orm::Value;

use crate::Store;
use crate::card::{VideoCard, column, video_columns, video_joins};
use crate::coalesce::many;
use crate::row::Row;
use crate::session::Session;
use crate::slice::{Listed, Slice};
use crate::user::number;
use crate::video::sight::visible;

/// A tag that many use of late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagRow {
    /// As it was typed first.
    pub name: String,
    /// How many of the latest videos have it.
    pub videos: i64,
}

impl Store {
    /// Videos with a tag that the viewer may see, the newest first. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn tagged_videos(
        &self,
        tag: Tag,
        viewer: Option<UserId>,
        slice: Slice,
    ) -> Result<Listed<VideoCard>> {
        let sql = concat!(
            "SELECT x.video_id AS place, ",
            video_columns!(),
            " FROM video_tag x JOIN video v ON v.id = x.video_id ",
            video_joins!(),
            " WHERE x.tag_id = (SELECT id FROM tag WHERE name_key = ?) AND ",
            visible!("?"),
            " AND x.video_id < ? ORDER BY x.video_id DESC LIMIT ?"
        );
        let viewer = number(viewer);
        let of = [viewer.clone(), viewer.clone(), tag.key.into()];
        let values = of.into_iter().chain(std::iter::repeat_n(viewer, 4));
        self.database.list_part(sql, values, slice, VideoCard::read).await
    }

    /// The tags that most of the 2,000 videos published last have, at most 20. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn trending_tags(&self) -> Result<Vec<TagRow>> {
        let sql = "SELECT t.name, COUNT(*) AS videos FROM (SELECT id FROM video WHERE published_at IS NOT NULL \
                   ORDER BY published_at DESC LIMIT 2000) latest JOIN video_tag x ON x.video_id = latest.id \
                   JOIN tag t ON t.id = x.tag_id GROUP BY t.id, t.name ORDER BY videos DESC, t.id LIMIT 20";
        let read = |row: &Row| Ok(TagRow { name: column(row, "name")?, videos: column(row, "videos")? });
        self.database.list(sql, [], read).await
    }
}

/// Gives a new video the tags of its title. Two statements, none without tags.
pub(crate) async fn tag(session: &Session, video: VideoId, title: &Title) -> Result<()> {
    let mut tags = Tag::all(title.as_str());
    if tags.is_empty() {
        return Ok(());
    }
    // In the order of the index: two titles with the same new tags wait for each other.
    tags.sort_by(|one, other| one.key.cmp(&other.key));
    let ignore = if session.is_mysql() { "INSERT IGNORE" } else { "INSERT OR IGNORE" };
    let rows = vec![many::list(2); tags.len()].join(", ");
    let values = tags.iter().flat_map(|tag| [Value::from(tag.key.as_str()), tag.name.as_str().into()]);
    session.change(&format!("{ignore} INTO tag (name_key, name) VALUES {rows}"), values).await?;
    let sql = format!(
        "INSERT INTO video_tag (tag_id, video_id) SELECT id, ? FROM tag WHERE name_key IN {} LIMIT {}",
        many::list(tags.len()),
        tags.len()
    );
    let keys = tags.into_iter().map(|tag| Value::from(tag.key));
    session.change(&sql, [video.get().into()].into_iter().chain(keys)).await?;
    Ok(())
}

/// Gives a video the tags of another title. One statement, two more with tags.
pub(crate) async fn tag_anew(session: &Session, video: VideoId, title: &Title) -> Result<()> {
    session.change("DELETE FROM video_tag WHERE video_id = ?", [video.get().into()]).await?;
    tag(session, video, title).await
}
