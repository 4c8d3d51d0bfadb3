//! `POST /upload` (beginUpload): an addition to the contract.

use app::{
    objects::Content,
    uploads::{self, NewUpload},
};
use axum::http::{HeaderName, StatusCode, header};
use http_kit::{Answer, Call};

use super::{UPLOAD_LENGTH, answer, described, metadata, number, speaks};
use crate::{
    objects::upload,
    problem::Failure,
    validate::{Reader, rules},
};

const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");

/// Begins an upload. The file name is in `Upload-Metadata` (`filename`) or in `Content-Disposition`, the type of the content in
/// `filetype`; metadata and tags as for an upload at once.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    speaks(&call)?;
    let mut reader = Reader::default();
    let (bucket, labels) = upload::labels(&mut reader, &call, |query| query.required("bucketId", rules::uuid4))?;
    let bucket = reader.finish(|| bucket)?;
    let length = number(&call, &UPLOAD_LENGTH)?;
    if length == 0 {
        return Err(Failure::status(
            StatusCode::LENGTH_REQUIRED,
            "Upload-Length must be greater than 0",
        ));
    }
    let told = metadata(call.header(&UPLOAD_METADATA).unwrap_or_default())
        .ok_or_else(|| Failure::status(StatusCode::BAD_REQUEST, "Upload-Metadata cannot be read"))?;
    let tell = |names: [&str; 2]| {
        let mut told = told
            .iter()
            .filter(|(key, value)| names.contains(&key.as_str()) && !value.is_empty());
        told.next().map(|(_, value)| value.clone())
    };
    let file_name = match tell(["filename", "name"]) {
        Some(name) => name,
        None => upload::file_name(call.headers())?,
    };
    let new = NewUpload {
        bucket,
        file_name,
        content: Content {
            length,
            mime_type: tell(["filetype", "type"]),
            metadata: labels.metadata,
            tags: labels.tags,
        },
    };
    let (app, ctx) = call.admit()?;
    let view = uploads::begin(app, ctx, new).await?;
    let location = format!("{}/api/v1/upload/{}", app.settings().public_url, view.uuid);
    Ok(described(answer(StatusCode::CREATED), &view).with_text(header::LOCATION, &location))
}
