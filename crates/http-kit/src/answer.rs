//! What a handler gives back. The edge turns it into an HTTP response, so entity tags, `HEAD`, lengths and the common
//! headers are handled in one place.

use std::hash::{DefaultHasher, Hasher};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header},
};
use bytes::Bytes;
use serde::Serialize;

use crate::conditional;

/// Room for the headers that the edge adds to every answer and a few of its own, so that the map never grows.
const USUAL_HEADERS: usize = 24;

/// An answer: a status, headers and a payload.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    payload: Payload,
}

#[derive(Debug)]
enum Payload {
    Empty,
    Json(Bytes),
    Whole(Bytes),
    Stream { body: Body, length: Option<u64> },
}

impl Answer {
    /// An answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::with_capacity(USUAL_HEADERS),
            payload: Payload::Empty,
        }
    }

    /// A JSON answer (`application/json; charset=utf-8`). A value that cannot be written as JSON (a map with keys
    /// that are not texts) is a defect and becomes an empty 500.
    pub fn json(status: StatusCode, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(text) => Self::json_text(status, text),
            Err(cause) => {
                tracing::error!(cause = %cause, "an answer could not be written as JSON");
                Self::empty(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// A JSON answer whose text exists already.
    pub fn json_text(status: StatusCode, text: impl Into<Bytes>) -> Self {
        let mut answer = Self::empty(status);
        answer.payload = Payload::Json(text.into());
        answer.with(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        )
    }

    /// An answer with a body of a known type.
    pub fn whole(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut answer = Self::empty(status);
        answer.payload = Payload::Whole(body.into());
        answer.with(header::CONTENT_TYPE, HeaderValue::from_static(content_type))
    }

    /// An answer whose body of `length` bytes is streamed.
    pub fn stream(status: StatusCode, body: Body, length: u64) -> Self {
        let mut answer = Self::empty(status);
        answer.payload = Payload::Stream {
            body,
            length: Some(length),
        };
        answer
    }

    /// A JSON answer that is written while it is read: nobody knows how long it will be.
    pub fn json_stream(status: StatusCode, body: Body) -> Self {
        let mut answer = Self::empty(status);
        answer.payload = Payload::Stream { body, length: None };
        answer.with(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        )
    }

    /// The same answer with a header set.
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same answer with a header set from text. A text that no header may hold (control characters) is left out;
    /// characters beyond ASCII are sent as UTF-8.
    pub fn with_text(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// The same answer without a header.
    pub fn without(mut self, name: &HeaderName) -> Self {
        self.headers.remove(name);
        self
    }

    /// The same answer with another status.
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The headers so far.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The status.
    pub fn code(&self) -> StatusCode {
        self.status
    }

    /// The body, if it is in memory.
    pub fn text(&self) -> Option<&[u8]> {
        match &self.payload {
            Payload::Json(text) | Payload::Whole(text) => Some(text),
            Payload::Empty | Payload::Stream { .. } => None,
        }
    }

    /// The response to a request, and how many bytes of body it announces. JSON with status 200 gets a weak entity
    /// tag, and is not sent to a client that has it; `HEAD` gets the headers of `GET`.
    pub(crate) fn into_response(mut self, method: &Method, request: &HeaderMap) -> (Response<Body>, u64) {
        let safe = method == Method::GET || method == Method::HEAD;
        if let (Payload::Json(text), StatusCode::OK, true) = (&self.payload, self.status, safe) {
            let tag = weak_tag(text);
            if request.contains_key(header::IF_NONE_MATCH) && conditional::none_match(request, &tag) {
                self.status = StatusCode::NOT_MODIFIED;
                self.payload = Payload::Empty;
                self.headers.remove(header::CONTENT_TYPE);
            }
            self = self.with_text(header::ETAG, &tag);
        }
        let (body, length) = match self.payload {
            Payload::Empty => (Body::empty(), Some(0)),
            Payload::Json(bytes) | Payload::Whole(bytes) => {
                let length = bytes.len() as u64;
                (Body::from(bytes), Some(length))
            }
            Payload::Stream { body, length } => (body, length),
        };
        // RFC 9110, section 8.6: no Content-Length with 204, and with 304 only the one a 200 would have had.
        if !matches!(self.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            && let Some(length) = length
        {
            self.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        let mut response = Response::new(if method == Method::HEAD { Body::empty() } else { body });
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        let told = length.filter(|_| method != Method::HEAD);
        (response, told.unwrap_or_default())
    }
}

/// A tag of a JSON text: its length and a hash with fixed keys, so every node gives the same. Weak, because the same
/// facts may be written with other bytes tomorrow.
fn weak_tag(text: &[u8]) -> String {
    let mut hash = DefaultHasher::new();
    hash.write(text);
    format!("W/\"{:x}-{:016x}\"", text.len(), hash.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn json_is_not_sent_twice() {
        let (first, length) = Answer::json(StatusCode::OK, &[1, 2]).into_response(&Method::GET, &HeaderMap::new());
        assert_eq!((first.status(), length), (StatusCode::OK, 5));
        let tag = first.headers()["etag"].to_str().unwrap();
        assert!(tag.starts_with("W/\"5-"));
        let asked = headers(&[("if-none-match", tag)]);
        let (second, length) = Answer::json(StatusCode::OK, &[1, 2]).into_response(&Method::GET, &asked);
        assert_eq!((second.status(), length), (StatusCode::NOT_MODIFIED, 0));
        assert_eq!(second.headers()["etag"], tag);
        let (other, _) = Answer::json(StatusCode::OK, &[1, 3]).into_response(&Method::GET, &asked);
        assert_eq!(other.status(), StatusCode::OK);
        let (write, _) = Answer::json(StatusCode::OK, &[1, 2]).into_response(&Method::PUT, &asked);
        assert_eq!(write.status(), StatusCode::OK);
        assert!(!write.headers().contains_key("etag"));
    }

    #[test]
    fn head_has_the_length_but_no_body() {
        let (response, sent) = Answer::json(StatusCode::OK, &"x").into_response(&Method::HEAD, &HeaderMap::new());
        assert_eq!(response.headers()["content-length"], "3");
        assert_eq!(sent, 0);
        assert_eq!(axum::body::HttpBody::size_hint(response.body()).exact(), Some(0));
    }

    #[test]
    fn no_content_has_no_length() {
        let (response, _) = Answer::empty(StatusCode::NO_CONTENT).into_response(&Method::GET, &HeaderMap::new());
        assert!(!response.headers().contains_key("content-length"));
    }

    #[test]
    fn a_header_that_cannot_be_sent_is_left_out() {
        let answer = Answer::empty(StatusCode::OK)
            .with_text(header::ETAG, "a\nb")
            .with_text(header::LOCATION, "é");
        assert!(!answer.headers().contains_key("etag"));
        assert_eq!(answer.headers()["location"].as_bytes(), "é".as_bytes());
    }
}
