//! `GET /permission/invite/pending` (listInvites): an addition to the contract.

use app::invites;
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use super::target;
use crate::{
    problem::Failure,
    rows::InviteRow,
    validate::{Reader, rules},
};

/// How many invites one answer has at the most, and when nobody says.
const MOST: i64 = 1000;
const USUAL: i64 = 100;

/// The open invites to a bucket or object, oldest first; `after` is the id of the last one of the page before.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let (on, after, limit) = reader.query(&call, |query| {
        let on = target(query);
        let after = query.one("after", rules::uuid4);
        (on, after, query.integer("limit", 1, MOST).unwrap_or(USUAL))
    })?;
    let on = reader.finish(|| on)?;
    let (app, context) = call.admit()?;
    let views = invites::pending(app, context, on, after, limit).await?;
    let rows: Vec<InviteRow> = views.into_iter().map(InviteRow::from).collect();
    Ok(Answer::json(StatusCode::OK, &rows))
}
