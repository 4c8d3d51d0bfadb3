//! Who holds what (objects contract 4.9.1, 4.9.2).

use std::collections::BTreeMap;

use access::{CodeManage, CodeRead};
use domain::{ItemId, Timestamp};
use store::{
    Access, Op, Restriction, Session,
    grants::{self, GrantSearch},
};
use uuid::Uuid;

use super::{Listed, PermissionFilter, PermissionView, Target};
use crate::{App, Ctx, Error, Result, gate};

/// The grants on one bucket (needs READ) or object (needs MANAGE).
pub async fn list(app: &App, ctx: &Ctx, target: Target, filter: PermissionFilter) -> Result<Vec<PermissionView>> {
    let op = List {
        ctx: ctx.clone(),
        now: app.now(),
        target,
        filter,
    };
    app.decide(ctx, "grant.list", || target.object(), op).await
}

#[derive(Clone)]
struct List {
    ctx: Ctx,
    now: Timestamp,
    target: Target,
    filter: PermissionFilter,
}

impl Op for List {
    type Out = Vec<PermissionView>;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let (on, uuid) = (self.target.on(), self.target.uuid());
        let item: ItemId = match self.target {
            Target::Bucket(_) => gate::allow::<CodeRead, S>(s, &self.ctx, on, uuid, self.now)
                .await?
                .item(),
            Target::Object(_) => gate::allow::<CodeManage, S>(s, &self.ctx, on, uuid, self.now)
                .await?
                .item(),
        };
        if !self.target.exists(s).await? {
            return Err(Error::denied());
        }
        Ok(grants::list(s, &[item.0], &self.filter).await?)
    }
}

/// A search over the grants of all buckets or objects.
#[derive(Clone, Debug)]
pub struct PermissionSearch {
    /// Of buckets or of objects.
    pub of: Listed,
    /// In (or on) any of these buckets; empty means any.
    pub buckets: Vec<Uuid>,
    /// On any of these objects; empty means any.
    pub objects: Vec<Uuid>,
    /// Whose and which.
    pub filter: PermissionFilter,
    /// Also name, without permissions, buckets that hold an object the principal has a grant on, or objects of buckets
    /// they have one on (`objectPerms`, `bucketPerms`).
    pub related: bool,
}

/// Searches grants, grouped by bucket or object. Two statements at the most, however many ids are asked for.
pub async fn search(app: &App, ctx: &Ctx, search: PermissionSearch) -> Result<Vec<(Uuid, Vec<PermissionView>)>> {
    let op = Search(ctx.clone(), search, app.confinement(ctx));
    app.store().run(op, &ctx.meter).await
}

#[derive(Clone)]
struct Search(Ctx, PermissionSearch, Restriction);

impl Op for Search {
    type Out = Vec<(Uuid, Vec<PermissionView>)>;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let Self(ctx, search, restriction) = self;
        gate::active(s, &ctx).await?;
        let related = search.related;
        let asked_buckets = search.buckets.clone();
        let search = GrantSearch {
            of: search.of,
            buckets: search.buckets,
            objects: search.objects,
            filter: search.filter,
            restriction,
        };
        let rows = grants::search(s, &search).await?;
        let mut order: Vec<Uuid> = Vec::new();
        let mut groups: BTreeMap<Uuid, Vec<PermissionView>> = BTreeMap::new();
        for row in rows {
            let group = groups.entry(row.item).or_default();
            if group.is_empty() {
                order.push(row.item);
            }
            group.push(row);
        }
        if related {
            let wanted =
                |uuid: &Uuid| search.of == Listed::Objects || asked_buckets.is_empty() || asked_buckets.contains(uuid);
            let more = grants::related(s, &search).await?;
            order.extend(
                more.into_iter()
                    .filter(wanted)
                    .filter(|uuid| !groups.contains_key(uuid)),
            );
        }
        Ok(order
            .into_iter()
            .map(|uuid| (uuid, groups.remove(&uuid).unwrap_or_default()))
            .collect())
    }
}
