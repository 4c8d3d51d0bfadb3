//! The record of every change and every denial.

use domain::Timestamp;

use crate::{Session, StoreError, catalogue::sql};

sql! {
    AUDIT_INSERT: "
INSERT INTO audit (at, actor, via, action, allowed, object, before, after, request_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
}

/// One entry. Secrets never appear in it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Who: `person:{uuid}`, `token:{uuid}`, `basic`, `anonymous` or `system`.
    pub actor: String,
    /// Through what: `objects`, `sharing`, `organisations`, `command-line`, `job`.
    pub via: &'static str,
    /// What was done or asked for: `object.create`, `grant.add`, …
    pub action: &'static str,
    /// False: it was denied.
    pub allowed: bool,
    /// On what: `object:{uuid}`, `bucket:{uuid}`, …
    pub object: String,
    /// The state before, where it matters (JSON).
    pub before: Option<String>,
    /// The state after, where it matters (JSON).
    pub after: Option<String>,
    /// The request.
    pub request_id: String,
}

/// Writes an entry in the caller's transaction.
pub async fn insert<S: Session>(session: &mut S, entry: &Entry) -> Result<(), StoreError> {
    session
        .execute(
            &AUDIT_INSERT,
            &[
                entry.at.into(),
                (&entry.actor).into(),
                entry.via.into(),
                entry.action.into(),
                entry.allowed.into(),
                (&entry.object).into(),
                entry.before.as_ref().into(),
                entry.after.as_ref().into(),
                (&entry.request_id).into(),
            ],
        )
        .await
        .map(drop)
}
