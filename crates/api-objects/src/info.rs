//! What the server says about itself (objects contract, section 1.13).

use app::App;
use axum::http::StatusCode;
use http_kit::{Answer, Call};
use serde_json::{Value, json};

use crate::problem::{Failure, mode_name};

/// The body of `GET /` and `GET /api`: the application, its mode, and where its API is.
pub fn describe(app: &App) -> Value {
    json!({
        "app": {
            "authMode": mode_name(app.mode()),
            // Members of the original that clients may read as texts: revision and run-time are those of this program.
            "gitRev": option_env!("COMMONHOLD_REVISION").unwrap_or_default(),
            "name": "commonhold",
            "nodeVersion": "",
            "privacyMask": app.settings().privacy_mask,
            "version": env!("CARGO_PKG_VERSION"),
        },
        "endpoints": ["/api/v1"],
        "versions": [1],
    })
}

/// `GET /api`
pub(crate) async fn root(call: Call) -> Result<Answer, Failure> {
    Ok(Answer::json(StatusCode::OK, &describe(call.server())))
}

/// `GET /api/v1`
pub(crate) async fn directory(_: Call) -> Result<Answer, Failure> {
    let endpoints = [
        "/bucket",
        "/docs",
        "/metadata",
        "/object",
        "/permission",
        "/sync",
        "/tagging",
        "/user",
        "/version",
    ];
    Ok(Answer::json(StatusCode::OK, &json!({ "endpoints": endpoints })))
}

/// `GET /api/v1/permission`
pub(crate) async fn permissions(_: Call) -> Result<Answer, Failure> {
    Ok(Answer::json(
        StatusCode::OK,
        &json!({ "endpoints": ["/bucket", "/invite", "/object"] }),
    ))
}
