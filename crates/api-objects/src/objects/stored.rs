//! The answer to an upload (objects contract, section 4.2.1).

use std::collections::BTreeMap;

use app::objects::Stored;
use axum::http::StatusCode;
use http_kit::Answer;
use serde::Serialize;
use uuid::Uuid;

use crate::rows::{ObjectRow, StoreMetadata};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StoredRow {
    #[serde(flatten)]
    object: ObjectRow,
    length: u64,
    mime_type: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    version_id: Uuid,
    #[serde(rename = "$metadata")]
    store: StoreMetadata,
    #[serde(rename = "ETag")]
    etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s3_version_id: Option<String>,
}

/// **200**, the object, its new version and what the store said.
pub(crate) fn answer(stored: Stored) -> Answer {
    let row = StoredRow {
        object: stored.object.into(),
        length: stored.length,
        mime_type: stored.version.mime_type,
        metadata: stored.metadata.into_iter().collect(),
        tags: stored.tags.into_iter().collect(),
        version_id: stored.version.uuid,
        store: StoreMetadata::new(StatusCode::OK.as_u16(), stored.request_id),
        etag: stored.version.etag,
        s3_version_id: stored.version.s3_version_id,
    };
    Answer::json(StatusCode::OK, &row)
}
