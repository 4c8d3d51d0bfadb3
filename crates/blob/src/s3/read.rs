//! Get and head.

use std::{collections::HashMap, time::Duration};

use aws_sdk_s3::primitives::{ByteStream, DateTime};
use domain::Timestamp;
use futures_util::{StreamExt, stream};
use tokio::time::timeout;

use super::{
    S3,
    failure::{request_ids, version_failure},
    quoted, version_id,
};
use crate::{Body, BodyError, ByteRange, Error, Got, Head, Key, Kind, Result};

/// Our form of the SDK's time.
pub(super) fn moment(time: &DateTime) -> Option<Timestamp> {
    i64::try_from(time.as_nanos().div_euclid(1000)).ok().map(Timestamp)
}

fn pairs(map: Option<&HashMap<String, String>>) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = map.into_iter().flatten().map(|(a, b)| (a.clone(), b.clone())).collect();
    pairs.sort_unstable();
    pairs
}

/// GET and HEAD tell the same under the same names, in two types.
macro_rules! head_of {
    ($answer:expr, $size:expr) => {
        Head {
            size: $size,
            etag: quoted($answer.e_tag()),
            last_modified: $answer.last_modified().and_then(moment),
            version_id: version_id($answer.version_id()),
            content_type: $answer.content_type().map(str::to_owned),
            content_disposition: $answer.content_disposition().map(str::to_owned),
            content_encoding: $answer.content_encoding().map(str::to_owned),
            cache_control: $answer.cache_control().map(str::to_owned),
            server_side_encryption: $answer.server_side_encryption().map(|sse| sse.as_str().to_owned()),
            metadata: pairs($answer.metadata()),
            request: request_ids(&$answer),
        }
    };
}

fn size_of(length: Option<i64>) -> u64 {
    length.and_then(|length| u64::try_from(length).ok()).unwrap_or(0)
}

pub(super) async fn head(s3: &S3, key: &str, version: Option<&str>) -> Result<Head> {
    let answer = s3
        .client
        .head_object()
        .bucket(&s3.config.bucket)
        .key(key)
        .set_version_id(version.map(str::to_owned))
        .send()
        .await
        .map_err(version_failure(version))?;
    Ok(head_of!(answer, size_of(answer.content_length())))
}

/// `Range` of a request; `None` for one that no blob can satisfy.
fn header(range: ByteRange) -> Option<String> {
    match range {
        ByteRange::From(first) => Some(format!("bytes={first}-")),
        ByteRange::Between(first, last) => (first <= last).then(|| format!("bytes={first}-{last}")),
        ByteRange::Last(count) => (count > 0).then(|| format!("bytes=-{count}")),
    }
}

/// First byte and whole size from `Content-Range` (RFC 9110, 14.4).
fn content_range(text: &str) -> Option<(u64, u64)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _last) = range.split_once('-')?;
    Some((first.parse().ok()?, size.parse().ok()?))
}

pub(super) async fn get(s3: &S3, key: &Key, version: Option<&str>, range: Option<ByteRange>) -> Result<Got> {
    let range = match range.map(header) {
        None => None,
        Some(Some(header)) => Some(header),
        Some(None) => return Err(Error::new(Kind::Range)),
    };
    let answer = s3
        .client
        .get_object()
        .bucket(&s3.config.bucket)
        .key(s3.full_key(key)?)
        .set_version_id(version.map(str::to_owned))
        .set_range(range)
        .send()
        .await
        .map_err(version_failure(version))?;
    let length = size_of(answer.content_length());
    // A store that ignores ranges sends all, without this header.
    let (first, size) = answer.content_range().and_then(content_range).unwrap_or((0, length));
    let head = head_of!(answer, size);
    Ok(Got {
        head,
        range: first..first.saturating_add(length),
        body: stream_of(answer.body, length, s3.config.idle_timeout),
    })
}

/// The answer's body, which must give exactly `left` bytes and not pause for longer than `idle`.
fn stream_of(body: ByteStream, left: u64, idle: Duration) -> Body {
    stream::unfold((Some(body), left), move |(body, left)| async move {
        let mut body = body?;
        let failed = match timeout(idle, body.next()).await {
            Ok(Some(Ok(piece))) => match left.checked_sub(piece.len() as u64) {
                Some(left) => return Some((Ok(piece), (Some(body), left))),
                None => BodyError::TooLong { limit: left },
            },
            Ok(Some(Err(error))) => BodyError::Failed(error.into()),
            Ok(None) if left == 0 => return None,
            Ok(None) => BodyError::Failed(format!("{left} bytes are missing").into()),
            Err(_) => BodyError::Stalled,
        };
        Some((Err(failed), (None, 0)))
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_on_the_wire() {
        assert_eq!(header(ByteRange::From(3)).unwrap(), "bytes=3-");
        assert_eq!(header(ByteRange::Between(3, 9)).unwrap(), "bytes=3-9");
        assert_eq!(header(ByteRange::Last(4)).unwrap(), "bytes=-4");
        assert_eq!(header(ByteRange::Last(0)), None);
        assert_eq!(header(ByteRange::Between(4, 3)), None);
        assert_eq!(content_range("bytes 3-9/12"), Some((3, 12)));
        assert_eq!(content_range("bytes */12"), None);
    }
}
