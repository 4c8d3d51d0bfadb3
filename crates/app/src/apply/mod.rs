//! Making the world true that a file describes (docs/apply.md): users, organisations, tokens, collaborations.
//!
//! One transaction: what is described and missing is added, what differs is changed, and what is not described stays.
//! A second run changes nothing.

mod check;
mod collaborations;
mod invitations;
mod organisations;
mod services;
#[cfg(test)]
mod tests;
mod tokens;
mod users;
mod world;

use std::{collections::BTreeMap, sync::Arc};

use domain::{Entropy, Kind, PersonId, Secret, Timestamp};
use identity::links::LinkSigner;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;
use store::{Access, Op, Session, StoreError};
use uuid::Uuid;

pub use world::World;

use crate::{App, Caller, Ctx, Error, Result, audit};

/// What there is after a file was applied, under the keys of the file, and what that changed.
#[derive(Debug, Default, Serialize)]
pub struct Applied {
    /// The secrets of new tokens; none for a token that was there before, whose secret nobody can know.
    #[serde(serialize_with = "reveal")]
    pub keys: BTreeMap<String, Option<Secret>>,
    /// Users.
    pub users: BTreeMap<String, AppliedUser>,
    /// Organisations.
    pub organisations: BTreeMap<String, AppliedOrganisation>,
    /// Services.
    pub services: BTreeMap<String, AppliedService>,
    /// Collaborations.
    pub collaborations: BTreeMap<String, AppliedCollaboration>,
    /// Groups.
    pub groups: BTreeMap<String, AppliedGroup>,
    /// Invitations.
    pub invitations: BTreeMap<String, AppliedInvitation>,
    /// One line for each change; empty when everything was true already.
    pub changes: Vec<String>,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppliedUser {
    /// The subject they sign in as.
    pub uid: String,
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Name to sign in with.
    pub username: String,
}

/// An organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppliedOrganisation {
    /// Name.
    pub name: String,
    /// Short name.
    pub short_name: String,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppliedService {
    /// What it calls itself.
    pub entity_id: String,
    /// Name.
    pub name: String,
    /// Short name.
    pub abbreviation: String,
}

/// A collaboration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppliedCollaboration {
    /// Public id.
    pub identifier: Uuid,
    /// Name.
    pub name: String,
    /// Short name.
    pub short_name: String,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppliedGroup {
    /// Public id.
    pub identifier: Uuid,
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppliedInvitation {
    /// Public id.
    pub identifier: Uuid,
    /// Address.
    pub email: String,
    /// Until when it can be accepted, in seconds since 1970.
    pub expires_at: i64,
}

/// The one place where secrets are written out: the answer is how their owner learns them.
fn reveal<S: Serializer>(keys: &BTreeMap<String, Option<Secret>>, to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(Some(keys.len()))?;
    for (key, secret) in keys {
        map.serialize_entry(key, &secret.as_ref().map(Secret::reveal))?;
    }
    map.end()
}

/// Makes the described world true, or with `dry_run` says what that would change. New tokens have no secret then.
///
/// # Errors
/// `Denied` to anybody but the operator. `Invalid` or `Conflict`, with the place in the file, for what cannot be made
/// true: a unit that does not exist or that the file leaves out, a token whose scope differs, an address of somebody
/// else. Nothing is written then.
pub async fn apply(app: &App, ctx: &Ctx, world: World, dry_run: bool) -> Result<Applied> {
    operator(ctx)?;
    let op = Apply {
        ctx: ctx.clone(),
        now: app.now(),
        entropy: Arc::clone(&app.0.entropy),
        links: Arc::clone(&app.0.links),
        hashes: Arc::new(users::first_passwords(app, ctx, &world.users).await?),
        world: Arc::new(world),
        dry_run,
    };
    match app.store().run(op, &ctx.meter).await {
        Ok(applied) => Ok(applied),
        Err(Undone::DryRun(applied)) => Ok(*applied),
        Err(Undone::Failed(error)) => Err(error),
    }
}

/// Organisations are set up by the operator of the server, on the command line.
pub(crate) fn operator(ctx: &Ctx) -> Result<()> {
    match ctx.caller {
        Caller::Superuser => Ok(()),
        Caller::Anonymous | Caller::Anybody | Caller::ServiceAccount(_) | Caller::Person(_) | Caller::Token(_) => {
            Err(Error::denied())
        }
    }
}

#[derive(Clone)]
struct Apply {
    ctx: Ctx,
    now: Timestamp,
    entropy: Arc<dyn Entropy>,
    links: Arc<LinkSigner>,
    hashes: Arc<BTreeMap<String, String>>,
    world: Arc<World>,
    dry_run: bool,
}

/// Why a transaction leaves nothing behind.
enum Undone {
    Failed(Error),
    DryRun(Box<Applied>),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Error> for Undone {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Op for Apply {
    type Out = Applied;
    type Error = Undone;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Applied, Undone> {
        let mut run = Run {
            s,
            ctx: &self.ctx,
            now: self.now,
            entropy: &*self.entropy,
            links: &self.links,
            applied: Applied::default(),
            names: BTreeMap::new(),
        };
        let people = run.users(&self.world.users, &self.hashes).await?;
        let organisations = run.organisations(&self.world.organisations, &people).await?;
        run.tokens(&self.world.api_keys, &organisations).await?;
        let services = run.services(&self.world.services, &organisations).await?;
        run.collaborations(&self.world.collaborations, &organisations, &people, &services)
            .await?;
        let mut applied = run.applied;
        if self.dry_run {
            applied.keys.values_mut().for_each(|secret| *secret = None);
            return Err(Undone::DryRun(Box::new(applied)));
        }
        Ok(applied)
    }
}

/// One application of a file.
struct Run<'a, S> {
    s: &'a mut S,
    ctx: &'a Ctx,
    now: Timestamp,
    entropy: &'a dyn Entropy,
    links: &'a LinkSigner,
    applied: Applied,
    /// What lines and records call people: the key of the file, or the name of those whom the file does not know.
    names: BTreeMap<PersonId, (String, Uuid)>,
}

impl<S: Session> Run<'_, S> {
    fn name(&mut self, person: PersonId, name: &str, uuid: Uuid) {
        self.names.entry(person).or_insert_with(|| (name.to_owned(), uuid));
    }

    /// What to call somebody, and their public id.
    fn called(&self, person: PersonId) -> (String, Option<Uuid>) {
        let named = self.names.get(&person).cloned();
        named.map_or_else(|| (format!("person {person}"), None), |(name, uuid)| (name, Some(uuid)))
    }

    fn stamp(&self) -> Uuid {
        self.ctx.caller.stamp()
    }

    /// Records a change and tells it.
    async fn changed(&mut self, action: &'static str, object: String, line: String, after: Value) -> Result<()> {
        audit::changed(self.s, self.ctx, self.now, action, object, Some(after)).await?;
        self.applied.changes.push(line);
        Ok(())
    }
}

/// What cannot be made true, and where the file says it.
fn invalid(path: &str, why: &str) -> Error {
    Error::new(Kind::Invalid, format!("{path}: {why}"))
}

/// What a check of the file has promised to be there.
fn resolved<'m, T>(map: &'m BTreeMap<String, T>, key: &str) -> Result<&'m T> {
    map.get(key)
        .ok_or_else(|| Error::new(Kind::Internal, "An unexpected error").because(format!("no {key:?}")))
}

/// The members of two sets that only the one or only the other has: what to add, what to remove.
fn difference<T: Ord + Copy>(
    wanted: &std::collections::BTreeSet<T>,
    present: &std::collections::BTreeSet<T>,
) -> (Vec<T>, Vec<T>) {
    (
        wanted.difference(present).copied().collect(),
        present.difference(wanted).copied().collect(),
    )
}
