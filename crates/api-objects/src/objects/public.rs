//! `PATCH /object/{objectId}/public` (togglePublic, section 4.4.2).

use app::objects;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::{problem::Failure, rows::ObjectRow, validate::Reader};

/// Makes a object public, or private when nothing is said. There is no body to send.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let id = reader.id(&call, "objectId");
    let public = reader.query(&call, |query| query.boolean("public"))?;
    let id = reader.finish(|| id)?;
    let (app, context) = call.admit()?;
    let view = objects::set_public(app, context, id, public.unwrap_or(false)).await?;
    Ok(Answer::json(StatusCode::OK, &ObjectRow::from(view)))
}
