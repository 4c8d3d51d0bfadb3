//! Uploads that can be resumed: tus 1.0 with creation, expiration, checksum and termination, beside the contract.
//!
//! `POST /upload?bucketId=…` begins one, under the rules of `PUT /object`; `PATCH` sends bytes; `HEAD` asks how far it is;
//! `DELETE` gives it up. The request that brings the last byte answers with the object's id in `X-Object-Id`.

pub(crate) mod append;
pub(crate) mod begin;
pub(crate) mod status;
pub(crate) mod terminate;

use std::time::{Duration, UNIX_EPOCH};

use app::uploads::{Algorithm, UploadView};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use domain::Timestamp;
use http_kit::{Answer, Call};

use crate::problem::Failure;

/// The version of the protocol.
const VERSION: &str = "1.0.0";

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const OBJECT_ID: HeaderName = HeaderName::from_static("x-object-id");

/// What `OPTIONS` says about the protocol.
pub(crate) const OPTIONS: [(&str, &str); 4] = [
    ("tus-resumable", VERSION),
    ("tus-version", VERSION),
    ("tus-extension", "creation,expiration,checksum,termination"),
    ("tus-checksum-algorithm", "sha1,sha256"),
];

/// Refuses clients of another version of the protocol.
fn speaks(call: &Call) -> Result<(), Failure> {
    if call.header(&TUS_RESUMABLE) == Some(VERSION) {
        return Ok(());
    }
    Err(Failure::status(
        StatusCode::PRECONDITION_FAILED,
        "Tus-Resumable must be 1.0.0, the version that this server speaks",
    ))
}

/// A header with a whole number that is not negative.
fn number(call: &Call, name: &HeaderName) -> Result<u64, Failure> {
    let number = call.header(name).and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| Failure::status(StatusCode::BAD_REQUEST, format!("{name} must be a whole number")))
}

/// An answer of the protocol.
fn answer(status: StatusCode) -> Answer {
    Answer::empty(status).with(TUS_RESUMABLE, HeaderValue::from_static(VERSION))
}

fn expiring(answer: Answer, at: Timestamp) -> Answer {
    let seconds = u64::try_from(at.seconds()).unwrap_or(0);
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    answer.with_text(UPLOAD_EXPIRES, &date)
}

/// How far an upload is.
fn described(answer: Answer, view: &UploadView) -> Answer {
    let answer = expiring(answer, view.expires_at)
        .with(UPLOAD_OFFSET, HeaderValue::from(view.received))
        .with(UPLOAD_LENGTH, HeaderValue::from(view.size));
    match view.object {
        Some(object) => answer.with_text(OBJECT_ID, &object.to_string()),
        None => answer,
    }
}

/// `Upload-Checksum`: an algorithm and what it gives, in base64.
fn checksum(text: &str) -> Option<(Algorithm, Vec<u8>)> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let (name, value) = text.split_once(' ')?;
    Some((Algorithm::named(name)?, STANDARD.decode(value.trim()).ok()?))
}

/// `Upload-Metadata`: keys, each with a value in base64 or without one.
fn metadata(text: &str) -> Option<Vec<(String, String)>> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
    let pairs = pairs.map(|pair| {
        let (key, value) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
        let value = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
        Some((key.to_owned(), value))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_the_protocol_are_read() {
        let pairs = metadata("filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==, is_confidential,filetype YS9i").unwrap();
        let wanted = [
            ("filename", "world_domination_plan.pdf"),
            ("is_confidential", ""),
            ("filetype", "a/b"),
        ];
        assert_eq!(pairs, wanted.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!(metadata("filename ???"), None);
        assert_eq!(metadata(""), Some(Vec::new()));
        let (algorithm, value) = checksum("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=").unwrap();
        assert_eq!((algorithm, value.len()), (Algorithm::Sha1, 20));
        for wrong in ["sha1", "md5 YQ==", "sha1 ?", ""] {
            assert_eq!(checksum(wrong), None, "{wrong}");
        }
    }
}
