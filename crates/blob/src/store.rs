//! What every store can do, and what only one with versions of its own can.

use std::{ops::Range, sync::Arc};

use async_trait::async_trait;
use domain::Timestamp;

use crate::{Body, Key, Result};

/// A store of blobs.
///
/// * **Atomic.** A reader sees all of a blob or nothing, also after a crash, and whatever happens to the body.
/// * **Durable.** What `put` and `copy` answered survives the loss of power.
/// * **Bounded.** No blob is ever held in memory: a stream takes about half a MiB.
/// * **Cancellable.** A future that is dropped leaves nothing half done. The write may still have happened.
///
/// `version` is a version id of the store itself ([`Put::version_id`]); `None` means the newest.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// Stores a body of exactly `options.length` bytes under a key.
    ///
    /// [`Files`](crate::Files) refuses a key that exists ([`Kind::Exists`](crate::Kind)): its keys are chosen by this
    /// server and never reused. S3 replaces it, or adds a version.
    ///
    /// # Errors
    /// [`Kind::Body`](crate::Kind) when the body fails or is shorter or longer than announced; nothing becomes visible.
    async fn put(&self, key: &Key, body: Body, options: &PutOptions) -> Result<Put>;

    /// Opens a blob, or a part of it. The range is clamped to the blob's end.
    ///
    /// # Errors
    /// `NotFound`; `MethodNotAllowed` for a version that is a delete marker (from Ceph 16 `NotFound` too); `Range` when
    /// no byte lies in the range.
    async fn get(&self, key: &Key, version: Option<&str>, range: Option<ByteRange>) -> Result<Got>;

    /// What is known of a blob without its bytes.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    async fn head(&self, key: &Key, version: Option<&str>) -> Result<Head>;

    /// Removes a blob or one version of it; a versioned bucket gets a delete marker when no version is named.
    /// Removing what does not exist succeeds.
    async fn delete(&self, key: &Key, version: Option<&str>) -> Result<Deleted>;

    /// Copies a blob inside the store. Content type, metadata and tags are those of `options`; `options.length` is
    /// ignored. On S3 `from` and `to` may be the same key (objects contract 4.6.1), up to 5 GiB.
    ///
    /// # Errors
    /// As [`get`](Self::get) for the source and [`put`](Self::put) for the target.
    async fn copy(&self, from: &Key, from_version: Option<&str>, to: &Key, options: &PutOptions) -> Result<Copied>;

    /// Whether the store can be used now: the folder can be written, the bucket answers.
    ///
    /// # Errors
    /// Why it cannot.
    async fn check(&self) -> Result<()>;

    /// An address where anyone may read the blob until it expires (objects contract 4.3.3), made without any network
    /// call and without asking whether the blob exists. `None` where the store has no addresses. Most clients rewrite
    /// the segments `.` and `..` of an address, so keys that have one cannot be fetched by it.
    ///
    /// # Errors
    /// `Invalid` when `options.expires` is not within 1 second and 7 days.
    fn presign_get(&self, key: &Key, version: Option<&str>, options: &PresignOptions) -> Result<Option<String>>;

    /// An address where anyone may write the blob until it expires. `None` where the store has no addresses.
    ///
    /// # Errors
    /// As [`presign_get`](Self::presign_get).
    fn presign_put(&self, key: &Key, options: &PresignOptions) -> Result<Option<String>>;

    /// Removes what processes that died have left half-written, last touched before a moment; how much it was.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn clean(&self, before: Timestamp) -> Result<usize> {
        let _ = before;
        Ok(0)
    }

    /// The store's own versions, tags and listing, where it has them. Versions of a folder of files are separate keys
    /// that our database knows, and so are its metadata and tags.
    fn native(&self) -> Option<&dyn NativeVersions> {
        None
    }
}

/// A shared store is a store, whatever it is, so wrappers take one too.
#[async_trait]
impl<B: Blobs + ?Sized> Blobs for Arc<B> {
    async fn put(&self, key: &Key, body: Body, options: &PutOptions) -> Result<Put> {
        (**self).put(key, body, options).await
    }

    async fn get(&self, key: &Key, version: Option<&str>, range: Option<ByteRange>) -> Result<Got> {
        (**self).get(key, version, range).await
    }

    async fn head(&self, key: &Key, version: Option<&str>) -> Result<Head> {
        (**self).head(key, version).await
    }

    async fn delete(&self, key: &Key, version: Option<&str>) -> Result<Deleted> {
        (**self).delete(key, version).await
    }

    async fn copy(&self, from: &Key, from_version: Option<&str>, to: &Key, options: &PutOptions) -> Result<Copied> {
        (**self).copy(from, from_version, to, options).await
    }

    async fn check(&self) -> Result<()> {
        (**self).check().await
    }

    fn presign_get(&self, key: &Key, version: Option<&str>, options: &PresignOptions) -> Result<Option<String>> {
        (**self).presign_get(key, version, options)
    }

    fn presign_put(&self, key: &Key, options: &PresignOptions) -> Result<Option<String>> {
        (**self).presign_put(key, options)
    }

    fn native(&self) -> Option<&dyn NativeVersions> {
        (**self).native()
    }
}

/// What only a store with listings, tags and versions of its own can do: S3. Reached by [`Blobs::native`].
#[async_trait]
pub trait NativeVersions: Send + Sync {
    /// The tags of a blob or of one version of it.
    ///
    /// # Errors
    /// As [`Blobs::get`].
    async fn tags(&self, key: &Key, version: Option<&str>) -> Result<Vec<(String, String)>>;

    /// Replaces the tags of a blob or of one version of it. No new version appears.
    ///
    /// # Errors
    /// `Upstream` with S3's 400 for more than 10 tags or an illegal one.
    async fn put_tags(&self, key: &Key, version: Option<&str>, tags: &[(String, String)]) -> Result<()>;

    /// One page, up to 1000, of all versions and delete markers whose key starts with the prefix, ordered by key and
    /// within a key from the newest; go on with [`ListPage::next`].
    async fn list_versions(&self, prefix: &str, after: Option<&ListCursor>) -> Result<ListPage>;

    /// The same of the keys that start with the prefix and have no `/` behind it. A page may have fewer entries, even
    /// none, where the store has folders to pass over.
    async fn list_folder(&self, prefix: &str, after: Option<&ListCursor>) -> Result<ListPage>;

    /// The policy of the bucket as S3 keeps it (JSON); `None` where it has none.
    async fn policy(&self) -> Result<Option<String>>;

    /// Replaces the policy of the bucket, or removes it.
    async fn put_policy(&self, policy: Option<&str>) -> Result<()>;

    /// Whether the access control list of a blob lets anyone read it. In a store without such lists nobody may by them.
    ///
    /// # Errors
    /// As [`Blobs::get`].
    async fn anyone_may_read(&self, key: &Key) -> Result<bool>;

    /// Takes from the access control list of a blob what it gives to anyone, if that includes reading, and leaves all
    /// others; whether it changed. A blob that does not exist has no list.
    async fn withdraw_from_anyone(&self, key: &Key) -> Result<bool>;

    /// Aborts uploads in parts to a key that nobody finished, so that their parts are not kept; how many there were.
    async fn abort_parts(&self, key: &Key) -> Result<usize>;
}

/// How a blob is to be stored. The default is an empty body of no stated type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutOptions {
    /// The exact number of bytes to come.
    pub length: u64,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// User metadata: names without `x-amz-meta-`, values of visible ASCII.
    pub metadata: Vec<(String, String)>,
    /// Tags.
    pub tags: Vec<(String, String)>,
}

impl PutOptions {
    /// A body of this many bytes, without type, metadata or tags.
    pub fn of_length(length: u64) -> Self {
        Self {
            length,
            ..Self::default()
        }
    }
}

/// Ids under which S3 keeps its own record of a request (`$metadata` of the objects contract, 1.9).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestIds {
    /// `x-amz-request-id`.
    pub request_id: Option<String>,
    /// `x-amz-id-2`.
    pub extended_request_id: Option<String>,
}

/// A blob that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// Its bytes.
    pub size: u64,
    /// SHA-256 of the bytes as they came in.
    pub sha256: [u8; 32],
    /// In quotes: S3's own, or for files the first 16 bytes of the SHA-256 in hexadecimal.
    pub etag: String,
    /// The version made, in a versioned bucket.
    pub version_id: Option<String>,
    /// `Last-Modified`, when the store told it.
    pub last_modified: Option<Timestamp>,
    /// S3's ids of the request.
    pub request: RequestIds,
}

/// A blob that was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// In quotes; `None` where the store keeps none: our database has it.
    pub etag: Option<String>,
    /// The version made, in a versioned bucket.
    pub version_id: Option<String>,
    /// `Last-Modified`, when the store told it.
    pub last_modified: Option<Timestamp>,
    /// S3's ids of the request.
    pub request: RequestIds,
}

/// What a store knows of a blob. Files have a size and a time; the rest is in our database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Bytes of the whole blob.
    pub size: u64,
    /// In quotes; `None` where the store keeps none.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<Timestamp>,
    /// The version, in a versioned bucket.
    pub version_id: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `x-amz-server-side-encryption`.
    pub server_side_encryption: Option<String>,
    /// User metadata, ordered by name.
    pub metadata: Vec<(String, String)>,
    /// S3's ids of the request.
    pub request: RequestIds,
}

/// An open blob.
pub struct Got {
    /// What is known of the whole blob.
    pub head: Head,
    /// The bytes that the body gives.
    pub range: Range<u64>,
    /// Exactly those bytes, or an error.
    pub body: Body,
}

impl std::fmt::Debug for Got {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Got")
            .field("head", &self.head)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

/// What a delete did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// The version removed, or the delete marker made.
    pub version_id: Option<String>,
    /// Whether what was made or removed is a delete marker.
    pub delete_marker: bool,
    /// S3's ids of the request.
    pub request: RequestIds,
}

/// A part of a blob, as in an HTTP `Range` of one range (RFC 9110, 14.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteRange {
    /// From this offset to the end.
    From(u64),
    /// From the first offset to the second, both included.
    Between(u64, u64),
    /// This many bytes at the end.
    Last(u64),
}

impl ByteRange {
    /// The offsets in a blob of this size, end excluded; `None` when no byte lies in the range.
    pub fn resolve(self, size: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::From(first) => first..size,
            Self::Between(first, last) => first..last.saturating_add(1).min(size),
            Self::Last(count) => size.saturating_sub(count)..size,
        };
        (!range.is_empty()).then_some(range)
    }
}

/// How to sign an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresignOptions {
    /// The time now; the signature counts in seconds.
    pub now: Timestamp,
    /// Seconds until it ends, 1 to 604800.
    pub expires: i64,
    /// `Content-Disposition` that the answer shall have.
    pub content_disposition: Option<String>,
    /// `Content-Type` that the answer shall have.
    pub content_type: Option<String>,
}

/// Where a listing goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListCursor {
    /// The last key seen.
    pub key: String,
    /// The last version of that key seen; `None` to go on behind the key.
    pub version_id: Option<String>,
}

/// One page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListPage {
    /// In order.
    pub entries: Vec<ListEntry>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<ListCursor>,
}

/// One version or delete marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListEntry {
    /// Its key.
    pub key: String,
    /// Its version; `None` for what was written without versioning.
    pub version_id: Option<String>,
    /// Whether it is a delete marker, which has no bytes.
    pub delete_marker: bool,
    /// Whether it is the newest of its key.
    pub is_latest: bool,
    /// Bytes.
    pub size: u64,
    /// In quotes; markers have none.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_clamped_to_the_end() {
        for (range, size, expected) in [
            (ByteRange::From(0), 10, Some(0..10)),
            (ByteRange::From(9), 10, Some(9..10)),
            (ByteRange::From(10), 10, None),
            (ByteRange::From(0), 0, None),
            (ByteRange::Between(2, 4), 10, Some(2..5)),
            (ByteRange::Between(2, u64::MAX), 10, Some(2..10)),
            (ByteRange::Between(4, 2), 10, None),
            (ByteRange::Between(10, 12), 10, None),
            (ByteRange::Last(3), 10, Some(7..10)),
            (ByteRange::Last(30), 10, Some(0..10)),
            (ByteRange::Last(0), 10, None),
            (ByteRange::Last(1), 0, None),
        ] {
            assert_eq!(range.resolve(size), expected, "{range:?} of {size}");
        }
    }
}
