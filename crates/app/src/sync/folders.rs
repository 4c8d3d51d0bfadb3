//! Folders below a bucket: records for those that S3 has keys in, none for those that nothing is left of (objects contract
//! 4.8, recursive).

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use blob::ListCursor;
use domain::{ItemId, Kind, Timestamp};
use serde_json::json;
use store::{
    Access, Op, Session,
    buckets::{self, BucketRow, NewBucket, NewStorage},
    grants, public, sync, synced,
};

use super::{
    folder,
    worker::{Fence, Work},
};
use crate::{
    App, Ctx, Error, Result, audit,
    buckets::{MAX_KEY, normalise_key, prefix},
    storages::Mount,
};

/// Phases of a job.
pub(super) const DISCOVER: i64 = 1;
pub(super) const BELOW: i64 = 2;

/// Folders made in one transaction, and records looked at together.
const BATCH: usize = 100;
const PAGE: i64 = 100;
/// Folders remembered as done, so that a folder with many keys is asked for once.
const REMEMBERED: usize = 10_000;

/// The keys above a key, `/` first.
pub(super) fn above(key: &str) -> Vec<String> {
    if key == "/" {
        return Vec::new();
    }
    let above = key.match_indices('/').filter_map(|(end, _)| key.get(..end));
    std::iter::once("/").chain(above).map(str::to_owned).collect()
}

/// Lists everything below, makes the records that are missing, and leaves a job for each folder.
pub(super) async fn discover(work: &Work, marker: Option<String>) -> Result<()> {
    let native = work.native()?;
    let storage = storage(work)?;
    let root = prefix(&work.bucket.key);
    let mut after = marker.map(|key| ListCursor { key, version_id: None });
    let mut done: HashSet<String> = HashSet::new();
    loop {
        let page = native.list_versions(&root, after.as_ref()).await?;
        let keys = page.entries.iter().map(|entry| entry.key.as_str());
        let found: BTreeSet<String> = keys.filter_map(|key| folder_of(&root, key)).collect();
        let new: Vec<String> = found.into_iter().filter(|key| !done.contains(key)).collect();
        let marker = page.next.as_ref().map(|next| next.key.clone());
        for batch in new.chunks(BATCH) {
            let here = after.as_ref().map(|cursor| cursor.key.clone());
            let fence = work.fence(DISCOVER, here, 0);
            work.write(Make::new(work, fence, storage.clone(), batch.to_vec()))
                .await?;
        }
        if done.len() > REMEMBERED {
            done.clear();
        }
        done.extend(new);
        work.app.wake();
        match page.next {
            Some(next) => {
                work.checkpoint(DISCOVER, marker).await?;
                after = Some(next);
            }
            None => return work.checkpoint(BELOW, None).await,
        }
    }
}

/// The folder of a key that lies deeper than directly in the root, where it can be a bucket.
fn folder_of(root: &str, key: &str) -> Option<String> {
    let (folder, _) = key.rsplit_once('/')?;
    let deeper = folder.len() > root.trim_end_matches('/').len() && folder.starts_with(root);
    (deeper && folder.len() <= MAX_KEY && normalise_key(folder) == folder).then(|| folder.to_owned())
}

/// The credentials of the bucket, for records of folders in it.
fn storage(work: &Work) -> Result<NewStorage> {
    let bucket = &work.bucket;
    let sealed = bucket
        .storage
        .as_ref()
        .ok_or_else(|| Error::new(Kind::Internal, "a registered bucket without credentials"))?;
    let (access_key_id, secret_access_key) = work.app.storages().open(sealed)?;
    let mount = Mount {
        endpoint: bucket.endpoint.clone(),
        bucket: bucket.s3_bucket.clone(),
        access_key_id,
        secret_access_key,
        region: bucket.region.clone(),
    };
    work.app.storages().seal(&mount, work.app.entropy())
}

/// Forgets buckets below that nothing is left of. One that has keys anywhere below stays (E-18).
pub(super) async fn forget_empty(work: &Work, marker: Option<String>) -> Result<()> {
    let native = work.native()?;
    let mut after = marker.unwrap_or_default();
    loop {
        let page = work
            .app
            .store()
            .run(Below(work.bucket.clone(), after.clone()), &work.ctx.meter)
            .await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.key);
        let (mut empty, mut kept) = (Vec::new(), Vec::new());
        for below in page {
            if below.requested_at.is_some_and(|at| at >= work.job.started_at) {
                continue;
            }
            let first = native.list_versions(&prefix(&below.key), None).await?;
            if first.entries.is_empty() {
                empty.push(below.id);
            } else {
                kept.push(below.id.0);
            }
        }
        let op = Forget {
            ctx: work.ctx.clone(),
            now: work.app.now(),
            fence: work.fence(BELOW, Some(after.clone()), 0),
            empty,
            kept,
        };
        work.write(op).await?;
    }
    work.checkpoint(folder::LIST, None).await
}

#[derive(Clone)]
struct Make {
    app: Arc<App>,
    ctx: Ctx,
    now: Timestamp,
    fence: Fence,
    root: BucketRow,
    storage: NewStorage,
    folders: Vec<String>,
}

impl Make {
    fn new(work: &Work, fence: Fence, storage: NewStorage, folders: Vec<String>) -> Self {
        Self {
            app: Arc::clone(&work.app),
            ctx: work.ctx.clone(),
            now: work.app.now(),
            fence,
            root: work.bucket.clone(),
            storage,
            folders,
        }
    }

    /// A new record starts with the grants of the nearest bucket above it, and with nobody else's.
    async fn make<S: Session>(&self, s: &mut S, key: &str, from: ItemId) -> Result<ItemId> {
        let new = NewBucket {
            uuid: self.app.entropy().uuid(),
            name: key.rsplit('/').next().unwrap_or(key).to_owned(),
            active: true,
            endpoint: self.root.endpoint.clone(),
            region: self.root.region.clone(),
            s3_bucket: self.root.s3_bucket.clone(),
            key: key.to_owned(),
            storage: Some(self.storage.clone()),
        };
        let by = self.root.stamps.created_by;
        let id = buckets::insert(s, &new, by, self.now).await?;
        let copies = grants::count(s, from).await?;
        let uuids: Vec<_> = (0..copies).map(|_| self.app.entropy().uuid()).collect();
        grants::copy(s, from, id, &uuids, by, self.now).await?;
        let after = json!({ "endpoint": new.endpoint, "bucket": new.s3_bucket, "key": key, "found": true });
        let object = format!("bucket:{}", new.uuid);
        audit::changed(s, &self.ctx, self.now, "bucket.create", object, Some(after)).await?;
        Ok(id)
    }
}

impl Op for Make {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        self.fence.pass(s).await?;
        let mut keys: BTreeSet<String> = self.folders.iter().cloned().collect();
        keys.extend(self.folders.iter().flat_map(|key| above(key)));
        let keys: Vec<String> = keys.into_iter().collect();
        let mounts = synced::mounts(s, &self.root.s3_bucket, &self.root.endpoint, &keys).await?;
        let mut mounts: HashMap<String, ItemId> = mounts.into_iter().collect();
        let mut ids = Vec::with_capacity(self.folders.len());
        // In their order: what lies above comes first.
        for key in &self.folders {
            let id = if let Some(id) = mounts.get(key) {
                *id
            } else {
                let nearest = above(key)
                    .into_iter()
                    .rev()
                    .find_map(|above| mounts.get(&above).copied());
                let id = self.make(s, key, nearest.unwrap_or(self.root.id)).await?;
                mounts.insert(key.clone(), id);
                id
            };
            ids.push(id.0);
        }
        sync::requested(s, &ids, self.now).await?;
        sync::enqueue(s, &ids, "", false, self.now).await?;
        Ok(())
    }
}

#[derive(Clone)]
struct Below(BucketRow, String);

impl Op for Below {
    type Out = Vec<synced::Below>;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let place = public::Place {
            s3_bucket: &self.0.s3_bucket,
            endpoint: &self.0.endpoint,
            key: &self.0.key,
        };
        let mut page = synced::below(s, place, &self.1, PAGE).await?;
        page.retain(|below| below.id != self.0.id);
        Ok(page)
    }
}

#[derive(Clone)]
struct Forget {
    ctx: Ctx,
    now: Timestamp,
    fence: Fence,
    empty: Vec<ItemId>,
    kept: Vec<i64>,
}

impl Op for Forget {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        self.fence.pass(s).await?;
        sync::requested(s, &self.kept, self.now).await?;
        sync::enqueue(s, &self.kept, "", false, self.now).await?;
        for id in self.empty {
            let Some(row) = buckets::find_by_id(s, id).await? else {
                continue;
            };
            buckets::delete(s, &[&row]).await?;
            let after = json!({ "endpoint": row.endpoint, "bucket": row.s3_bucket, "key": row.key, "found": false });
            let object = format!("bucket:{}", row.uuid);
            audit::changed(s, &self.ctx, self.now, "bucket.delete", object, Some(after)).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{above, folder_of};

    #[test]
    fn folders_are_the_places_of_keys_below() {
        for (root, key, folder) in [
            ("", "x", None),
            ("", "a/x", Some("a")),
            ("", "a/b/x", Some("a/b")),
            ("", "a/", Some("a")),
            ("", "a//x", None),
            ("", "/x", None),
            ("a/", "a/x", None),
            ("a/", "a/a/x", Some("a/a")),
            ("a/", "a/b/", Some("a/b")),
        ] {
            assert_eq!(folder_of(root, key).as_deref(), folder, "{root} {key}");
        }
        assert_eq!(folder_of("", &format!("{}/x", "d".repeat(256))), None);
        assert_eq!(above("a/b/c"), ["/", "a", "a/b"]);
        assert_eq!(above("/"), [""; 0]);
    }
}
