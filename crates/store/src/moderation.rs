//! Reports, and what administrators decide about what others published. Every decision leaves a line in the audit log,
//! in the same transaction.

use domain::{
    CommentId, Content, Error, Occasion, Reason, Result, Timestamp, UserId, Verdict, VideoId, Visibility,
};
use sea_orm::Value;

use crate::Store;
use crate::administration::audit;
use crate::card::column;
use crate::comment::Said;
use crate::job::{self, JobKind};
use crate::notification::{News, tell};
use crate::row::Row;
use crate::session::Session;
use crate::slice::{Listed, Slice};
use crate::user::exists;
use crate::video::sight::{hide, visible_author};

/// What a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A video.
    Video(VideoId),
    /// A comment under a video.
    Comment(VideoId, CommentId),
    /// A person.
    Person(UserId),
}

/// A report as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRow {
    /// Its number.
    pub id: i64,
    /// The name of who reports.
    pub by: String,
    /// Why, a stable word.
    pub reason: String,
    /// Why, in their words; may be empty.
    pub detail: String,
    /// The video it is about, or that the comment is under.
    pub video: Option<i64>,
    /// The comment it is about.
    pub comment: Option<i64>,
    /// The person it is about, or who published or wrote what it is about.
    pub person: i64,
    /// That person's name.
    pub name: String,
    /// The title, or what the comment says; empty for a person.
    pub excerpt: String,
    /// UTC milliseconds.
    pub created_at: i64,
}

impl Store {
    /// Reports something; who has reported it before changes nothing. Two statements, about a comment three.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`], [`Error::CommentNotFound`] and [`Error::UserNotFound`] for what the reporter does not
    /// see.
    pub async fn report(
        &self,
        reporter: UserId,
        subject: Subject,
        reason: Reason,
        detail: Option<Content>,
        now: Timestamp,
    ) -> Result<()> {
        self.database
            .write(move |session| {
                let detail = detail.clone();
                Box::pin(async move {
                    if let Subject::Video(video) | Subject::Comment(video, _) = subject {
                        visible_author(session, video, Some(reporter)).await?;
                    }
                    if let Subject::Comment(video, comment) = subject {
                        let said = Said::find(session, video, comment).await?;
                        said.ok_or(Error::CommentNotFound(comment))?;
                    }
                    if let Subject::Person(person) = subject {
                        exists(session, person).await?;
                    }
                    let [video, comment, person] = match subject {
                        Subject::Video(video) => [Some(video.get()), None, None],
                        Subject::Comment(_, comment) => [None, Some(comment.get()), None],
                        Subject::Person(person) => [None, None, Some(person.get())],
                    };
                    let sql = "INSERT INTO report (reporter_id, video_id, comment_id, person_id, reason, detail, \
                               verdict, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
                    let detail = detail.map_or_else(String::new, |detail| detail.as_str().to_owned());
                    let values: [Value; 8] = [
                        reporter.get().into(),
                        video.into(),
                        comment.into(),
                        person.into(),
                        reason.as_str().into(),
                        detail.into(),
                        Verdict::Open.as_str().into(),
                        now.millis().into(),
                    ];
                    session.insert_new(sql, values).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Reports with a verdict, the latest first. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn reports(&self, verdict: Verdict, slice: Slice) -> Result<Listed<ReportRow>> {
        let sql = "SELECT r.id AS place, r.reason, r.detail, r.created_at, by_whom.name AS reporter, \
                   COALESCE(r.video_id, c.video_id) AS video, r.comment_id AS comment, u.id AS person, u.name, \
                   COALESCE(c.content, v.title, '') AS excerpt \
                   FROM report r LEFT JOIN user by_whom ON by_whom.id = r.reporter_id \
                   LEFT JOIN video v ON v.id = r.video_id LEFT JOIN comment c ON c.id = r.comment_id \
                   LEFT JOIN user u ON u.id = COALESCE(r.person_id, c.author_id, v.author_id) \
                   WHERE r.verdict = ? AND r.id < ? ORDER BY r.id DESC LIMIT ?";
        let read = |row: &Row| {
            Ok(ReportRow {
                id: column(row, "place")?,
                by: column(row, "reporter")?,
                reason: column(row, "reason")?,
                detail: column(row, "detail")?,
                video: column(row, "video")?,
                comment: column(row, "comment")?,
                person: column(row, "person")?,
                name: column(row, "name")?,
                excerpt: column(row, "excerpt")?,
                created_at: column(row, "created_at")?,
            })
        };
        self.database.list_part(sql, [verdict.as_str().into()], slice, read).await
    }

    /// Takes a video out of the sight of all but its author, whatever they chose, until it is restored; open reports
    /// of it were right. Nine statements, on MySQL one more; one when it is hidden already.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when there is none of that number that is ready.
    pub async fn hide_video(
        &self,
        admin: UserId,
        video: VideoId,
        reason: String,
        now: Timestamp,
    ) -> Result<()> {
        self.database
            .write(move |session| {
                let reason = reason.clone();
                Box::pin(async move {
                    let (author, visibility) = decided(session, video).await?;
                    if visibility == Visibility::Hidden {
                        return Ok(());
                    }
                    session.hold_users(author, author).await?;
                    hide(session, author, video).await?;
                    // From left to right, as MySQL does it.
                    let sql = "UPDATE video SET chosen_visibility = visibility, visibility = 'hidden' \
                               WHERE id = ? AND state = 'ready' AND visibility <> 'hidden'";
                    if session.change(sql, [video.get().into()]).await? == 0 {
                        return Ok(());
                    }
                    job::insert(session, video, JobKind::Settle, now, now).await?;
                    let sql = "UPDATE report SET verdict = 'upheld' WHERE video_id = ? AND verdict = 'open'";
                    session.change(sql, [video.get().into()]).await?;
                    tell(session, [News::of_video(author.get(), Occasion::VideoHidden, video, now)]).await?;
                    audit(session, admin, "hid", &format!("video {video}"), &reason, now).await
                })
            })
            .await
    }

    /// Lets be seen again what was hidden, by whom its author chose and where it was. Five statements; one when it is
    /// not hidden.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when there is none of that number that is ready.
    pub async fn restore_video(&self, admin: UserId, video: VideoId, now: Timestamp) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let (author, visibility) = decided(session, video).await?;
                    if visibility != Visibility::Hidden {
                        return Ok(());
                    }
                    let sql = "UPDATE video SET visibility = CASE WHEN chosen_visibility = 'public' AND \
                               (SELECT is_private FROM user WHERE id = author_id) = 1 THEN 'followers' \
                               ELSE chosen_visibility END, chosen_visibility = NULL \
                               WHERE id = ? AND visibility = 'hidden'";
                    session.change(sql, [video.get().into()]).await?;
                    job::insert(session, video, JobKind::Settle, now, now).await?;
                    tell(session, [News::of_video(author.get(), Occasion::VideoRestored, video, now)])
                        .await?;
                    audit(session, admin, "restored", &format!("video {video}"), "", now).await
                })
            })
            .await
    }

    /// Deletes a comment and its replies, whoever wrote it. Five statements, on MySQL one more; of a reply, or a
    /// comment that has some, six.
    ///
    /// # Errors
    /// [`Error::CommentNotFound`].
    pub async fn remove_comment(
        &self,
        admin: UserId,
        video: VideoId,
        comment: CommentId,
        now: Timestamp,
    ) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    session.hold_video(video).await?;
                    let said = Said::find(session, video, comment).await?;
                    let said = said.ok_or(Error::CommentNotFound(comment))?;
                    let (content, author) = (said.content.clone(), said.author);
                    said.delete(session).await?;
                    tell(session, [News::of_video(author, Occasion::CommentRemoved, video, now)]).await?;
                    audit(session, admin, "removed", &format!("comment {comment}"), &content, now).await
                })
            })
            .await
    }

    /// Decides about a report; a decision can be changed. Two statements, one when refused.
    ///
    /// # Errors
    /// [`Error::ReportNotFound`].
    pub async fn decide_report(
        &self,
        admin: UserId,
        report: i64,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "UPDATE report SET verdict = ? WHERE id = ?";
                    if session.change(sql, [verdict.as_str().into(), report.into()]).await? == 0 {
                        return Err(Error::ReportNotFound);
                    }
                    audit(session, admin, verdict.as_str(), &format!("report {report}"), "", now).await
                })
            })
            .await
    }
}

/// Who published a video, and who may see it. One statement.
async fn decided(session: &Session, video: VideoId) -> Result<(UserId, Visibility)> {
    let sql = "SELECT author_id, visibility FROM video WHERE id = ? AND state = 'ready' LIMIT 1";
    let row = session.row(sql, [video.get().into()]).await?.ok_or(Error::VideoNotFound(video))?;
    let visibility = Visibility::stored(&column::<String>(&row, "visibility")?)?;
    Ok((UserId::parse(column(&row, "author_id")?)?, visibility))
}
