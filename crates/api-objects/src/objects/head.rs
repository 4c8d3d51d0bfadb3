//! `HEAD /object/{objectId}` (headObject, section 4.3.4).

use app::objects;
use axum::http::{HeaderValue, StatusCode, header};
use http_kit::{Answer, Call};

use super::download;
use crate::{problem::Failure, validate::Reader};

/// What the store says about a version. Also asked to learn whether an object is public.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let id = reader.id(&call, "objectId");
    let version = reader.query(&call, super::version)?;
    let id = reader.finish(|| id)?;
    let (app, context) = call.admit()?;
    let head = objects::head(app, context, id, version).await?;
    // The contract tells the size here, though RFC 9110 has no Content-Length with 204: clients read it.
    let answer = Answer::empty(StatusCode::NO_CONTENT).with(header::CONTENT_LENGTH, HeaderValue::from(head.size));
    Ok(download::describe(answer, &head))
}
