//! `PUT /api/collaborations/v1/{co}/members` (E4).

use app::organisations::{CollaborationRole, check_collaboration, set_role};
use axum::http::StatusCode;
use http_kit::{Answer, Call};
use serde_json::Value;

use crate::{
    input::{self, SHORT, or_check},
    problem::Failure,
    view::MemberView,
};

pub(crate) async fn handle(mut call: Call) -> Result<Answer, Failure> {
    let read = read(&mut call).await;
    let (app, ctx) = call.admit()?;
    let co = call.parameter("co");
    let (uid, role) = or_check(read, check_collaboration(app, ctx, co)).await?;
    let member = set_role::set_role(app, ctx, co, &uid, role).await?;
    Ok(Answer::json(StatusCode::CREATED, &MemberView::of(&member)))
}

async fn read(call: &mut Call) -> Result<(String, CollaborationRole), Failure> {
    let body = input::object(call).await?;
    let uid = body.required("uid", SHORT)?;
    if !body.has("role") {
        return Err(Failure::bad("Missing key 'role'"));
    }
    let role = match body.get("role").and_then(Value::as_str) {
        Some("admin") => CollaborationRole::Admin,
        Some("member") => CollaborationRole::Member,
        given => return Err(Failure::bad(format!("{} is not a valid role", given.unwrap_or("None")))),
    };
    Ok((uid, role))
}
