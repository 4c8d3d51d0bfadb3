//! `PUT /api/invitations/v1/resend/{ext}` (E20).

use app::organisations::resend_invitation;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::{problem::Failure, view::InvitationAnswer};

pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let (app, ctx) = call.admit()?;
    let view = resend_invitation::resend_invitation(app, ctx, call.parameter("ext")).await?;
    Ok(Answer::json(StatusCode::CREATED, &InvitationAnswer::of(&view, false)))
}
