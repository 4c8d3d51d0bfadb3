//! `PATCH /bucket/{bucketId}/public` (togglePublic, section 4.1.6).

use app::buckets;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::{problem::Failure, rows::BucketRow, validate::Reader};

/// Makes a bucket public, or private when nothing is said. There is no body to send.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let id = reader.id(&call, "bucketId");
    let public = reader.query(&call, |query| query.boolean("public"))?;
    let id = reader.finish(|| id)?;
    let (app, context) = call.admit()?;
    let view = buckets::set_public(app, context, id, public.unwrap_or(false)).await?;
    Ok(Answer::json(StatusCode::OK, &BucketRow::from(view)))
}
