//! `PUT /api/groups/v1/{group}` (E14).

use app::organisations::{
    check_group,
    update_group::{self, Change},
};
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::{
    input::{self, LONG, or_check},
    problem::Failure,
    view::GroupView,
};

const CHANGEABLE: [&str; 3] = ["name", "description", "auto_provision_members"];

pub(crate) async fn handle(mut call: Call) -> Result<Answer, Failure> {
    let read = read(&mut call).await;
    let (app, ctx) = call.admit()?;
    let group = call.parameter("group");
    let change = or_check(read, check_group(app, ctx, group)).await?;
    let (group, of) = update_group::update_group(app, ctx, group, change).await?;
    Ok(Answer::json(StatusCode::CREATED, &GroupView::of(&group, &of)))
}

async fn read(call: &mut Call) -> Result<Change, Failure> {
    let body = input::object(call).await?;
    if let Some(name) = body.names().find(|name| !CHANGEABLE.contains(name)) {
        let name: String = name.chars().take(64).collect();
        let text = format!("Cannot change {name} of group {}", call.parameter("group"));
        return Err(Failure::bad(text));
    }
    let name = body.name("name")?;
    if body.has("name") && name.is_none() {
        return Err(Failure::bad("'name' must be a text"));
    }
    let description = body.text("description", LONG)?;
    let automatic = body.flag("auto_provision_members")?;
    Ok(Change {
        name,
        description: body.has("description").then_some(description),
        auto_provision_members: body.has("auto_provision_members").then_some(automatic),
    })
}
