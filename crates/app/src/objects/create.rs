//! Uploading a new object (objects contract 4.2.1, 3.4).

use std::sync::Arc;

use access::{Authorised, CodeCreate, PermissionCode};
use blob::{Body, Put};
use domain::{ItemId, Kind, Timestamp};
use futures_util::StreamExt;
use serde_json::json;
use store::{
    Access, Op, Session, buckets,
    buckets::BucketRow,
    files::{self, Located, NewVersion},
    grants::{self, NewGrant},
    resumable,
};
use uuid::Uuid;

use super::{
    Content, ObjectView, Stored, VersionView,
    labels::{check_metadata, check_tags},
    no_version,
    transfer::{Place, all_tags, discard, given_up, lease_end, new_version, store_bytes},
};
use crate::{
    About, App, Ctx, Error, Result, audit,
    buckets::segments,
    gate::{self, On},
    jobs::effects,
    uploads,
};

/// The longest key of an object in a store, in bytes.
const MAX_PATH: usize = 1024;

/// An object to create.
#[derive(Clone, Debug)]
pub struct NewObject {
    /// The bucket it goes into.
    pub bucket: Uuid,
    /// Its file name. Slashes make a deeper key (objects contract 4.2.1); the last segment is the name.
    pub file_name: String,
    /// What is said about its content.
    pub content: Content,
}

/// Whether the caller may upload into a bucket: asked before a body is read whose length nobody knows.
pub async fn check_create(app: &App, ctx: &Ctx, bucket: Uuid) -> Result<()> {
    let op = CheckCreate(ctx.clone(), bucket, app.now());
    app.decide(ctx, "object.create", || format!("bucket:{bucket}"), op)
        .await
}

#[derive(Clone)]
struct CheckCreate(Ctx, Uuid, Timestamp);

impl Op for CheckCreate {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        let _proof: Authorised<CodeCreate> = gate::allow(s, &self.0, On::Bucket, self.1, self.2).await?;
        Ok(())
    }
}

/// Stores a new object. The upload goes on when the caller is dropped, until its body ends or fails.
///
/// # Errors
/// `Conflict` about the object that is at this path already; `Invalid` about a key that is too long, or for a body of
/// another length than announced; `TooLarge`.
pub async fn create(app: &Arc<App>, ctx: &Ctx, new: NewObject, body: Body) -> Result<Stored> {
    let (app, ctx) = (Arc::clone(app), ctx.clone());
    finish(tokio::spawn(async move { upload(&app, &ctx, new, body, None).await })).await
}

/// As [`create`], for an upload that was resumed: it says so in the transaction that makes it an object.
pub(crate) async fn create_resumed(
    app: &Arc<App>,
    ctx: &Ctx,
    new: NewObject,
    body: Body,
    resumed: i64,
) -> Result<Stored> {
    let (app, ctx) = (Arc::clone(app), ctx.clone());
    finish(tokio::spawn(async move {
        upload(&app, &ctx, new, body, Some(resumed)).await
    }))
    .await
}

/// Waits for work that must not be cancelled half-way.
pub(crate) async fn finish<T>(task: tokio::task::JoinHandle<Result<T>>) -> Result<T> {
    match task.await {
        Ok(outcome) => outcome,
        Err(error) => Err(Error::new(Kind::Internal, "An unexpected error").because(error)),
    }
}

/// As [`create`], for a body whose length is not known before it ends. It is kept aside until then, in the server's own
/// storage, so memory stays bounded.
pub async fn create_unsized(app: &Arc<App>, ctx: &Ctx, new: NewObject, body: Body) -> Result<Stored> {
    let (app, ctx) = (Arc::clone(app), ctx.clone());
    finish(tokio::spawn(async move {
        let aside = app.spool(body).await?;
        let content = Content {
            length: aside.length,
            ..new.content
        };
        upload(&app, &ctx, NewObject { content, ..new }, aside.body, None).await
    }))
    .await
}

async fn upload(app: &Arc<App>, ctx: &Ctx, new: NewObject, body: Body, resumed: Option<i64>) -> Result<Stored> {
    if new.content.length > app.settings().max_object_bytes {
        return Err(Error::new(
            Kind::TooLarge,
            "The object is larger than this server takes",
        ));
    }
    check_metadata(&new.content.metadata)?;
    check_tags(&new.content.tags)?;
    let reserve = Reserve {
        ctx: ctx.clone(),
        now: app.now(),
        bucket: new.bucket,
        file_name: new.file_name,
        object: app.entropy().uuid(),
        version: app.entropy().uuid(),
        expires_at: lease_end(app),
    };
    let on_bucket = || format!("bucket:{}", new.bucket);
    let (place, path, name) = app.decide(ctx, "object.create", on_bucket, reserve).await?;
    if let Some(existing) = super::adopt::adopt(app, ctx, &place, &path).await? {
        return Err(conflict(existing));
    }
    let put = store_bytes(app, ctx, &place, &new.content, body.boxed()).await?;
    let commit = Commit {
        ctx: ctx.clone(),
        now: app.now(),
        object: files::NewObject {
            uuid: place.object,
            bucket: place.bucket.id,
            name,
            path: path.clone(),
        },
        version: new_version(&place, &new.content, &put, app.now()),
        grants: crate::buckets::own_grants(app, ctx, &PermissionCode::ALL),
        bucket: new.bucket,
        content: new.content,
        resumed,
    };
    let outcome = app.decide(ctx, "object.create", on_bucket, commit).await;
    if let Err(refused) = &outcome {
        discard(app, ctx, &place, &put, refused).await;
    }
    match outcome {
        // The database decided who wins, by its constraint: name the winner.
        Err(error) if error.kind == Kind::Conflict && error.about.is_none() => {
            let winner = app.store().run(At(place.bucket.id, path), &ctx.meter).await?;
            Err(winner.map_or(error, conflict))
        }
        outcome => outcome.map(|committed| committed.into_stored(put)),
    }
}

/// The object at a path.
#[derive(Clone)]
struct At(ItemId, String);

impl Op for At {
    type Out = Option<Uuid>;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<Option<Uuid>> {
        let found = files::find_by_path(s, self.0, &self.1).await?;
        Ok(found.map(|located| located.object.uuid))
    }
}

pub(crate) fn conflict(existing: Uuid) -> Error {
    Error::new(Kind::Conflict, "An object exists at this path").about(About::ExistingObject(existing))
}

/// What a transfer became.
pub(super) struct Committed {
    pub(super) located: Located,
    pub(super) version: store::files::VersionRow,
    pub(super) content: Content,
}

impl Committed {
    pub(super) fn into_stored(self, put: Put) -> Stored {
        let tags = all_tags(&self.content.tags, self.located.object.uuid);
        let object = ObjectView::new(self.located.object, self.located.bucket.uuid);
        let version = VersionView::new(self.version, object.uuid);
        Stored {
            request_id: put
                .request
                .request_id
                .unwrap_or_else(|| version.uuid.simple().to_string()),
            version,
            object,
            length: put.size,
            metadata: self.content.metadata,
            tags,
        }
    }
}

#[derive(Clone)]
struct Reserve {
    ctx: Ctx,
    now: Timestamp,
    bucket: Uuid,
    file_name: String,
    object: Uuid,
    version: Uuid,
    expires_at: Timestamp,
}

impl Op for Reserve {
    type Out = (Place, String, String);
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let _proof: Authorised<CodeCreate> = gate::allow(s, &self.ctx, On::Bucket, self.bucket, self.now).await?;
        let bucket = buckets::find(s, self.bucket).await?.ok_or_else(Error::denied)?;
        let (path, name) = path_of(&bucket, &self.file_name)?;
        if let Some(located) = files::find_by_path(s, bucket.id, &path).await? {
            return Err(conflict(located.object.uuid));
        }
        let place = Place::new(bucket, self.object, self.version, &path);
        if place.bucket.storage.is_some()
            && let Some(on_its_way) = files::upload_at(s, place.bucket.id, &path).await?
        {
            return Err(conflict(on_its_way));
        }
        files::reserve(s, &place.reservation(self.expires_at), self.now).await?;
        Ok((place, path, name))
    }
}

/// The full key of a file in a bucket, and its name.
pub(crate) fn path_of(bucket: &BucketRow, file_name: &str) -> Result<(String, String)> {
    let prefix = if bucket.key == "/" { "" } else { &bucket.key };
    let path = segments(prefix)
        .chain(segments(file_name))
        .collect::<Vec<_>>()
        .join("/");
    let Some(name) = segments(file_name).last() else {
        return Err(Error::new(Kind::Invalid, "The file name is blank").about(About::Bucket(bucket.uuid)));
    };
    if file_name.chars().any(char::is_control) {
        let text = "The file name contains a control character";
        return Err(Error::new(Kind::Invalid, text).about(About::Bucket(bucket.uuid)));
    }
    if path.len() > MAX_PATH {
        return Err(Error::new(Kind::Invalid, "The key is longer than 1024 bytes").about(About::Key(path)));
    }
    Ok((path.clone(), name.to_owned()))
}

#[derive(Clone)]
struct Commit {
    ctx: Ctx,
    now: Timestamp,
    bucket: Uuid,
    object: files::NewObject,
    version: NewVersion,
    grants: Vec<NewGrant>,
    content: Content,
    /// The upload in pieces that becomes this object.
    resumed: Option<i64>,
}

impl Op for Commit {
    type Out = Committed;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Committed> {
        // Asked again: the right to upload may have been revoked while the body came in.
        let _proof: Authorised<CodeCreate> = gate::allow(s, &self.ctx, On::Bucket, self.bucket, self.now).await?;
        let by = self.ctx.caller.stamp();
        if !files::release(s, self.version.uuid).await? {
            return Err(given_up());
        }
        if let Some(located) = files::find_by_path(s, self.object.bucket, &self.object.path).await? {
            return Err(conflict(located.object.uuid));
        }
        let item = files::insert(s, &self.object, by, self.now).await?;
        let version = files::add_version(s, item, &self.version, by, self.now).await?;
        let tags = all_tags(&self.content.tags, self.object.uuid);
        files::describe(s, version, &self.content.metadata, &tags).await?;
        grants::insert(s, item, &self.grants, by, self.now).await?;
        if let Some(upload) = self.resumed {
            let pieces = resumable::complete(s, upload, self.object.uuid).await?;
            let pieces = pieces.ok_or_else(given_up)?;
            effects::delete_bytes(s, &uploads::names(&pieces), self.now).await?;
        }
        let after = json!({ "bucket": self.bucket, "path": self.object.path, "size": self.version.size });
        let object = format!("object:{}", self.object.uuid);
        audit::changed(s, &self.ctx, self.now, "object.create", object, Some(after)).await?;
        committed(s, self.object.uuid, self.content).await
    }
}

/// Whether a bucket above that of an object is public.
pub(super) async fn public_above<S: Session>(s: &mut S, located: &Located) -> Result<bool> {
    let bucket = &located.bucket;
    Ok(buckets::public_above(s, &bucket.s3_bucket, &bucket.endpoint, &bucket.key).await?)
}

/// Reads back what was just written.
pub(super) async fn committed<S: Session>(s: &mut S, object: Uuid, content: Content) -> Result<Committed> {
    let mut located = files::find(s, object, &files::VersionSelector::Latest)
        .await?
        .ok_or_else(no_version)?;
    let version = located.version.take().ok_or_else(no_version)?;
    located.object.public |= public_above(s, &located).await?;
    Ok(Committed {
        located,
        version,
        content,
    })
}
