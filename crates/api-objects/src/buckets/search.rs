//! `GET /bucket` (searchBuckets, section 4.1.2).

use app::buckets::{self, BucketFilter};
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use super::LONGEST;
use crate::{
    problem::Failure,
    rows::BucketRow,
    validate::{Fields, Reader, rules},
};

/// The records of all buckets that match.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let filter = reader.query(&call, fields)?;
    let filter = reader.finish(|| Some(filter))?;
    let (app, context) = call.admit()?;
    let views = buckets::search(app, context, filter).await?;
    let rows: Vec<BucketRow> = views.into_iter().map(BucketRow::from).collect();
    Ok(Answer::json(StatusCode::OK, &rows))
}

fn fields(query: &mut Fields<'_>) -> BucketFilter {
    query.together("bucket", "endpoint");
    BucketFilter {
        uuids: query.many("bucketId", rules::uuid4),
        name: query.one("bucketName", rules::text(LONGEST)),
        key: query.one("key", rules::text(LONGEST)),
        bucket: query.one("bucket", rules::text(LONGEST)),
        endpoint: query.one("endpoint", rules::web_address(LONGEST)),
        active: query.boolean("active"),
    }
}
