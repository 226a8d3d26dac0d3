//! Lists in pages. A cursor is a place in one list and of no other: it is signed, so that a forged one is refused.

use axum::http::StatusCode;
use axum::response::Response;
use domain::Result;
use proto::Slice;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Gateway;
use crate::params::{Params, bad};
use crate::reply;

/// Rows of a page when nothing is said.
const USUAL: i32 = 20;
/// The most rows of a page.
const MOST: i64 = 50;

/// A page of a list, newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct Items<T> {
    items: Vec<T>,
    /// The `cursor` of the next page; absent when this is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Which page of which list.
pub(super) struct Page {
    list: String,
    pub slice: Slice,
}

impl Page {
    /// The page that a request asks for by `cursor` and `limit`.
    pub(super) fn of(gateway: &Gateway, params: &Params, list: impl Into<String>) -> Result<Self> {
        let list = list.into();
        let before = match params.text("cursor")? {
            None => 0,
            Some(cursor) => gateway
                .tokens
                .opened(&list, cursor)
                .ok_or_else(|| bad("cursor", "is not one of this list; begin without one"))?,
        };
        let rows = match params.integer("limit")? {
            None => USUAL,
            Some(rows @ 1..=MOST) => i32::try_from(rows).unwrap_or(USUAL),
            Some(_) => return Err(bad("limit", "must be between 1 and 50")),
        };
        Ok(Self { list, slice: Slice { before, rows } })
    }

    /// The answer: these, and where the next page begins if it is not 0.
    pub(super) fn answer<T: Serialize>(
        &self,
        gateway: &Gateway,
        items: impl IntoIterator<Item = T>,
        next: i64,
    ) -> Response {
        let next_cursor = (next != 0).then(|| gateway.tokens.sealed(&self.list, next));
        reply::list(StatusCode::OK, &Items { items: items.into_iter().collect(), next_cursor })
    }
}
