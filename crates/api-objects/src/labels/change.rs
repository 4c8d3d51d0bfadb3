//! `PATCH`, `PUT` and `DELETE` of `/object/{objectId}/metadata` and `/object/{objectId}/tagging` (sections 4.6.1 and 4.7.1).

use app::{
    labels::Label,
    objects::{self, LabelChange},
};
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::{
    problem::Failure,
    validate::{Reader, pairs::Pairs},
};

/// Changes the pairs of a version: `change` says how those of the request are meant.
pub(crate) async fn handle(call: Call, label: Label, change: fn(Pairs) -> LabelChange) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let id = reader.id(&call, "objectId");
    let (version, pairs) = super::read(&mut reader, &call, label, crate::objects::version)?;
    let id = reader.finish(|| id)?;
    let (app, context) = call.admit()?;
    match label {
        Label::Metadata => objects::change_metadata(app, context, id, version, change(pairs)).await?,
        Label::Tags => objects::change_tags(app, context, id, version, change(pairs)).await?,
    }
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
