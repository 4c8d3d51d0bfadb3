//! Making an object public or private (objects contract 4.4.2, 5.4).

use std::sync::Arc;

use access::{Authorised, CodeManage};
use blob::policy::Target;
use domain::Timestamp;
use serde_json::json;
use store::{
    Access, Op, Session,
    files::{self, Located, VersionSelector},
    public,
};
use uuid::Uuid;

use super::{
    ObjectView,
    create::{finish, public_above},
    is_managed,
};
use crate::{
    About, App, Ctx, Error, Result, audit,
    gate::{self, On},
    jobs::{Withdraw, effects},
    public as policies,
};

/// Makes an object public or private. In a registered bucket the policy of S3 says so too. What has begun is finished when
/// the caller is dropped.
///
/// # Errors
/// `Conflict` about its bucket for making it private while that, or one above it, is public.
pub async fn set_public(app: &Arc<App>, ctx: &Ctx, object: Uuid, public: bool) -> Result<ObjectView> {
    let (app, ctx) = (Arc::clone(app), ctx.clone());
    finish(tokio::spawn(async move { set(&app, &ctx, object, public).await })).await
}

async fn set(app: &App, ctx: &Ctx, object: Uuid, public: bool) -> Result<ObjectView> {
    let on_object = || format!("object:{object}");
    let find = Manage(ctx.clone(), object, app.now());
    let (located, folder_is_public) = app.decide(ctx, "object.public", on_object, find).await?;
    let bucket = located.bucket.uuid;
    if folder_is_public && !public {
        return Err(refused(bucket));
    }
    if folder_is_public {
        let mut view = ObjectView::new(located.object, bucket);
        view.public = true;
        return Ok(view);
    }
    let op = SetPublic {
        ctx: ctx.clone(),
        now: app.now(),
        object,
        public,
    };
    if is_managed(&located) {
        return app.decide(ctx, "object.public", on_object, op).await;
    }
    let target = Target::Object {
        bucket: located.bucket.s3_bucket.clone(),
        path: located.object.path.clone(),
    };
    let work = async {
        let blobs = app.storages().of(&located.bucket)?;
        if let Some(native) = blobs.native() {
            let outcome = policies::rewrite(native, &target, public).await;
            outcome.map_err(|error| error.about(About::Bucket(bucket)))?;
        }
        app.decide(ctx, "object.public", on_object, op).await
    };
    policies::in_turn(app, ctx, &located.bucket, work).await
}

fn refused(bucket: Uuid) -> Error {
    policies::public_above().about(About::Bucket(bucket))
}

/// The object, for who may manage it, and whether its bucket or one above is public.
#[derive(Clone)]
struct Manage(Ctx, Uuid, Timestamp);

impl Op for Manage {
    type Out = (Located, bool);
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let _proof: Authorised<CodeManage> = gate::allow(s, &self.0, On::Object, self.1, self.2).await?;
        let located = files::find(s, self.1, &VersionSelector::Latest)
            .await?
            .ok_or_else(Error::denied)?;
        let folder_is_public = located.bucket.public || public_above(s, &located).await?;
        Ok((located, folder_is_public))
    }
}

#[derive(Clone)]
struct SetPublic {
    ctx: Ctx,
    now: Timestamp,
    object: Uuid,
    public: bool,
}

impl Op for SetPublic {
    type Out = ObjectView;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<ObjectView> {
        // Asked again: the answer may have changed while the store was asked.
        let proof: Authorised<CodeManage> = gate::allow(s, &self.ctx, On::Object, self.object, self.now).await?;
        public::set_object(s, proof.item(), self.public, self.ctx.caller.stamp(), self.now).await?;
        let located = files::find(s, self.object, &VersionSelector::Latest)
            .await?
            .ok_or_else(Error::denied)?;
        let folder_is_public = located.bucket.public || public_above(s, &located).await?;
        if folder_is_public && !self.public {
            return Err(refused(located.bucket.uuid));
        }
        if !is_managed(&located) {
            let list = Withdraw {
                bucket: located.bucket.uuid,
                path: located.object.path.clone(),
                below: false,
                after: None,
            };
            effects::withdraw(s, &list, self.now).await?;
        }
        let object = format!("object:{}", self.object);
        let after = json!({ "public": self.public });
        audit::changed(s, &self.ctx, self.now, "object.public", object, Some(after)).await?;
        let mut view = ObjectView::new(located.object, located.bucket.uuid);
        view.public |= folder_is_public;
        Ok(view)
    }
}
