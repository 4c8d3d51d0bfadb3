//! `PUT /permission/{bucket/{bucketId},object/{objectId}}` and the same below `idp` (sections 4.9.3 and 4.10).

use app::{
    PermissionCode,
    permissions::{self, PrincipalRef},
};
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use super::{CODES, Holder, Kind, LONGEST};
use crate::{
    identity_provider,
    problem::Failure,
    rows::PermissionRow,
    validate::{Fields, Reader, rules},
};

/// Gives codes to people or providers. The answer has the rows that are new.
pub(crate) async fn handle(mut call: Call, kind: Kind) -> Result<Answer, Failure> {
    let body = call.take_json().await?;
    let mut reader = Reader::default();
    let id = reader.id(&call, kind.id());
    let recursive = reader.query(&call, |query| query.recursive(kind))?;
    let items = reader.body_list(&body, |item| fields(item, kind));
    let (id, grants) = reader.finish(|| Some((id?, items.into_iter().collect::<Option<Vec<_>>>()?)))?;
    let (app, context) = call.admit()?;
    let views = permissions::grant(app, context, kind.target(id), grants, recursive).await?;
    let rows: Vec<PermissionRow> = views
        .into_iter()
        .map(|view| PermissionRow::new(kind.item, view))
        .collect();
    Ok(Answer::json(StatusCode::CREATED, &rows))
}

fn fields(item: &mut Fields<'_>, kind: Kind) -> Option<(PrincipalRef, PermissionCode)> {
    let principal = match kind.holder {
        Holder::User => item.required("userId", rules::uuid4).map(PrincipalRef::Person),
        Holder::IdentityProvider => item
            .required("idp", identity_provider(LONGEST))
            .map(PrincipalRef::IdentityProvider),
    };
    let code = item.required("permCode", rules::one_of(&CODES));
    Some((principal?, code?))
}
