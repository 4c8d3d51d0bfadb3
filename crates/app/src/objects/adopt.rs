//! Content that lies in a registered bucket already, and that this server does not know yet: it becomes an object as it is,
//! and whoever tried to upload there gets it (objects contract 4.2.1, 4.8, 5.1).

use std::sync::Arc;

use access::{Authorised, CodeCreate, PermissionCode};
use blob::{Blobs, Key, Kind as BlobKind, ListEntry, NativeVersions};
use domain::{Kind, Timestamp};
use serde_json::json;
use store::{
    Access, Op, Session,
    files::{self, NewVersion, Pairs, VersionSelector},
    grants::{self, NewGrant},
};
use uuid::Uuid;

use super::{
    DEFAULT_MIME_TYPE, ID_TAG,
    transfer::{Place, Release, key},
};
use crate::{
    App, Ctx, Error, Result, audit,
    gate::{self, On},
};

/// S3 keeps ten tags on an object at the most.
const MAX_TAGS: usize = 10;

/// Adopts what lies at the place of an upload, if anything does; answers the object it became.
pub(super) async fn adopt(app: &Arc<App>, ctx: &Ctx, place: &Place, path: &str) -> Result<Option<Uuid>> {
    if place.bucket.storage.is_none() {
        return Ok(None);
    }
    let outcome = look(app, ctx, place, path).await;
    if !matches!(outcome, Ok(None)) {
        // Nothing was or will be uploaded here.
        app.store().run(Release(place.version), &ctx.meter).await?;
    }
    outcome
}

async fn look(app: &Arc<App>, ctx: &Ctx, place: &Place, path: &str) -> Result<Option<Uuid>> {
    let blobs = app.storages().of(&place.bucket)?;
    let key = key(path)?;
    match blobs.head(&key, None).await {
        Ok(_) => {}
        Err(error) if error.upstream.as_ref().is_some_and(|upstream| upstream.delete_marker) => {}
        Err(error) if error.kind == BlobKind::NotFound => return Ok(None),
        Err(error) => {
            let text = "The storage could not say whether the object exists";
            return Err(Error {
                kind: Kind::BadGateway,
                public: text.into(),
                upstream: None,
                ..Error::from(error)
            });
        }
    }
    let Some(native) = blobs.native() else { return Ok(None) };
    let entries = all_versions(native, &key).await?;
    let mut found = Vec::new();
    for entry in entries.iter().rev() {
        found.push(version(app, &*blobs, native, &key, entry).await?);
    }
    let newest_tags = found.last().map(|version| version.tags.clone()).unwrap_or_default();
    let object = known_as(app, ctx, &newest_tags).await?.unwrap_or(place.object);
    if let Some(latest) = found.last_mut()
        && !latest.row.delete_marker
        && set_id_tag(&mut latest.tags, object)
    {
        native
            .put_tags(&key, latest.row.native_id.as_deref(), &latest.tags)
            .await?;
    }
    let name = path.rsplit('/').next().unwrap_or(path).to_owned();
    let op = Adopt {
        ctx: ctx.clone(),
        now: app.now(),
        bucket: place.bucket.uuid,
        object: files::NewObject {
            uuid: object,
            bucket: place.bucket.id,
            name,
            path: path.to_owned(),
        },
        versions: found,
        grants: crate::buckets::own_grants(app, ctx, &PermissionCode::ALL),
    };
    app.decide(ctx, "object.adopt", || format!("object:{object}"), op)
        .await
        .map(Some)
}

async fn all_versions(native: &dyn NativeVersions, key: &Key) -> Result<Vec<ListEntry>> {
    let (mut entries, mut after) = (Vec::new(), None);
    loop {
        let page = native.list_versions(key.as_str(), after.as_ref()).await?;
        let beyond = page.entries.iter().any(|entry| entry.key != key.as_str());
        entries.extend(page.entries.into_iter().filter(|entry| entry.key == key.as_str()));
        match page.next {
            Some(next) if !beyond => after = Some(next),
            _ => return Ok(entries),
        }
    }
}

#[derive(Clone)]
struct FoundVersion {
    row: NewVersion,
    metadata: Pairs,
    tags: Pairs,
}

async fn version(
    app: &App,
    blobs: &dyn Blobs,
    native: &dyn NativeVersions,
    key: &Key,
    entry: &ListEntry,
) -> Result<FoundVersion> {
    let mut row = NewVersion {
        uuid: app.entropy().uuid(),
        storage_key: Some(key.as_str().to_owned()),
        native_id: entry.version_id.clone(),
        size: i64::try_from(entry.size).unwrap_or(i64::MAX),
        mime_type: DEFAULT_MIME_TYPE.to_owned(),
        etag: entry.etag.clone(),
        sha256: None,
        delete_marker: entry.delete_marker,
        last_modified_at: entry.last_modified,
    };
    if entry.delete_marker {
        return Ok(FoundVersion {
            row,
            metadata: Vec::new(),
            tags: Vec::new(),
        });
    }
    let head = blobs.head(key, entry.version_id.as_deref()).await?;
    row.mime_type = head.content_type.unwrap_or(row.mime_type);
    let tags = native.tags(key, entry.version_id.as_deref()).await?;
    Ok(FoundVersion {
        row,
        metadata: head.metadata,
        tags,
    })
}

/// The id that the object brings in its tag, if it is one that clients can use and no other object has it.
async fn known_as(app: &App, ctx: &Ctx, tags: &[(String, String)]) -> Result<Option<Uuid>> {
    let tag = tags
        .iter()
        .find(|(key, _)| key == ID_TAG)
        .and_then(|(_, value)| Uuid::parse_str(value).ok());
    match tag.filter(|uuid| uuid.get_version_num() == 4) {
        None => Ok(None),
        Some(uuid) => {
            let taken = app.store().run(Taken(uuid), &ctx.meter).await?;
            Ok((!taken).then_some(uuid))
        }
    }
}

/// Makes the tags name the object; whether that changed them.
fn set_id_tag(tags: &mut Pairs, object: Uuid) -> bool {
    let id = object.to_string();
    let count = tags.len();
    match tags.iter_mut().find(|(key, _)| key == ID_TAG) {
        Some((_, value)) if *value == id => return false,
        Some((_, value)) => *value = id,
        None if count < MAX_TAGS => tags.push((ID_TAG.to_owned(), id)),
        None => return false,
    }
    true
}

#[derive(Clone)]
struct Taken(Uuid);

impl Op for Taken {
    type Out = bool;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<bool> {
        Ok(files::find(s, self.0, &VersionSelector::Latest).await?.is_some())
    }
}

#[derive(Clone)]
struct Adopt {
    ctx: Ctx,
    now: Timestamp,
    bucket: Uuid,
    object: files::NewObject,
    versions: Vec<FoundVersion>,
    grants: Vec<NewGrant>,
}

impl Op for Adopt {
    type Out = Uuid;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Uuid> {
        let _proof: Authorised<CodeCreate> = gate::allow(s, &self.ctx, On::Bucket, self.bucket, self.now).await?;
        if let Some(located) = files::find_by_path(s, self.object.bucket, &self.object.path).await? {
            return Ok(located.object.uuid);
        }
        let by = self.ctx.caller.stamp();
        let item = files::insert(s, &self.object, by, self.now).await?;
        for found in &self.versions {
            let version = files::add_version(s, item, &found.row, by, self.now).await?;
            files::describe(s, version, &found.metadata, &found.tags).await?;
        }
        grants::insert(s, item, &self.grants, by, self.now).await?;
        let object = format!("object:{}", self.object.uuid);
        let after = json!({ "bucket": self.bucket, "path": self.object.path, "versions": self.versions.len() });
        audit::changed(s, &self.ctx, self.now, "object.adopt", object, Some(after)).await?;
        Ok(self.object.uuid)
    }
}
