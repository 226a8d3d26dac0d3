//! Reports, and what administrators decide about what others published.

use axum::extract::{Path, State};
use axum::response::Response;
use domain::Call;
use proto::{
    DecideReportRequest, HideVideoRequest, ListReportsRequest, RemoveCommentRequest, ReportRequest,
    VideoRequest,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Id, Json};
use super::comment::Place;
use super::done;
use super::list::{Items, Page};
use super::rule::Account;
use crate::Gateway;
use crate::error::Failure;
use crate::params::Params;

/// Why an administrator should look at it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewReport {
    /// `spam`, `sexual`, `violence`, `harassment`, `copyright` or `other`.
    reason: String,
    /// At most 255 characters.
    #[serde(default)]
    detail: String,
}

#[derive(Serialize, ToSchema)]
struct Report {
    id: i64,
    /// The name of who reports.
    by: String,
    reason: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
    /// The video it is about, or that the comment is under.
    #[serde(skip_serializing_if = "Option::is_none")]
    video_id: Option<i64>,
    /// The comment it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment_id: Option<i64>,
    /// The person it is about, or who published or wrote what it is about.
    user_id: i64,
    user_name: String,
    /// The title, or what the comment says.
    #[serde(skip_serializing_if = "String::is_empty")]
    excerpt: String,
    /// UTC milliseconds.
    created_at: i64,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Decide {
    /// `upheld`, `dismissed`, or `open` again.
    verdict: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Hide {
    /// For the audit log: 1 to 255 characters.
    reason: String,
}

/// Reports a video. Who has reported it before changes nothing.
#[utoipa::path(post, path = "/api/v1/videos/{id}/reports", tag = "report", params(("id" = i64, Path)),
    request_body = NewReport, responses((status = 204)))]
pub(super) async fn video(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
    Json(report): Json<NewReport>,
) -> Result<Response, Failure> {
    send(&gateway, &call, ReportRequest { video_id, ..ReportRequest::default() }, report).await
}

/// Reports a comment. Who has reported it before changes nothing.
#[utoipa::path(post, path = "/api/v1/videos/{id}/comments/{comment}/reports", tag = "report",
    params(("id" = i64, Path), ("comment" = i64, Path)), request_body = NewReport, responses((status = 204)))]
pub(super) async fn comment(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Path(place): Path<Place>,
    Json(report): Json<NewReport>,
) -> Result<Response, Failure> {
    let (video_id, comment_id) = place.numbers()?;
    send(&gateway, &call, ReportRequest { video_id, comment_id, ..ReportRequest::default() }, report).await
}

/// Reports a person. Who has reported them before changes nothing.
#[utoipa::path(post, path = "/api/v1/users/{id}/reports", tag = "report", params(("id" = i64, Path)),
    request_body = NewReport, responses((status = 204)))]
pub(super) async fn person(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(user_id): Id,
    Json(report): Json<NewReport>,
) -> Result<Response, Failure> {
    send(&gateway, &call, ReportRequest { user_id, ..ReportRequest::default() }, report).await
}

async fn send(
    gateway: &Gateway,
    call: &Call,
    about: ReportRequest,
    NewReport { reason, detail }: NewReport,
) -> Result<Response, Failure> {
    gateway.services.user.report(call, ReportRequest { reason, detail, ..about }).await?;
    Ok(done())
}

/// Reports with a verdict, the latest first.
#[utoipa::path(get, path = "/api/v1/admin/reports", tag = "admin",
    params(("verdict" = Option<String>, Query, description = "`open` (when absent), `upheld` or `dismissed`"),
        ("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Report>)))]
pub(super) async fn reports(
    State(gateway): State<Gateway>,
    Account(call): Account,
    params: Params,
) -> Result<Response, Failure> {
    let verdict = params.text("verdict")?.unwrap_or("open").to_owned();
    let page = Page::of(&gateway, &params, format!("reports/{verdict}"))?;
    let request = ListReportsRequest { verdict, slice: Some(page.slice) };
    let found = gateway.services.user.list_reports(&call, request).await?;
    let report = |report: proto::Report| Report {
        id: report.id,
        by: report.by,
        reason: report.reason,
        detail: report.detail,
        video_id: Some(report.video_id).filter(|id| *id != 0),
        comment_id: Some(report.comment_id).filter(|id| *id != 0),
        user_id: report.user_id,
        user_name: report.user_name,
        excerpt: report.excerpt,
        created_at: report.created_at,
    };
    Ok(page.answer(&gateway, found.reports.into_iter().map(report), found.next))
}

/// Decides about a report. A decision can be changed.
#[utoipa::path(put, path = "/api/v1/admin/reports/{id}/verdict", tag = "admin", params(("id" = i64, Path)),
    request_body = Decide, responses((status = 204)))]
pub(super) async fn decide(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(report_id): Id,
    Json(Decide { verdict }): Json<Decide>,
) -> Result<Response, Failure> {
    gateway.services.user.decide_report(&call, DecideReportRequest { report_id, verdict }).await?;
    Ok(done())
}

/// Takes a video out of the sight of all but its author, its bytes included; open reports of it are upheld.
#[utoipa::path(put, path = "/api/v1/admin/videos/{id}/hidden", tag = "admin", params(("id" = i64, Path)),
    request_body = Hide, responses((status = 204)))]
pub(super) async fn hide(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
    Json(Hide { reason }): Json<Hide>,
) -> Result<Response, Failure> {
    gateway.services.video.hide_video(&call, HideVideoRequest { video_id, reason }).await?;
    Ok(done())
}

/// Lets a hidden video be seen again, by whom its author chose.
#[utoipa::path(delete, path = "/api/v1/admin/videos/{id}/hidden", tag = "admin", params(("id" = i64, Path)),
    responses((status = 204)))]
pub(super) async fn restore(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
) -> Result<Response, Failure> {
    gateway.services.video.restore_video(&call, VideoRequest { video_id }).await?;
    Ok(done())
}

/// Deletes a comment and its replies, whoever wrote it. The audit log keeps what it said.
#[utoipa::path(delete, path = "/api/v1/admin/videos/{id}/comments/{comment}", tag = "admin",
    params(("id" = i64, Path), ("comment" = i64, Path)), responses((status = 204)))]
pub(super) async fn remove_comment(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Path(place): Path<Place>,
) -> Result<Response, Failure> {
    let (video_id, comment_id) = place.numbers()?;
    let request = RemoveCommentRequest { video_id, comment_id };
    gateway.services.comment.remove_comment(&call, request).await?;
    Ok(done())
}
