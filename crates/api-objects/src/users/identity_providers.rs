//! `GET /user/idpList` (listIdps, section 4.12.2).

use app::people;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::{problem::Failure, rows::IdentityProviderRow, validate::Reader};

/// The identity providers that people have come from.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let active = reader.query(&call, |query| query.boolean("active"))?;
    let active = reader.finish(|| Some(active))?;
    let (app, context) = call.admit()?;
    let views = people::identity_providers(app, context, active).await?;
    let rows: Vec<IdentityProviderRow> = views.into_iter().map(IdentityProviderRow::from).collect();
    Ok(Answer::json(StatusCode::OK, &rows))
}
