//! `DELETE /object/{objectId}` (deleteObject, section 4.4.1).

use app::objects;
use axum::http::StatusCode;
use http_kit::{Answer, Call};
use serde::Serialize;

use crate::{problem::Failure, rows::StoreMetadata, validate::Reader};

#[derive(Debug, Serialize)]
struct DeletedRow {
    #[serde(rename = "$metadata")]
    store: StoreMetadata,
    #[serde(rename = "DeleteMarker", skip_serializing_if = "std::ops::Not::not")]
    delete_marker: bool,
    #[serde(rename = "s3VersionId", skip_serializing_if = "Option::is_none")]
    s3_version_id: Option<String>,
}

/// Puts a delete marker on top of an object, or removes the version that is named.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let id = reader.id(&call, "objectId");
    let version = reader.query(&call, super::version)?;
    let id = reader.finish(|| id)?;
    let (app, context) = call.admit()?;
    let deleted = objects::delete(app, context, id, version).await?;
    let row = DeletedRow {
        store: StoreMetadata::new(StatusCode::NO_CONTENT.as_u16(), deleted.request_id),
        delete_marker: deleted.delete_marker,
        s3_version_id: deleted.s3_version_id,
    };
    Ok(Answer::json(StatusCode::OK, &row))
}
