//! Streams of bytes, in both directions.

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, StreamExt};

/// A stream of bytes, coming in with a put or going out with a get. After an error nothing more follows.
pub type Body = BoxStream<'static, Result<Bytes, BodyError>>;

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The sender went away.
    #[error("the sender went away")]
    Aborted,
    /// Fewer bytes than announced.
    #[error("the body ended after {received} of {expected} bytes")]
    TooShort {
        /// How many were announced.
        expected: u64,
        /// How many came.
        received: u64,
    },
    /// More bytes than announced or than a limit allows.
    #[error("the body is longer than {limit} bytes")]
    TooLong {
        /// How many were announced or allowed.
        limit: u64,
    },
    /// Nothing came for too long.
    #[error("the body stalled")]
    Stalled,
    /// Reading it failed.
    #[error("the body could not be read")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A body without bytes.
pub fn empty() -> Body {
    stream::empty().boxed()
}

/// A body that is one piece.
pub fn once(bytes: impl Into<Bytes>) -> Body {
    let bytes = bytes.into();
    stream::iter((!bytes.is_empty()).then_some(Ok(bytes))).boxed()
}

/// Reads a body whole, at most `limit` bytes of it.
///
/// # Errors
/// [`BodyError::TooLong`] past the limit, and the body's own.
pub async fn collect(mut body: Body, limit: usize) -> Result<Bytes, BodyError> {
    let mut whole = BytesMut::new();
    while let Some(piece) = body.next().await {
        let piece = piece?;
        if piece.len() > limit.saturating_sub(whole.len()) {
            return Err(BodyError::TooLong { limit: limit as u64 });
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}
