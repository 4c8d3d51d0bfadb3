//! `GET /version/metadata` and `GET /version/tagging` (section 4.5.3).

use app::labels::{self, Label};
use axum::http::StatusCode;
use http_kit::{Answer, Call};
use serde::Serialize;
use uuid::Uuid;

use super::PairRows;
use crate::{
    problem::Failure,
    validate::{Reader, rules},
};

/// The longest id of a version in S3 here.
const LONGEST: usize = 255;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct VersionPairs {
    version_id: Uuid,
    s3_version_id: Option<String>,
    #[serde(flatten)]
    pairs: PairRows,
}

/// The pairs of versions, the newest first, a version without any included.
pub(crate) async fn handle(call: Call, label: Label) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let (of, pairs) = super::read(&mut reader, &call, label, |query| {
        query.not_both("versionId", "s3VersionId");
        (
            query.many("versionId", rules::uuid4),
            query.many("s3VersionId", rules::text(LONGEST)),
        )
    })?;
    let (of, pairs) = reader.finish(|| Some((of, pairs)))?;
    let (app, context) = call.admit()?;
    let found = labels::of_versions(app, context, label, of, &pairs).await?;
    let rows: Vec<VersionPairs> = found
        .into_iter()
        .map(|version| VersionPairs {
            version_id: version.uuid,
            s3_version_id: version.native_id,
            pairs: PairRows::new(label, version.pairs),
        })
        .collect();
    Ok(Answer::json(StatusCode::OK, &rows))
}
