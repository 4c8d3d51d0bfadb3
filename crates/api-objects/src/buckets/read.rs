//! `GET /bucket/{bucketId}` (readBucket, section 4.1.4).

use app::buckets;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::{problem::Failure, rows::BucketRow, validate::Reader};

/// The record of one bucket.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let id = reader.id(&call, "bucketId");
    reader.query(&call, |_| ())?;
    let id = reader.finish(|| id)?;
    let (app, context) = call.admit()?;
    let view = buckets::read(app, context, id).await?;
    Ok(Answer::json(StatusCode::OK, &BucketRow::from(view)))
}
