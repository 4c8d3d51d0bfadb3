//! `POST /api/groups/v1/{group}` (E13).

use app::organisations::{add_to_group, check_group};
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::{
    input::{self, SHORT, or_check},
    problem::Failure,
    view::GroupView,
};

pub(crate) async fn handle(mut call: Call) -> Result<Answer, Failure> {
    let read = input::object(&mut call).await.and_then(|body| body.text("uid", SHORT));
    let (app, ctx) = call.admit()?;
    let group = call.parameter("group");
    let uid = or_check(read, check_group(app, ctx, group)).await?;
    let (group, of) = add_to_group::add_to_group(app, ctx, group, uid).await?;
    Ok(Answer::json(StatusCode::CREATED, &GroupView::of(&group, &of)))
}
