//! `GET /metadata` and `GET /tagging` (sections 4.6.4 and 4.7.3).

use app::labels::{self, Label};
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use super::PairRow;
use crate::{
    problem::Failure,
    validate::{Reader, pairs},
};

/// Every pair that is in use, as far as the request narrows them.
pub(crate) async fn handle(call: Call, label: Label) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let pairs = match label {
        // This endpoint has no query; what stands there is ignored.
        Label::Metadata => reader.metadata(call.headers()),
        Label::Tags => reader.query(&call, pairs::tags)?,
    };
    let pairs = reader.finish(|| Some(pairs))?;
    let (app, context) = call.admit()?;
    let found = labels::known(app, context, label, &pairs).await?;
    let rows: Vec<PairRow> = found.into_iter().map(|(key, value)| PairRow { key, value }).collect();
    Ok(Answer::json(StatusCode::OK, &rows))
}
