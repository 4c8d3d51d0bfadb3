//! What is left of a request body when its answer is a refusal.
//!
//! A server that closes a connection with unread bytes resets it, and the client loses the answer with it: an upload
//! that is refused (the name exists, no permission) would look like a broken network. So the rest is read and thrown
//! away for a while, after the answer is on its way.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, BodyDataStream, HttpBody},
    http::{HeaderMap, header},
};
use futures_util::{StreamExt, future, stream};
use parking_lot::Mutex;

/// How much of a refused body is read, and for how long.
const MOST: usize = 64 * 1024 * 1024;
const LONGEST: Duration = Duration::from_secs(10);

/// A hold on a body that somebody else reads.
pub(crate) struct Rest(Option<Arc<Mutex<BodyDataStream>>>);

impl Rest {
    /// Splits a body into one to read and a hold on it. A body that has ended already costs nothing; a client that
    /// waits for permission to send (`Expect: 100-continue`) has nothing under way.
    pub(crate) fn of(body: Body, headers: &HeaderMap) -> (Body, Self) {
        if body.is_end_stream() || headers.contains_key(header::EXPECT) {
            return (body, Self(None));
        }
        let shared = Arc::new(Mutex::new(body.into_data_stream()));
        let reader = Arc::clone(&shared);
        let pieces = stream::poll_fn(move |context| reader.lock().poll_next_unpin(context));
        (Body::from_stream(pieces), Self(Some(shared)))
    }

    /// Reads and forgets what is left, apart from the request.
    pub(crate) fn discard(self) {
        if let Some(shared) = self.0 {
            tokio::spawn(async move { tokio::time::timeout(LONGEST, read(&shared, MOST)).await });
        }
    }
}

/// Reads until the end, an error or the limit; gives how many bytes there were.
async fn read(shared: &Mutex<BodyDataStream>, limit: usize) -> usize {
    let mut total = 0;
    while total < limit {
        match future::poll_fn(|context| shared.lock().poll_next_unpin(context)).await {
            Some(Ok(piece)) => total += piece.len(),
            Some(Err(_)) | None => break,
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use bytes::Bytes;

    use super::*;

    fn body() -> Body {
        let pieces = ["one", "two", "three"].map(|piece| Ok::<_, std::convert::Infallible>(Bytes::from(piece)));
        Body::from_stream(stream::iter(pieces))
    }

    #[tokio::test]
    async fn what_the_handler_left_is_read_to_the_end() {
        let (reader, rest) = Rest::of(body(), &HeaderMap::new());
        let mut pieces = reader.into_data_stream();
        assert_eq!(pieces.next().await.unwrap().unwrap(), "one");
        drop(pieces);
        let shared = rest.0.unwrap();
        assert_eq!(read(&shared, usize::MAX).await, 8);
        assert_eq!(read(&shared, usize::MAX).await, 0);
    }

    #[tokio::test]
    async fn there_is_a_limit() {
        let (_, rest) = Rest::of(body(), &HeaderMap::new());
        assert_eq!(read(&rest.0.unwrap(), 4).await, 6);
    }

    #[test]
    fn nothing_is_held_where_nothing_comes() {
        assert!(Rest::of(Body::empty(), &HeaderMap::new()).1.0.is_none());
        let mut waits = HeaderMap::new();
        waits.insert(header::EXPECT, HeaderValue::from_static("100-continue"));
        assert!(Rest::of(body(), &waits).1.0.is_none());
    }
}
