//! `DELETE /bucket/{bucketId}` (deleteBucket, section 4.1.7).

use app::buckets;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::{problem::Failure, validate::Reader};

/// Forgets a bucket and, if asked, the buckets below it. What lies in S3 stays.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let id = reader.id(&call, "bucketId");
    let recursive = reader.query(&call, |query| query.boolean("recursive"))?;
    let id = reader.finish(|| id)?;
    let (app, context) = call.admit()?;
    buckets::delete(app, context, id, recursive.unwrap_or(false)).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
