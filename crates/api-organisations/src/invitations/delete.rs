//! `DELETE /api/invitations/v1/{ext}` (E19).

use app::organisations::delete_invitation;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::problem::Failure;

pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let (app, ctx) = call.admit()?;
    delete_invitation::delete_invitation(app, ctx, call.parameter("ext")).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
