//! The audit record, from a use case's point of view.

use domain::{CollaborationId, Kind, OrganisationId, Timestamp};
use store::{Access, Op, Session, StoreError, audit};

use crate::{App, Ctx, Error, Result};

/// Records a change in the transaction that makes it.
pub(crate) async fn changed<S: Session>(
    s: &mut S,
    ctx: &Ctx,
    now: Timestamp,
    action: &'static str,
    object: String,
    after: Option<serde_json::Value>,
) -> Result<(), StoreError> {
    audit::insert(s, &entry(ctx, now, action, object, true, after)).await
}

/// Whose administrators may read an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Of which organisation.
    pub(crate) organisation: OrganisationId,
    /// Of which collaboration.
    pub(crate) collaboration: Option<CollaborationId>,
}

/// As [`changed`], for the administrators of an organisation and a collaboration to read.
pub(crate) async fn changed_in<S: Session>(
    s: &mut S,
    ctx: &Ctx,
    now: Timestamp,
    place: Place,
    action: &'static str,
    object: String,
    after: Option<serde_json::Value>,
) -> Result<(), StoreError> {
    audit::insert(s, &placed(entry(ctx, now, action, object, true, after), place)).await
}

/// The same about many things that have the same done to them, in one statement.
pub(crate) async fn changed_many<S: Session>(
    s: &mut S,
    ctx: &Ctx,
    now: Timestamp,
    place: Place,
    action: &'static str,
    changes: &[(String, serde_json::Value)],
) -> Result<(), StoreError> {
    let shared = placed(entry(ctx, now, action, String::new(), true, None), place);
    let changes: Vec<(String, String)> = changes
        .iter()
        .map(|(object, after)| (object.clone(), after.to_string()))
        .collect();
    audit::insert_many(s, &shared, &changes).await
}

fn placed(entry: audit::Entry, place: Place) -> audit::Entry {
    audit::Entry {
        organisation: Some(place.organisation),
        collaboration: place.collaboration,
        ..entry
    }
}

fn entry(
    ctx: &Ctx,
    at: Timestamp,
    action: &'static str,
    object: String,
    allowed: bool,
    after: Option<serde_json::Value>,
) -> audit::Entry {
    audit::Entry {
        at,
        actor: ctx.caller.actor(),
        via: ctx.via,
        action,
        allowed,
        object,
        before: None,
        after: after.map(|value| value.to_string()),
        request_id: ctx.request_id.clone(),
        organisation: ctx.caller.token().map(|token| token.organisation),
        collaboration: None,
    }
}

#[derive(Clone)]
struct Denial(audit::Entry);

impl Op for Denial {
    type Out = ();
    type Error = StoreError;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<(), StoreError> {
        audit::insert(s, &self.0).await
    }
}

impl App {
    /// Runs an operation; a denial is on record before it is answered.
    pub(crate) async fn decide<O: Op<Error = Error>>(
        &self,
        ctx: &Ctx,
        action: &'static str,
        object: impl FnOnce() -> String,
        op: O,
    ) -> Result<O::Out> {
        let outcome = self.store().run(op, &ctx.meter).await;
        if let Err(error) = &outcome
            && error.kind == Kind::Denied
        {
            let denial = Denial(entry(ctx, self.now(), action, object(), false, None));
            self.store().run(denial, &ctx.meter).await?;
        }
        outcome
    }
}
