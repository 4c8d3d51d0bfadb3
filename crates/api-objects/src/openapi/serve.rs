//! Where the document is served: `/openapi/objects.json`, `/api/v1/docs` and `/docs`.

use axum::http::StatusCode;
use http_kit::{Answer, Call};

use super::{document, page};
use crate::problem::Failure;

/// `GET /openapi/objects.json` and `GET /docs/api-spec.json`
pub(crate) async fn json(call: Call) -> Result<Answer, Failure> {
    let document = document(&call.server().settings().public_url);
    Ok(Answer::json(StatusCode::OK, &document))
}

/// `GET /docs/api-spec.yaml`
pub(crate) async fn yaml(call: Call) -> Result<Answer, Failure> {
    let document = document(&call.server().settings().public_url);
    let text =
        serde_yaml_ng::to_string(&document).map_err(|_| Failure::defect("the document cannot be written as YAML"))?;
    Ok(Answer::whole(StatusCode::OK, "application/yaml", text))
}

/// `GET /docs`
pub(crate) async fn html(call: Call) -> Result<Answer, Failure> {
    let document = document(&call.server().settings().public_url);
    Ok(Answer::whole(
        StatusCode::OK,
        "text/html; charset=utf-8",
        page::html(&document),
    ))
}
