//! `PUT /object/{objectId}/version` (copyVersion, section 4.5.2).

use app::objects;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::{
    problem::Failure,
    rows::VersionRow,
    validate::{Reader, rules},
};

/// Makes a copy of a version, or of the newest one that is no delete marker, the latest.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let id = reader.id(&call, "objectId");
    let version = reader.query(&call, |query| query.one("versionId", rules::uuid4))?;
    let id = reader.finish(|| id)?;
    let (app, context) = call.admit()?;
    let view = objects::copy_version(app, context, id, version).await?;
    Ok(Answer::json(StatusCode::CREATED, &VersionRow::from(view)))
}
