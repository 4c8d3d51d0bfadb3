//! `GET /api/invitations/v1/invitations/{co}` (E17).

use app::organisations::open_invitations;
use axum::http::StatusCode;
use http_kit::{Answer, Call};
use serde_json::Value;

use crate::{problem::Failure, view::InvitationAnswer};

pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let (app, ctx) = call.admit()?;
    let open = open_invitations::open_invitations(app, ctx, call.parameter("co")).await?;
    let list: Vec<Value> = open.iter().map(|view| InvitationAnswer::of(view, false)).collect();
    Ok(Answer::json(StatusCode::OK, &list))
}
