//! `PATCH /bucket/{bucketId}` (updateBucket, section 4.1.5).

use app::buckets::{self, BucketPatch};
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use super::{LONGEST, endpoint};
use crate::{
    problem::Failure,
    rows::BucketRow,
    validate::{Fields, Reader, rules},
};

/// Changes what is sent and nothing else.
pub(crate) async fn handle(mut call: Call) -> Result<Answer, Failure> {
    let body = call.take_json().await?;
    let mut reader = Reader::default();
    let id = reader.id(&call, "bucketId");
    reader.query(&call, |_| ())?;
    let patch = reader.body(&body, |body| Some(fields(body)));
    let (id, patch) = reader.finish(|| Some((id?, patch?)))?;
    let (app, context) = call.admit()?;
    let view = buckets::update(app, context, id, patch).await?;
    Ok(Answer::json(StatusCode::OK, &BucketRow::from(view)))
}

fn fields(body: &mut Fields<'_>) -> BucketPatch {
    BucketPatch {
        name: body.one("bucketName", rules::text(LONGEST)),
        access_key_id: body.one("accessKeyId", rules::text(LONGEST)),
        secret_access_key: body.secret("secretAccessKey", rules::text(LONGEST)),
        bucket: body.one("bucket", rules::text(LONGEST)),
        endpoint: body
            .one("endpoint", rules::web_address(LONGEST))
            .map(|address| endpoint(&address)),
        region: body.one("region", rules::text(LONGEST)),
        active: body.boolean("active"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_bucket_keeps_for_life_cannot_be_sent() {
        for member in ["key", "public", "permCodes"] {
            let mut reader = Reader::default();
            reader.body(&json!({ member: "x" }), |body| Some(fields(body)));
            assert_eq!(reader.faults().detail(), format!("\"{member}\" is not allowed"));
        }
    }

    #[test]
    fn an_empty_body_changes_nothing() {
        let mut reader = Reader::default();
        let patch = reader.body(&json!({}), |body| Some(fields(body))).unwrap();
        assert!(reader.faults().is_empty());
        assert!(patch.name.is_none() && patch.active.is_none() && patch.secret_access_key.is_none());
    }
}
