//! `GET /api/invitations/v1/{ext}` (E18).

use app::organisations::read_invitation;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::{problem::Failure, view::InvitationAnswer};

pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let (app, ctx) = call.admit()?;
    let view = read_invitation::read_invitation(app, ctx, call.parameter("ext")).await?;
    Ok(Answer::json(StatusCode::OK, &InvitationAnswer::of(&view, true)))
}
