//! The record of every change and every denial.

use domain::{CollaborationId, OrganisationId, Timestamp};

use crate::{Session, StoreError, Value, catalogue::sql};

sql! {
    AUDIT_INSERT: "
INSERT INTO audit (at, actor, via, action, allowed, object, before, after, request_id, organisation_id, collaboration_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

    /// The facts that the entries share; then objects and states after, in parallel lists.
    AUDIT_INSERT_MANY: {
        sqlite: "
INSERT INTO audit (at, actor, via, action, allowed, request_id, organisation_id, collaboration_id, object, after)
SELECT $1, $2, $3, $4, TRUE, $5, $6, $7, $8 ->> n.key, n.value FROM json_each($9) n ORDER BY n.key",
        postgres: "
INSERT INTO audit (at, actor, via, action, allowed, request_id, organisation_id, collaboration_id, object, after)
SELECT $1::bigint, $2::text, $3::text, $4::text, TRUE, $5::text, $6::bigint, $7::bigint, o, a
FROM unnest($8::text[], $9::text[]) WITH ORDINALITY t (o, a, n) ORDER BY n",
    };
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
    /// The organisation whose administrators may read it.
    pub organisation: Option<OrganisationId>,
    /// The collaboration whose administrators may read it.
    pub collaboration: Option<CollaborationId>,
}

/// Writes entries that differ only in what they are about, in one statement. `changes` are objects and states after.
pub async fn insert_many<S: Session>(
    session: &mut S,
    entry: &Entry,
    changes: &[(String, String)],
) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let (objects, after): (Vec<String>, Vec<String>) = changes.iter().cloned().unzip();
    let values = [
        entry.at.into(),
        (&entry.actor).into(),
        entry.via.into(),
        entry.action.into(),
        (&entry.request_id).into(),
        entry.organisation.into(),
        entry.collaboration.into(),
        Value::Texts(&objects),
        Value::Texts(&after),
    ];
    session.execute(&AUDIT_INSERT_MANY, &values).await.map(drop)
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
                entry.organisation.into(),
                entry.collaboration.into(),
            ],
        )
        .await
        .map(drop)
}
