//! Buckets of a real store for one test each.

use std::io::Write as _;

use aws_sdk_s3::{
    Client,
    config::{Credentials, Region},
    types::{BucketVersioningStatus, VersioningConfiguration},
};
use blob::{Blobs, Connections, Key, S3, S3Config};
use domain::{Entropy, Secret};
use futures_util::StreamExt;

use crate::common::TestEntropy;

pub(crate) struct Service {
    pub(crate) endpoint: String,
    pub(crate) access_key: String,
    pub(crate) secret_key: Secret,
}

#[expect(clippy::disallowed_methods, reason = "where the test store is")]
pub(crate) fn service() -> Option<Service> {
    let Ok(endpoint) = std::env::var("S3_ENDPOINT") else {
        // Past the capture of a passing test, so that the runner can count it.
        let _ = writeln!(std::io::stdout(), "skipped: S3 (set S3_ENDPOINT)");
        return None;
    };
    Some(Service {
        endpoint,
        access_key: std::env::var("S3_ACCESS_KEY").expect("S3_ACCESS_KEY"),
        secret_key: Secret::new(std::env::var("S3_SECRET_KEY").expect("S3_SECRET_KEY")),
    })
}

pub(crate) fn client(service: &Service) -> Client {
    let credentials = Credentials::new(&service.access_key, service.secret_key.reveal(), None, None, "test");
    let connections = aws_smithy_http_client::Builder::new().build_http();
    Client::from_conf(
        aws_sdk_s3::Config::builder()
            .behavior_version_latest()
            .endpoint_url(&service.endpoint)
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials)
            .force_path_style(true)
            .http_client(connections)
            .build(),
    )
}

/// A new bucket of a name nobody had.
pub(crate) async fn bucket(service: &Service, versioned: bool) -> S3Config {
    let mut random = [0; 8];
    TestEntropy.fill(&mut random);
    let name = format!("blob-test-{:016x}", u64::from_le_bytes(random));
    let client = client(service);
    client.create_bucket().bucket(&name).send().await.expect("a bucket");
    if versioned {
        let enabled = VersioningConfiguration::builder()
            .status(BucketVersioningStatus::Enabled)
            .build();
        let request = client
            .put_bucket_versioning()
            .bucket(&name)
            .versioning_configuration(enabled);
        request.send().await.expect("versioning");
    }
    S3Config::new(&service.endpoint, name, &service.access_key, service.secret_key.clone())
}

pub(crate) fn store(config: &S3Config) -> S3 {
    S3::new(config.clone(), &Connections::default()).expect("a store")
}

/// Removes all versions and the bucket.
pub(crate) async fn remove(service: &Service, config: &S3Config) {
    let store = store(config);
    let native = store.native().expect("versions");
    loop {
        let page = native.list_versions("", None).await.expect("list");
        let deletes = page.entries.iter().map(|entry| {
            let key = Key::new(&entry.key).expect("a key");
            let store = &store;
            async move { store.delete(&key, entry.version_id.as_deref()).await.expect("delete") }
        });
        futures_util::stream::iter(deletes).buffer_unordered(32).count().await;
        if page.next.is_none() {
            break;
        }
    }
    client(service)
        .delete_bucket()
        .bucket(&config.bucket)
        .send()
        .await
        .expect("removed");
}

/// Every failed upload was given up; one that was dropped by a task of its own, a moment later.
pub(crate) async fn assert_no_open_uploads(service: &Service, config: &S3Config) {
    let mut open = Vec::new();
    for _ in 0..100 {
        let request = client(service).list_multipart_uploads().bucket(&config.bucket).send();
        let uploads = request.await.expect("uploads");
        open = uploads
            .uploads()
            .iter()
            .map(|upload| upload.key().unwrap_or_default().to_owned())
            .collect();
        if open.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("uploads stay open: {open:?}");
}

pub(crate) fn key(text: &str) -> Key {
    Key::new(text).expect("a key")
}
