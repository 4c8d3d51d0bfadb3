//! A store that keeps small blobs in memory, for stores whose blobs never change.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use domain::Timestamp;
use moka::sync::Cache;

use crate::{
    Blobs, Body, ByteRange, Copied, Deleted, Error, Got, Head, Key, Kind, NativeVersions, PresignOptions, Put,
    PutOptions, Result, body,
};

/// The largest blob that is kept: opening and reading a file of this size costs more than sending it.
const SMALL: u64 = 64 * 1024;
/// All that is kept, in bytes.
const ALL: u64 = 16 * 1024 * 1024;

#[derive(Clone)]
struct Kept {
    head: Head,
    bytes: Bytes,
}

/// A store, and its small blobs that were read lately. Only for a store in which a key never gets other bytes: there what
/// is kept is right for as long as anybody may ask for it, on every node. Who may ask is decided before.
pub struct Cached<B> {
    inner: B,
    kept: Cache<String, Kept>,
}

impl<B: Blobs> Cached<B> {
    /// The store, with an empty memory.
    pub fn new(inner: B) -> Self {
        let weigh = |key: &String, kept: &Kept| u32::try_from(key.len() + kept.bytes.len()).unwrap_or(u32::MAX);
        Self {
            inner,
            kept: Cache::builder().max_capacity(ALL).weigher(weigh).build(),
        }
    }
}

impl Kept {
    fn give(self, range: Option<ByteRange>) -> Result<Got> {
        let range: Range<u64> = match range {
            None => 0..self.head.size,
            Some(range) => range.resolve(self.head.size).ok_or_else(|| Error::new(Kind::Range))?,
        };
        // Within the bytes, whose number a usize holds.
        let within = |end: u64| usize::try_from(end).unwrap_or(usize::MAX).min(self.bytes.len());
        Ok(Got {
            body: body::once(self.bytes.slice(within(range.start)..within(range.end))),
            head: self.head,
            range,
        })
    }
}

impl<B> std::fmt::Debug for Cached<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cached({} blobs)", self.kept.entry_count())
    }
}

#[async_trait]
impl<B: Blobs> Blobs for Cached<B> {
    async fn put(&self, key: &Key, body: Body, options: &PutOptions) -> Result<Put> {
        self.inner.put(key, body, options).await
    }

    async fn get(&self, key: &Key, version: Option<&str>, range: Option<ByteRange>) -> Result<Got> {
        if version.is_some() {
            return self.inner.get(key, version, range).await;
        }
        if let Some(kept) = self.kept.get(key.as_str()) {
            return kept.give(range);
        }
        let got = self.inner.get(key, None, range).await?;
        if range.is_some() || got.head.size > SMALL {
            return Ok(got);
        }
        let bytes = body::collect(got.body, usize::try_from(SMALL).unwrap_or(usize::MAX)).await?;
        let kept = Kept { head: got.head, bytes };
        self.kept.insert(key.as_str().to_owned(), kept.clone());
        kept.give(None)
    }

    async fn head(&self, key: &Key, version: Option<&str>) -> Result<Head> {
        self.inner.head(key, version).await
    }

    async fn delete(&self, key: &Key, version: Option<&str>) -> Result<Deleted> {
        self.kept.invalidate(key.as_str());
        self.inner.delete(key, version).await
    }

    async fn copy(&self, from: &Key, from_version: Option<&str>, to: &Key, options: &PutOptions) -> Result<Copied> {
        self.inner.copy(from, from_version, to, options).await
    }

    async fn check(&self) -> Result<()> {
        self.inner.check().await
    }

    async fn clean(&self, before: Timestamp) -> Result<usize> {
        self.inner.clean(before).await
    }

    fn presign_get(&self, key: &Key, version: Option<&str>, options: &PresignOptions) -> Result<Option<String>> {
        self.inner.presign_get(key, version, options)
    }

    fn presign_put(&self, key: &Key, options: &PresignOptions) -> Result<Option<String>> {
        self.inner.presign_put(key, options)
    }

    fn native(&self) -> Option<&dyn NativeVersions> {
        self.inner.native()
    }
}
