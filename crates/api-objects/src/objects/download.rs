//! The answer that carries an object's bytes (objects contract, section 4.3.3).

use app::objects::{Head, RangeDecision, Reading};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
};
use http_kit::{
    Answer,
    conditional::{self, Representation, Wanted},
    range::Ranged,
};

use crate::problem::Failure;

/// Access is checked at every use: no cache may answer for the server, and only the client's own may keep the bytes.
const UNSHARED: &str = "private, no-cache";

const ENCRYPTION: HeaderName = HeaderName::from_static("x-amz-server-side-encryption");
const VERSION: HeaderName = HeaderName::from_static("x-amz-version-id");

/// What the conditions and the range of a request ask of a version.
pub(crate) fn decide((method, headers): (&Method, &HeaderMap), head: &Head) -> RangeDecision {
    let of = Representation {
        etag: head.etag.as_deref(),
        last_modified: head.last_modified_at,
        size: head.size,
    };
    match conditional::decide(method, headers, of) {
        Wanted::Content(Ranged::Whole) => RangeDecision::Whole,
        Wanted::Content(Ranged::Part(start, end)) => RangeDecision::Part(start, end),
        Wanted::Content(Ranged::Unsatisfiable) => RangeDecision::Unsatisfiable,
        Wanted::NotModified => RangeDecision::NotModified,
        Wanted::PreconditionFailed => RangeDecision::PreconditionFailed,
    }
}

/// The bytes, or why they are not sent.
pub(crate) fn answer(reading: Reading) -> Result<Answer, Failure> {
    match reading {
        Reading::Content { head, range, body } => {
            let (status, length) = match range {
                Some((start, end)) => (StatusCode::PARTIAL_CONTENT, end.saturating_sub(start)),
                None => (StatusCode::OK, head.size),
            };
            let mut answer = Answer::stream(status, Body::from_stream(body), length)
                .with(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"))
                .with(header::CACHE_CONTROL, HeaderValue::from_static(UNSHARED));
            if let Some((start, end)) = range {
                let range = format!("bytes {start}-{}/{}", end.saturating_sub(1), head.size);
                answer = answer.with_text(header::CONTENT_RANGE, &range);
            }
            Ok(describe(answer, &head))
        }
        Reading::Declined(head, RangeDecision::NotModified) => {
            Ok(describe(Answer::empty(StatusCode::NOT_MODIFIED), &head).without(&header::CONTENT_TYPE))
        }
        Reading::Declined(_, RangeDecision::PreconditionFailed) => Err(Failure::status(
            StatusCode::PRECONDITION_FAILED,
            "A condition of the request does not hold",
        )),
        Reading::Declined(head, _) => Err(Failure::OutOfRange(head.size)),
    }
}

/// Adds the headers that tell of a version. (The contract sends no `Content-Disposition`.)
pub(crate) fn describe(mut answer: Answer, head: &Head) -> Answer {
    answer = answer
        .with_text(header::CONTENT_TYPE, &head.mime_type)
        .with_text(header::LAST_MODIFIED, &conditional::http_date(head.last_modified_at));
    if let Some(etag) = &head.etag {
        answer = answer.with_text(header::ETAG, etag);
    }
    if let Some(version) = &head.s3_version_id {
        answer = answer.with_text(VERSION, version);
    }
    if let Some(encryption) = &head.server_side_encryption {
        answer = answer.with_text(ENCRYPTION, encryption);
    }
    for (key, value) in &head.metadata {
        if let Ok(name) = HeaderName::try_from(format!("x-amz-meta-{key}")) {
            answer = answer.with_text(name, value);
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    fn head() -> Head {
        Head {
            etag: Some("\"abc\"".into()),
            size: 11,
            mime_type: "text/plain".into(),
            last_modified_at: Timestamp::from_seconds(784_111_777),
            s3_version_id: Some("v1".into()),
            server_side_encryption: Some("AES256".into()),
            metadata: vec![("color".into(), "red".into()), ("not a name".into(), "x".into())],
        }
    }

    fn text(answer: &Answer, name: &str) -> Option<String> {
        answer
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    }

    fn content(range: Option<(u64, u64)>) -> Answer {
        let body = app::body::once("hello world");
        answer(Reading::Content {
            head: head(),
            range,
            body,
        })
        .unwrap()
    }

    #[test]
    fn a_download_tells_what_it_is() {
        let whole = content(None);
        assert_eq!(whole.code(), StatusCode::OK);
        for (name, value) in [
            ("content-type", "text/plain"),
            ("etag", "\"abc\""),
            ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("x-amz-version-id", "v1"),
            ("x-amz-meta-color", "red"),
            ("x-amz-server-side-encryption", "AES256"),
            ("accept-ranges", "bytes"),
            ("cache-control", "private, no-cache"),
        ] {
            assert_eq!(text(&whole, name).as_deref(), Some(value), "{name}");
        }
        assert_eq!(text(&whole, "content-disposition"), None);
        assert_eq!(text(&whole, "content-range"), None);
    }

    #[test]
    fn a_part_says_which() {
        let part = content(Some((6, 11)));
        assert_eq!(part.code(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(text(&part, "content-range").as_deref(), Some("bytes 6-10/11"));
    }

    #[test]
    fn what_the_client_has_is_not_described_again() {
        let unchanged = answer(Reading::Declined(head(), RangeDecision::NotModified)).unwrap();
        assert_eq!(unchanged.code(), StatusCode::NOT_MODIFIED);
        assert_eq!(text(&unchanged, "etag").as_deref(), Some("\"abc\""));
        assert_eq!(text(&unchanged, "content-type"), None);
        let declined = |why| answer(Reading::Declined(head(), why)).unwrap_err();
        assert!(matches!(
            declined(RangeDecision::Unsatisfiable),
            Failure::OutOfRange(11)
        ));
        assert!(matches!(
            declined(RangeDecision::PreconditionFailed),
            Failure::Status(StatusCode::PRECONDITION_FAILED, _)
        ));
    }
}
