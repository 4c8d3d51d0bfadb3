//! `GET /api/images/collaborations/{id}`: logos, which anybody may see who has the address.

use app::organisations::{NO_ROW, logo};
use axum::http::{HeaderValue, StatusCode, header};
use http_kit::{Answer, Call};
use uuid::Uuid;

use crate::problem::Failure;

pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let (app, ctx) = call.admit()?;
    let not_found = || Failure::Status(StatusCode::NOT_FOUND, NO_ROW.into());
    let id = Uuid::parse_str(call.parameter("id")).map_err(|_| not_found())?;
    let found = logo::logo(app, ctx, id).await?.ok_or_else(not_found)?;
    let media_type = match found.media_type.as_str() {
        "image/jpeg" => "image/jpeg",
        "image/gif" => "image/gif",
        "image/webp" => "image/webp",
        _ => "image/png",
    };
    Ok(Answer::whole(StatusCode::OK, media_type, found.content)
        .with(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"))
        .with(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")))
}
