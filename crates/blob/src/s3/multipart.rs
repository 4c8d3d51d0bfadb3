//! Large bodies in parts: some side by side from memory where there is memory, else streamed one after the other.

use std::sync::Arc;

use aws_sdk_s3::{
    Client,
    config::{Builder, timeout::TimeoutConfig},
    types::{CompletedMultipartUpload, CompletedPart},
};
use tokio::{runtime::Handle, sync::OwnedSemaphorePermit, task::JoinSet};

use super::{
    MEMORY_UNIT, S3,
    failure::{failure, request_ids},
    quoted,
    source::Source,
    version_id,
    write::{Stored, tagging, unhurried},
};
use crate::{Error, Kind, PutOptions, Result};

const MIB: u64 = 1024 * 1024;
/// What S3 takes.
const MAX_PARTS: u64 = 10_000;
/// Parts on their way at once.
const SIDE_BY_SIDE: usize = 4;
/// S3 may take minutes to put many parts together; it keeps the connection open meanwhile.
const COMPLETE_TIMEOUT: std::time::Duration = std::time::Duration::from_mins(10);

/// Objects contract 5.2, but no smaller than 8 MiB: fewer requests.
fn part_size(length: u64) -> u64 {
    (length.div_ceil(MAX_PARTS * 5 * MIB) * 5 * MIB).max(8 * MIB)
}

/// An upload that is given up unless it was completed: S3 would keep, and bill, its parts for ever.
struct Upload {
    client: Client,
    bucket: String,
    key: String,
    id: String,
    open: bool,
}

impl Upload {
    async fn begin(s3: &S3, key: &str, options: &PutOptions) -> Result<Self> {
        let mut request = s3
            .client
            .create_multipart_upload()
            .bucket(&s3.config.bucket)
            .key(key)
            .set_content_type(options.content_type.clone())
            .set_content_disposition(options.content_disposition.clone())
            .set_content_encoding(options.content_encoding.clone())
            .set_cache_control(options.cache_control.clone())
            .set_tagging(tagging(&options.tags));
        for (name, value) in &options.metadata {
            request = request.metadata(name, value);
        }
        let (client, bucket, key) = (s3.client.clone(), s3.config.bucket.clone(), key.to_owned());
        // In a task of its own, so that a caller who gives up now does not leave an upload whose id nobody knows.
        let begun = tokio::spawn(async move {
            let answer = request.send().await.map_err(failure)?;
            let missing = || Error::new(Kind::Upstream).because("S3 gave no upload id");
            Ok(Self {
                id: answer.upload_id().ok_or_else(missing)?.to_owned(),
                client,
                bucket,
                key,
                open: true,
            })
        });
        begun.await.map_err(|error| Error::new(Kind::Internal).because(error))?
    }

    async fn abort(mut self) {
        self.open = false;
        abort(&self.client, &self.bucket, &self.key, &self.id).await;
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            let (client, id) = (self.client.clone(), std::mem::take(&mut self.id));
            let (bucket, key) = (std::mem::take(&mut self.bucket), std::mem::take(&mut self.key));
            runtime.spawn(async move { abort(&client, &bucket, &key, &id).await });
        }
    }
}

async fn abort(client: &Client, bucket: &str, key: &str, id: &str) {
    let request = client.abort_multipart_upload().bucket(bucket).key(key).upload_id(id);
    if let Err(error) = request.send().await {
        let error = failure(error);
        tracing::warn!(%error, upload = id, "could not abort a multipart upload");
    }
}

/// Aborts every upload in parts to exactly this key.
pub(super) async fn abort_all(s3: &S3, key: &str) -> Result<usize> {
    let bucket = &s3.config.bucket;
    let listed = s3
        .client
        .list_multipart_uploads()
        .bucket(bucket)
        .prefix(key)
        .send()
        .await;
    let listed = listed.map_err(failure)?;
    let own = listed.uploads().iter().filter(|upload| upload.key() == Some(key));
    let ids: Vec<&str> = own.filter_map(|upload| upload.upload_id()).collect();
    for id in &ids {
        abort(&s3.client, bucket, key, id).await;
    }
    Ok(ids.len())
}

fn completed(number: i32, etag: Option<&str>) -> CompletedPart {
    CompletedPart::builder()
        .part_number(number)
        .set_e_tag(etag.map(str::to_owned))
        .build()
}

pub(super) async fn put(s3: &S3, key: &str, source: &mut Source, options: &PutOptions) -> Result<Stored> {
    let mut upload = Upload::begin(s3, key, options).await?;
    let mut parts = match send_parts(s3, &upload, source).await {
        Ok(parts) => parts,
        Err(error) => {
            upload.abort().await;
            return Err(error);
        }
    };
    parts.sort_unstable_by_key(CompletedPart::part_number);
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(s3.config.connect_timeout)
        .operation_attempt_timeout(COMPLETE_TIMEOUT)
        .build();
    let answer = s3
        .client
        .complete_multipart_upload()
        .bucket(&upload.bucket)
        .key(&upload.key)
        .upload_id(&upload.id)
        .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
        .customize()
        .config_override(Builder::new().timeout_config(timeouts))
        .send()
        .await;
    match answer {
        Ok(answer) => {
            upload.open = false;
            Ok(Stored {
                etag: quoted(answer.e_tag()),
                version_id: version_id(answer.version_id()),
                request: request_ids(&answer),
            })
        }
        Err(error) => {
            upload.abort().await;
            Err(failure(error))
        }
    }
}

/// Memory for a part, if there is some now.
fn memory(s3: &S3, size: u64) -> Option<OwnedSemaphorePermit> {
    let units = u32::try_from(size.div_ceil(MEMORY_UNIT)).ok()?;
    Arc::clone(&s3.part_memory).try_acquire_many_owned(units).ok()
}

async fn joined(sending: &mut JoinSet<Result<CompletedPart>>) -> Result<Option<CompletedPart>> {
    match sending.join_next().await {
        None => Ok(None),
        Some(Ok(part)) => part.map(Some),
        Some(Err(error)) => Err(Error::new(Kind::Internal).because(error)),
    }
}

async fn send_parts(s3: &S3, upload: &Upload, source: &mut Source) -> Result<Vec<CompletedPart>> {
    let part_size = part_size(source.left());
    let mut parts = Vec::new();
    // Dropped with this future, which stops them all.
    let mut sending = JoinSet::new();
    let mut number = 0;
    while source.left() > 0 {
        number += 1;
        let size = part_size.min(source.left());
        let length = i64::try_from(size).map_err(|error| Error::new(Kind::TooLarge).because(error))?;
        let request = s3
            .client
            .upload_part()
            .bucket(&upload.bucket)
            .key(&upload.key)
            .upload_id(&upload.id)
            .part_number(number)
            .content_length(length);
        while sending.len() >= SIDE_BY_SIDE {
            parts.extend(joined(&mut sending).await?);
        }
        if let Some(memory) = memory(s3, size) {
            let bytes = source.collect(size).await?;
            sending.spawn(async move {
                let answer = request.body(bytes.into()).send().await.map_err(failure)?;
                drop(memory);
                Ok(completed(number, answer.e_tag()))
            });
        } else {
            let settings = &s3.config;
            let part = source
                .send(size, settings.request_timeout, settings.request_timeout, async |body| {
                    let request = request
                        .body(body)
                        .customize()
                        .config_override(unhurried(settings.connect_timeout));
                    let answer = request.send().await.map_err(failure)?;
                    Ok(completed(number, answer.e_tag()))
                })
                .await?;
            parts.push(part);
        }
    }
    while let Some(part) = joined(&mut sending).await? {
        parts.push(part);
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_as_small_as_ten_thousand_allow() {
        let gib = 1024 * MIB;
        for (length, expected) in [
            (16 * MIB, 8 * MIB),
            (48 * gib, 8 * MIB),
            (49 * gib, 10 * MIB),
            (5 * 1024 * gib, 525 * MIB),
        ] {
            assert_eq!(part_size(length), expected);
            assert!(length.div_ceil(part_size(length)) <= MAX_PARTS);
        }
    }
}
