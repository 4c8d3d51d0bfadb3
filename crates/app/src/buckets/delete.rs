//! Deleting a bucket's record, and those of the buckets below it (objects contract 4.1.7, 3.5).

use access::{Authorised, CodeDelete, Principal};
use domain::Timestamp;
use serde_json::json;
use store::{Access, Op, Session, buckets, buckets::BucketRow, grants};
use uuid::Uuid;

use super::not_found;
use crate::{
    App, Ctx, Error, Result, audit,
    gate::{self, On},
    jobs::effects,
};

/// Deletes a bucket with everything in it. In a registered S3 bucket the bytes stay; in the server's own storage they go.
/// With `recursive`, buckets below go too: for a person those they hold anything on, which must include DELETE.
pub async fn delete(app: &App, ctx: &Ctx, bucket: Uuid, recursive: bool) -> Result<()> {
    let op = Delete {
        ctx: ctx.clone(),
        now: app.now(),
        bucket,
        recursive,
    };
    app.decide(ctx, "bucket.delete", || format!("bucket:{bucket}"), op)
        .await
}

#[derive(Clone)]
struct Delete {
    ctx: Ctx,
    now: Timestamp,
    bucket: Uuid,
    recursive: bool,
}

impl Op for Delete {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        let _proof: Authorised<CodeDelete> = gate::allow(s, &self.ctx, On::Bucket, self.bucket, self.now).await?;
        let row = buckets::find(s, self.bucket)
            .await?
            .ok_or_else(|| not_found(&self.ctx))?;
        let below = if self.recursive {
            below(s, &self.ctx, &row, self.now).await?
        } else {
            Vec::new()
        };
        let doomed: Vec<&BucketRow> = std::iter::once(&row).chain(&below).collect();
        let keys = buckets::delete(s, &doomed).await?;
        effects::delete_bytes(s, &keys, self.now).await?;
        for bucket in doomed {
            let after = json!({ "endpoint": bucket.endpoint, "bucket": bucket.s3_bucket, "key": bucket.key });
            let object = format!("bucket:{}", bucket.uuid);
            audit::changed(s, &self.ctx, self.now, "bucket.delete", object, Some(after)).await?;
        }
        Ok(())
    }
}

/// The buckets below that go too: for a person those they hold anything on by a grant of their own. One of these that they
/// may not delete keeps them all: half a deletion is not what was asked for.
async fn below<S: Session>(s: &mut S, ctx: &Ctx, row: &BucketRow, now: Timestamp) -> Result<Vec<BucketRow>> {
    let mut below = buckets::below(s, &row.s3_bucket, &row.endpoint, &row.key).await?;
    below.retain(|bucket| ctx.caller.reaches(bucket.id));
    if let Some(person) = ctx.caller.person_id() {
        let ids: Vec<i64> = below.iter().map(|bucket| bucket.id.0).collect();
        let held = grants::holdings(s, Principal::Person(person), &ids).await?;
        below.retain(|bucket| held.iter().any(|(item, _)| *item == bucket.id));
    }
    let uuids: Vec<Uuid> = below.iter().map(|bucket| bucket.uuid).collect();
    let proofs: Vec<Authorised<CodeDelete>> = gate::among(s, ctx, &uuids, now).await?;
    let may = |bucket: &BucketRow| proofs.iter().any(|proof| proof.item() == bucket.id);
    if below.iter().all(may) {
        Ok(below)
    } else {
        Err(Error::denied())
    }
}
