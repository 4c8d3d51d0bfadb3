//! Looking at buckets (objects contract 4.1.2 to 4.1.4).

use access::{Authorised, CodeRead};
use domain::Timestamp;
use store::{
    Access, Op, Restriction, Session,
    buckets::{self, BucketFilter, BucketRow},
};
use uuid::Uuid;

use super::{BucketView, not_found};
use crate::{
    App, Ctx, Error, Result,
    gate::{self, On},
};

/// Searches buckets. The contract shows every person every bucket, without its credentials.
pub async fn search(app: &App, ctx: &Ctx, filter: BucketFilter) -> Result<Vec<BucketView>> {
    let rows = app
        .store()
        .run(Search(ctx.clone(), filter, app.confinement(ctx)), &ctx.meter)
        .await?;
    Ok(rows.into_iter().map(BucketView::from).collect())
}

#[derive(Clone)]
struct Search(Ctx, BucketFilter, Restriction);

impl Op for Search {
    type Out = Vec<BucketRow>;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        gate::active(s, &self.0).await?;
        Ok(buckets::search(s, &self.1, &self.2).await?)
    }
}

/// One bucket.
pub async fn read(app: &App, ctx: &Ctx, bucket: Uuid) -> Result<BucketView> {
    find(app, ctx, bucket).await.map(BucketView::from)
}

/// Whether the store answers for a bucket with the credentials on record.
pub async fn head(app: &App, ctx: &Ctx, bucket: Uuid) -> Result<()> {
    let row = find(app, ctx, bucket).await?;
    Ok(app.storages().of(&row)?.check().await?)
}

async fn find(app: &App, ctx: &Ctx, bucket: Uuid) -> Result<BucketRow> {
    let op = Read(ctx.clone(), bucket, app.now());
    app.decide(ctx, "bucket.read", || format!("bucket:{bucket}"), op).await
}

#[derive(Clone)]
struct Read(Ctx, Uuid, Timestamp);

impl Op for Read {
    type Out = BucketRow;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<BucketRow> {
        let _proof: Authorised<CodeRead> = gate::allow(s, &self.0, On::Bucket, self.1, self.2).await?;
        buckets::find(s, self.1).await?.ok_or_else(|| not_found(&self.0))
    }
}
