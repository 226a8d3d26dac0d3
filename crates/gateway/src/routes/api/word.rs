//! Words a site does not want to read, and comments that wait because of them.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::Call;
use proto::{
    DecideHeldCommentRequest, DeleteWordRequest, ListHeldCommentsRequest, ListWordsRequest, PutWordRequest,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Id, Json};
use super::done;
use super::list::{Items, Page};
use super::rule::Account;
use super::video::{Author, author};
use crate::Gateway;
use crate::address::Base;
use crate::error::Failure;
use crate::params::Params;
use crate::reply;

/// What the site does not want to read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewWord {
    /// 1 to 64 characters: a word, several, or signs such as `://`, which every link has.
    word: String,
    /// `hold`: a comment with it waits to be let through. `refuse`: nothing with it is taken, neither titles nor names.
    action: String,
}

#[derive(Serialize, ToSchema)]
struct Word {
    id: i64,
    word: String,
    /// `hold` or `refuse`.
    action: String,
    /// UTC milliseconds.
    created_at: i64,
}

#[derive(Serialize, ToSchema)]
struct Words {
    items: Vec<Word>,
}

/// A comment that waits to be let through.
#[derive(Serialize, ToSchema)]
struct HeldComment {
    /// Not the number it gets as a comment.
    id: i64,
    author: Author,
    video_id: i64,
    /// The comment it replies to.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<i64>,
    content: String,
    /// Because of which word.
    word: String,
    /// UTC milliseconds.
    created_at: i64,
}

/// The words the site does not want to read, at most 1,000.
#[utoipa::path(get, path = "/api/v1/admin/words", tag = "word", responses((status = 200, body = Words)))]
pub(super) async fn list(
    State(gateway): State<Gateway>,
    Account(call): Account,
) -> Result<Response, Failure> {
    let found = gateway.services.comment.list_words(&call, ListWordsRequest {}).await?;
    Ok(reply::list(StatusCode::OK, &Words { items: found.words.into_iter().map(word).collect() }))
}

/// Adds a word, or says anew what becomes of texts with it. It is found however it is written: in other cases, widths or with
/// signs between that nobody sees.
#[utoipa::path(post, path = "/api/v1/admin/words", tag = "word", request_body = NewWord,
    responses((status = 201, body = Word)))]
pub(super) async fn put(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Json(new): Json<NewWord>,
) -> Result<Response, Failure> {
    let request = PutWordRequest { word: new.word, action: new.action };
    let made = gateway.services.comment.put_word(&call, request).await?;
    Ok(reply::line(StatusCode::CREATED, &word(made)))
}

/// Removes a word.
#[utoipa::path(delete, path = "/api/v1/admin/words/{id}", tag = "word", params(("id" = i64, Path)),
    responses((status = 204)))]
pub(super) async fn delete(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(word_id): Id,
) -> Result<Response, Failure> {
    gateway.services.comment.delete_word(&call, DeleteWordRequest { word_id }).await?;
    Ok(done())
}

/// Comments under own videos that wait to be let through, the latest first. After thirty days they are thrown away.
#[utoipa::path(get, path = "/api/v1/account/held-comments", tag = "word",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<HeldComment>)))]
pub(super) async fn held(
    State(gateway): State<Gateway>,
    Account(call): Account,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    waiting((&gateway, &base), &call, &params, false).await
}

/// Comments that wait to be let through under anybody's videos, the latest first.
#[utoipa::path(get, path = "/api/v1/admin/held-comments", tag = "word",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<HeldComment>)))]
pub(super) async fn all_held(
    State(gateway): State<Gateway>,
    Account(call): Account,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    waiting((&gateway, &base), &call, &params, true).await
}

/// Lets a comment through that waits under an own video, or, for administrators, under anybody's.
#[utoipa::path(put, path = "/api/v1/held-comments/{id}", tag = "word", params(("id" = i64, Path)),
    responses((status = 204)))]
pub(super) async fn release(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(held_id): Id,
) -> Result<Response, Failure> {
    decide(&gateway, &call, held_id, true).await
}

/// Throws a comment away that waits under an own video, or, for administrators, under anybody's.
#[utoipa::path(delete, path = "/api/v1/held-comments/{id}", tag = "word", params(("id" = i64, Path)),
    responses((status = 204)))]
pub(super) async fn discard(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(held_id): Id,
) -> Result<Response, Failure> {
    decide(&gateway, &call, held_id, false).await
}

async fn waiting(
    (gateway, base): (&Gateway, &Base),
    call: &Call,
    params: &Params,
    all: bool,
) -> Result<Response, Failure> {
    let page = Page::of(gateway, params, format!("held/{all}/{}", call.viewer()?))?;
    let request = ListHeldCommentsRequest { all, slice: Some(page.slice) };
    let found = gateway.services.comment.list_held_comments(call, request).await?;
    let one = |held: proto::HeldComment| HeldComment {
        id: held.id,
        author: author(base, held.author.unwrap_or_default()),
        video_id: held.video_id,
        parent_id: Some(held.parent_id).filter(|id| *id != 0),
        content: held.content,
        word: held.word,
        created_at: held.created_at,
    };
    Ok(page.answer(gateway, found.comments.into_iter().map(one), found.next))
}

async fn decide(gateway: &Gateway, call: &Call, held_id: i64, show: bool) -> Result<Response, Failure> {
    let request = DecideHeldCommentRequest { held_id, show };
    gateway.services.comment.decide_held_comment(call, request).await?;
    Ok(done())
}

fn word(found: proto::UnwantedWord) -> Word {
    let proto::UnwantedWord { id, word, action, created_at } = found;
    Word { id, word, action, created_at }
}
