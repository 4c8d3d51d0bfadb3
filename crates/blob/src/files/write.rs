//! Writing: gather and hash a large piece while the one before it is written, then publish all at once.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    mem,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    thread::{Builder, JoinHandle},
};

use aws_lc_rs::digest;
use bytes::Bytes;
use domain::Timestamp;
use futures_util::StreamExt;

use super::{Step, blocking, folder::Folder, folder::hex, read, sha256};
use crate::{Body, BodyError, Error, Key, Kind, Put, RequestIds, Result};

/// One write. A stream holds two: one being written, one being filled.
const PIECE: usize = 256 * 1024;

/// A temporary file that is removed unless it is published.
pub(super) struct Staged {
    file: File,
    path: PathBuf,
}

impl Staged {
    pub(super) fn create(path: PathBuf) -> Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Self { file, path })
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Makes the file durable under its final name, all of it or nothing, and never over another's.
    fn publish(self, folder: &Folder, target: &Path) -> Result<()> {
        folder.observe(Step::Written);
        self.file.sync_all()?;
        folder.observe(Step::Synced);
        match fs::hard_link(&self.path, target) {
            Ok(()) => {
                folder.observe(Step::Linked);
                fs::remove_file(&self.path)?;
            }
            // A file system without hard links. Two writers of one key could pass here together, but keys are chosen
            // by this server and never given out twice.
            Err(error) if no_links(&error) && !target.exists() => fs::rename(&self.path, target)?,
            Err(error) if no_links(&error) => return Err(Error::new(Kind::Exists)),
            Err(error) => return Err(error.into()),
        }
        folder.observe(Step::Published);
        Folder::sync_folder_of(target)?;
        folder.observe(Step::Durable);
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, "could not remove a temporary file; the sweep will");
            }
            _ => {}
        }
    }
}

fn no_links(error: &io::Error) -> bool {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, TooManyLinks, Unsupported};
    matches!(
        error.kind(),
        PermissionDenied | Unsupported | TooManyLinks | CrossesDevices
    )
}

/// A file being written.
struct Writer {
    staged: Staged,
    early: EarlySync,
}

/// Lets the disk work while more bytes come in, so that little is left for the last sync, and no upload fills the
/// page cache with what is not written yet.
#[derive(Default)]
struct EarlySync {
    since: usize,
    running: Option<JoinHandle<io::Result<()>>>,
}

impl EarlySync {
    /// Bytes between two.
    const EVERY: usize = 8 * 1024 * 1024;

    fn written(&mut self, file: &File, count: usize) -> io::Result<()> {
        self.since += count;
        if self.since < Self::EVERY || self.running.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return Ok(());
        }
        self.finish()?;
        self.since = 0;
        let file = file.try_clone()?;
        let thread = Builder::new().name("early-sync".to_owned()).stack_size(64 * 1024);
        // Without a thread the last sync does it all.
        self.running = thread.spawn(move || file.sync_data()).ok();
        Ok(())
    }

    /// A failure is told to one sync only, so the file's own last one may not see it: it counts here.
    fn finish(&mut self) -> io::Result<()> {
        match self.running.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(io::Error::other("a sync broke off")),
        }
    }
}

impl Writer {
    fn create(folder: &Folder, target: &Path) -> Result<Self> {
        // Said again when publishing; here it spares the sender a long upload in vain.
        if target.exists() {
            return Err(Error::new(Kind::Exists));
        }
        let staged = Staged::create(folder.temporary_path())?;
        folder.observe(Step::Created);
        Ok(Self {
            staged,
            early: EarlySync::default(),
        })
    }

    fn append(&mut self, piece: &[u8]) -> Result<()> {
        (&self.staged.file).write_all(piece)?;
        Ok(self.early.written(&self.staged.file, piece.len())?)
    }

    /// Gives the time of the last write.
    fn publish(mut self, folder: &Folder, target: &Path) -> Result<Option<Timestamp>> {
        self.early.finish()?;
        let modified = read::modified(&self.staged.file.metadata()?);
        self.staged.publish(folder, target)?;
        Ok(modified)
    }
}

/// Cuts a body of exactly the announced length into large pieces, and hashes it: here, while the bytes are in the
/// processor's cache from copying and the piece before is written on another thread. 64 KiB take 40 µs.
struct Gather {
    body: Body,
    hash: digest::Context,
    rest: Bytes,
    received: u64,
    expected: u64,
    /// A stream that has ended must not be asked again.
    ended: bool,
}

impl Gather {
    /// Fills the buffer up to [`PIECE`]; less only at the end. At the end the body is known to have the right length.
    async fn fill(&mut self, buffer: &mut Vec<u8>) -> Result<(), BodyError> {
        buffer.clear();
        let left = self.expected - self.received + self.rest.len() as u64;
        buffer.reserve_exact(usize::try_from(left).map_or(PIECE, |left| left.min(PIECE)));
        loop {
            let piece = self.rest.split_to(self.rest.len().min(PIECE - buffer.len()));
            buffer.extend_from_slice(&piece);
            self.hash.update(&piece);
            if self.ended || !self.rest.is_empty() || (buffer.len() == PIECE && self.received < self.expected) {
                return Ok(());
            }
            match self.body.next().await {
                Some(piece) => self.rest = piece?,
                None if self.received == self.expected => {
                    self.ended = true;
                    return Ok(());
                }
                None => {
                    return Err(BodyError::TooShort {
                        expected: self.expected,
                        received: self.received,
                    });
                }
            }
            self.received += self.rest.len() as u64;
            if self.received > self.expected {
                return Err(BodyError::TooLong { limit: self.expected });
            }
        }
    }
}

impl Gather {
    /// What to say of the blob when all of it is published.
    fn stored(self, last_modified: Option<Timestamp>) -> Put {
        let sha256 = sha256(&self.hash.finish());
        let (short, _) = sha256.split_at(16);
        Put {
            size: self.expected,
            etag: format!("\"{}\"", hex(short)),
            sha256,
            version_id: None,
            last_modified,
            request: RequestIds::default(),
        }
    }
}

pub(super) async fn put(folder: &Arc<Folder>, key: &Key, body: Body, length: u64) -> Result<Put> {
    let target = folder.path(key);
    let mut gather = Gather {
        body,
        hash: digest::Context::new(&digest::SHA256),
        rest: Bytes::new(),
        received: 0,
        expected: length,
        ended: false,
    };
    let mut filled = Vec::new();
    gather.fill(&mut filled).await?;
    let shared = folder.clone();
    if length <= PIECE as u64 {
        let publish = move || {
            let mut writer = Writer::create(&shared, &target)?;
            writer.append(&filled)?;
            writer.publish(&shared, &target)
        };
        return Ok(gather.stored(blocking(publish).await?));
    }
    let first_target = target.clone();
    let mut writer = blocking(move || Writer::create(&shared, &first_target)).await?;
    let mut spare = Vec::new();
    while !filled.is_empty() {
        let append = tokio::task::spawn_blocking(move || {
            writer.append(&filled)?;
            Ok::<_, Error>((writer, filled))
        });
        let came = gather.fill(&mut spare).await;
        let (back, written) = append
            .await
            .map_err(|error| Error::new(Kind::Internal).because(error))??;
        (writer, filled) = (back, written);
        if let Err(error) = came {
            // Freeing the space of a large file takes a while.
            blocking(move || {
                drop(writer);
                Ok(())
            })
            .await?;
            return Err(error.into());
        }
        mem::swap(&mut filled, &mut spare);
    }
    let shared = folder.clone();
    let modified = blocking(move || writer.publish(&shared, &target)).await?;
    Ok(gather.stored(modified))
}

/// Blobs never change, so a second name of the same file is a copy; where the file system has no links, a real one.
pub(super) fn copy(folder: &Folder, from: &Path, to: &Path) -> Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => return Folder::sync_folder_of(to),
        Err(error) if !no_links(&error) => return Err(error.into()),
        Err(_) => {}
    }
    let mut source = File::open(from)?;
    let mut writer = Writer::create(folder, to)?;
    let mut piece = vec![0; PIECE];
    loop {
        match source.read(&mut piece)? {
            0 => break,
            count => writer.append(piece.get(..count).unwrap_or_default())?,
        }
    }
    writer.publish(folder, to).map(drop)
}
