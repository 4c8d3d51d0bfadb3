//! Changing a bucket's name, flag, place or credentials (objects contract 4.1.5).

use access::{Authorised, CodeManage};
use domain::{Kind, Secret, Timestamp};
use serde_json::json;
use store::{
    Access, Op, Session,
    buckets::{self, BucketChange, BucketRow},
};
use uuid::Uuid;

use super::{BucketView, Mount, not_found};
use crate::{
    App, Ctx, Error, Result, audit,
    gate::{self, On},
};

/// What is to change; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct BucketPatch {
    /// Display name.
    pub name: Option<String>,
    /// Access key.
    pub access_key_id: Option<String>,
    /// Its secret.
    pub secret_access_key: Option<Secret>,
    /// Bucket in the store.
    pub bucket: Option<String>,
    /// Endpoint of the store.
    pub endpoint: Option<String>,
    /// Region of the store.
    pub region: Option<String>,
    /// Active.
    pub active: Option<bool>,
}

impl BucketPatch {
    fn moves(&self) -> bool {
        self.access_key_id.is_some()
            || self.secret_access_key.is_some()
            || self.bucket.is_some()
            || self.endpoint.is_some()
            || self.region.is_some()
    }
}

/// Changes a bucket.
///
/// # Errors
/// `Denied` when the store refuses the credentials that would result; `Conflict` when another bucket is registered there;
/// `Invalid` for a place or credentials of a bucket in the server's own storage.
pub async fn update(app: &App, ctx: &Ctx, bucket: Uuid, patch: BucketPatch) -> Result<BucketView> {
    let now = app.now();
    let object = || format!("bucket:{bucket}");
    let row = app
        .decide(ctx, "bucket.update", object, Manage(ctx.clone(), bucket, now))
        .await?;
    let storage = match (&row.storage, patch.moves()) {
        (None, true) => {
            return Err(Error::new(
                Kind::Invalid,
                "The bucket lies in the server's own storage: it has no credentials",
            ));
        }
        (None, false) => None,
        (Some(sealed), _) => {
            let (access_key_id, secret_access_key) = app.storages().open(sealed)?;
            let mount = Mount {
                endpoint: patch
                    .endpoint
                    .map_or(row.endpoint, |given| given.trim_end_matches('/').to_owned()),
                bucket: patch.bucket.unwrap_or(row.s3_bucket),
                access_key_id: patch.access_key_id.unwrap_or(access_key_id),
                secret_access_key: patch.secret_access_key.unwrap_or(secret_access_key),
                region: patch.region.or(row.region),
            };
            app.storages().check(&mount).await?;
            let new = app.storages().seal(&mount, app.entropy())?;
            Some((sealed.id, new, mount.endpoint, mount.region, mount.bucket))
        }
    };
    let change = BucketChange {
        name: patch.name,
        active: patch.active,
        storage,
    };
    let op = Update {
        ctx: ctx.clone(),
        now,
        bucket,
        change,
    };
    app.decide(ctx, "bucket.update", object, op)
        .await
        .map(BucketView::from)
        .map_err(|error| match error.kind {
            Kind::Conflict => Error::new(Kind::Conflict, "Another bucket is registered at this place"),
            _ => error,
        })
}

/// The bucket, for who may manage it.
#[derive(Clone)]
pub(super) struct Manage(pub(super) Ctx, pub(super) Uuid, pub(super) Timestamp);

impl Op for Manage {
    type Out = BucketRow;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<BucketRow> {
        let _proof: Authorised<CodeManage> = gate::allow(s, &self.0, On::Bucket, self.1, self.2).await?;
        buckets::find(s, self.1).await?.ok_or_else(|| not_found(&self.0))
    }
}

#[derive(Clone)]
struct Update {
    ctx: Ctx,
    now: Timestamp,
    bucket: Uuid,
    change: BucketChange,
}

impl Op for Update {
    type Out = BucketRow;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<BucketRow> {
        // Asked again: the answer may have changed while the store was asked.
        let proof: Authorised<CodeManage> = gate::allow(s, &self.ctx, On::Bucket, self.bucket, self.now).await?;
        buckets::update(s, proof.item(), &self.change, self.ctx.caller.stamp(), self.now).await?;
        let place = self
            .change
            .storage
            .as_ref()
            .map(|(_, _, endpoint, _, bucket)| json!([endpoint, bucket]));
        let after = json!({ "name": self.change.name, "active": self.change.active, "place": place });
        let object = format!("bucket:{}", self.bucket);
        audit::changed(s, &self.ctx, self.now, "bucket.update", object, Some(after)).await?;
        buckets::find(s, self.bucket).await?.ok_or_else(|| not_found(&self.ctx))
    }
}
