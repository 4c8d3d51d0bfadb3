//! Problem bodies (RFC 7807) as section 1.9 of the objects contract spells them.

use std::borrow::Cow;

use app::{About, AuthenticationError, Mode};
use axum::http::{HeaderValue, StatusCode, header};
use domain::Kind;
use http_kit::{Answer, Asked, Dialect, Refusal};
use serde_json::{Map, Value, json};

use crate::validate::{Fault, Faults, Section};

const STATUS_PAGES: &str = "https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/";
const UNEXPECTED: &str = "Something went wrong on the server; the request id is in the X-Request-Id header";

/// What a handler of this dialect fails with.
#[derive(Debug)]
pub enum Failure {
    /// The request is not what the endpoint takes: 422 with a list of faults.
    Invalid(Faults),
    /// The range of a request lies outside the object, which is this long: 416.
    OutOfRange(u64),
    /// A status with a text for the caller.
    Status(StatusCode, Cow<'static, str>),
    /// A use case failed.
    App(app::Error),
    /// The request did not reach a use case.
    Refused(Refusal),
}

impl Failure {
    /// A status with a text for the caller.
    pub(crate) fn status(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Status(status, detail.into())
    }

    /// One fault, found outside validation.
    pub(crate) fn invalid(section: Section, fault: Fault) -> Self {
        let mut faults = Faults::default();
        faults.push(section, fault);
        Self::Invalid(faults)
    }

    /// A defect of the server, logged where it is found.
    pub(crate) fn defect(what: &'static str) -> Self {
        tracing::error!(what, "defect");
        Self::status(StatusCode::INTERNAL_SERVER_ERROR, UNEXPECTED)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<app::Error> for Failure {
    fn from(error: app::Error) -> Self {
        Self::App(error)
    }
}

/// The objects dialect.
#[derive(Clone, Copy, Debug, Default)]
pub struct Objects;

impl Dialect for Objects {
    type Failure = Failure;

    const NAME: &'static str = "objects";

    fn options(&self, below: &str) -> &'static [(&'static str, &'static str)] {
        let is_upload = |segment: &str| segment.eq_ignore_ascii_case("upload");
        if below.split('/').nth(1).is_some_and(is_upload) {
            &crate::uploads::OPTIONS
        } else {
            &[]
        }
    }

    fn failure(&self, asked: &Asked<'_>, failure: Failure) -> Answer {
        let problem = match failure {
            Failure::Invalid(faults) => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, faults.detail()).with("errors", faults.errors())
            }
            Failure::Status(status, detail) => Problem::new(status, detail),
            Failure::OutOfRange(size) => {
                let status = StatusCode::RANGE_NOT_SATISFIABLE;
                let problem = Problem::new(status, "The range lies outside the object");
                return problem
                    .answer(asked)
                    .with_text(header::CONTENT_RANGE, &format!("bytes */{size}"));
            }
            Failure::Refused(refusal) => refused(refusal, asked),
            Failure::App(error) => of_use_case(error, asked),
        };
        problem.answer(asked)
    }
}

/// A problem body in the making.
struct Problem {
    status: StatusCode,
    detail: Option<Cow<'static, str>>,
    members: Map<String, Value>,
    /// A custom title; such problems carry the request's address as `type` and no `instance`.
    title: Option<&'static str>,
    instance: bool,
}

impl Problem {
    fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            detail: Some(detail.into()),
            members: Map::new(),
            title: None,
            instance: true,
        }
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    fn titled(mut self, title: &'static str) -> Self {
        self.title = Some(title);
        self.instance = false;
        self
    }

    fn answer(self, asked: &Asked<'_>) -> Answer {
        let address = asked.uri.path_and_query().map_or("/", |address| address.as_str());
        let mut body = self.members;
        let kind = match self.title {
            Some(_) => address.to_owned(),
            None => format!("{STATUS_PAGES}{}", self.status.as_u16()),
        };
        body.insert("type".to_owned(), Value::String(kind));
        body.insert(
            "title".to_owned(),
            json!(self.title.unwrap_or(standard_title(self.status))),
        );
        body.insert("status".to_owned(), json!(self.status.as_u16()));
        if let Some(detail) = self.detail {
            body.insert("detail".to_owned(), json!(detail));
        }
        if self.instance {
            body.insert("instance".to_owned(), json!(address));
        }
        // Section 1.4: wrong Basic credentials are answered with the plain JSON type.
        let media_type = if self.status == StatusCode::UNAUTHORIZED {
            "application/json; charset=utf-8"
        } else {
            "application/problem+json"
        };
        Answer::json(self.status, &Value::Object(body)).with(header::CONTENT_TYPE, HeaderValue::from_static(media_type))
    }
}

/// The reason phrases that the contract uses.
fn standard_title(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Error")
}

fn refused(refusal: Refusal, asked: &Asked<'_>) -> Problem {
    match refusal {
        Refusal::UnknownRoute => {
            let mut problem = Problem::new(StatusCode::NOT_FOUND, "");
            problem.detail = None;
            problem
        }
        Refusal::Authentication(AuthenticationError::WrongBasic) => {
            Problem::new(StatusCode::UNAUTHORIZED, "Invalid authorization credentials")
        }
        Refusal::Authentication(AuthenticationError::HalfAccount) => Problem::new(
            StatusCode::BAD_REQUEST,
            "The headers x-amz-endpoint and x-amz-bucket come together or not at all",
        ),
        Refusal::Authentication(AuthenticationError::WrongAccount) => Problem::new(
            StatusCode::FORBIDDEN,
            "These credentials open no bucket that is registered here",
        ),
        Refusal::Authentication(AuthenticationError::Bearer(reason)) => Problem::new(StatusCode::FORBIDDEN, reason),
        Refusal::Authentication(AuthenticationError::Unavailable(error)) => {
            tracing::error!(request_id = asked.request_id, cause = ?error, "authentication is out of reach");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Server is not ready")
        }
        Refusal::CredentialsNeeded => {
            Problem::new(StatusCode::FORBIDDEN, "You must be authenticated to use this endpoint")
        }
        Refusal::NotElevated => Problem::new(
            StatusCode::FORBIDDEN,
            "Your identity provider may not use this endpoint",
        ),
        Refusal::NotInMode { mode, kind } => Problem::new(
            StatusCode::NOT_IMPLEMENTED,
            "This kind of credentials is not supported by the server's mode",
        )
        .with("authMode", json!(mode_name(mode)))
        .with("authType", json!(kind)),
        Refusal::Malformed(what) => Problem::new(StatusCode::BAD_REQUEST, what),
        Refusal::TooLarge => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "The JSON body is larger than 100 kB"),
        Refusal::Panicked => {
            tracing::error!(request_id = asked.request_id, "a handler panicked");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, UNEXPECTED)
        }
    }
}

/// The mode as section 1.3 names it.
pub(crate) fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::NoAuth => "NOAUTH",
        Mode::BasicAuth => "BASICAUTH",
        Mode::OidcAuth => "OIDCAUTH",
        Mode::FullAuth => "FULLAUTH",
    }
}

fn of_use_case(error: app::Error, asked: &Asked<'_>) -> Problem {
    let status = status_of(&error);
    if status.is_server_error() {
        tracing::error!(request_id = asked.request_id, kind = ?error.kind, cause = ?error.source, "{}", error.public);
    }
    let detail = if status == StatusCode::INTERNAL_SERVER_ERROR {
        Cow::Borrowed(UNEXPECTED)
    } else {
        error.public
    };
    let mut problem = Problem::new(status, detail);
    problem.instance = error.upstream.is_none();
    match error.about {
        Some(About::ExistingObject(id)) => problem
            .titled("Object already exists")
            .with("existingObjectId", json!(id)),
        Some(About::Key(key)) => problem.titled("The key is too long").with("key", json!(key)),
        Some(About::Bucket(id)) => problem.with("bucketId", json!(id)),
        Some(About::Object(id)) => problem.with("objectId", json!(id)),
        Some(About::Resource(id)) => problem.with("resource", json!(id)),
        Some(About::Invite(token)) => problem.with("token", json!(token)),
        None => problem,
    }
}

fn status_of(error: &app::Error) -> StatusCode {
    let upstream = error
        .upstream
        .as_ref()
        .and_then(|upstream| StatusCode::from_u16(upstream.status).ok());
    match error.kind {
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Denied => StatusCode::FORBIDDEN,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Gone => StatusCode::GONE,
        Kind::Invalid if matches!(error.about, Some(About::Key(_))) => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Precondition => StatusCode::PRECONDITION_FAILED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::BadGateway => upstream
            .filter(StatusCode::is_client_error)
            .unwrap_or(StatusCode::BAD_GATEWAY),
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{Method, Uri};

    use super::*;

    const OBJECT: &str = "48a65990-2e48-46b2-94eb-7f4fe13468ea";

    fn body(failure: impl Into<Failure>) -> Value {
        let uri = Uri::from_static("/api/v1/object?bucketId=ac246e31");
        let asked = Asked {
            method: &Method::PUT,
            uri: &uri,
            request_id: "0123456789abcdef",
        };
        let answer = Objects.failure(&asked, failure.into());
        let media_type = answer.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        let mut body: Value = serde_json::from_slice(answer.text().unwrap()).unwrap();
        assert_eq!(body["status"], answer.code().as_u16());
        body["media"] = json!(media_type);
        body
    }

    fn error(kind: Kind, about: Option<About>) -> app::Error {
        app::Error {
            kind,
            public: "reason".into(),
            about,
            upstream: None,
            source: None,
        }
    }

    #[test]
    fn a_denial_is_the_example_of_the_contract() {
        assert_eq!(
            body(error(Kind::Denied, None)),
            json!({
                "type": "https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/403", "title": "Forbidden", "status": 403,
                "detail": "reason", "instance": "/api/v1/object?bucketId=ac246e31", "media": "application/problem+json"
            })
        );
    }

    #[test]
    fn an_upload_conflict_names_the_object_and_the_address() {
        let about = About::ExistingObject(OBJECT.parse().unwrap());
        assert_eq!(
            body(error(Kind::Conflict, Some(about))),
            json!({
                "type": "/api/v1/object?bucketId=ac246e31", "title": "Object already exists", "status": 409,
                "detail": "reason", "existingObjectId": OBJECT, "media": "application/problem+json"
            })
        );
        let long = body(error(Kind::Invalid, Some(About::Key("k".into()))));
        assert_eq!(
            (&long["status"], &long["type"]),
            (&json!(422), &json!("/api/v1/object?bucketId=ac246e31"))
        );
        assert_eq!(long.get("instance"), None);
    }

    #[test]
    fn an_unknown_route_has_no_detail() {
        let problem = body(Refusal::UnknownRoute);
        assert_eq!(problem.get("detail"), None);
        assert_eq!(problem["instance"], "/api/v1/object?bucketId=ac246e31");
    }

    #[test]
    fn wrong_basic_credentials_are_plain_json() {
        let problem = body(Refusal::Authentication(AuthenticationError::WrongBasic));
        assert_eq!(
            (&problem["status"], &problem["media"]),
            (&json!(401), &json!("application/json; charset=utf-8"))
        );
    }

    #[test]
    fn what_went_wrong_inside_stays_inside() {
        let secret = error(Kind::Internal, None);
        let problem = body(secret);
        assert_eq!(
            (&problem["status"], &problem["detail"]),
            (&json!(500), &json!(UNEXPECTED))
        );
    }

    #[test]
    fn what_the_store_said_is_passed_on_when_it_is_the_callers_fault() {
        for (upstream, status) in [(404, 404), (405, 405), (500, 502), (301, 502), (9999, 502)] {
            let mut failed = error(Kind::BadGateway, None);
            failed.upstream = Some(app::Upstream {
                status: upstream,
                code: "NoSuchKey".into(),
            });
            let problem = body(failed);
            assert_eq!(problem["status"], status, "{upstream}");
            assert!(problem["detail"].is_string());
            assert_eq!(problem.get("instance"), None);
        }
    }
}
