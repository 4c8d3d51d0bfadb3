//! `DELETE /upload/{uploadId}` (terminateUpload): an addition to the contract.

use app::uploads;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use super::{answer, speaks};
use crate::{problem::Failure, validate::Reader};

/// Gives up an upload.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    speaks(&call)?;
    let mut reader = Reader::default();
    let id = reader.id(&call, "uploadId");
    reader.query(&call, |_| ())?;
    let id = reader.finish(|| id)?;
    let (app, ctx) = call.admit()?;
    uploads::terminate(app, ctx, id).await?;
    Ok(answer(StatusCode::NO_CONTENT))
}
