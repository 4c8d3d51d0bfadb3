//! Bytes on their way in: a place is reserved, the body is streamed and hashed, and only then is anything written that
//! others can see. What dies in between is swept (`jobs::sweep`).

use std::{sync::Arc, time::Duration};

use blob::{Blobs, Body, Key, Put, PutOptions};
use domain::{Kind, Timestamp};
use store::{
    Access, Op, Session,
    buckets::BucketRow,
    files::{self, NewVersion},
};
use uuid::Uuid;

use super::{Content, DEFAULT_MIME_TYPE, ID_TAG};
use crate::{App, Ctx, Error, Result};

/// A place in the store that is reserved for one upload.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) bucket: BucketRow,
    /// The object it belongs to or will belong to.
    pub(super) object: Uuid,
    /// The version it will be.
    pub(super) version: Uuid,
    pub(super) storage_key: String,
}

impl Place {
    /// Where a version's bytes lie: at its path in a registered bucket, where other S3 tools look for it, and at a key of
    /// its own in the server's storage.
    pub(super) fn new(bucket: BucketRow, object: Uuid, version: Uuid, path: &str) -> Self {
        let storage_key = if bucket.storage.is_some() {
            path.to_owned()
        } else {
            managed_key(version)
        };
        Self {
            bucket,
            object,
            version,
            storage_key,
        }
    }

    /// The reservation, until `expires_at`. In a registered bucket it holds the path: two uploads to it would meet in the
    /// store.
    pub(super) fn reservation(&self, expires_at: Timestamp) -> files::Upload {
        let mounted = self.bucket.storage.as_ref();
        files::Upload {
            version: self.version,
            item: self.object,
            bucket: self.bucket.id,
            path: mounted.map(|_| self.storage_key.clone()),
            storage: mounted.map(|storage| storage.id),
            storage_key: self.storage_key.clone(),
            expires_at,
        }
    }
}

/// The key of a version in the server's own storage.
pub(super) fn managed_key(version: Uuid) -> String {
    format!("objects/{}", version.simple())
}

/// The key of a place. Paths were checked when they were accepted.
pub(crate) fn key(text: &str) -> Result<Key> {
    Key::new(text).map_err(|error| Error::new(Kind::Invalid, "The key of the object cannot be stored").because(error))
}

/// The tags of an object in the store: the client's, and the one that names it.
pub(super) fn all_tags(tags: &[(String, String)], object: Uuid) -> Vec<(String, String)> {
    let mut all = tags.to_vec();
    all.push((ID_TAG.to_owned(), object.to_string()));
    all
}

/// When a reservation made or prolonged now is given up.
pub(super) fn lease_end(app: &App) -> Timestamp {
    app.now().plus_seconds(app.settings().upload_lease_seconds)
}

/// Streams a body to its place, and keeps the reservation alive meanwhile. When it fails for a reason of the body's, the
/// reservation is released at once; when the store failed nobody knows what it kept, and the sweep looks after it.
pub(super) async fn store_bytes(
    app: &Arc<App>,
    ctx: &Ctx,
    place: &Place,
    content: &Content,
    body: Body,
) -> Result<Put> {
    let outcome = put(app, ctx, place, content, body).await;
    if let Err(error) = &outcome
        && matches!(error.kind, Kind::Invalid | Kind::TooLarge | Kind::Denied)
        && let Err(error) = app.store().run(Release(place.version), &ctx.meter).await
    {
        tracing::warn!(error = %error, "a reservation stays until it is swept");
    }
    outcome
}

async fn put(app: &Arc<App>, ctx: &Ctx, place: &Place, content: &Content, body: Body) -> Result<Put> {
    let blobs = app.storages().of(&place.bucket)?;
    let key = key(&place.storage_key)?;
    let mounted = place.bucket.storage.is_some();
    let options = PutOptions {
        length: content.length,
        content_type: Some(
            content
                .mime_type
                .clone()
                .unwrap_or_else(|| DEFAULT_MIME_TYPE.to_owned()),
        ),
        // In the server's own storage they are kept in the database, where changing them moves no bytes.
        metadata: if mounted { content.metadata.clone() } else { Vec::new() },
        tags: if mounted {
            all_tags(&content.tags, place.object)
        } else {
            Vec::new()
        },
        ..PutOptions::default()
    };
    let lease = Duration::from_secs(u64::try_from(app.settings().upload_lease_seconds).unwrap_or(60));
    let writing = blobs.put(&key, body, &options);
    tokio::pin!(writing);
    loop {
        if let Ok(put) = tokio::time::timeout(lease / 3, &mut writing).await {
            return put.map_err(missing_store);
        }
        let prolong = Prolong(place.version, lease_end(app));
        if !app.store().run(prolong, &ctx.meter).await? {
            return Err(given_up());
        }
    }
}

/// "Not found" from a store that was told to keep something, or that did keep it, says that the store itself is gone.
pub(super) fn missing_store(error: blob::Error) -> Error {
    let missing = error.kind == blob::Kind::NotFound;
    let error = Error::from(error);
    if missing {
        return Error {
            kind: Kind::BadGateway,
            public: "The storage does not have what it should have".into(),
            upstream: None,
            ..error
        };
    }
    error
}

pub(super) fn given_up() -> Error {
    Error::new(Kind::Gone, "The upload took too long and was given up")
}

/// The version a finished transfer becomes.
pub(super) fn new_version(place: &Place, content: &Content, put: &Put, now: Timestamp) -> NewVersion {
    let mounted = place.bucket.storage.is_some();
    NewVersion {
        uuid: place.version,
        storage_key: Some(place.storage_key.clone()),
        // In the server's own storage a version is its own native version.
        native_id: if mounted {
            put.version_id.clone()
        } else {
            Some(place.version.to_string())
        },
        size: i64::try_from(put.size).unwrap_or(i64::MAX),
        mime_type: content
            .mime_type
            .clone()
            .unwrap_or_else(|| DEFAULT_MIME_TYPE.to_owned()),
        etag: Some(put.etag.clone()),
        sha256: Some(put.sha256.to_vec()),
        delete_marker: false,
        last_modified_at: Some(put.last_modified.unwrap_or(now)),
    }
}

/// Undoes what a transfer stored when its version was refused. When nobody knows whether the commit happened, nothing is
/// touched: either it did, or the sweep finds the reservation.
pub(super) async fn discard(app: &App, ctx: &Ctx, place: &Place, put: &Put, refused: &Error) {
    if !matches!(
        refused.kind,
        Kind::Denied | Kind::Conflict | Kind::NotFound | Kind::Invalid | Kind::Gone
    ) {
        return;
    }
    let undo = async {
        let blobs = app.storages().of(&place.bucket)?;
        // In a registered bucket without versions the bytes may have taken the place of others: they are S3's now.
        if place.bucket.storage.is_none() || put.version_id.is_some() {
            purge(&*blobs, &key(&place.storage_key)?, put.version_id.as_deref()).await?;
        }
        app.store().run(Release(place.version), &ctx.meter).await
    };
    if let Err(error) = undo.await {
        tracing::warn!(error = %error, "bytes of a refused upload stay until they are swept");
    }
}

/// Removes bytes for good, in a store with versions of its own too.
pub(crate) async fn purge(blobs: &dyn Blobs, key: &Key, version: Option<&str>) -> Result<()> {
    if version.is_some() {
        blobs.delete(key, version).await?;
        return Ok(());
    }
    let Some(native) = blobs.native() else {
        blobs.delete(key, None).await?;
        return Ok(());
    };
    let page = native.list_versions(key.as_str(), None).await?;
    for entry in page.entries.iter().filter(|entry| entry.key == key.as_str()) {
        blobs.delete(key, entry.version_id.as_deref()).await?;
    }
    Ok(())
}

#[derive(Clone)]
struct Prolong(Uuid, Timestamp);

impl Op for Prolong {
    type Out = bool;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<bool> {
        Ok(files::prolong(s, self.0, self.1).await?)
    }
}

/// Ends a reservation.
#[derive(Clone)]
pub(crate) struct Release(pub(crate) Uuid);

impl Op for Release {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        files::release(s, self.0).await?;
        Ok(())
    }
}
