//! `GET /bucket/{bucketId}/sync` (syncBucket, section 4.8).

use app::sync;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::{problem::Failure, validate::Reader};

/// Asks for the synchronisation of a folder, or of all folders below too, which takes MANAGE and the elevated guard.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let id = reader.id(&call, "bucketId");
    let recursive = reader.query(&call, |query| query.boolean("recursive"))?;
    let id = reader.finish(|| id)?;
    let recursive = recursive.unwrap_or(false);
    if recursive {
        call.require_elevation()?;
    }
    let (app, context) = call.admit()?;
    let new = sync::bucket(app, context, id, recursive).await?;
    Ok(Answer::json(StatusCode::ACCEPTED, &new))
}
