//! `DELETE /api/groups/v1/{group}/members/{uid}` (E15).

use app::organisations::remove_from_group;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::problem::Failure;

pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let (app, ctx) = call.admit()?;
    remove_from_group::remove_from_group(app, ctx, call.parameter("group"), call.parameter("uid")).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
