//! `GET /object/{objectId}/version` (listObjectVersion, section 4.5.1).

use app::objects;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::{problem::Failure, rows::VersionRow, validate::Reader};

/// Every version of an object, delete markers included, the newest first.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let id = reader.id(&call, "objectId");
    reader.query(&call, |_| ())?;
    let id = reader.finish(|| id)?;
    let (app, context) = call.admit()?;
    let views = objects::versions(app, context, id).await?;
    let rows: Vec<VersionRow> = views.into_iter().map(VersionRow::from).collect();
    Ok(Answer::json(StatusCode::OK, &rows))
}
