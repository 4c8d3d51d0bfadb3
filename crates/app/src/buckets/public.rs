//! Making a bucket public, with everything below it, or private again (objects contract 4.1.6, 5.4).

use std::sync::Arc;

use access::{Authorised, CodeManage};
use blob::policy::Target;
use domain::Timestamp;
use serde_json::json;
use store::{
    Access, Op, Session,
    buckets::{self, BucketRow},
    public::{self, Place},
};
use uuid::Uuid;

use super::{BucketView, not_found, update::Manage};
use crate::{
    About, App, Ctx, Error, Result, audit,
    gate::{self, On},
    jobs::{Withdraw, effects},
    objects::finish,
    public::{in_turn, public_above, rewrite},
};

/// Makes a bucket public or private. In a registered bucket the policy of S3 says so too. What has begun is finished when
/// the caller is dropped.
///
/// # Errors
/// `Conflict` about the bucket for making it private while a bucket above it is public.
pub async fn set_public(app: &Arc<App>, ctx: &Ctx, bucket: Uuid, public: bool) -> Result<BucketView> {
    let (app, ctx) = (Arc::clone(app), ctx.clone());
    finish(tokio::spawn(async move { set(&app, &ctx, bucket, public).await })).await
}

async fn set(app: &App, ctx: &Ctx, bucket: Uuid, public: bool) -> Result<BucketView> {
    let object = || format!("bucket:{bucket}");
    let manage = Manage(ctx.clone(), bucket, app.now());
    let row = app.decide(ctx, "bucket.public", object, manage).await?;
    if row.public_above {
        return if public { Ok(row.into()) } else { Err(refused(bucket)) };
    }
    let op = SetPublic {
        ctx: ctx.clone(),
        now: app.now(),
        bucket,
        public,
    };
    if row.storage.is_none() {
        return app.decide(ctx, "bucket.public", object, op).await.map(BucketView::from);
    }
    let target = Target::Folder {
        bucket: row.s3_bucket.clone(),
        key: row.key.clone(),
    };
    let work = async {
        let blobs = app.storages().of(&row)?;
        if let Some(native) = blobs.native() {
            let outcome = rewrite(native, &target, public).await;
            outcome.map_err(|error| error.about(About::Bucket(bucket)))?;
        }
        app.decide(ctx, "bucket.public", object, op).await
    };
    in_turn(app, ctx, &row, work).await.map(BucketView::from)
}

fn refused(bucket: Uuid) -> Error {
    public_above().about(About::Bucket(bucket))
}

#[derive(Clone)]
struct SetPublic {
    ctx: Ctx,
    now: Timestamp,
    bucket: Uuid,
    public: bool,
}

impl Op for SetPublic {
    type Out = BucketRow;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<BucketRow> {
        // Asked again: the answer may have changed while the store was asked.
        let proof: Authorised<CodeManage> = gate::allow(s, &self.ctx, On::Bucket, self.bucket, self.now).await?;
        let row = buckets::find(s, self.bucket)
            .await?
            .ok_or_else(|| not_found(&self.ctx))?;
        let by = self.ctx.caller.stamp();
        if self.public {
            public::publish_bucket(s, proof.item(), by, self.now).await?;
        } else {
            if row.public_above {
                return Err(refused(self.bucket));
            }
            let place = Place {
                s3_bucket: &row.s3_bucket,
                endpoint: &row.endpoint,
                key: &row.key,
            };
            public::unpublish_bucket(s, proof.item(), place, by, self.now).await?;
            if row.storage.is_some() {
                let lists = Withdraw {
                    bucket: self.bucket,
                    path: prefix(&row.key),
                    below: true,
                    after: None,
                };
                effects::withdraw(s, &lists, self.now).await?;
            }
        }
        let object = format!("bucket:{}", self.bucket);
        let after = json!({ "public": self.public });
        audit::changed(s, &self.ctx, self.now, "bucket.public", object, Some(after)).await?;
        buckets::find(s, self.bucket).await?.ok_or_else(|| not_found(&self.ctx))
    }
}

/// How the keys of a bucket begin.
pub(crate) fn prefix(key: &str) -> String {
    if key == "/" { String::new() } else { format!("{key}/") }
}
