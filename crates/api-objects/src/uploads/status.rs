//! `HEAD /upload/{uploadId}` (headUpload): an addition to the contract.

use app::uploads;
use axum::http::{HeaderValue, StatusCode, header};
use http_kit::{Answer, Call};

use super::{answer, described, speaks};
use crate::{problem::Failure, validate::Reader};

/// How far an upload is, and what it has become.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    speaks(&call)?;
    let mut reader = Reader::default();
    let id = reader.id(&call, "uploadId");
    reader.query(&call, |_| ())?;
    let id = reader.finish(|| id)?;
    let (app, ctx) = call.admit()?;
    let view = uploads::find(app, ctx, id).await?;
    let fresh = HeaderValue::from_static("no-store");
    Ok(described(answer(StatusCode::OK), &view).with(header::CACHE_CONTROL, fresh))
}
