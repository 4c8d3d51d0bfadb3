//! Keys: what S3 has of each, against what is known.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use blob::{
    Blobs, Key, Kind as BlobKind, ListEntry, NativeVersions,
    policy::{Policy, Target},
};
use domain::{ItemId, Kind, Timestamp, VersionId};
use futures_util::{FutureExt, StreamExt, stream};
use store::{
    Access, Op, Session,
    buckets::BucketRow,
    files::{NewVersion, Pairs},
    synced::{self, KnownObject, KnownVersion},
};
use uuid::Uuid;

use super::{
    worker::Fence,
    write::{Kept, Object, Write},
};
use crate::{
    App, Ctx, Error, Result,
    objects::{DEFAULT_MIME_TYPE, ID_TAG, storage_key},
};

/// Keys looked at side by side.
pub(super) const CONCURRENCY: usize = 32;
/// S3 keeps ten tags on an object at the most.
const MAX_TAGS: usize = 10;

/// A key with all that S3 lists of it, newest first.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) path: String,
    pub(super) entries: Vec<ListEntry>,
}

impl Found {
    pub(super) fn new(entry: ListEntry) -> Self {
        Self {
            path: entry.key.clone(),
            entries: vec![entry],
        }
    }
}

/// What lies at a path.
pub(super) enum Look {
    /// Something.
    There(Found),
    /// Certainly nothing.
    Gone(String),
    /// The store contradicts itself: another time.
    Unclear,
}

/// Looks at one path. Only a listing without it and a 404 together mean that nothing is there.
pub(super) async fn look(blobs: &dyn Blobs, path: String) -> Result<Look> {
    let key = storage_key(&path)?;
    let Some(native) = blobs.native() else {
        return Ok(Look::Unclear);
    };
    let entries = all_versions(native, &key).await?;
    if !entries.is_empty() {
        return Ok(Look::There(Found { path, entries }));
    }
    match blobs.head(&key, None).await {
        Err(error) if is_definitely_gone(&error) => Ok(Look::Gone(path)),
        Ok(_) => Ok(Look::Unclear),
        Err(error) if error.kind == BlobKind::NotFound => Ok(Look::Unclear),
        Err(error) => Err(error.into()),
    }
}

fn is_definitely_gone(error: &blob::Error) -> bool {
    error.kind == BlobKind::NotFound
        && error
            .upstream
            .as_ref()
            .is_some_and(|upstream| upstream.status == 404 && !upstream.delete_marker)
}

/// All versions of exactly this key, newest first.
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

/// What every key of a bucket needs to know of it.
pub(super) struct Place {
    pub(super) bucket: BucketRow,
    /// What the policy says; nothing where this server may not see it.
    pub(super) policy: Option<Policy>,
    pub(super) folder_is_public: bool,
    /// The buckets above.
    pub(super) above: Vec<ItemId>,
}

impl Place {
    /// What the policy says about one key, where the folder does not say it all.
    fn verdict(&self, path: &str) -> Option<bool> {
        let target = Target::Object {
            bucket: self.bucket.s3_bucket.clone(),
            path: path.to_owned(),
        };
        self.policy.as_ref()?.verdict(&target)
    }
}

/// What is known of some paths.
#[derive(Default)]
struct Known {
    objects: HashMap<String, KnownObject>,
    /// Paths that belong to a bucket above, or that something is being uploaded to.
    others: HashMap<String, Option<Uuid>>,
    versions: HashMap<ItemId, Vec<KnownVersion>>,
    tags: HashMap<VersionId, Pairs>,
}

#[derive(Clone)]
struct Load {
    bucket: ItemId,
    above: Vec<ItemId>,
    paths: Vec<String>,
}

impl Op for Load {
    type Out = Known;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Known> {
        let mut known = Known::default();
        if self.paths.is_empty() {
            return Ok(known);
        }
        let buckets: Vec<i64> = self.above.iter().chain([&self.bucket]).map(|id| id.0).collect();
        for object in synced::known(s, &buckets, &self.paths).await? {
            if object.bucket == self.bucket {
                known.objects.insert(object.path.clone(), object);
            } else {
                known.others.insert(object.path, Some(object.uuid));
            }
        }
        for path in synced::uploading(s, self.bucket, &self.paths).await? {
            known.others.entry(path).or_insert(None);
        }
        let items: Vec<i64> = known.objects.values().map(|object| object.id.0).collect();
        let versions = synced::versions(s, &items).await?;
        let ids: Vec<i64> = versions.iter().map(|version| version.id.0).collect();
        for version in versions {
            known.versions.entry(version.item).or_default().push(version);
        }
        for (version, key, value) in synced::tags(s, &ids).await? {
            known.tags.entry(version).or_default().push((key, value));
        }
        Ok(known)
    }
}

#[derive(Clone)]
struct Taken(Vec<Uuid>);

impl Op for Taken {
    type Out = Vec<Uuid>;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<Vec<Uuid>> {
        if self.0.is_empty() {
            return Ok(Vec::new());
        }
        Ok(synced::taken(s, &self.0).await?)
    }
}

/// Asks S3 what a listing does not say, and plans what to write.
pub(super) async fn examine(
    app: &App,
    ctx: &Ctx,
    place: &Place,
    blobs: &Arc<dyn Blobs>,
    found: Vec<Found>,
    gone: Vec<String>,
    fence: Option<Fence>,
) -> Result<Write> {
    let now = app.now();
    let load = Load {
        bucket: place.bucket.id,
        above: place.above.clone(),
        paths: found.iter().map(|found| &found.path).chain(&gone).cloned().collect(),
    };
    let mut known = app.store().run(load, &ctx.meter).await?;
    let mut looks = Vec::with_capacity(found.len());
    for found in found {
        if known.others.contains_key(&found.path) {
            continue;
        }
        let object = known.objects.remove(&found.path);
        let versions = object.as_ref().and_then(|object| known.versions.remove(&object.id));
        looks.push(Examination {
            app,
            place,
            blobs: blobs.as_ref(),
            found,
            object,
            versions: versions.unwrap_or_default(),
            tags: &known.tags,
        });
    }
    let mut examinations = Vec::with_capacity(looks.len());
    for look in looks {
        examinations.push(look.examine().boxed());
    }
    let mut looks = stream::iter(examinations).buffered(CONCURRENCY);
    let mut objects = Vec::new();
    while let Some(object) = looks.next().await {
        objects.extend(object?);
    }
    drop(looks);
    name(app, ctx, &mut objects).await?;
    mark(blobs.as_ref(), &mut objects).await?;
    let gone = gone
        .iter()
        .filter_map(|path| known.objects.get(path))
        .map(|object| object.id.0);
    Ok(Write {
        ctx: ctx.clone(),
        now,
        fence,
        bucket: (place.bucket.id, place.bucket.uuid),
        gone: gone.collect(),
        objects,
    })
}

/// Gives every new object its id: the one it brings, if clients can use it and nothing else has it, or a fresh one.
async fn name(app: &App, ctx: &Ctx, objects: &mut [Object]) -> Result<()> {
    let brought = objects
        .iter()
        .filter(|object| object.known.is_none())
        .filter_map(|object| object.brings);
    let mut taken: HashSet<Uuid> = app
        .store()
        .run(Taken(brought.collect()), &ctx.meter)
        .await?
        .into_iter()
        .collect();
    for object in objects.iter_mut().filter(|object| object.known.is_none()) {
        let brought = object.brings.filter(|uuid| taken.insert(*uuid));
        object.uuid = brought.unwrap_or_else(|| app.entropy().uuid());
    }
    Ok(())
}

/// Has the newest content of each object carry its id.
async fn mark(blobs: &dyn Blobs, objects: &mut [Object]) -> Result<()> {
    let Some(native) = blobs.native() else { return Ok(()) };
    let mut marks = Vec::with_capacity(objects.len());
    for object in objects {
        marks.push(mark_one(native, object).boxed());
    }
    let mut marks = stream::iter(marks).buffer_unordered(CONCURRENCY);
    while let Some(marked) = marks.next().await {
        marked?;
    }
    Ok(())
}

async fn mark_one(native: &dyn NativeVersions, object: &mut Object) -> Result<()> {
    let Some(latest) = object.kept.last_mut().filter(|latest| !latest.row.delete_marker) else {
        return Ok(());
    };
    if !set_id_tag(&mut latest.tags, object.uuid) {
        return Ok(());
    }
    latest.tags_changed = true;
    let key = storage_key(&object.path)?;
    match native
        .put_tags(&key, latest.row.native_id.as_deref(), &latest.tags)
        .await
    {
        Err(error) if error.kind == BlobKind::NotFound => Ok(()),
        outcome => Ok(outcome?),
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

/// The id that tags bring, if it is one that clients can use (E-49).
fn brought(tags: &[(String, String)]) -> Option<Uuid> {
    let (_, value) = tags.iter().find(|(key, _)| key == ID_TAG)?;
    Uuid::parse_str(value).ok().filter(|uuid| uuid.get_version_num() == 4)
}

struct Examination<'a> {
    app: &'a App,
    place: &'a Place,
    blobs: &'a dyn Blobs,
    found: Found,
    object: Option<KnownObject>,
    versions: Vec<KnownVersion>,
    tags: &'a HashMap<VersionId, Pairs>,
}

impl Examination<'_> {
    /// Nothing when all versions have vanished meanwhile.
    async fn examine(mut self) -> Result<Option<Object>> {
        let key = storage_key(&self.found.path)?;
        let entries = std::mem::take(&mut self.found.entries);
        let mut kept = Vec::with_capacity(entries.len());
        for entry in entries.iter().rev() {
            if let Some(version) = self.version(&key, entry).await? {
                kept.push(version);
            }
        }
        // What is left of the known ones is not in S3, or there twice.
        let removed: Vec<i64> = self.versions.iter().map(|version| version.id.0).collect();
        if kept.is_empty() {
            return Ok(None);
        }
        let public = self.is_public(&key, kept.last()).await?;
        let brings = kept.iter().rev().find_map(|version| brought(&version.tags));
        Ok(Some(Object {
            uuid: self.object.as_ref().map_or_else(Uuid::nil, |object| object.uuid),
            flag: public.filter(|public| *public != self.object.as_ref().is_some_and(|object| object.public)),
            known: self.object.map(|object| object.id),
            path: self.found.path,
            brings,
            kept,
            removed,
        }))
    }

    async fn version(&mut self, key: &Key, entry: &ListEntry) -> Result<Option<Kept>> {
        let same =
            |known: &KnownVersion| known.native_id == entry.version_id && known.delete_marker == entry.delete_marker;
        let at = self.versions.iter().position(same);
        let known = at.map(|at| self.versions.remove(at));
        let size = i64::try_from(entry.size).unwrap_or(i64::MAX);
        let mut row = NewVersion {
            uuid: self.app.entropy().uuid(),
            storage_key: (!entry.delete_marker).then(|| key.as_str().to_owned()),
            native_id: entry.version_id.clone(),
            size,
            mime_type: DEFAULT_MIME_TYPE.to_owned(),
            etag: entry.etag.clone(),
            sha256: None,
            delete_marker: entry.delete_marker,
            last_modified_at: entry.last_modified,
        };
        let unchanged = known.as_ref().is_some_and(|known| {
            known.size == size && known.etag == entry.etag && same_second(known.last_modified_at, entry.last_modified)
        });
        let known = known.map(|known| known.id);
        if entry.delete_marker {
            return Ok(Some(Kept {
                known,
                latest: entry.is_latest,
                fresh: false,
                row,
                metadata: Vec::new(),
                tags: Vec::new(),
                tags_changed: false,
            }));
        }
        // An old version that was written without versioning has no id in the listing, but a name.
        let version = entry.version_id.as_deref().or((!entry.is_latest).then_some("null"));
        let mut metadata = Vec::new();
        if !unchanged {
            let head = match self.blobs.head(key, version).await {
                Err(error) if has_vanished(&error) => return Ok(None),
                outcome => outcome?,
            };
            row.mime_type = head.content_type.unwrap_or(row.mime_type);
            metadata = head.metadata;
        }
        let native = self.blobs.native();
        let native = native.ok_or_else(|| Error::new(Kind::Internal, "a registered bucket without versions"))?;
        let tags = match native.tags(key, version).await {
            Err(error) if has_vanished(&error) => return Ok(None),
            outcome => outcome?,
        };
        let tags_changed = known.is_none_or(|known| self.tags.get(&known).is_none_or(|before| *before != tags));
        Ok(Some(Kept {
            known,
            latest: entry.is_latest,
            fresh: !unchanged,
            row,
            metadata,
            tags,
            tags_changed,
        }))
    }

    /// Whether the key is public by itself; nothing where that cannot be told or does not matter.
    async fn is_public(&self, key: &Key, latest: Option<&Kept>) -> Result<Option<bool>> {
        if self.place.folder_is_public {
            return Ok(None);
        }
        if let Some(verdict) = self.place.verdict(key.as_str()) {
            return Ok(Some(verdict));
        }
        let content = latest.is_some_and(|latest| !latest.row.delete_marker);
        let Some(native) = self.blobs.native().filter(|_| content) else {
            return Ok(None);
        };
        let by_list = match native.anyone_may_read(key).await {
            Err(error) if has_vanished(&error) || error.kind == BlobKind::Denied => return Ok(None),
            outcome => outcome?,
        };
        // Where the policy cannot be seen, it may be what makes the object public.
        Ok((by_list || self.place.policy.is_some()).then_some(by_list))
    }
}

fn has_vanished(error: &blob::Error) -> bool {
    matches!(error.kind, BlobKind::NotFound | BlobKind::MethodNotAllowed)
}

/// Heads tell seconds, listings tell more.
fn same_second(known: Option<Timestamp>, listed: Option<Timestamp>) -> bool {
    let second = |at: Option<Timestamp>| at.map(|at| at.0.div_euclid(1_000_000));
    second(known) == second(listed)
}

/// Adopts what lies at the place of an upload, if anything does; answers the object it became. Nobody gets a right on it
/// that they do not have by the bucket (E-06).
pub(crate) async fn adopt(app: &App, ctx: &Ctx, bucket: &BucketRow, path: &str) -> Result<Option<Uuid>> {
    let blobs = app.storages().of(bucket)?;
    let Some(native) = blobs.native() else { return Ok(None) };
    let entries = all_versions(native, &storage_key(path)?).await?;
    if entries.is_empty() {
        return Ok(None);
    }
    let place = super::folder::place(app, ctx, bucket, native).await?;
    let found = Found {
        path: path.to_owned(),
        entries,
    };
    let write = examine(app, ctx, &place, &blobs, vec![found], Vec::new(), None).await?;
    app.store().run(write, &ctx.meter).await?;
    let known = Load {
        bucket: bucket.id,
        above: place.above,
        paths: vec![path.to_owned()],
    };
    let mut known = app.store().run(known, &ctx.meter).await?;
    let own = known.objects.remove(path).map(|object| object.uuid);
    Ok(own.or_else(|| known.others.remove(path).flatten()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_that_clients_can_use_are_adopted() {
        let tag = |value: &str| vec![("x".to_owned(), "y".to_owned()), (ID_TAG.to_owned(), value.to_owned())];
        let id = "ac246e31-c807-496c-bc93-cd8bc2f1b2b4";
        assert_eq!(brought(&tag(id)), id.parse().ok());
        for bad in [
            "",
            "x",
            "ac246e31-c807-196c-bc93-cd8bc2f1b2b4",
            "00000000-0000-0000-0000-000000000000",
        ] {
            assert_eq!(brought(&tag(bad)), None, "{bad}");
        }
        assert_eq!(brought(&[]), None);
    }

    #[test]
    fn the_tag_is_set_once_and_never_the_eleventh() {
        let id = Uuid::from_u128(7);
        let mut tags: Pairs = Vec::new();
        assert!(set_id_tag(&mut tags, id) && !set_id_tag(&mut tags, id));
        assert!(set_id_tag(&mut tags, Uuid::from_u128(8)));
        assert_eq!(tags, [(ID_TAG.to_owned(), Uuid::from_u128(8).to_string())]);
        let mut full: Pairs = (0..10).map(|number| (number.to_string(), String::new())).collect();
        assert!(!set_id_tag(&mut full, id));
        assert_eq!(full.len(), 10);
    }

    #[test]
    fn only_a_plain_404_means_gone() {
        let error = |kind, status: Option<u16>, delete_marker| blob::Error {
            kind,
            upstream: status.map(|status| {
                Box::new(blob::Upstream {
                    status,
                    code: None,
                    delete_marker,
                    request_id: None,
                    extended_request_id: None,
                })
            }),
            source: None,
        };
        assert!(is_definitely_gone(&error(BlobKind::NotFound, Some(404), false)));
        for (kind, status, marker) in [
            (BlobKind::NotFound, Some(404), true),
            (BlobKind::NotFound, None, false),
            (BlobKind::NotFound, Some(400), false),
            (BlobKind::Denied, Some(403), false),
            (BlobKind::Unavailable, Some(503), false),
            (BlobKind::Timeout, None, false),
            (BlobKind::Upstream, Some(404), false),
        ] {
            assert!(!is_definitely_gone(&error(kind, status, marker)), "{kind:?} {status:?}");
        }
    }
}
