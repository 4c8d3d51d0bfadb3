//! One request body, handed on in pieces of known length, and pieces put together again.

use std::{collections::VecDeque, sync::Arc};

use blob::{Blobs, Body, BodyError};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use identity::checksum::{Algorithm, Checksum};
use store::resumable::Piece;
use tokio::sync::Mutex;

use super::piece_key;

/// A body that is read piece by piece.
#[derive(Clone)]
pub(super) struct Source(Arc<Mutex<Reading>>);

struct Reading {
    body: Body,
    /// What was read and belongs to the next piece.
    ahead: Bytes,
    checksum: Option<Checksum>,
}

impl Source {
    pub(super) fn new(body: Body, algorithm: Option<Algorithm>) -> Self {
        Self(Arc::new(Mutex::new(Reading {
            body,
            ahead: Bytes::new(),
            checksum: algorithm.map(Checksum::new),
        })))
    }

    /// The next bytes, so many. It ends early when the body does: whoever stores it knows the length.
    pub(super) fn next(&self, length: u64) -> Body {
        stream::unfold((self.clone(), length), |(source, left)| async move {
            if left == 0 {
                return None;
            }
            let read = source.0.lock().await.read(left).await?;
            let taken = read.as_ref().map_or(left, |bytes| bytes.len() as u64);
            Some((read, (source, left.saturating_sub(taken))))
        })
        .boxed()
    }

    /// Whether all that was read has this checksum; true when none is kept.
    pub(super) async fn is(&self, expected: &[u8]) -> bool {
        let reading = self.0.lock().await;
        reading.checksum.as_ref().is_none_or(|checksum| checksum.is(expected))
    }
}

impl Reading {
    async fn read(&mut self, most: u64) -> Option<Result<Bytes, BodyError>> {
        while self.ahead.is_empty() {
            match self.body.next().await? {
                Ok(bytes) => self.ahead = bytes,
                Err(error) => return Some(Err(error)),
            }
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let bytes = self.ahead.split_to(self.ahead.len().min(most));
        if let Some(checksum) = &mut self.checksum {
            checksum.update(&bytes);
        }
        Some(Ok(bytes))
    }
}

/// The bytes of pieces, one after the other; each is opened when the one before has ended.
pub(super) fn joined(blobs: Arc<dyn Blobs>, pieces: Vec<Piece>) -> Body {
    let pieces: VecDeque<Piece> = pieces.into();
    let state = (blobs, pieces, None::<Body>);
    stream::try_unfold(state, |(blobs, mut pieces, mut current)| async move {
        loop {
            if let Some(body) = &mut current
                && let Some(bytes) = body.next().await
            {
                return Ok(Some((bytes?, (blobs, pieces, current))));
            }
            let Some(piece) = pieces.pop_front() else {
                return Ok(None);
            };
            let failed = |error: Box<dyn std::error::Error + Send + Sync>| BodyError::Failed(error);
            let key = piece_key(piece.uuid).map_err(|error| failed(Box::new(error)))?;
            let got = blobs
                .get(&key, None, None)
                .await
                .map_err(|error| failed(Box::new(error)))?;
            current = Some(got.body);
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(body: Body) -> Vec<u8> {
        blob::body::collect(body, 1000).await.unwrap().to_vec()
    }

    #[tokio::test]
    async fn a_body_is_cut_where_it_is_asked_to_be() {
        let body = stream::iter(["abc", "", "defg", "h"].map(|text| Ok(Bytes::from(text)))).boxed();
        let source = Source::new(body, Some(Algorithm::Sha1));
        assert_eq!(read(source.next(2)).await, b"ab");
        assert_eq!(read(source.next(4)).await, b"cdef");
        assert_eq!(read(source.next(9)).await, b"gh");
        assert_eq!(read(source.next(1)).await, b"");
        let mut whole = Checksum::new(Algorithm::Sha1);
        whole.update(b"abcdefgh");
        assert!(!source.is(b"other").await);
    }
}
