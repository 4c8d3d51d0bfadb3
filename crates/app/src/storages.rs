//! Where bytes lie: the default storage, and the S3 buckets that were registered.

use std::{collections::HashMap, sync::Arc};

use blob::{Blobs, Connections, S3, S3Config};
use domain::{Entropy, Kind, Secret, StorageId};
use identity::sealed::Sealer;
use parking_lot::Mutex;
use store::buckets::{BucketRow, NewStorage, SealedStorage};

use crate::{Error, Result};

/// The server's own storage.
pub struct DefaultStorage {
    /// The bytes.
    pub blobs: Arc<dyn Blobs>,
    /// Shown as the endpoint of buckets in it.
    pub endpoint: String,
    /// Shown as the name of their S3 bucket.
    pub bucket: String,
}

/// All storages of a server. Clients of registered ones are kept while their credentials stay the same.
pub struct Storages {
    default: DefaultStorage,
    allowed_endpoints: Vec<String>,
    connections: Connections,
    sealer: Sealer,
    accounts: AccountKey,
    registered: Mutex<HashMap<StorageId, Registered>>,
}

/// A client, and the generation of the credentials it was made with.
type Registered = (i64, Arc<dyn Blobs>);

/// An S3 bucket with credentials, as a client names it.
#[derive(Clone, Debug)]
pub struct Mount {
    /// `http://` or `https://`, without a trailing slash.
    pub endpoint: String,
    /// Name of the bucket.
    pub bucket: String,
    /// Access key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Secret,
    /// Region; `us-east-1` when none is named.
    pub region: Option<String>,
}

/// The key of the hashes that service accounts are looked up by. Each hash begins with a mark of the key, so that those of
/// an older one are recognised and made anew.
pub struct AccountKey([u8; 32]);

/// How long the mark is.
const MARK: usize = 4;

impl AccountKey {
    /// A key derived from the server's.
    pub const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    fn of(&self, mount: &Mount) -> Vec<u8> {
        let endpoint = mount.endpoint.trim_end_matches('/');
        let secret = mount.secret_access_key.reveal();
        let parts = [endpoint, &mount.bucket, &mount.access_key_id, secret];
        let mut hash = self.prefix();
        hash.extend(identity::secret::keyed_hash(&self.0, &parts));
        hash
    }

    fn prefix(&self) -> Vec<u8> {
        let mark = identity::secret::keyed_hash(&self.0, &["mark"]);
        mark.iter().copied().take(MARK).collect()
    }
}

/// What sealed credentials are bound to, so that they cannot be moved to another column.
const ACCESS_KEY_ID: &[u8] = b"storage.access_key_id";
const SECRET_ACCESS_KEY: &[u8] = b"storage.secret_access_key";

impl Storages {
    /// The storages of a server. `allowed_endpoints` are those that buckets may be registered for.
    pub fn new(
        default: DefaultStorage,
        allowed_endpoints: &[String],
        connections: Connections,
        sealer: Sealer,
        accounts: AccountKey,
    ) -> Self {
        let allowed_endpoints = allowed_endpoints
            .iter()
            .map(|endpoint| normalise_endpoint(endpoint))
            .collect();
        Self {
            default,
            allowed_endpoints,
            connections,
            sealer,
            accounts,
            registered: Mutex::default(),
        }
    }

    pub(crate) const fn default(&self) -> &DefaultStorage {
        &self.default
    }

    /// The bytes of the default storage.
    pub(crate) fn default_storage(&self) -> &dyn Blobs {
        &*self.default.blobs
    }

    /// The bytes of a bucket.
    pub(crate) fn of(&self, bucket: &BucketRow) -> Result<Arc<dyn Blobs>> {
        let Some(sealed) = &bucket.storage else {
            return Ok(Arc::clone(&self.default.blobs));
        };
        if let Some((generation, blobs)) = self.registered.lock().get(&sealed.id)
            && *generation == sealed.generation
        {
            return Ok(Arc::clone(blobs));
        }
        let (access_key_id, secret_access_key) = self.open(sealed)?;
        let blobs = self.connect(&Mount {
            endpoint: bucket.endpoint.clone(),
            bucket: bucket.s3_bucket.clone(),
            access_key_id,
            secret_access_key,
            region: bucket.region.clone(),
        })?;
        self.registered
            .lock()
            .insert(sealed.id, (sealed.generation, Arc::clone(&blobs)));
        Ok(blobs)
    }

    /// The credentials of a registered storage.
    pub(crate) fn open(&self, sealed: &SealedStorage) -> Result<(String, Secret)> {
        let open = |bytes: &[u8], to| {
            self.sealer.open_text(bytes, to).map_err(|error| {
                Error::new(Kind::Internal, "The credentials of the storage cannot be read").because(error)
            })
        };
        let access_key_id = open(&sealed.access_key_id, ACCESS_KEY_ID)?;
        Ok((
            access_key_id.reveal().to_owned(),
            open(&sealed.secret_access_key, SECRET_ACCESS_KEY)?,
        ))
    }

    /// Seals credentials for the database.
    pub(crate) fn seal(&self, mount: &Mount, entropy: &dyn Entropy) -> Result<NewStorage> {
        let seal = |text: &str, to| {
            self.sealer.seal(text.as_bytes(), to, entropy).map_err(|error| {
                Error::new(Kind::Internal, "The credentials of the storage cannot be kept").because(error)
            })
        };
        Ok(NewStorage {
            account: self.accounts.of(mount),
            access_key_id: seal(&mount.access_key_id, ACCESS_KEY_ID)?,
            secret_access_key: seal(mount.secret_access_key.reveal(), SECRET_ACCESS_KEY)?,
        })
    }

    /// What a service account with these credentials is looked up by.
    pub(crate) fn account(&self, mount: &Mount) -> Vec<u8> {
        self.accounts.of(mount)
    }

    /// How hashes of the key in use begin.
    pub(crate) fn account_prefix(&self) -> Vec<u8> {
        self.accounts.prefix()
    }

    /// Whether buckets may be registered for an endpoint, and its credentials be tried.
    pub(crate) fn allows(&self, endpoint: &str) -> bool {
        self.allowed_endpoints.contains(&normalise_endpoint(endpoint))
    }

    /// A client for an S3 bucket, if its endpoint is one that buckets may be registered for. Nothing is sent to others.
    pub(crate) fn connect(&self, mount: &Mount) -> Result<Arc<dyn Blobs>> {
        if !self.allows(&mount.endpoint) {
            return Err(Error::new(
                Kind::Denied,
                "Buckets may not be registered for this endpoint",
            ));
        }
        let mut config = S3Config::new(
            &mount.endpoint,
            &mount.bucket,
            &mount.access_key_id,
            mount.secret_access_key.clone(),
        );
        if let Some(region) = &mount.region {
            config.region.clone_from(region);
        }
        Ok(Arc::new(S3::new(config, &self.connections)?))
    }

    /// Whether these credentials open the bucket (objects contract 4.1.1: every failure is a denial).
    pub(crate) async fn check(&self, mount: &Mount) -> Result<()> {
        let blobs = self.connect(mount)?;
        blobs.check().await.map_err(|error| {
            Error::new(
                Kind::Denied,
                "The storage refused these credentials, or cannot be reached",
            )
            .because(error)
        })
    }
}

/// Two spellings of one endpoint are one: scheme and host in lower case, no trailing slash.
fn normalise_endpoint(endpoint: &str) -> String {
    let endpoint = endpoint.trim_end_matches('/');
    match endpoint.split_once("://") {
        None => endpoint.to_ascii_lowercase(),
        Some((scheme, rest)) => {
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            format!("{}://{}{path}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::normalise_endpoint;

    #[test]
    fn endpoints_are_compared_without_regard_to_case_and_trailing_slashes() {
        assert_eq!(
            normalise_endpoint("HTTP://Store.Example:9000//"),
            "http://store.example:9000"
        );
        assert_eq!(
            normalise_endpoint("https://store.example/Path/"),
            "https://store.example/Path"
        );
        assert_ne!(
            normalise_endpoint("http://store.example"),
            normalise_endpoint("https://store.example")
        );
        assert_ne!(
            normalise_endpoint("http://store.example@evil.example"),
            "http://store.example"
        );
    }
}
