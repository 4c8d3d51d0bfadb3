//! The audit record, from a use case's point of view.

use domain::{Kind, Timestamp};
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
