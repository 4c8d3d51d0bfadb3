//! `HEAD /bucket/{bucketId}` (headBucket, section 4.1.3).

use app::buckets;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::{problem::Failure, validate::Reader};

/// Asks the store whether the bucket can be reached with its credentials.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let id = reader.id(&call, "bucketId");
    reader.query(&call, |_| ())?;
    let id = reader.finish(|| id)?;
    let (app, context) = call.admit()?;
    buckets::head(app, context, id).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
