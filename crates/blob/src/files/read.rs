//! Reading: small blobs in the call that opens them, large ones piece by piece.
//!
//! What the system has in memory is read where the answer is written: a hop to another thread would cost more. What it
//! would have to wait for the disk for is read on a thread that may wait.

use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::Arc,
    time::UNIX_EPOCH,
};

use bytes::Bytes;
use domain::Timestamp;
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use tokio::task::spawn_blocking;

use super::blocking;
use crate::{Body, BodyError, ByteRange, Error, Got, Head, Kind, Result, body};

/// One read, and what a slow reader keeps in memory.
const PIECE: usize = 256 * 1024;
/// Read whole, in the call that opens the file.
const SMALL: u64 = 64 * 1024;
/// How many pieces wait to be used again.
const SPARE: usize = 32;

pub(super) fn modified(metadata: &Metadata) -> Option<Timestamp> {
    let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp(i64::try_from(since.as_micros()).ok()?))
}

pub(super) fn head(metadata: &Metadata) -> Head {
    Head {
        size: metadata.len(),
        last_modified: modified(metadata),
        ..Head::default()
    }
}

/// Memory for pieces, used again: fresh memory is zeroed by the system page by page, which costs more than filling it.
#[derive(Debug, Default)]
pub(super) struct Pieces(Mutex<Vec<Box<[u8]>>>);

impl Pieces {
    fn take(self: &Arc<Self>) -> Piece {
        let spare = self.0.lock().pop();
        Piece {
            room: spare.unwrap_or_else(|| vec![0; PIECE].into_boxed_slice()),
            length: 0,
            back: Arc::clone(self),
        }
    }
}

/// A piece of a file, whose memory goes back when it was sent.
struct Piece {
    room: Box<[u8]>,
    length: usize,
    back: Arc<Pieces>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        self.room.get(..self.length).unwrap_or_default()
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let room = std::mem::take(&mut self.room);
        let mut spare = self.back.0.lock();
        if spare.len() < SPARE {
            spare.push(room);
        }
    }
}

/// Reads what is in the system's memory, up to the length of the room; `None` when it would have to wait, or cannot tell.
#[cfg(target_os = "linux")]
fn read_cached(file: &File, room: &mut [u8], at: u64) -> Option<usize> {
    use rustix::io::{ReadWriteFlags, preadv2};
    let mut rooms = [io::IoSliceMut::new(room)];
    preadv2(file, &mut rooms, at, ReadWriteFlags::NOWAIT)
        .ok()
        .filter(|count| *count > 0)
}

#[cfg(not(target_os = "linux"))]
fn read_cached(_file: &File, _room: &mut [u8], _at: u64) -> Option<usize> {
    None
}

/// What is left of a file to send.
struct Rest {
    file: Arc<File>,
    at: u64,
    end: u64,
    pieces: Arc<Pieces>,
}

impl Rest {
    async fn next(&mut self) -> Result<Bytes, BodyError> {
        let mut piece = self.pieces.take();
        let wanted = usize::try_from(self.end - self.at).map_or(PIECE, |left| left.min(PIECE));
        let room = piece.room.get_mut(..wanted).unwrap_or_default();
        let piece = if let Some(count) = read_cached(&self.file, room, self.at) {
            piece.length = count;
            piece
        } else {
            let (file, at) = (Arc::clone(&self.file), self.at);
            let read = move || {
                // A file shorter than it was at opening is an error.
                let room = piece.room.get_mut(..wanted).unwrap_or_default();
                file.read_exact_at(room, at)?;
                piece.length = wanted;
                Ok(piece)
            };
            match spawn_blocking(read).await {
                Ok(Ok(piece)) => piece,
                Ok(Err(error)) => return Err(failed(error)),
                Err(error) => return Err(BodyError::Failed(error.into())),
            }
        };
        self.at += piece.length as u64;
        Ok(Bytes::from_owner(piece))
    }
}

fn failed(error: io::Error) -> BodyError {
    BodyError::Failed(error.into())
}

pub(super) async fn get(path: PathBuf, range: Option<ByteRange>, pieces: &Arc<Pieces>) -> Result<Got> {
    let (file, head, range, small) = blocking(move || {
        let file = File::open(path)?;
        let head = head(&file.metadata()?);
        let range = match range {
            None => 0..head.size,
            Some(range) => range.resolve(head.size).ok_or_else(|| Error::new(Kind::Range))?,
        };
        let length = range.end - range.start;
        let small = (length <= SMALL)
            .then(|| {
                let mut whole = vec![0; usize::try_from(length).unwrap_or(0)];
                file.read_exact_at(&mut whole, range.start).map(|()| whole)
            })
            .transpose()?;
        Ok((file, head, range, small))
    })
    .await?;
    let body = match small {
        Some(whole) => body::once(whole),
        None => stream_of(Rest {
            file: Arc::new(file),
            at: range.start,
            end: range.end,
            pieces: Arc::clone(pieces),
        }),
    };
    Ok(Got { head, range, body })
}

fn stream_of(rest: Rest) -> Body {
    stream::unfold(Some(rest), |rest| async move {
        let mut rest = rest.filter(|rest| rest.at < rest.end)?;
        match rest.next().await {
            Ok(piece) => Some((Ok(piece), Some(rest))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}
