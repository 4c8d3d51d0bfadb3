//! Where files lie, and what makes them durable.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    fs::{self, DirBuilder, File},
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use aws_lc_rs::digest;
use domain::{Entropy, Timestamp};

use super::{Observer, Step, read, write::Staged};
use crate::{Key, Result};

/// An open root folder.
pub(super) struct Folder {
    objects: PathBuf,
    temporary: PathBuf,
    /// Of this process: two that share the folder never make the same temporary name.
    instance: String,
    counter: AtomicU64,
    observer: Option<Observer>,
}

impl std::fmt::Debug for Folder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Folder")
            .field("objects", &self.objects)
            .finish_non_exhaustive()
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Puts a folder's entries on the disk: without it a power cut may take a name back although its file was synced.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

impl Folder {
    pub(super) fn open(root: &Path, entropy: &dyn Entropy, observer: Option<Observer>) -> Result<Self> {
        let (objects, temporary) = (root.join("objects"), root.join("temporary"));
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(&temporary)?;
        builder.create(&objects)?;
        // All fan-out folders are made and synced here, so a put never depends on a folder that another process made
        // a moment ago and has not synced.
        for byte in 0..=u8::MAX {
            builder.create(objects.join(hex(&[byte])))?;
        }
        sync_folder(&objects)?;
        sync_folder(root)?;
        let mut instance = [0; 8];
        entropy.fill(&mut instance);
        Ok(Self {
            objects,
            temporary,
            instance: hex(&instance),
            counter: AtomicU64::new(0),
            observer,
        })
    }

    /// The file of a key. Only the key's hash becomes a name, so no text can leave the folder or meet another's name
    /// on a file system that folds case or normalises Unicode.
    pub(super) fn path(&self, key: &Key) -> PathBuf {
        let name = hex(digest::digest(&digest::SHA256, key.as_str().as_bytes()).as_ref());
        let fan_out = name.get(..2).unwrap_or_default();
        self.objects.join(fan_out).join(&name)
    }

    pub(super) fn temporary_path(&self) -> PathBuf {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        self.temporary.join(format!("{}-{number}", self.instance))
    }

    pub(super) fn observe(&self, step: Step) {
        if let Some(observer) = &self.observer {
            observer(step);
        }
    }

    pub(super) fn sync_folder_of(path: &Path) -> Result<()> {
        Ok(path.parent().map_or(Ok(()), sync_folder)?)
    }

    pub(super) fn remove(&self, path: &Path) -> Result<()> {
        debug_assert!(path.starts_with(&self.objects));
        match fs::remove_file(path) {
            Ok(()) => Self::sync_folder_of(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes and syncs one byte, so a full or read-only disk shows.
    pub(super) fn check(&self) -> Result<()> {
        sync_folder(&self.objects)?;
        let staged = Staged::create(self.temporary_path())?;
        staged.file().write_all(b"?")?;
        staged.file().sync_all()?;
        Ok(())
    }

    pub(super) fn sweep(&self, before: Timestamp) -> Result<usize> {
        let mut removed = 0;
        for entry in fs::read_dir(&self.temporary)? {
            let entry = entry?;
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                // Published or removed since the folder was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            let stale = read::modified(&metadata).is_some_and(|modified| modified < before);
            if metadata.is_file() && stale && fs::remove_file(entry.path()).is_ok() {
                removed += 1;
                let name: &OsStr = &entry.file_name();
                tracing::info!(?name, "removed an abandoned temporary file");
            }
        }
        Ok(removed)
    }
}
