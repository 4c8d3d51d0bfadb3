//! `DELETE /permission/invite/pending/{inviteId}` (revokeInvite): an addition to the contract.

use app::invites;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::{problem::Failure, validate::Reader};

/// Revokes an open invite.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let invite = reader.id(&call, "inviteId");
    reader.query(&call, |_| ())?;
    let invite = reader.finish(|| invite)?;
    let (app, context) = call.admit()?;
    invites::revoke(app, context, invite).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
