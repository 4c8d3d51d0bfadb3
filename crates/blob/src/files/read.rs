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

/// The next piece, without zeroing memory first. A file shorter than it was at opening is an error.
fn read_piece(file: &File, left: u64) -> io::Result<Bytes> {
    let length = left.min(PIECE);
    let mut piece = Vec::with_capacity(usize::try_from(length).map_err(io::Error::other)?);
    file.take(length).read_to_end(&mut piece)?;
    if piece.len() as u64 == length {
        Ok(piece.into())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

pub(super) async fn get(path: PathBuf, range: Option<ByteRange>) -> Result<Got> {
    let (file, head, range, first) = blocking(move || {
        let mut file = File::open(path)?;
        let head = head(&file.metadata()?);
        let range = match range {
            None => 0..head.size,
            Some(range) => range.resolve(head.size).ok_or_else(|| Error::new(Kind::Range))?,
        };
        if range.start > 0 {
            file.seek(SeekFrom::Start(range.start))?;
        }
        let first = read_piece(&file, range.end - range.start)?;
        Ok((file, head, range, first))
    })
    .await?;
    let left = range.end - range.start - first.len() as u64;
    let body = if left == 0 {
        body::once(first)
    } else {
        stream_rest(file, first, left)
    };
    Ok(Got { head, range, body })
}

/// What the stream does when it is asked next.
enum Next {
    Give(File, Bytes),
    Await(JoinHandle<io::Result<(File, Bytes)>>),
    End,
}

fn stream_rest(file: File, first: Bytes, left: u64) -> Body {
    stream::unfold((Next::Give(file, first), left), |(next, left)| async move {
        let (file, piece) = match next {
            Next::Give(file, piece) => (file, piece),
            Next::Await(read) => match read.await {
                Ok(Ok(read)) => read,
                Ok(Err(error)) => return Some((Err(BodyError::Failed(error.into())), (Next::End, 0))),
                Err(error) => return Some((Err(BodyError::Failed(error.into())), (Next::End, 0))),
            },
            Next::End => return None,
        };
        if left == 0 {
            return Some((Ok(piece), (Next::End, 0)));
        }
        let ahead = spawn_blocking(move || read_piece(&file, left).map(|piece| (file, piece)));
        Some((Ok(piece), (Next::Await(ahead), left - left.min(PIECE))))
    })
    .boxed()
}
