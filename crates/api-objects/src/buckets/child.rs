//! `PUT /bucket/{bucketId}/child` (createBucketChild, section 4.1.8).

use app::buckets::{self, NewChild};
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use super::LONGEST;
use crate::{
    problem::Failure,
    rows::BucketRow,
    validate::{Reader, rules},
};

/// Registers a folder below a bucket, with the bucket's credentials and a copy of its permissions.
pub(crate) async fn handle(mut call: Call) -> Result<Answer, Failure> {
    let body = call.take_json().await?;
    let mut reader = Reader::default();
    let id = reader.id(&call, "bucketId");
    reader.query(&call, |_| ())?;
    let (name, sub_key) = reader.body(&body, |body| {
        let name = body.required("bucketName", rules::text(LONGEST));
        (name, body.required("subKey", rules::trimmed(LONGEST)))
    });
    let (parent, child) = reader.finish(|| {
        let child = NewChild {
            name: name?,
            sub_key: sub_key?,
        };
        Some((id?, child))
    })?;
    let (app, context) = call.admit()?;
    let view = buckets::create_child(app, context, parent, child).await?;
    Ok(Answer::json(StatusCode::CREATED, &BucketRow::from(view)))
}
