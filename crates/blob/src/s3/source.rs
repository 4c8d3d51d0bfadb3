//! The incoming body on its way to S3: counted, hashed, cut, and handed on piece by piece.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use aws_lc_rs::digest;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http_body::{Frame, SizeHint};
use tokio::{sync::mpsc, time::timeout};

use crate::{Body, BodyError, Error, Kind, Result};

/// A body of a known length, cut wherever the reader wants.
///
/// The piece with the last byte is given only when the body is known to end there: what is too long or fails at its
/// very end is never whole on the other side.
pub(super) struct Source {
    body: Body,
    rest: Bytes,
    hash: digest::Context,
    left: u64,
    length: u64,
    /// A stream that has ended must not be asked again.
    ended: bool,
}

impl Source {
    pub(super) fn new(body: Body, length: u64) -> Self {
        Self {
            body,
            rest: Bytes::new(),
            hash: digest::Context::new(&digest::SHA256),
            left: length,
            length,
            ended: false,
        }
    }

    /// Bytes not yet given.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// The hash of what was given.
    pub(super) fn sha256(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.hash.finish().as_ref());
        bytes
    }

    /// The next bytes of the body that are not empty.
    async fn receive(&mut self) -> Result<Option<Bytes>, BodyError> {
        while !self.ended {
            match self.body.next().await.transpose()? {
                Some(piece) if piece.is_empty() => {}
                Some(piece) => return Ok(Some(piece)),
                None => self.ended = true,
            }
        }
        Ok(None)
    }

    /// At least one byte and at most `limit`, until [`left`](Self::left) is zero.
    pub(super) async fn next(&mut self, limit: u64) -> Result<Bytes, BodyError> {
        if self.rest.is_empty() {
            self.rest = match self.receive().await? {
                Some(piece) => piece,
                None => {
                    return Err(BodyError::TooShort {
                        expected: self.length,
                        received: self.length - self.left,
                    });
                }
            };
        }
        let ends = self.rest.len() as u64 >= self.left;
        if self.rest.len() as u64 > self.left || (ends && self.receive().await?.is_some()) {
            return Err(BodyError::TooLong { limit: self.length });
        }
        let take = usize::try_from(limit).unwrap_or(usize::MAX).min(self.rest.len());
        let piece = self.rest.split_to(take);
        self.hash.update(&piece);
        self.left -= piece.len() as u64;
        Ok(piece)
    }

    /// Makes sure that a body without bytes has none.
    pub(super) async fn expect_empty(&mut self) -> Result<(), BodyError> {
        match self.receive().await? {
            None => Ok(()),
            Some(_) => Err(BodyError::TooLong { limit: self.length }),
        }
    }

    /// The next `length` bytes in memory.
    pub(super) async fn collect(&mut self, length: u64) -> Result<Bytes> {
        let capacity = usize::try_from(length).map_err(|error| Error::new(Kind::TooLarge).because(error))?;
        let mut whole = BytesMut::with_capacity(capacity);
        while (whole.len() as u64) < length {
            let piece = self.next(length - whole.len() as u64).await?;
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    /// Sends the next `length` bytes as the body of one request. `stall` bounds how long the store may take nothing,
    /// `answer` how long it may think once it has all.
    pub(super) async fn send<T>(
        &mut self,
        length: u64,
        stall: Duration,
        answer: Duration,
        request: impl AsyncFnOnce(ByteStream) -> Result<T>,
    ) -> Result<T> {
        let (sender, receiver) = mpsc::channel(1);
        let body = Outgoing { receiver, left: length };
        let request = request(ByteStream::new(SdkBody::from_body_1_x(body)));
        tokio::pin!(request);
        let pump = self.pump(length, stall, sender);
        tokio::pin!(pump);
        tokio::select! {
            biased;
            pumped = &mut pump => match pumped {
                Ok(()) => timeout(answer, request).await.unwrap_or_else(|late| Err(Error::new(Kind::Timeout).because(late))),
                // The request ends with the error that the pump has put into its body.
                Err(error) => {
                    let _ = timeout(stall, request).await;
                    Err(error)
                }
            },
            early = &mut request => match early {
                Ok(_) => Err(Error::new(Kind::Upstream).because("an answer before the end of the body")),
                Err(error) => Err(error),
            },
        }
    }

    async fn pump(
        &mut self,
        length: u64,
        stall: Duration,
        sender: mpsc::Sender<Result<Bytes, BodyError>>,
    ) -> Result<()> {
        let mut left = length;
        while left > 0 {
            let piece = match self.next(left).await {
                Ok(piece) => piece,
                Err(error) => {
                    // So that the connection is closed, not the object.
                    let _ = timeout(stall, sender.send(Err(BodyError::Aborted))).await;
                    return Err(error.into());
                }
            };
            left -= piece.len() as u64;
            match timeout(stall, sender.send(Ok(piece))).await {
                Ok(Ok(())) => {}
                // The request has ended before its body; its answer says why.
                Ok(Err(_)) => std::future::pending().await,
                Err(late) => return Err(Error::new(Kind::Timeout).because(late)),
            }
        }
        Ok(())
    }
}

/// The other end of the channel. It ends well only after all bytes: a sender that goes away is an error.
struct Outgoing {
    receiver: mpsc::Receiver<Result<Bytes, BodyError>>,
    left: u64,
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        match ready!(self.receiver.poll_recv(cx)) {
            Some(Ok(piece)) => {
                self.left = self.left.saturating_sub(piece.len() as u64);
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            None => Poll::Ready(Some(Err(BodyError::Aborted))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    /// Panics when it is asked again after its end.
    fn body(pieces: &[&'static [u8]]) -> Body {
        let pieces: Vec<_> = pieces.iter().map(|piece| Bytes::from_static(piece)).collect();
        let mut pieces = pieces.into_iter();
        stream::unfold((), move |()| {
            std::future::ready(pieces.next().map(|piece| (Ok(piece), ())))
        })
        .boxed()
    }

    async fn read(pieces: &[&'static [u8]], length: u64, cut: u64) -> Result<Vec<Bytes>, BodyError> {
        let mut source = Source::new(body(pieces), length);
        let mut got = Vec::new();
        while source.left() > 0 {
            got.push(source.next(cut).await?);
        }
        Ok(got)
    }

    #[tokio::test]
    async fn cuts_where_asked_and_checks_the_length() {
        assert_eq!(
            read(&[b"ab", b"", b"cde"], 5, 2).await.unwrap(),
            [&b"ab"[..], b"cd", b"e"]
        );
        assert!(matches!(
            read(&[b"ab"], 3, 9).await,
            Err(BodyError::TooShort {
                expected: 3,
                received: 2
            })
        ));
        assert!(matches!(
            read(&[b"abcd"], 3, 9).await,
            Err(BodyError::TooLong { limit: 3 })
        ));
        assert!(matches!(
            read(&[b"abc", b"", b"d"], 3, 1).await,
            Err(BodyError::TooLong { limit: 3 })
        ));
        assert!(Source::new(body(&[b""]), 0).expect_empty().await.is_ok());
        assert!(Source::new(body(&[b"", b"a"]), 0).expect_empty().await.is_err());
    }
}
