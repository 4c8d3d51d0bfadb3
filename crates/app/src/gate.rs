//! The gate: loads the facts, has `access` decide, and hands out the proof. Every use case on an item goes through here.

use access::{Authorised, Right, Subject};
use domain::{Kind, Timestamp};
use store::{Session, access_facts, people};
use uuid::Uuid;

use crate::{Caller, Ctx, Error, Result};

/// What an id in a request names; it decides how something unknown is answered (objects contract 4.0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// A bucket: unknown ones are "not found" to the superuser, and denied to everybody else.
    Bucket,
    /// An object: unknown ones are denied to everybody.
    Object,
}

/// The proof that the caller may do `R` on an item, or a denial that does not tell whether the item exists.
pub(crate) async fn allow<R: Right, S: Session>(
    s: &mut S,
    ctx: &Ctx,
    on: On,
    item: Uuid,
    now: Timestamp,
) -> Result<Authorised<R>> {
    let facts = access_facts::load(s, item, ctx.caller.person_id(), now).await?;
    let Some(facts) = facts else {
        return Err(match (&ctx.caller, on) {
            (Caller::Superuser, On::Bucket) => Error::new(Kind::NotFound, "There is no such bucket"),
            _ => Error::denied(),
        });
    };
    if !facts.active {
        return Err(Error::denied());
    }
    let subject = match ctx.caller {
        Caller::Superuser => Subject::superuser(),
        Caller::Anonymous | Caller::Person(_) => facts.subject,
    };
    access::authorise::<R>(&subject, &facts.chain, now).map_err(|denied| Error::denied().because(denied.to_string()))
}

/// Refuses people whose account has been disabled since they signed in, on routes that decide nothing about an item.
pub(crate) async fn active<S: Session>(s: &mut S, ctx: &Ctx) -> Result<()> {
    match ctx.caller.person_id() {
        Some(person) if !people::is_active(s, person).await? => Err(Error::denied()),
        _ => Ok(()),
    }
}
