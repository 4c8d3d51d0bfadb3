//! `DELETE /api/collaborations/v1/{co}/members/{uid}` (E5).

use app::organisations::remove_member;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::problem::Failure;

pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let (app, ctx) = call.admit()?;
    remove_member::remove_member(app, ctx, call.parameter("co"), call.parameter("uid")).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
