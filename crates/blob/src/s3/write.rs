//! Put, delete and copy.

use aws_sdk_s3::{
    config::{Builder, timeout::TimeoutConfig},
    primitives::ByteStream,
    types::{MetadataDirective, TaggingDirective},
};
use percent_encoding::utf8_percent_encode;

use super::{
    S3,
    failure::{failure, request_ids, version_failure},
    list, multipart,
    presign::{COMPONENT, PATH},
    quoted,
    read::{head, moment},
    source::Source,
    version_id,
};
use crate::{Body, Copied, Deleted, Error, Key, Kind, ListEntry, Put, PutOptions, RequestIds, Result};

/// Bodies up to here are sent from memory: signed with their hash, and repeated when the connection fails.
const SMALL: u64 = 64 * 1024;

/// What S3 said of a new object, by whichever way it was sent.
pub(super) struct Stored {
    pub(super) etag: Option<String>,
    pub(super) version_id: Option<String>,
    pub(super) request: RequestIds,
}

/// `x-amz-tagging`: names and values percent-encoded.
pub(super) fn tagging(tags: &[(String, String)]) -> Option<String> {
    let encode = |text: &str| utf8_percent_encode(text, COMPONENT).to_string();
    let pairs: Vec<_> = tags
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    (!pairs.is_empty()).then(|| pairs.join("&"))
}

/// Whether all metadata can be headers (RFC 9110, 5.5); what is not ASCII would not come back as it was.
fn check_metadata(metadata: &[(String, String)]) -> Result<()> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let visible = |byte: u8| (b' '..=b'~').contains(&byte) || byte == b'\t';
    let fine = metadata
        .iter()
        .all(|(name, value)| !name.is_empty() && name.bytes().all(token) && value.bytes().all(visible));
    if fine {
        Ok(())
    } else {
        Err(Error::new(Kind::Invalid).because("metadata must be tokens with values of visible ASCII"))
    }
}

/// For a request whose body comes at the client's pace: no limit on the whole attempt, [`Source::send`] has its own.
pub(super) fn unhurried(connect: std::time::Duration) -> Builder {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(connect)
        .disable_operation_attempt_timeout()
        .build();
    Builder::new().timeout_config(timeouts)
}

pub(super) async fn put(s3: &S3, key: &Key, body: Body, options: &PutOptions) -> Result<Put> {
    let full_key = s3.full_key(key)?;
    check_metadata(&options.metadata)?;
    let mut source = Source::new(body, options.length);
    let stored = if options.length >= s3.config.multipart_threshold.max(1) {
        let stored = multipart::put(s3, &full_key, &mut source, options).await?;
        if !options.tags.is_empty() {
            list::ensure_tags(s3, &full_key, stored.version_id.as_deref(), &options.tags).await?;
        }
        stored
    } else {
        single(s3, &full_key, &mut source, options).await?
    };
    finish(s3, &full_key, source.sha256(), options.length, stored).await
}

async fn single(s3: &S3, key: &str, source: &mut Source, options: &PutOptions) -> Result<Stored> {
    let length = i64::try_from(options.length).map_err(|error| Error::new(Kind::TooLarge).because(error))?;
    let mut request = s3
        .client
        .put_object()
        .bucket(&s3.config.bucket)
        .key(key)
        .content_length(length)
        .set_content_type(options.content_type.clone())
        .set_content_disposition(options.content_disposition.clone())
        .set_content_encoding(options.content_encoding.clone())
        .set_cache_control(options.cache_control.clone())
        .set_tagging(tagging(&options.tags));
    for (name, value) in &options.metadata {
        request = request.metadata(name, value);
    }
    let answer = if options.length == 0 {
        source.expect_empty().await?;
        request
            .body(ByteStream::from_static(b""))
            .send()
            .await
            .map_err(failure)?
    } else if options.length <= SMALL {
        let bytes = source.collect(options.length).await?;
        request.body(bytes.into()).send().await.map_err(failure)?
    } else {
        let settings = &s3.config;
        source
            .send(
                options.length,
                settings.request_timeout,
                settings.request_timeout,
                async |body| {
                    let request = request
                        .body(body)
                        .customize()
                        .config_override(unhurried(settings.connect_timeout));
                    request.send().await.map_err(failure)
                },
            )
            .await?
    };
    Ok(Stored {
        etag: quoted(answer.e_tag()),
        version_id: version_id(answer.version_id()),
        request: request_ids(&answer),
    })
}

/// S3 does not say when it stored an object, and some stores give no `ETag` after the last part: HEAD does.
async fn finish(s3: &S3, key: &str, sha256: [u8; 32], size: u64, stored: Stored) -> Result<Put> {
    let seen = head(s3, key, stored.version_id.as_deref()).await;
    let (etag, last_modified) = match (stored.etag, seen) {
        // Without versions another writer may have been faster; then its time is not ours.
        (Some(etag), Ok(seen)) => {
            let time = seen.last_modified.filter(|_| seen.etag.as_deref() == Some(&etag));
            (etag, time)
        }
        (Some(etag), Err(_)) => (etag, None),
        (None, Ok(seen)) => (seen.etag.unwrap_or_default(), seen.last_modified),
        (None, Err(error)) => return Err(error),
    };
    Ok(Put {
        size,
        sha256,
        etag,
        version_id: stored.version_id,
        last_modified,
        request: stored.request,
    })
}

pub(super) async fn delete(s3: &S3, key: &Key, version: Option<&str>) -> Result<Deleted> {
    let answer = s3
        .client
        .delete_object()
        .bucket(&s3.config.bucket)
        .key(s3.full_key(key)?)
        .set_version_id(version.map(str::to_owned))
        .send()
        .await;
    let answer = match answer.map_err(version_failure(version)) {
        Ok(answer) => answer,
        Err(error) if error.kind == Kind::NotFound => return Ok(Deleted::default()),
        Err(error) => return Err(error),
    };
    Ok(Deleted {
        version_id: version_id(answer.version_id()),
        delete_marker: answer.delete_marker().unwrap_or(false),
        request: request_ids(&answer),
    })
}

pub(super) async fn copy(
    s3: &S3,
    from: &Key,
    from_version: Option<&str>,
    target: &Key,
    options: &PutOptions,
) -> Result<Copied> {
    check_metadata(&options.metadata)?;
    let (from, to) = (s3.full_key(from)?, s3.full_key(target)?);
    let mut from = format!("{}/{}", s3.config.bucket, utf8_percent_encode(&from, PATH));
    if let Some(version) = from_version {
        from.push_str("?versionId=");
        from.extend(utf8_percent_encode(version, COMPONENT));
    }
    let mut request = s3
        .client
        .copy_object()
        .bucket(&s3.config.bucket)
        .key(&to)
        .copy_source(from)
        .metadata_directive(MetadataDirective::Replace)
        .tagging_directive(TaggingDirective::Replace)
        .set_content_type(options.content_type.clone())
        .set_content_disposition(options.content_disposition.clone())
        .set_content_encoding(options.content_encoding.clone())
        .set_cache_control(options.cache_control.clone())
        .set_tagging(tagging(&options.tags));
    for (name, value) in &options.metadata {
        request = request.metadata(name, value);
    }
    let answer = request.send().await.map_err(version_failure(from_version))?;
    let result = answer.copy_object_result();
    let etag = quoted(result.and_then(|result| result.e_tag()));
    let last_modified = result.and_then(|result| result.last_modified()).and_then(moment);
    let mut version_id = version_id(answer.version_id());
    if version_id.is_none() {
        // Ceph 16 makes a version of a copy and does not tell it. The newest versions of a key are listed first.
        let page = list::versions(s3, target.as_str(), None, None).await?;
        let same = |entry: &&ListEntry| {
            entry.key == target.as_str() && entry.etag == etag && entry.last_modified == last_modified
        };
        version_id = page
            .entries
            .iter()
            .find(same)
            .and_then(|entry| entry.version_id.clone());
    }
    list::ensure_tags(s3, &to, version_id.as_deref(), &options.tags).await?;
    Ok(Copied {
        etag,
        last_modified,
        version_id,
        request: request_ids(&answer),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn tags_are_encoded_in_names_and_values() {
        assert_eq!(tagging(&[]), None);
        let tags = pairs(&[("a b", "c&d=e"), ("ü", "")]);
        assert_eq!(tagging(&tags).unwrap(), "a%20b=c%26d%3De&%C3%BC=");
    }

    #[test]
    fn metadata_must_fit_into_headers() {
        assert!(check_metadata(&pairs(&[("color", "dark red\t!")])).is_ok());
        for (name, value) in [("", "x"), ("a b", "x"), ("a", "x\r\nb: c"), ("a", "é"), ("é", "x")] {
            assert_eq!(
                check_metadata(&pairs(&[(name, value)])).unwrap_err().kind,
                Kind::Invalid
            );
        }
    }
}
