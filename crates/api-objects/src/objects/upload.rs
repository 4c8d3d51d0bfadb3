//! What guards every upload before anybody reads its body (objects contract, section 4.2.1).

use app::body::BodyError;
use app::objects::Content;
use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use futures_util::StreamExt;
use http_kit::{Call, disposition};

use crate::{
    problem::Failure,
    validate::{
        Fields, Reader,
        pairs::{self, Pairs},
    },
};

/// Tags and metadata of an upload.
pub(crate) struct Labels {
    pub(crate) tags: Pairs,
    pub(crate) metadata: Pairs,
}

/// The length that a request announces. Chunked and empty bodies are refused with 411.
pub(crate) fn length(headers: &HeaderMap) -> Result<u64, Failure> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    match announced.and_then(|digits| digits.parse::<u64>().ok()) {
        Some(length) if length > 0 => Ok(length),
        _ => Err(Failure::status(
            StatusCode::LENGTH_REQUIRED,
            "Content-Length must be greater than 0",
        )),
    }
}

/// The file name of a request: 415 without a `Content-Disposition`, 400 if it carries no usable name.
pub(crate) fn file_name(headers: &HeaderMap) -> Result<String, Failure> {
    let Some(value) = headers.get(header::CONTENT_DISPOSITION) else {
        return Err(Failure::status(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Content-Disposition is missing or has no filename",
        ));
    };
    disposition::file_name(value.as_bytes()).map_err(|error| {
        Failure::status(
            StatusCode::BAD_REQUEST,
            format!("Content-Disposition is not usable: {error}"),
        )
    })
}

/// The content that a raw upload describes in its headers.
pub(crate) fn content(call: &Call, labels: Labels) -> Result<Content, Failure> {
    Ok(Content {
        length: length(call.headers())?,
        mime_type: call.header(&header::CONTENT_TYPE).map(str::to_owned),
        metadata: labels.metadata,
        tags: labels.tags,
    })
}

/// Reads the metadata headers and, with `query`, the query of an upload.
pub(crate) fn labels<T>(
    reader: &mut Reader,
    call: &Call,
    query: impl FnOnce(&mut Fields<'_>) -> T,
) -> Result<(T, Labels), Failure> {
    let metadata = reader.metadata(call.headers());
    let (read, tags) = reader.query(call, |fields| (query(fields), pairs::tags(fields)))?;
    Ok((read, Labels { tags, metadata }))
}

/// A request body as the use cases take it. It breaks off when the sender goes away before the announced end.
pub(crate) fn stream(body: Body) -> app::body::Body {
    body.into_data_stream()
        .map(|piece| piece.map_err(|_| BodyError::Aborted))
        .boxed()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn status(failure: &Failure) -> u16 {
        match failure {
            Failure::Status(status, _) => status.as_u16(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_positive_length_is_required() {
        let with = |value: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static(value));
            }
            length(&headers).map_err(|failure| status(&failure))
        };
        assert_eq!(with(Some("5")), Ok(5));
        for none in [None, Some("0"), Some("-1"), Some("x"), Some("99999999999999999999999")] {
            assert_eq!(with(none), Err(411), "{none:?}");
        }
    }

    #[test]
    fn a_file_name_is_required() {
        let with = |value: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(value));
            }
            file_name(&headers).map_err(|failure| status(&failure))
        };
        assert_eq!(with(Some("attachment; filename=a.txt")), Ok("a.txt".to_owned()));
        assert_eq!(with(None), Err(415));
        assert_eq!(with(Some("attachment")), Err(400));
    }
}
