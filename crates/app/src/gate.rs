//! The gate: loads the facts, has `access` decide, and hands out the proof. Every use case on an item goes through here.

use std::sync::Arc;

use access::{Authorised, Right, Subject};
use domain::{Kind, Timestamp};
use store::{Restriction, Session, access_facts, people};
use uuid::Uuid;

use crate::{App, Caller, Ctx, Error, Result};

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
            (Caller::Superuser | Caller::Anybody, On::Bucket) => Error::new(Kind::NotFound, "There is no such bucket"),
            // Where nobody is asked who they are, nothing is hidden from anybody.
            (Caller::Anybody, On::Object) => Error::new(Kind::NotFound, "There is no such object"),
            _ => Error::denied(),
        });
    };
    if !facts.active {
        return Err(Error::denied());
    }
    let subject = match &ctx.caller {
        Caller::Superuser | Caller::Anybody => Subject::superuser(),
        Caller::ServiceAccount(account) if account.reaches(facts.chain.root().item) => Subject::superuser(),
        Caller::ServiceAccount(_) => return Err(Error::denied()),
        Caller::Anonymous | Caller::Person(_) => facts.subject,
        Caller::Token(token) => Subject::token(token.organisation, token.scope.clone()),
    };
    access::authorise::<R>(&subject, &facts.chain, now).map_err(|denied| Error::denied().because(denied.to_string()))
}

/// The roots among these on which the caller may do `R`, with the proofs, in one statement. What does not exist, and what
/// they may not, is left out.
pub(crate) async fn among<R: Right, S: Session>(
    s: &mut S,
    ctx: &Ctx,
    roots: &[Uuid],
    now: Timestamp,
) -> Result<Vec<Authorised<R>>> {
    let facts = access_facts::load_roots(s, roots, ctx.caller.person_id(), now).await?;
    if !facts.active {
        return Ok(Vec::new());
    }
    let proofs = facts.chains.iter().filter_map(|chain| {
        let subject = match &ctx.caller {
            Caller::Superuser | Caller::Anybody => &Subject::superuser(),
            Caller::ServiceAccount(account) if account.reaches(chain.root().item) => &Subject::superuser(),
            Caller::ServiceAccount(_) => return None,
            Caller::Anonymous | Caller::Person(_) => &facts.subject,
            Caller::Token(token) => &Subject::token(token.organisation, token.scope.clone()),
        };
        access::authorise::<R>(subject, chain, now).ok()
    });
    Ok(proofs.collect())
}

/// Refuses people whose account has been disabled since they signed in, on routes that decide nothing about an item.
pub(crate) async fn active<S: Session>(s: &mut S, ctx: &Ctx) -> Result<()> {
    match ctx.caller.person_id() {
        Some(person) if !people::is_active(s, person).await? => Err(Error::denied()),
        _ => Ok(()),
    }
}

impl App {
    /// What lists of objects, versions, metadata and tags may show the caller (objects contract 1.7, 1.12). Every use case
    /// that lists hands it to the store: nothing is fetched to be filtered. A search for what is public
    /// (`GET /object?public=true`) is not masked: there, and only there, use [`App::confinement`].
    pub fn restriction(&self, ctx: &Ctx) -> Restriction {
        match &ctx.caller {
            // Also a person without an identity provider: they are restricted like any other (E-14).
            Caller::Person(person) if self.settings().privacy_mask => Restriction::Readable(person.id),
            _ => self.confinement(ctx),
        }
    }

    /// What lists of anything may show the caller at most, the privacy mask aside: a service account sees its own buckets.
    pub fn confinement(&self, ctx: &Ctx) -> Restriction {
        match &ctx.caller {
            Caller::ServiceAccount(account) => Restriction::Buckets(Arc::clone(&account.buckets)),
            // A token reaches drives of collaborations, which no list of buckets holds.
            Caller::Token(_) => Restriction::Buckets(Arc::from([])),
            Caller::Anonymous | Caller::Anybody | Caller::Superuser | Caller::Person(_) => Restriction::None,
        }
    }

    /// Whether the dictionaries of metadata and tags show the caller keys only, without values: while the privacy mask is
    /// on, everybody who did not come with Basic credentials (objects contract 1.12).
    pub fn shows_keys_only(&self, ctx: &Ctx) -> bool {
        self.settings().privacy_mask && ctx.caller.kind() != "BASIC"
    }
}
