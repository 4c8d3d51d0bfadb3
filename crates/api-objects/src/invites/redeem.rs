//! `GET /permission/invite/{token}` (useInvite, section 4.11.2).

use app::invites;
use axum::http::StatusCode;
use http_kit::{Answer, Call};
use serde_json::json;

use super::named;
use crate::{problem::Failure, validate::Reader};

/// Redeems a secret for the grants of its invite: once.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let token = reader.id(&call, "token");
    reader.query(&call, |_| ())?;
    let token = reader.finish(|| token)?;
    let (app, context) = call.admit()?;
    let redeemed = invites::redeem(app, context, token).await?;
    let (kind, id) = named(redeemed.target);
    let body = json!({ "resource": id, "type": kind, "recursive": redeemed.recursive });
    Ok(Answer::json(StatusCode::OK, &body))
}
