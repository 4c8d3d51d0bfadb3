//! `GET /object/{objectId}/sync` (syncObject, section 4.8).

use app::sync;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::{problem::Failure, validate::Reader};

/// Asks for the synchronisation of one object.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let id = reader.id(&call, "objectId");
    reader.query(&call, |_| ())?;
    let id = reader.finish(|| id)?;
    let (app, context) = call.admit()?;
    let new = sync::object(app, context, id).await?;
    Ok(Answer::json(StatusCode::ACCEPTED, &new))
}
