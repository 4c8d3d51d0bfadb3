//! A folder of files on one machine, or on a file system that several nodes share.
//!
//! ```text
//! ROOT/objects/3f/3fa9…   one file per key, named by the SHA-256 of the key; the content and nothing else
//! ROOT/temporary/…        what is being written; swept when a crash left it
//! ```
//! Files hold exactly the bytes that were sent, so a backup or `sha256sum` needs no tool of ours.

mod folder;
mod read;
mod write;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use aws_lc_rs::digest;
use domain::{Entropy, Timestamp};
use tokio::task::spawn_blocking;

use self::folder::Folder;
use crate::{
    Blobs, Body, ByteRange, Copied, Deleted, Error, Got, Head, Key, Kind, PresignOptions, Put, PutOptions, RequestIds,
    Result,
};

/// What a write has just done, in order; see [`Files::observed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The temporary file exists.
    Created,
    /// It has all bytes.
    Written,
    /// They are on the disk.
    Synced,
    /// The blob is visible, the temporary name still there.
    Linked,
    /// The temporary name is gone.
    Published,
    /// The folder's entry is on the disk; only the answer is missing.
    Durable,
}

/// Told after every [`Step`] of a write.
pub type Observer = Arc<dyn Fn(Step) + Send + Sync>;

/// Blobs as files. Keys are never reused: a put to a key that exists is refused, and a new version is a new key that
/// our database knows. Content type, metadata and tags are kept there too, so this store drops them.
#[derive(Clone, Debug)]
pub struct Files {
    folder: Arc<Folder>,
    pieces: Arc<read::Pieces>,
}

impl Files {
    /// Opens a root folder and makes what is missing in it. `entropy` keeps the temporary names of several processes
    /// apart.
    ///
    /// # Errors
    /// When the folder cannot be made or written.
    pub fn open(root: impl AsRef<Path>, entropy: &dyn Entropy) -> Result<Self> {
        let folder = Folder::open(root.as_ref(), entropy, None)?;
        Ok(Self {
            folder: Arc::new(folder),
            pieces: Arc::default(),
        })
    }

    /// As [`open`](Self::open), and every step of every write is told to the observer: tests end the process there.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn observed(root: impl AsRef<Path>, entropy: &dyn Entropy, observer: Observer) -> Result<Self> {
        let folder = Folder::open(root.as_ref(), entropy, Some(observer))?;
        Ok(Self {
            folder: Arc::new(folder),
            pieces: Arc::default(),
        })
    }

    /// Removes temporary files last written before a moment, left by processes that died, and says how many. The
    /// moment must lie further back than any upload may pause.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn sweep(&self, before: Timestamp) -> Result<usize> {
        let folder = self.folder.clone();
        blocking(move || folder.sweep(before)).await
    }
}

/// Runs file work where it may block. It goes on to its end even when the caller is dropped.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::new(Kind::Internal).because(error)),
    }
}

/// Files have no versions of their own, so none can be named.
fn without_version(version: Option<&str>) -> Result<()> {
    match version {
        None => Ok(()),
        Some(_) => Err(Error::new(Kind::NotFound)),
    }
}

fn sha256(digest: &digest::Digest) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.as_ref());
    bytes
}

#[async_trait]
impl Blobs for Files {
    async fn put(&self, key: &Key, body: Body, options: &PutOptions) -> Result<Put> {
        write::put(&self.folder, key, body, options.length).await
    }

    async fn get(&self, key: &Key, version: Option<&str>, range: Option<ByteRange>) -> Result<Got> {
        without_version(version)?;
        read::get(self.folder.path(key), range, &self.pieces).await
    }

    async fn head(&self, key: &Key, version: Option<&str>) -> Result<Head> {
        without_version(version)?;
        let path = self.folder.path(key);
        blocking(move || Ok(read::head(&std::fs::metadata(path)?))).await
    }

    async fn delete(&self, key: &Key, version: Option<&str>) -> Result<Deleted> {
        if version.is_none() {
            let (folder, path) = (self.folder.clone(), self.folder.path(key));
            blocking(move || folder.remove(&path)).await?;
        }
        Ok(Deleted::default())
    }

    async fn copy(&self, from: &Key, from_version: Option<&str>, to: &Key, _options: &PutOptions) -> Result<Copied> {
        without_version(from_version)?;
        let folder = self.folder.clone();
        let (from, to) = (folder.path(from), folder.path(to));
        blocking(move || {
            write::copy(&folder, &from, &to)?;
            Ok(Copied {
                etag: None,
                version_id: None,
                last_modified: read::head(&std::fs::metadata(to)?).last_modified,
                request: RequestIds::default(),
            })
        })
        .await
    }

    async fn check(&self) -> Result<()> {
        let folder = self.folder.clone();
        blocking(move || folder.check()).await
    }

    async fn clean(&self, before: Timestamp) -> Result<usize> {
        self.sweep(before).await
    }

    fn presign_get(&self, _key: &Key, _version: Option<&str>, _options: &PresignOptions) -> Result<Option<String>> {
        Ok(None)
    }

    fn presign_put(&self, _key: &Key, _options: &PresignOptions) -> Result<Option<String>> {
        Ok(None)
    }
}
