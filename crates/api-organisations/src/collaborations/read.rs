//! `GET /api/collaborations/v1/{co}` (E2).

use app::organisations::read;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::{problem::Failure, view::FullView};

pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let (app, ctx) = call.admit()?;
    let full = read::read(app, ctx, call.parameter("co")).await?;
    let view = FullView::of(&full, &app.settings().public_url, false);
    Ok(Answer::json(StatusCode::OK, &view))
}
