//! `POST /api/groups/v1` (E11).

use app::organisations::{
    NO_ROW, check_collaboration, cleansed,
    create_group::{self, Request},
};
use axum::http::StatusCode;
use http_kit::{Answer, Call};
use serde_json::json;

use crate::{
    input::{self, Body, LONG, SHORT, or_check},
    problem::Failure,
    view::GroupView,
};

pub(crate) async fn handle(mut call: Call) -> Result<Answer, Failure> {
    let body = input::object(&mut call).await?;
    let (app, ctx) = call.admit()?;
    let Some(collaboration) = body.text("collaboration_identifier", SHORT)? else {
        return Err(Failure::Status(StatusCode::NOT_FOUND, NO_ROW.into()));
    };
    let read = request(&body, &collaboration);
    let request = or_check(read, check_collaboration(app, ctx, &collaboration)).await?;
    // A name that is taken makes nothing and is answered so (organisations contract, S-10).
    Ok(match create_group::create_group(app, ctx, request).await? {
        None => Answer::json(StatusCode::CREATED, &json!({})),
        Some((group, of)) => Answer::json(StatusCode::CREATED, &GroupView::of(&group, &of)),
    })
}

fn request(body: &Body, collaboration: &str) -> Result<Request, Failure> {
    let short_name = body.text("short_name", SHORT)?;
    let short_name = short_name.ok_or_else(|| Failure::bad("Missing short_name in JSON"))?;
    let short_name = cleansed(&short_name);
    if short_name.is_empty() {
        return Err(Failure::bad("'short_name' has no character that a short name may have"));
    }
    let name = body.name("name")?;
    Ok(Request {
        collaboration: collaboration.to_owned(),
        name: name.ok_or_else(|| Failure::bad("Missing key 'name'"))?,
        short_name,
        description: body.text("description", LONG)?,
        auto_provision_members: body.flag("auto_provision_members")?,
    })
}
