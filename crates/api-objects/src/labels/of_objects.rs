//! `GET /object/metadata` and `GET /object/tagging` (sections 4.6.2 and 4.7.2).

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

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ObjectPairs {
    object_id: Uuid,
    #[serde(flatten)]
    pairs: PairRows,
}

/// The pairs of objects, an object without any included.
pub(crate) async fn handle(call: Call, label: Label) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let (of, pairs) = super::read(&mut reader, &call, label, |query| {
        (
            query.many("objectId", rules::uuid4),
            query.many("bucketId", rules::uuid4),
        )
    })?;
    let (of, pairs) = reader.finish(|| Some((of, pairs)))?;
    let (app, context) = call.admit()?;
    let found = labels::of_objects(app, context, label, of, &pairs).await?;
    let rows: Vec<ObjectPairs> = found
        .into_iter()
        .map(|(object_id, pairs)| ObjectPairs {
            object_id,
            pairs: PairRows::new(label, pairs),
        })
        .collect();
    Ok(Answer::json(StatusCode::OK, &rows))
}
