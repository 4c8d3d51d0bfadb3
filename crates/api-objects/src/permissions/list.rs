//! `GET /permission/{bucket/{bucketId},object/{objectId}}` and the same below `idp` (sections 4.9.2 and 4.10).

use app::permissions;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use super::Kind;
use crate::{problem::Failure, rows::PermissionRow, validate::Reader};

/// The rows of one bucket or object.
pub(crate) async fn handle(call: Call, kind: Kind) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let id = reader.id(&call, kind.id());
    let filter = reader.query(&call, |query| query.permissions(kind))?;
    let (id, filter) = reader.finish(|| Some((id?, filter)))?;
    let (app, context) = call.admit()?;
    let views = permissions::list(app, context, kind.target(id), filter).await?;
    let rows: Vec<PermissionRow> = views
        .into_iter()
        .map(|view| PermissionRow::new(kind.item, view))
        .collect();
    Ok(Answer::json(StatusCode::OK, &rows))
}
