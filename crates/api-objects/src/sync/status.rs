//! `GET /sync/status` (syncStatus, section 4.8).

use app::sync;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::{
    problem::Failure,
    validate::{Reader, rules},
};

/// How many jobs are not done yet, of what the caller may see.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let buckets = reader.query(&call, |query| query.many("bucketId", rules::uuid4))?;
    let buckets = reader.finish(|| Some(buckets))?;
    let (app, context) = call.admit()?;
    let jobs = sync::status(app, context, buckets).await?;
    Ok(Answer::json(StatusCode::OK, &jobs))
}
