//! Uploading a new version of an object (objects contract 4.2.2).

use std::sync::Arc;

use access::{Authorised, CodeUpdate};
use blob::Body;
use domain::{Kind, Timestamp};
use serde_json::json;
use store::{
    Access, Op, Session,
    files::{self, NewVersion, VersionSelector},
};
use uuid::Uuid;

use super::{
    Content, Stored,
    create::{Committed, committed, conflict, finish},
    labels::{check_metadata, check_tags},
    transfer::{Place, Release, all_tags, discard, given_up, key, lease_end, new_version, store_bytes},
};
use crate::{
    App, Ctx, Error, Result, audit,
    gate::{self, On},
};

/// Stores new content for an object; an object that was deleted is there again. The key stays what it was.
///
/// # Errors
/// `Conflict` when the registered store has lost the object; otherwise as [`super::create`].
pub async fn replace(app: &Arc<App>, ctx: &Ctx, object: Uuid, content: Content, body: Body) -> Result<Stored> {
    let (app, ctx) = (Arc::clone(app), ctx.clone());
    finish(tokio::spawn(
        async move { upload(&app, &ctx, object, content, body).await },
    ))
    .await
}

async fn upload(app: &Arc<App>, ctx: &Ctx, object: Uuid, content: Content, body: Body) -> Result<Stored> {
    if content.length > app.settings().max_object_bytes {
        return Err(Error::new(
            Kind::TooLarge,
            "The object is larger than this server takes",
        ));
    }
    check_metadata(&content.metadata)?;
    check_tags(&content.tags)?;
    let reserve = Reserve {
        ctx: ctx.clone(),
        now: app.now(),
        object,
        version: app.entropy().uuid(),
        expires_at: lease_end(app),
    };
    let on_object = || format!("object:{object}");
    let place = app.decide(ctx, "object.update", on_object, reserve).await?;
    if let Err(error) = still_there(app, &place).await {
        app.store().run(Release(place.version), &ctx.meter).await?;
        return Err(error);
    }
    let put = store_bytes(app, ctx, &place, &content, body).await?;
    let commit = Commit {
        ctx: ctx.clone(),
        now: app.now(),
        object,
        version: new_version(&place, &content, &put, app.now()),
        content,
    };
    let outcome = app.decide(ctx, "object.update", on_object, commit).await;
    if let Err(refused) = &outcome {
        discard(app, ctx, &place, &put, refused).await;
    }
    outcome.map(|committed| committed.into_stored(put))
}

/// In a registered bucket others may have removed the object with all its versions: then its key is anybody's.
async fn still_there(app: &App, place: &Place) -> Result<()> {
    if place.bucket.storage.is_none() {
        return Ok(());
    }
    let blobs = app.storages().of(&place.bucket)?;
    let Some(native) = blobs.native() else { return Ok(()) };
    let key = key(&place.storage_key)?;
    let page = native.list_versions(key.as_str(), None).await?;
    if page.entries.iter().any(|entry| entry.key == key.as_str()) {
        return Ok(());
    }
    Err(Error::new(
        Kind::Conflict,
        "The object does not exist in the storage any more",
    ))
}

#[derive(Clone)]
struct Reserve {
    ctx: Ctx,
    now: Timestamp,
    object: Uuid,
    version: Uuid,
    expires_at: Timestamp,
}

impl Op for Reserve {
    type Out = Place;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Place> {
        let _proof: Authorised<CodeUpdate> = gate::allow(s, &self.ctx, On::Object, self.object, self.now).await?;
        let located = files::find(s, self.object, &VersionSelector::Latest)
            .await?
            .ok_or_else(Error::denied)?;
        let path = located.object.path;
        let place = Place::new(located.bucket, self.object, self.version, &path);
        if place.bucket.storage.is_some()
            && let Some(on_its_way) = files::upload_at(s, place.bucket.id, &path).await?
        {
            return Err(conflict(on_its_way));
        }
        files::reserve(s, &place.reservation(self.expires_at), self.now).await?;
        Ok(place)
    }
}

#[derive(Clone)]
struct Commit {
    ctx: Ctx,
    now: Timestamp,
    object: Uuid,
    version: NewVersion,
    content: Content,
}

impl Op for Commit {
    type Out = Committed;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Committed> {
        // Asked again: the right may have been revoked while the body came in.
        let proof: Authorised<CodeUpdate> = gate::allow(s, &self.ctx, On::Object, self.object, self.now).await?;
        let by = self.ctx.caller.stamp();
        if !files::release(s, self.version.uuid).await? {
            return Err(given_up());
        }
        let before = files::find(s, self.object, &VersionSelector::Latest)
            .await?
            .ok_or_else(Error::denied)?;
        let version = match before.version {
            // The store keeps one version: it was overwritten.
            Some(version) if self.version.native_id.is_none() && version.native_id.is_none() => {
                files::overwrite_version(s, version.id, &self.version, by, self.now).await?;
                version.id
            }
            _ => files::add_version(s, proof.item(), &self.version, by, self.now).await?,
        };
        let tags = all_tags(&self.content.tags, self.object);
        files::describe(s, version, &self.content.metadata, &tags).await?;
        files::touch(s, proof.item(), by, self.now).await?;
        let after = json!({ "size": self.version.size });
        let object = format!("object:{}", self.object);
        audit::changed(s, &self.ctx, self.now, "object.update", object, Some(after)).await?;
        committed(s, self.object, self.content).await
    }
}
