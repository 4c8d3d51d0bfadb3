//! Reading: small blobs in one blocking call, large ones in large pieces with one piece read ahead.

use std::{
    fs::{File, Metadata},
    io::{self, Read, Seek, SeekFrom},
    path::PathBuf,
    time::UNIX_EPOCH,
};

use bytes::Bytes;
use domain::Timestamp;
use futures_util::{StreamExt, stream};
use tokio::task::{JoinHandle, spawn_blocking};

use super::blocking;
use crate::{Body, BodyError, ByteRange, Error, Got, Head, Kind, Result, body};

/// One read, and what a slow reader keeps in memory: one such piece in its hands and one ahead.
const PIECE: u64 = 256 * 1024;
/// Read whole, in the call that opens the file.
const SMALL: u64 = 64 * 1024;

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

/// Room for the next piece. It is made where the pieces are given away, not on the threads that read: each of those has
/// its own heap, and memory freed to one does not serve the others.
fn room(left: u64) -> Vec<u8> {
    Vec::with_capacity(usize::try_from(left.min(PIECE)).unwrap_or(0))
}

/// Fills the piece, without zeroing it first. A file shorter than it was at opening is an error.
fn read_piece(file: &File, mut piece: Vec<u8>, left: u64) -> io::Result<Bytes> {
    let length = left.min(PIECE);
    file.take(length).read_to_end(&mut piece)?;
    if piece.len() as u64 == length {
        Ok(piece.into())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// A blocking call that reads the next piece.
fn read_ahead(file: File, left: u64) -> JoinHandle<io::Result<(File, Bytes)>> {
    let room = room(left);
    spawn_blocking(move || read_piece(&file, room, left).map(|piece| (file, piece)))
}

pub(super) async fn get(path: PathBuf, range: Option<ByteRange>) -> Result<Got> {
    let (file, head, range, small) = blocking(move || {
        let mut file = File::open(path)?;
        let head = head(&file.metadata()?);
        let range = match range {
            None => 0..head.size,
            Some(range) => range.resolve(head.size).ok_or_else(|| Error::new(Kind::Range))?,
        };
        if range.start > 0 {
            file.seek(SeekFrom::Start(range.start))?;
        }
        let length = range.end - range.start;
        let small = (length <= SMALL)
            .then(|| read_piece(&file, room(length), length))
            .transpose()?;
        Ok((file, head, range, small))
    })
    .await?;
    let body = match small {
        Some(piece) => body::once(piece),
        None => stream_of(file, range.end - range.start),
    };
    Ok(Got { head, range, body })
}

fn stream_of(file: File, left: u64) -> Body {
    let first = Some((read_ahead(file, left), left));
    stream::unfold(first, |ahead| async move {
        let (read, left) = ahead?;
        let failed = match read.await {
            Ok(Ok((file, piece))) => {
                let left = left - piece.len() as u64;
                let next = (left > 0).then(|| (read_ahead(file, left), left));
                return Some((Ok(piece), next));
            }
            Ok(Err(error)) => BodyError::Failed(error.into()),
            Err(error) => BodyError::Failed(error.into()),
        };
        Some((Err(failed), None))
    })
    .boxed()
}
