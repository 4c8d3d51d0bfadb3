//! `DELETE /api/collaborations/v1/{co}` (E3).

use app::organisations::delete;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::problem::Failure;

pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let (app, ctx) = call.admit()?;
    delete::delete(app, ctx, call.parameter("co")).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
