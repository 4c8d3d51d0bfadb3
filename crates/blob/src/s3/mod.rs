//! A bucket of S3, or of any store that speaks its protocol.

mod failure;
mod list;
mod multipart;
mod presign;
mod public;
mod read;
mod source;
mod write;

use std::{sync::Arc, sync::OnceLock, time::Duration};

use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    config::{
        Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation, SharedHttpClient,
        StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig,
    },
};
use aws_smithy_http_client::{
    Builder as HttpBuilder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use domain::Secret;
use tokio::sync::Semaphore;

use self::{failure::failure, presign::Presigner};
use crate::{
    Blobs, Body, ByteRange, Copied, Deleted, Error, Got, Head, Key, Kind, ListCursor, ListPage, MAX_KEY_BYTES,
    NativeVersions, PresignOptions, Put, PutOptions, Result,
};

/// Where a bucket is and how to behave towards it.
#[derive(Clone, Debug)]
pub struct S3Config {
    /// `http://` or `https://`, host, and where needed port and path.
    pub endpoint: String,
    /// Region of the signature.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// The access key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Secret,
    /// Whether the bucket is part of the path (every store knows that) or of the host name.
    pub path_style: bool,
    /// Put before every key, as it is: `data/` or nothing.
    pub prefix: String,
    /// Bodies of this many bytes and more are sent in parts, so that a broken connection costs one part.
    pub multipart_threshold: u64,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long the answer to a request may take, once the request is sent.
    pub request_timeout: Duration,
    /// How long a body may pause in either direction because of the store.
    pub idle_timeout: Duration,
    /// Attempts for a request that can be repeated.
    pub attempts: u32,
}

impl S3Config {
    /// A bucket with the usual behaviour (objects contract 5.2): `us-east-1`, path style, 5 seconds to connect, 60 for
    /// an answer, 3 attempts.
    pub fn new(
        endpoint: impl Into<String>,
        bucket: impl Into<String>,
        access_key_id: impl Into<String>,
        secret_access_key: Secret,
    ) -> Self {
        Self {
            endpoint: endpoint.into(),
            region: "us-east-1".to_owned(),
            bucket: bucket.into(),
            access_key_id: access_key_id.into(),
            secret_access_key,
            path_style: true,
            prefix: String::new(),
            multipart_threshold: 16 * 1024 * 1024,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_mins(1),
            idle_timeout: Duration::from_secs(30),
            attempts: 3,
        }
    }
}

/// What all buckets of a process share: open connections, and memory for parts that are sent side by side.
#[derive(Clone, Debug)]
pub struct Connections {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    plain: OnceLock<SharedHttpClient>,
    tls: OnceLock<SharedHttpClient>,
    extra_roots: Vec<u8>,
    part_memory: Arc<Semaphore>,
}

/// The unit of [`Shared::part_memory`].
const MEMORY_UNIT: u64 = 64 * 1024;

impl Connections {
    /// Trusts the machine's certificate authorities and those in `extra_roots` (PEM, may be empty). Parts held in
    /// memory to be sent side by side and repeated when they fail take at most `part_memory` bytes in the whole
    /// process; beyond it parts are streamed one after the other.
    pub fn new(extra_roots: impl Into<Vec<u8>>, part_memory: usize) -> Self {
        let units = part_memory / usize::try_from(MEMORY_UNIT).unwrap_or(usize::MAX);
        Self {
            shared: Arc::new(Shared {
                plain: OnceLock::new(),
                tls: OnceLock::new(),
                extra_roots: extra_roots.into(),
                part_memory: Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS))),
            }),
        }
    }

    /// Certificates are read only when an address needs them.
    fn client(&self, endpoint: &str) -> Result<SharedHttpClient> {
        if endpoint.starts_with("http://") {
            return Ok(self
                .shared
                .plain
                .get_or_init(|| HttpBuilder::new().build_http())
                .clone());
        }
        if let Some(client) = self.shared.tls.get() {
            return Ok(client.clone());
        }
        let mut trust = TrustStore::default();
        if !self.shared.extra_roots.is_empty() {
            trust.add_pem_certificate(self.shared.extra_roots.clone());
        }
        let context = TlsContext::builder().with_trust_store(trust).build();
        let context = context.map_err(|error| Error::new(Kind::Invalid).because(error))?;
        let client = HttpBuilder::new()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(context)
            .build_https();
        Ok(self.shared.tls.get_or_init(|| client).clone())
    }
}

impl Default for Connections {
    /// 32 MiB for parts.
    fn default() -> Self {
        Self::new(Vec::new(), 32 * 1024 * 1024)
    }
}

/// Blobs as objects of one bucket. Cheap to clone.
#[derive(Clone, Debug)]
pub struct S3 {
    client: Client,
    config: Arc<S3Config>,
    presigner: Arc<Presigner>,
    part_memory: Arc<Semaphore>,
}

impl S3 {
    /// A bucket. Nothing is sent; [`check`](Blobs::check) asks whether it answers.
    ///
    /// # Errors
    /// `Invalid` when the endpoint or the bucket's name is malformed.
    pub fn new(config: S3Config, connections: &Connections) -> Result<Self> {
        let characters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if !(3..=255).contains(&config.bucket.len()) || !config.bucket.bytes().all(characters) {
            return Err(Error::new(Kind::Invalid).because("malformed name of a bucket"));
        }
        let presigner = Presigner::new(&config)?;
        let credentials = Credentials::new(
            &config.access_key_id,
            config.secret_access_key.reveal(), // given to the signer
            None,
            None,
            "configuration",
        );
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(config.connect_timeout)
            .operation_attempt_timeout(config.request_timeout)
            .build();
        // Checksums only when an operation requires them: many stores refuse the newer kinds. The check for stalled
        // streams would blame the store for a slow client; `idle_timeout` does it here.
        let settings = aws_sdk_s3::Config::builder()
            .behavior_version_latest()
            .endpoint_url(config.endpoint.trim_end_matches('/'))
            .region(Region::new(config.region.clone()))
            .credentials_provider(credentials)
            .force_path_style(config.path_style)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .retry_config(RetryConfig::standard().with_max_attempts(config.attempts.max(1)))
            .timeout_config(timeouts)
            .http_client(connections.client(&config.endpoint)?)
            .build();
        Ok(Self {
            client: Client::from_conf(settings),
            presigner: Arc::new(presigner),
            part_memory: connections.shared.part_memory.clone(),
            config: Arc::new(config),
        })
    }

    /// The key in the bucket.
    fn full_key(&self, key: &Key) -> Result<String> {
        let full = format!("{}{}", self.config.prefix, key.as_str());
        if full.len() > MAX_KEY_BYTES {
            return Err(Error::new(Kind::TooLarge).because("the key is too long with the store's prefix"));
        }
        Ok(full)
    }
}

/// Version ids as S3 gives them: unversioned objects have none, an empty one or `null`.
fn version_id(version: Option<&str>) -> Option<String> {
    version.filter(|id| !id.is_empty() && *id != "null").map(str::to_owned)
}

/// An `ETag` in its quotes (RFC 9110, 8.8.3): Ceph 16 leaves them out after a copy, and gives an empty one after parts.
fn quoted(etag: Option<&str>) -> Option<String> {
    let bare = etag?.trim_matches('"');
    (!bare.is_empty()).then(|| format!("\"{bare}\""))
}

#[async_trait]
impl Blobs for S3 {
    async fn put(&self, key: &Key, body: Body, options: &PutOptions) -> Result<Put> {
        write::put(self, key, body, options).await
    }

    async fn get(&self, key: &Key, version: Option<&str>, range: Option<ByteRange>) -> Result<Got> {
        read::get(self, key, version, range).await
    }

    async fn head(&self, key: &Key, version: Option<&str>) -> Result<Head> {
        read::head(self, &self.full_key(key)?, version).await
    }

    async fn delete(&self, key: &Key, version: Option<&str>) -> Result<Deleted> {
        write::delete(self, key, version).await
    }

    async fn copy(&self, from: &Key, from_version: Option<&str>, to: &Key, options: &PutOptions) -> Result<Copied> {
        write::copy(self, from, from_version, to, options).await
    }

    async fn check(&self) -> Result<()> {
        let answer = self.client.head_bucket().bucket(&self.config.bucket).send().await;
        answer.map(drop).map_err(failure)
    }

    fn presign_get(&self, key: &Key, version: Option<&str>, options: &PresignOptions) -> Result<Option<String>> {
        self.presigner.get(&self.full_key(key)?, version, options).map(Some)
    }

    fn presign_put(&self, key: &Key, options: &PresignOptions) -> Result<Option<String>> {
        self.presigner.put(&self.full_key(key)?, options).map(Some)
    }

    fn native(&self) -> Option<&dyn NativeVersions> {
        Some(self)
    }
}

#[async_trait]
impl NativeVersions for S3 {
    async fn tags(&self, key: &Key, version: Option<&str>) -> Result<Vec<(String, String)>> {
        list::tags(self, &self.full_key(key)?, version).await
    }

    async fn put_tags(&self, key: &Key, version: Option<&str>, tags: &[(String, String)]) -> Result<()> {
        list::put_tags(self, &self.full_key(key)?, version, tags).await
    }

    async fn list_versions(&self, prefix: &str, after: Option<&ListCursor>) -> Result<ListPage> {
        list::versions(self, prefix, None, after).await
    }

    async fn list_folder(&self, prefix: &str, after: Option<&ListCursor>) -> Result<ListPage> {
        list::versions(self, prefix, Some("/"), after).await
    }

    async fn policy(&self) -> Result<Option<String>> {
        public::policy(self).await
    }

    async fn put_policy(&self, policy: Option<&str>) -> Result<()> {
        public::put_policy(self, policy).await
    }

    async fn anyone_may_read(&self, key: &Key) -> Result<bool> {
        public::anyone_may_read(self, &self.full_key(key)?).await
    }

    async fn withdraw_from_anyone(&self, key: &Key) -> Result<bool> {
        public::withdraw_from_anyone(self, &self.full_key(key)?).await
    }

    async fn abort_parts(&self, key: &Key) -> Result<usize> {
        multipart::abort_all(self, &self.full_key(key)?).await
    }
}
