//! `DELETE /api/groups/v1/{group}` (E12).

use app::organisations::delete_group;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::problem::Failure;

pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let (app, ctx) = call.admit()?;
    delete_group::delete_group(app, ctx, call.parameter("group")).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
