//! `PATCH /upload/{uploadId}` (appendUpload): an addition to the contract.

use app::uploads::{self, Appended};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use http_kit::{Answer, Call};

use super::{OBJECT_ID, UPLOAD_OFFSET, answer, checksum, expiring, number, speaks};
use crate::{objects::upload, problem::Failure, validate::Reader};

const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");

/// Takes bytes from where the upload stands.
pub(crate) async fn handle(mut call: Call) -> Result<Answer, Failure> {
    speaks(&call)?;
    let mut reader = Reader::default();
    let id = reader.id(&call, "uploadId");
    reader.query(&call, |_| ())?;
    let id = reader.finish(|| id)?;
    if call.header(&header::CONTENT_TYPE) != Some("application/offset+octet-stream") {
        return Err(Failure::status(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Content-Type must be application/offset+octet-stream",
        ));
    }
    let from = number(&call, &UPLOAD_OFFSET)?;
    let length = upload::length(call.headers())?;
    let checksum = match call.header(&UPLOAD_CHECKSUM) {
        None => None,
        Some(text) => Some(checksum(text).ok_or_else(|| {
            Failure::status(
                StatusCode::BAD_REQUEST,
                "Upload-Checksum must be sha1 or sha256, and base64",
            )
        })?),
    };
    let body = upload::stream(call.take_body());
    let (app, ctx) = call.admit()?;
    match uploads::append(app, ctx, id, (from, length), checksum, body).await? {
        Appended::Received { received, expires_at } => {
            let answer = answer(StatusCode::NO_CONTENT).with(UPLOAD_OFFSET, HeaderValue::from(received));
            Ok(expiring(answer, expires_at))
        }
        Appended::Stored(stored) => Ok(answer(StatusCode::NO_CONTENT)
            .with(UPLOAD_OFFSET, HeaderValue::from(stored.length))
            .with_text(OBJECT_ID, &stored.object.uuid.to_string())),
        Appended::Garbled => {
            // The protocol's own status.
            let status = StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST);
            Err(Failure::status(
                status,
                "The bytes do not have the checksum that came with them",
            ))
        }
    }
}
