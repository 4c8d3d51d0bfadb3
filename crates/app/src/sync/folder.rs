//! One folder: its flag, the keys in it page by page, and then the objects that no page had.

use std::collections::BTreeMap;

use blob::{
    Key, ListCursor, ListEntry,
    policy::{Policy, Target},
};
use domain::{ItemId, Kind, Timestamp};
use futures_util::{FutureExt, StreamExt, stream};
use serde_json::json;
use store::{Access, Op, Session, buckets::BucketRow, synced};

use super::{
    keys::{self, CONCURRENCY, Found, Place},
    worker::{Fence, Work},
};
use crate::{App, Ctx, Error, Result, audit, buckets::prefix, public::in_turn};

/// Phases of a job.
pub(super) const POLICY: i64 = 0;
pub(super) const LIST: i64 = 3;
pub(super) const SWEEP: i64 = 4;

/// Keys and versions that are done together, in one transaction.
const BATCH_KEYS: usize = 250;
const BATCH_VERSIONS: usize = 500;
/// Objects looked at side by side in the database.
const SWEEP_PAGE: i64 = 500;

/// A folder that a job is about.
pub(super) struct Folder<'a> {
    work: &'a Work,
    place: Place,
}

/// What the policy of a bucket says; nothing where this server may not see it.
pub(super) async fn policy(native: &dyn blob::NativeVersions) -> Result<Option<Policy>> {
    match native.policy().await {
        Ok(text) => Ok(Policy::read(text.as_deref()).ok()),
        Err(error)
            if matches!(error.kind, blob::Kind::Denied | blob::Kind::MethodNotAllowed)
                || error.upstream.as_ref().is_some_and(|upstream| upstream.status == 501) =>
        {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn target(bucket: &BucketRow) -> Target {
    Target::Folder {
        bucket: bucket.s3_bucket.clone(),
        key: bucket.key.clone(),
    }
}

/// What every key of a bucket needs to know of it.
pub(super) async fn place(
    app: &App,
    ctx: &Ctx,
    bucket: &BucketRow,
    native: &dyn blob::NativeVersions,
) -> Result<Place> {
    let policy = policy(native).await?;
    let above = app.store().run(Above(bucket.clone()), &ctx.meter).await?;
    let by_policy = policy.as_ref().map(|policy| policy.is_public(&target(bucket)));
    Ok(Place {
        folder_is_public: bucket.public_above || by_policy.unwrap_or(bucket.public),
        bucket: bucket.clone(),
        policy,
        above,
    })
}

impl<'a> Folder<'a> {
    pub(super) async fn look(work: &'a Work) -> Result<Self> {
        let place = place(&work.app, &work.ctx, &work.bucket, work.native()?).await?;
        Ok(Self { work, place })
    }

    /// Makes the flag of the bucket what the policy says. Nobody toggles it meanwhile.
    pub(super) async fn refresh_flag(&self) -> Result<()> {
        let (work, bucket) = (self.work, &self.work.bucket);
        if bucket.public_above {
            return Ok(());
        }
        let refresh = async {
            let Some(policy) = policy(work.native()?).await? else {
                return Ok(());
            };
            let op = Refresh {
                ctx: work.ctx.clone(),
                now: work.app.now(),
                fence: work.fence(POLICY, None, 0),
                bucket: bucket.clone(),
                public: policy.is_public(&target(bucket)),
            };
            work.write(op).await
        };
        Box::pin(in_turn(&work.app, &work.ctx, bucket, refresh)).await
    }

    /// One key.
    pub(super) async fn one(&self, path: &str) -> Result<()> {
        let (found, gone) = self.versions_of(vec![path.to_owned()]).await?;
        self.write(found, gone, POLICY, None).await
    }

    /// The keys that lie directly in the folder.
    pub(super) async fn list(&self, marker: Option<String>) -> Result<()> {
        let native = self.work.native()?;
        let folder = prefix(&self.work.bucket.key);
        let mut after = marker.map(|key| ListCursor { key, version_id: None });
        let mut waiting: Vec<Found> = Vec::new();
        loop {
            let page = native.list_folder(&folder, after.as_ref()).await?;
            for entry in page.entries.into_iter().filter(|entry| is_object(&folder, entry)) {
                match waiting.last_mut() {
                    Some(last) if last.path == entry.key => last.entries.push(entry),
                    _ => waiting.push(Found::new(entry)),
                }
            }
            // The last key may go on on the next page.
            let unfinished = match &page.next {
                Some(next) if waiting.last().is_some_and(|last| last.path == next.key) => waiting.pop(),
                _ => None,
            };
            while !waiting.is_empty() {
                let batch = take_batch(&mut waiting);
                let marker = batch.last().map(|last| last.path.clone());
                self.write(batch, Vec::new(), LIST, marker).await?;
            }
            waiting.extend(unfinished);
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        self.work.checkpoint(SWEEP, None).await
    }

    /// The objects that were in no page: they lie deeper, or are gone.
    pub(super) async fn sweep(&self, marker: Option<String>) -> Result<()> {
        let mut after = marker.unwrap_or_default();
        loop {
            let page = Page(self.work.bucket.id, after.clone());
            let page = self.work.app.store().run(page, &self.work.ctx.meter).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            let before = std::mem::replace(&mut after, last.clone());
            let begun = self.work.job.started_at;
            let stale = page.iter().filter(|(_, synced)| synced.is_none_or(|at| at < begun));
            let stale: Vec<String> = stale.map(|(path, _)| path.clone()).collect();
            let (mut found, gone) = self.versions_of(stale).await?;
            while !found.is_empty() {
                let batch = take_batch(&mut found);
                self.write(batch, Vec::new(), SWEEP, Some(before.clone())).await?;
            }
            self.write(Vec::new(), gone, SWEEP, Some(after.clone())).await?;
        }
    }

    /// What lies at these paths, and at which of them there is certainly nothing.
    async fn versions_of(&self, paths: Vec<String>) -> Result<(Vec<Found>, Vec<String>)> {
        let looks = paths
            .into_iter()
            .map(|path| keys::look(self.work.blobs.as_ref(), path).boxed());
        let mut looks = stream::iter(looks).buffer_unordered(CONCURRENCY);
        let (mut all, mut gone) = (BTreeMap::new(), Vec::new());
        while let Some(look) = looks.next().await {
            match look? {
                keys::Look::There(found) => drop(all.insert(found.path.clone(), found)),
                keys::Look::Gone(path) => gone.push(path),
                keys::Look::Unclear => {}
            }
        }
        Ok((all.into_values().collect(), gone))
    }

    async fn write(&self, found: Vec<Found>, gone: Vec<String>, phase: i64, marker: Option<String>) -> Result<()> {
        let work = self.work;
        let fence = work.fence(phase, marker, found.len() + gone.len());
        let op = keys::examine(&work.app, &work.ctx, &self.place, &work.blobs, found, gone, Some(fence)).await?;
        work.write(op).await.map(drop)
    }
}

/// Whether a key is an object in this folder; what ends in a slash stands for a folder in other programs.
fn is_object(folder: &str, entry: &ListEntry) -> bool {
    let name = entry.key.strip_prefix(folder).unwrap_or_default();
    !name.is_empty() && !name.contains('/') && Key::new(entry.key.clone()).is_ok()
}

/// Takes the first of them, in their order.
fn take_batch(waiting: &mut Vec<Found>) -> Vec<Found> {
    let mut versions = 0;
    let fits = |found: &&Found| {
        versions += found.entries.len();
        versions <= BATCH_VERSIONS
    };
    let count = waiting.iter().take(BATCH_KEYS).take_while(fits).count().max(1);
    waiting.drain(..count.min(waiting.len())).collect()
}

/// The buckets above, nearest last: what lies deeper in one of them may be known there.
#[derive(Clone)]
struct Above(BucketRow);

impl Op for Above {
    type Out = Vec<ItemId>;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let keys = super::folders::above(&self.0.key);
        let mounts = synced::mounts(s, &self.0.s3_bucket, &self.0.endpoint, &keys).await?;
        Ok(mounts.into_iter().map(|(_, id)| id).collect())
    }
}

#[derive(Clone)]
struct Page(ItemId, String);

impl Op for Page {
    type Out = Vec<(String, Option<Timestamp>)>;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        Ok(synced::page(s, self.0, &self.1, SWEEP_PAGE).await?)
    }
}

#[derive(Clone)]
struct Refresh {
    ctx: Ctx,
    now: Timestamp,
    fence: Fence,
    bucket: BucketRow,
    public: bool,
}

impl Op for Refresh {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        self.fence.pass(s).await?;
        let row = store::buckets::find_by_id(s, self.bucket.id)
            .await?
            .ok_or_else(|| Error::new(Kind::Gone, "the bucket is gone"))?;
        if row.public == self.public || row.public_above {
            return Ok(());
        }
        synced::set_public(s, &[self.bucket.id.0], self.public).await?;
        let object = format!("bucket:{}", self.bucket.uuid);
        let after = json!({ "public": self.public, "as": "in the store" });
        Ok(audit::changed(s, &self.ctx, self.now, "bucket.public", object, Some(after)).await?)
    }
}
