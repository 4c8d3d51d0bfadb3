//! Collaborations and their members.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod read;
pub(crate) mod remove_member;
pub(crate) mod set_role;
pub(crate) mod set_units;

use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::problem::Failure;

/// `GET /api/collaborations/v1`: there is no list; the organisation has one (E22).
pub(crate) async fn no_list(_: Call) -> Result<Answer, Failure> {
    let text = "The method is not allowed for the requested URL.";
    Err(Failure::Status(StatusCode::METHOD_NOT_ALLOWED, text.into()))
}
