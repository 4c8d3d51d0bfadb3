//! Access control lists in S3 that let anyone read what has a flag of this server now (objects contract 5.4): cleaned after
//! the request, a page at a time.

use blob::{Key, ListCursor, NativeVersions};
use futures_util::{FutureExt, StreamExt, stream};
use serde::{Deserialize, Serialize};
use store::{Access, Op, Session, buckets, buckets::BucketRow};
use uuid::Uuid;

use crate::{App, Error, Result, objects::storage_key};

/// Lists looked at side by side.
const CONCURRENCY: usize = 16;

/// Which lists to clean.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Withdraw {
    /// The bucket they are in.
    pub(crate) bucket: Uuid,
    /// A key, or the beginning of keys.
    pub(crate) path: String,
    /// Whether `path` is the beginning of keys.
    pub(crate) below: bool,
    /// Where to go on: key and version.
    #[serde(default)]
    pub(crate) after: Option<(String, Option<String>)>,
}

/// Cleans a page of lists; answers what is left.
pub(super) async fn withdraw(app: &App, what: Withdraw) -> Result<Option<Withdraw>> {
    let found = app.store().run(Find(what.bucket), &app.job_context().meter).await?;
    // A bucket that is forgotten is nobody's business any more.
    let Some(bucket) = found else { return Ok(None) };
    let blobs = app.storages().of(&bucket)?;
    let Some(native) = blobs.native() else { return Ok(None) };
    if !what.below {
        native.withdraw_from_anyone(&storage_key(&what.path)?).await?;
        return Ok(None);
    }
    let after = what
        .after
        .clone()
        .map(|(key, version_id)| ListCursor { key, version_id });
    let page = native.list_versions(&what.path, after.as_ref()).await?;
    let latest = page
        .entries
        .iter()
        .filter(|entry| entry.is_latest && !entry.delete_marker);
    let keys = latest
        .map(|entry| storage_key(&entry.key))
        .collect::<Result<Vec<Key>>>()?;
    let cleaned = clean(native, keys).await?;
    if cleaned > 0 {
        tracing::info!(bucket = %what.bucket, cleaned, "took from access control lists what they gave to anyone");
    }
    Ok(page.next.map(|next| Withdraw {
        after: Some((next.key, next.version_id)),
        ..what
    }))
}

async fn clean(native: &dyn NativeVersions, keys: Vec<Key>) -> Result<usize> {
    let lists = keys.into_iter().map(|key| clean_one(native, key).boxed());
    let mut lists = stream::iter(lists).buffer_unordered(CONCURRENCY);
    let mut cleaned = 0;
    while let Some(changed) = lists.next().await {
        cleaned += usize::from(changed?);
    }
    Ok(cleaned)
}

async fn clean_one(native: &dyn NativeVersions, key: Key) -> Result<bool> {
    Ok(native.withdraw_from_anyone(&key).await?)
}

#[derive(Clone)]
struct Find(Uuid);

impl Op for Find {
    type Out = Option<BucketRow>;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<Option<BucketRow>> {
        Ok(buckets::find(s, self.0).await?)
    }
}
