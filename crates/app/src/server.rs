//! The server: what every use case is given.

use std::{path::PathBuf, sync::Arc};

use domain::{Clock, Entropy, Secret, Timestamp};
use identity::{bearer::Bearer, issuer::BuiltInIssuer, links::LinkSigner, password::Passwords};
use store::Store;
use tokio::sync::Notify;

use crate::{Storages, mail::Mailer};

/// What the configuration says to the use cases.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address that clients reach this server at, without a trailing slash.
    pub public_url: String,
    /// Which credentials the objects API takes.
    pub mode: Mode,
    /// The objects API superuser, where configured.
    pub basic: Option<(String, Secret)>,
    /// Whether credentials of registered S3 buckets open the buckets registered with them.
    pub s3_accounts: bool,
    /// List only what the caller may read (objects contract 1.12).
    pub privacy_mask: bool,
    /// The identity providers whose users may do what the mask forbids to others; nobody is forbidden when there is none.
    pub elevated_idps: Vec<String>,
    /// How long a link to content works when nobody says, in seconds.
    pub link_seconds: i64,
    /// The largest object, in bytes.
    pub max_object_bytes: u64,
    /// How long an upload may be silent before its place is given up, in seconds.
    pub upload_lease_seconds: i64,
    /// Where bodies of unknown length are kept aside.
    pub spool_folder: PathBuf,
    /// How long an access token of the built-in issuer works, in seconds.
    pub token_seconds: u32,
}

/// Which credentials the objects API takes (objects contract 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// None at all; every caller may do everything.
    NoAuth,
    /// Basic only.
    BasicAuth,
    /// Bearer tokens only.
    OidcAuth,
    /// Both.
    FullAuth,
}

/// What the program puts together.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// Where bytes lie.
    pub storages: Storages,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Who is calling.
    pub bearer: Bearer,
    /// The issuer of this server's own accounts.
    pub issuer: BuiltInIssuer,
    /// Their passwords.
    pub passwords: Passwords,
    /// Signatures of this server's own links.
    pub links: Arc<LinkSigner>,
    /// The SMTP server; without one no mail is sent.
    pub mailer: Option<Mailer>,
    /// The configuration.
    pub settings: Settings,
}

/// The server, and what wakes its workers.
pub struct App(pub(crate) Parts, pub(crate) Notify);

impl App {
    /// Puts a server together.
    pub const fn new(parts: Parts) -> Self {
        Self(parts, Notify::const_new())
    }

    /// The configuration.
    pub const fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Which credentials the objects API takes.
    pub const fn mode(&self) -> Mode {
        self.0.settings.mode
    }

    /// The issuer of this server's own accounts, for its metadata and keys.
    pub const fn issuer(&self) -> &BuiltInIssuer {
        &self.0.issuer
    }

    /// Randomness.
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.0.entropy
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// An id for a request: 16 hexadecimal digits.
    pub fn request_id(&self) -> String {
        let mut bytes = [0; 8];
        self.entropy().fill(&mut bytes);
        format!("{:016x}", u64::from_be_bytes(bytes))
    }

    /// Whether what this server depends on answers: the database and the default storage.
    pub async fn ready(&self) -> crate::Result<()> {
        self.0.store.ping().await?;
        Ok(self.0.storages.default_storage().check().await?)
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) const fn storages(&self) -> &Storages {
        &self.0.storages
    }
}
