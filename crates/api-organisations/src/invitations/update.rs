//! `PATCH /api/invitations/v1/update/{ext}` (E21).

use app::organisations::{
    CollaborationRole, check_invitation,
    update_invitation::{self, Change},
};
use axum::http::StatusCode;
use http_kit::{Answer, Call};
use serde_json::Value;

use crate::{
    input::{self, or_check},
    problem::Failure,
    view::InvitationAnswer,
};

pub(crate) async fn handle(mut call: Call) -> Result<Answer, Failure> {
    let read = read(&mut call).await;
    let (app, ctx) = call.admit()?;
    let ext = call.parameter("ext");
    let change = or_check(read, check_invitation(app, ctx, ext)).await?;
    let view = update_invitation::update_invitation(app, ctx, ext, change).await?;
    Ok(Answer::json(StatusCode::CREATED, &InvitationAnswer::of(&view, false)))
}

async fn read(call: &mut Call) -> Result<Change, Failure> {
    let body = input::object(call).await?;
    // A role that does not exist becomes the lesser one, as in invitations.
    let role = body.get("intended_role").map(|role| match role {
        Value::String(role) if role == "admin" => CollaborationRole::Admin,
        _ => CollaborationRole::Member,
    });
    Ok(Change {
        role,
        groups: body.texts("groups")?,
    })
}
