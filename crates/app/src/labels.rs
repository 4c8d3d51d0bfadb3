//! Listing metadata and tags: of objects, of versions, and all that there are (objects contract 4.5.3, 4.6.2 to 4.6.4, 4.7).

use store::{
    Access, Op, Session,
    files::Pairs,
    labels::{self, ObjectLabels, PairFilter, VersionLabels},
};
use uuid::Uuid;

pub use store::labels::{Label, LabelledVersion};

use crate::{App, Ctx, Error, Result, gate};

/// The pairs of objects, as far as they match: those of their newest version with content.
pub async fn of_objects(
    app: &App,
    ctx: &Ctx,
    label: Label,
    (objects, buckets): (Vec<Uuid>, Vec<Uuid>),
    pairs: &[(String, String)],
) -> Result<Vec<(Uuid, Pairs)>> {
    let (restrict, within) = app.restriction(ctx).limits(app.now());
    let of = ObjectLabels {
        objects,
        buckets,
        pairs: PairFilter::new(pairs),
        restrict,
        within,
    };
    app.store().run(OfObjects(ctx.clone(), label, of), &ctx.meter).await
}

#[derive(Clone)]
struct OfObjects(Ctx, Label, ObjectLabels);

impl Op for OfObjects {
    type Out = Vec<(Uuid, Pairs)>;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        gate::active(s, &self.0).await?;
        Ok(labels::of_objects(s, self.1, &self.2).await?)
    }
}

/// The pairs of versions, as far as they match, newest first.
pub async fn of_versions(
    app: &App,
    ctx: &Ctx,
    label: Label,
    (versions, natives): (Vec<Uuid>, Vec<String>),
    pairs: &[(String, String)],
) -> Result<Vec<LabelledVersion>> {
    let (restrict, within) = app.restriction(ctx).limits(app.now());
    let of = VersionLabels {
        versions,
        natives,
        pairs: PairFilter::new(pairs),
        restrict,
        within,
    };
    app.store().run(OfVersions(ctx.clone(), label, of), &ctx.meter).await
}

#[derive(Clone)]
struct OfVersions(Ctx, Label, VersionLabels);

impl Op for OfVersions {
    type Out = Vec<LabelledVersion>;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        gate::active(s, &self.0).await?;
        Ok(labels::of_versions(s, self.1, &self.2).await?)
    }
}

/// All pairs that versions carry, as far as they match. Where the caller sees no values they
/// cannot ask for them either.
pub async fn known(
    app: &App,
    ctx: &Ctx,
    label: Label,
    pairs: &[(String, String)],
) -> Result<Vec<(String, Option<String>)>> {
    let hide = app.shows_keys_only(ctx);
    let filter = PairFilter::new(pairs);
    let filter = if hide { filter.by_keys() } else { filter };
    let within = app.confinement(ctx).buckets();
    let op = Known(ctx.clone(), label, filter, within);
    let found = app.store().run(op, &ctx.meter).await?;
    Ok(found
        .into_iter()
        .map(|(key, value)| (key, (!hide).then_some(value)))
        .collect())
}

#[derive(Clone)]
struct Known(Ctx, Label, PairFilter, Option<Vec<i64>>);

impl Op for Known {
    type Out = Pairs;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Pairs> {
        gate::active(s, &self.0).await?;
        Ok(labels::known(s, self.1, &self.2, self.3.as_deref()).await?)
    }
}
