//! Granting and revoking (objects contract 4.9.3, 4.9.4, 3.5).

use std::collections::{BTreeMap, BTreeSet};

use access::{Authorised, CodeManage, PermissionCode, Principal};
use domain::{ItemId, Kind, Timestamp};
use serde_json::json;
use store::{
    Access, Op, Session,
    buckets::{self, BucketRow},
    grants::{self, NewGrant},
    people,
};
use uuid::Uuid;

use super::{PermissionFilter, PermissionView, PrincipalRef, Target};
use crate::{App, Ctx, Error, Result, Stamps, audit, gate, ids::Ids};

/// Grants codes on a bucket or object. What is held already is skipped; answers what is new. With `recursive`, also on the
/// buckets below that the caller may manage.
///
/// # Errors
/// `NotFound` when a person or identity provider does not exist; nothing is granted then.
pub async fn grant(
    app: &App,
    ctx: &Ctx,
    target: Target,
    wanted: Vec<(PrincipalRef, PermissionCode)>,
    recursive: bool,
) -> Result<Vec<PermissionView>> {
    let op = Grant {
        ctx: ctx.clone(),
        now: app.now(),
        target,
        wanted,
        recursive,
        ids: Ids::new(app.entropy()),
    };
    app.decide(ctx, "grant.add", || target.object(), op).await
}

#[derive(Clone)]
struct Grant {
    ctx: Ctx,
    now: Timestamp,
    target: Target,
    wanted: Vec<(PrincipalRef, PermissionCode)>,
    recursive: bool,
    ids: Ids,
}

impl Op for Grant {
    type Out = Vec<PermissionView>;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(mut self, s: &mut S) -> Result<Self::Out> {
        let items = managed(s, &self.ctx, self.target, self.recursive, self.now).await?;
        let principals = resolve(s, &self.wanted).await?;
        let by = self.ctx.caller.stamp();
        let (mut places, mut new, mut views) = (Vec::new(), Vec::new(), Vec::new());
        for (item, uuid) in items {
            for (name, code) in &self.wanted {
                let Some(principal) = principals.get(name).copied() else {
                    continue;
                };
                let row = NewGrant {
                    uuid: self.ids.next(),
                    principal,
                    code: *code,
                };
                places.push(item.0);
                new.push(row);
                views.push(PermissionView {
                    uuid: row.uuid,
                    item: uuid,
                    principal: name.clone(),
                    code: *code,
                    stamps: Stamps::created(by, self.now),
                });
            }
        }
        let inserted = grants::insert_on(s, &places, &new, by, self.now).await?;
        let inserted: BTreeSet<Uuid> = inserted.into_iter().collect();
        views.retain(|view| inserted.contains(&view.uuid));
        let added = views;
        record(s, &self.ctx, self.now, "grant.add", self.target, &added).await?;
        Ok(added)
    }
}

/// Revokes grants on a bucket or object; answers what was revoked. No filter means all of that kind.
pub async fn revoke(
    app: &App,
    ctx: &Ctx,
    target: Target,
    filter: PermissionFilter,
    recursive: bool,
) -> Result<Vec<PermissionView>> {
    let op = Revoke {
        ctx: ctx.clone(),
        now: app.now(),
        target,
        filter,
        recursive,
    };
    app.decide(ctx, "grant.remove", || target.object(), op).await
}

#[derive(Clone)]
struct Revoke {
    ctx: Ctx,
    now: Timestamp,
    target: Target,
    filter: PermissionFilter,
    recursive: bool,
}

impl Op for Revoke {
    type Out = Vec<PermissionView>;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let items = managed(s, &self.ctx, self.target, self.recursive, self.now).await?;
        let ids: Vec<i64> = items.iter().map(|(item, _)| item.0).collect();
        let rows = grants::list(s, &ids, &self.filter).await?;
        let uuids: Vec<Uuid> = rows.iter().map(|row| row.uuid).collect();
        grants::delete(s, &uuids).await?;
        record(s, &self.ctx, self.now, "grant.remove", self.target, &rows).await?;
        Ok(rows)
    }
}

/// The items a change is about, the target first: with `recursive` the buckets below too that the caller may manage,
/// through an identity provider as well (objects contract 3.5, E-15).
async fn managed<S: Session>(
    s: &mut S,
    ctx: &Ctx,
    target: Target,
    recursive: bool,
    now: Timestamp,
) -> Result<Vec<(ItemId, Uuid)>> {
    let proof: Authorised<CodeManage> = gate::allow(s, ctx, target.on(), target.uuid(), now).await?;
    if !target.exists(s).await? {
        return Err(Error::denied());
    }
    let mut items = vec![(proof.item(), target.uuid())];
    let Target::Bucket(uuid) = target else { return Ok(items) };
    if recursive && let Some(row) = buckets::find(s, uuid).await? {
        items.extend(managed_below(s, ctx, &row, now).await?);
    }
    Ok(items)
}

/// The buckets below one that the caller may manage.
pub(crate) async fn managed_below<S: Session>(
    s: &mut S,
    ctx: &Ctx,
    row: &BucketRow,
    now: Timestamp,
) -> Result<Vec<(ItemId, Uuid)>> {
    let below = buckets::below(s, &row.s3_bucket, &row.endpoint, &row.key).await?;
    let uuids: Vec<Uuid> = below.iter().map(|bucket| bucket.uuid).collect();
    let proofs: Vec<Authorised<CodeManage>> = gate::among(s, ctx, &uuids, now).await?;
    let managed: BTreeSet<ItemId> = proofs.iter().map(Authorised::item).collect();
    let managed = below.into_iter().filter(|bucket| managed.contains(&bucket.id));
    Ok(managed.map(|bucket| (bucket.id, bucket.uuid)).collect())
}

/// Internal keys of all principals named, in one statement for each kind of them.
async fn resolve<S: Session>(
    s: &mut S,
    wanted: &[(PrincipalRef, PermissionCode)],
) -> Result<BTreeMap<PrincipalRef, Principal>> {
    let (mut uuids, mut names) = (Vec::new(), Vec::new());
    for (principal, _) in wanted {
        match principal {
            PrincipalRef::Person(uuid) => uuids.push(*uuid),
            PrincipalRef::IdentityProvider(name) => names.push(name.clone()),
        }
    }
    let mut found = BTreeMap::new();
    if !uuids.is_empty() {
        let people = people::ids(s, &uuids).await?;
        found.extend(
            people
                .into_iter()
                .map(|(uuid, id)| (PrincipalRef::Person(uuid), Principal::Person(id))),
        );
    }
    if !names.is_empty() {
        let providers = people::identity_provider_ids(s, &names).await?;
        let entry = |(name, id)| (PrincipalRef::IdentityProvider(name), Principal::IdentityProvider(id));
        found.extend(providers.into_iter().map(entry));
    }
    match wanted.iter().find(|(principal, _)| !found.contains_key(principal)) {
        None => Ok(found),
        Some((PrincipalRef::Person(uuid), _)) => Err(Error::new(
            Kind::NotFound,
            format!("There is no user with the \"userId\" {uuid}"),
        )),
        Some((PrincipalRef::IdentityProvider(name), _)) => Err(Error::new(
            Kind::NotFound,
            format!("There is no identity provider with the \"idp\" {name}"),
        )),
    }
}

async fn record<S: Session>(
    s: &mut S,
    ctx: &Ctx,
    now: Timestamp,
    action: &'static str,
    target: Target,
    rows: &[PermissionView],
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let entry = |row: &PermissionView| match &row.principal {
        PrincipalRef::Person(uuid) => json!([row.item, "person", uuid, row.code.as_str()]),
        PrincipalRef::IdentityProvider(name) => json!([row.item, "idp", name, row.code.as_str()]),
    };
    let after = rows.iter().map(entry).collect();
    Ok(audit::changed(s, ctx, now, action, target.object(), Some(after)).await?)
}
