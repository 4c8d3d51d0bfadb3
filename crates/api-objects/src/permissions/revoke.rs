//! `DELETE /permission/{bucket/{bucketId},object/{objectId}}` and the same below `idp` (sections 4.9.4 and 4.10).

use app::permissions;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use super::Kind;
use crate::{problem::Failure, rows::PermissionRow, validate::Reader};

/// Takes the rows away that match; what is not named is not limited.
pub(crate) async fn handle(call: Call, kind: Kind) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let id = reader.id(&call, kind.id());
    let (filter, recursive) = reader.query(&call, |query| (query.permissions(kind), query.recursive(kind)))?;
    let (id, filter) = reader.finish(|| Some((id?, filter)))?;
    let (app, context) = call.admit()?;
    let views = permissions::revoke(app, context, kind.target(id), filter, recursive).await?;
    let rows: Vec<PermissionRow> = views
        .into_iter()
        .map(|view| PermissionRow::new(kind.item, view))
        .collect();
    Ok(Answer::json(StatusCode::OK, &rows))
}
