//! Failures as the organisations API spells them: `{"error": true, "message": "…"}` (organisations contract 1.4).

use std::borrow::Cow;

use app::AuthenticationError;
use axum::http::StatusCode;
use domain::Kind;
use http_kit::{Answer, Asked, Dialect, Refusal};
use serde_json::json;

const UNEXPECTED: &str = "Something went wrong on the server; the request id is in the X-Request-Id header";
const UNREADABLE: &str = "The browser (or proxy) sent a request that this server could not understand.";

/// What a handler of this dialect fails with.
#[derive(Debug)]
pub enum Failure {
    /// A status with a text for the caller.
    Status(StatusCode, Cow<'static, str>),
    /// A use case failed.
    App(app::Error),
    /// The request did not reach a use case.
    Refused(Refusal),
}

impl Failure {
    /// The request is not what the endpoint takes.
    pub(crate) fn bad(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Status(StatusCode::BAD_REQUEST, text.into())
    }

    /// The body is not JSON.
    pub(crate) fn unreadable() -> Self {
        Self::bad(UNREADABLE)
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

/// The organisations dialect.
#[derive(Clone, Debug)]
pub struct Organisations {
    /// The address that clients reach this server at.
    pub public_url: String,
}

impl Dialect for Organisations {
    type Failure = Failure;

    const NAME: &'static str = "organisations";
    const TAKES_TOKENS: bool = true;

    fn failure(&self, asked: &Asked<'_>, failure: Failure) -> Answer {
        let address = asked.uri.path_and_query().map_or("/", |address| address.as_str());
        let at = |word: &str, reason: &str| format!("{word}: {}{address}. {reason}", self.public_url);
        let (status, message) = match failure {
            Failure::Status(status, text) => (status, text.into_owned()),
            Failure::App(error) => of_use_case(error, asked, at),
            Failure::Refused(refusal) => match refusal {
                Refusal::UnknownRoute => (
                    StatusCode::NOT_FOUND,
                    format!("{}{} not found", self.public_url, asked.uri.path()),
                ),
                Refusal::Authentication(AuthenticationError::Bearer(_)) => {
                    (StatusCode::UNAUTHORIZED, at("Unauthorized", "Invalid API key"))
                }
                Refusal::Authentication(
                    AuthenticationError::WrongBasic
                    | AuthenticationError::HalfAccount
                    | AuthenticationError::WrongAccount,
                )
                | Refusal::CredentialsNeeded => (
                    StatusCode::UNAUTHORIZED,
                    at("Unauthorized", "Invalid username or password"),
                ),
                Refusal::Authentication(AuthenticationError::Unavailable(error)) => {
                    tracing::error!(request_id = asked.request_id, cause = ?error, "authentication is out of reach");
                    (StatusCode::SERVICE_UNAVAILABLE, "Server is not ready".to_owned())
                }
                Refusal::NotInMode { .. } | Refusal::NotElevated => {
                    (StatusCode::FORBIDDEN, at("Forbidden", "Not a valid external API call"))
                }
                Refusal::Malformed(_) => (StatusCode::BAD_REQUEST, at("BadRequest", UNREADABLE)),
                Refusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The request is too large".to_owned()),
                Refusal::Panicked => (StatusCode::INTERNAL_SERVER_ERROR, UNEXPECTED.to_owned()),
            },
        };
        Answer::json(status, &json!({ "error": true, "message": message }))
    }
}

fn of_use_case(error: app::Error, asked: &Asked<'_>, at: impl Fn(&str, &str) -> String) -> (StatusCode, String) {
    match error.kind {
        Kind::NotFound | Kind::Gone => (StatusCode::NOT_FOUND, error.public.into_owned()),
        Kind::Denied => (StatusCode::FORBIDDEN, at("Forbidden", &error.public)),
        Kind::Unauthenticated => (StatusCode::UNAUTHORIZED, at("Unauthorized", &error.public)),
        Kind::Conflict => (StatusCode::CONFLICT, error.public.into_owned()),
        Kind::Invalid | Kind::Precondition => (StatusCode::BAD_REQUEST, error.public.into_owned()),
        Kind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, error.public.into_owned()),
        Kind::Throttled => (StatusCode::TOO_MANY_REQUESTS, error.public.into_owned()),
        Kind::Unavailable => {
            tracing::warn!(request_id = asked.request_id, cause = ?error, "a request failed");
            (StatusCode::SERVICE_UNAVAILABLE, error.public.into_owned())
        }
        Kind::BadGateway | Kind::Internal => {
            tracing::error!(request_id = asked.request_id, cause = ?error, "a request failed");
            (StatusCode::INTERNAL_SERVER_ERROR, UNEXPECTED.to_owned())
        }
    }
}
