//! Synchronisation: what is known of a registered bucket is made equal to what lies in S3 (objects contract 4.8). A request
//! leaves a job; workers of all nodes do them (`docs/decisions/0006`).

mod folder;
mod folders;
mod keys;
mod worker;
mod write;

use access::{Authorised, CodeManage, CodeRead};
use domain::{ItemId, Timestamp};
use serde_json::json;
use store::{
    Access, Op, Restriction, Session, buckets,
    files::{self, VersionSelector},
    sync,
};
use uuid::Uuid;

pub(crate) use keys::adopt;
pub use store::sync::JobState;

use crate::{
    App, Caller, Ctx, Error, Result, audit,
    gate::{self, On},
};

/// Asks for the synchronisation of a bucket's folder, with `recursive` of all folders below too; how many jobs are new.
/// The server's own storage has nothing that this server has not put there itself: nothing to do.
pub async fn bucket(app: &App, ctx: &Ctx, bucket: Uuid, recursive: bool) -> Result<usize> {
    let op = RequestBucket {
        ctx: ctx.clone(),
        now: app.now(),
        bucket,
        recursive,
    };
    let new = app
        .decide(ctx, "bucket.sync", || format!("bucket:{bucket}"), op)
        .await?;
    app.wake();
    Ok(new)
}

/// The same for one object.
pub async fn object(app: &App, ctx: &Ctx, object: Uuid) -> Result<usize> {
    let op = RequestObject(ctx.clone(), object, app.now());
    let new = app
        .decide(ctx, "object.sync", || format!("object:{object}"), op)
        .await?;
    app.wake();
    Ok(new)
}

/// How many jobs are not done yet on these buckets, or on any, of what the caller may see.
pub async fn status(app: &App, ctx: &Ctx, buckets: Vec<Uuid>) -> Result<i64> {
    let restriction = match &ctx.caller {
        Caller::Person(person) => Restriction::Readable(person.id),
        _ => app.confinement(ctx),
    };
    app.store()
        .run(Status(ctx.clone(), buckets, restriction), &ctx.meter)
        .await
}

/// How many jobs are not done yet, and how many were given up: for metrics.
pub async fn counts(app: &App) -> Result<(i64, i64)> {
    app.store().run(Counts, &app.job_context().meter).await
}

/// Jobs for the operator, by number: up to a thousand after one.
pub async fn jobs(app: &App, ctx: &Ctx, after: i64) -> Result<Vec<JobState>> {
    app.store().run(Jobs(after), &ctx.meter).await
}

/// Has every job that was given up tried again; how many there were.
pub async fn retry(app: &App, ctx: &Ctx) -> Result<u64> {
    let count = app.store().run(Retry(ctx.clone(), app.now()), &ctx.meter).await?;
    app.wake();
    Ok(count)
}

#[derive(Clone)]
struct RequestBucket {
    ctx: Ctx,
    now: Timestamp,
    bucket: Uuid,
    recursive: bool,
}

impl Op for RequestBucket {
    type Out = usize;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<usize> {
        let item = if self.recursive {
            let proof: Authorised<CodeManage> = gate::allow(s, &self.ctx, On::Bucket, self.bucket, self.now).await?;
            proof.item()
        } else {
            let proof: Authorised<CodeRead> = gate::allow(s, &self.ctx, On::Bucket, self.bucket, self.now).await?;
            proof.item()
        };
        let row = buckets::find(s, self.bucket).await?.ok_or_else(Error::denied)?;
        sync::requested(s, &[item.0], self.now).await?;
        let after = json!({ "recursive": self.recursive });
        let object = format!("bucket:{}", self.bucket);
        audit::changed(s, &self.ctx, self.now, "bucket.sync", object, Some(after)).await?;
        if row.storage.is_none() {
            return Ok(0);
        }
        Ok(sync::enqueue(s, &[item.0], "", self.recursive, self.now).await?)
    }
}

#[derive(Clone)]
struct RequestObject(Ctx, Uuid, Timestamp);

impl Op for RequestObject {
    type Out = usize;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<usize> {
        let Self(ctx, object, now) = self;
        let _proof: Authorised<CodeRead> = gate::allow(s, &ctx, On::Object, object, now).await?;
        let located = files::find(s, object, &VersionSelector::Latest)
            .await?
            .ok_or_else(Error::denied)?;
        if located.bucket.storage.is_none() {
            return Ok(0);
        }
        let ItemId(bucket) = located.bucket.id;
        Ok(sync::enqueue(s, &[bucket], &located.object.path, false, now).await?)
    }
}

#[derive(Clone)]
struct Status(Ctx, Vec<Uuid>, Restriction);

impl Op for Status {
    type Out = i64;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<i64> {
        gate::active(s, &self.0).await?;
        Ok(sync::unfinished(s, &self.1, &self.2).await?)
    }
}

#[derive(Clone)]
struct Counts;

impl Op for Counts {
    type Out = (i64, i64);
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<(i64, i64)> {
        Ok(sync::counts(s).await?)
    }
}

#[derive(Clone)]
struct Jobs(i64);

impl Op for Jobs {
    type Out = Vec<JobState>;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Vec<JobState>> {
        Ok(sync::jobs(s, self.0, 1000).await?)
    }
}

#[derive(Clone)]
struct Retry(Ctx, Timestamp);

impl Op for Retry {
    type Out = u64;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<u64> {
        let count = sync::retry(s, self.1).await?;
        let after = json!({ "jobs": count });
        audit::changed(s, &self.0, self.1, "sync.retry", "server".to_owned(), Some(after)).await?;
        Ok(count)
    }
}
