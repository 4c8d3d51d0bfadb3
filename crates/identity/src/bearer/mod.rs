//! Bearer tokens: signed JSON Web Tokens of trusted issuers (objects contract, 1.5 and 1.6; RFC 7519, RFC 8725).
//!
//! A token is verified once and then known by its SHA-256 until it ends or its issuer retires the key. Whether its
//! holder may still come in is not decided here: that is looked up on every use.

mod claims;
mod error;
mod issuers;
mod keys;
mod remote;
mod token;

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use domain::Clock;
use moka::Expiry;
use moka::sync::Cache;
use serde_json::Value;

use self::issuers::Issuer;
use self::keys::VerificationKey;
use self::token::Unverified;

pub use self::claims::SignedIn;
pub use self::error::{ConfigError, TokenError};

/// How many verified tokens are remembered, at roughly 1 KiB each.
const CACHED_TOKENS: u64 = 100_000;

/// An issuer whose tokens are believed. [`TrustedIssuer::new`] gives the defaults.
#[derive(Clone, Debug)]
pub struct TrustedIssuer {
    /// The issuer: `iss` must equal it exactly.
    pub issuer: String,
    /// The audience that `aud` must name; `None` checks none.
    pub audience: Option<String>,
    /// Where its public keys come from.
    pub keys: KeySource,
    /// Claims that may hold the identity, in order; `sub` comes after them in any case.
    pub identity_keys: Vec<String>,
    /// The claim that names the identity provider behind the issuer.
    pub idp_claim: String,
    /// Whether a token must bring `display_name` or `given_name` (objects contract, 1.6: such tokens fail). Where it
    /// need not, the standard claim `name` stands in for an absent `display_name`.
    pub names_required: bool,
}

/// Where an issuer's public keys come from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// Its discovery document (OpenID Connect Discovery 1.0).
    Discovery,
    /// A JWK set at this address.
    JwksUrl(String),
    /// This key: a PEM block, or bare base64 of a `SubjectPublicKeyInfo`.
    PublicKeyPem(String),
    /// This JWK set.
    Static(Value),
}

impl TrustedIssuer {
    /// An issuer with no audience check, identity from `sub`, provider from `identity_provider`, names required.
    pub fn new(issuer: impl Into<String>, keys: KeySource) -> Self {
        Self {
            issuer: issuer.into(),
            audience: None,
            keys,
            identity_keys: vec!["sub".into()],
            idp_claim: "identity_provider".into(),
            names_required: true,
        }
    }
}

/// Verifies bearer tokens.
pub struct Bearer {
    issuers: Vec<Arc<Issuer>>,
    clock: Arc<dyn Clock>,
    verified: Cache<[u8; 32], Arc<Verified>, HashIsHash>,
}

/// A token that was verified, and on whose word.
struct Verified {
    who: Arc<SignedIn>,
    key: Arc<VerificationKey>,
    issuer: Arc<Issuer>,
    lifetime: Duration,
}

impl Bearer {
    /// Checks the issuers and their fixed keys; connects to nothing. No issuer at all is allowed: every token is then
    /// refused.
    pub fn new(issuers: Vec<TrustedIssuer>, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        let mut client = None;
        let mut known: Vec<Arc<Issuer>> = Vec::with_capacity(issuers.len());
        for settings in issuers {
            if known.iter().any(|other| other.settings.issuer == settings.issuer) {
                return Err(ConfigError::DuplicateIssuer(settings.issuer));
            }
            known.push(Arc::new(Issuer::new(settings, &mut client)?));
        }
        let verified = Cache::builder()
            .max_capacity(CACHED_TOKENS)
            .expire_after(UntilTokenEnds)
            .build_with_hasher(HashIsHash);
        Ok(Self {
            issuers: known,
            clock,
            verified,
        })
    }

    /// Says who holds the token, or why it is refused. The same token gives the same value until it ends.
    ///
    /// Must run inside a tokio runtime: issuers' keys are fetched in tasks.
    pub async fn verify(&self, token: &str) -> Result<Arc<SignedIn>, TokenError> {
        if token.len() > token::MAX_TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        let now = self.clock.now();
        let hash = sha256(token);
        if let Some(known) = self.verified.get(&hash) {
            known.issuer.refresh_if_due(&self.clock, now);
            if known.key.is_trusted() {
                return if now < known.who.expires_at {
                    Ok(Arc::clone(&known.who))
                } else {
                    Err(TokenError::Expired)
                };
            }
            self.verified.invalidate(&hash);
        }
        self.verify_anew(token, hash).await
    }

    async fn verify_anew(&self, token: &str, hash: [u8; 32]) -> Result<Arc<SignedIn>, TokenError> {
        let token = Unverified::parse(token)?;
        let name = token.issuer()?;
        let issuer = self
            .issuers
            .iter()
            .find(|issuer| issuer.settings.issuer == name)
            .ok_or(TokenError::UnknownIssuer)?;
        issuer.refresh_if_due(&self.clock, self.clock.now());
        let key = issuer.check_signature(&self.clock, &token).await?;
        let now = self.clock.now();
        let expires_at = claims::check_use(&issuer.settings, &token.claims, now)?;
        let who = Arc::new(SignedIn::from_claims(&issuer.settings, &token.claims, expires_at)?);
        let lifetime = Duration::from_micros(u64::try_from(expires_at.0 - now.0).unwrap_or(0));
        let verified = Verified {
            who: Arc::clone(&who),
            key,
            issuer: Arc::clone(issuer),
            lifetime,
        };
        // Two first uses at once must end up with one value, whose `person` is looked up once.
        let entry = self.verified.entry(hash).or_insert(Arc::new(verified));
        Ok(Arc::clone(&entry.value().who))
    }

    /// Fetches the keys of every issuer that publishes them and says which answered: for the start and for `doctor`.
    pub async fn reach_issuers(&self) -> Vec<(String, bool)> {
        let mut reached = Vec::with_capacity(self.issuers.len());
        for issuer in &self.issuers {
            reached.push((issuer.settings.issuer.clone(), issuer.reach(&self.clock).await));
        }
        reached
    }
}

fn sha256(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

/// Drops a token from memory when it ends. Only a matter of space: every use checks `exp` itself.
struct UntilTokenEnds;

impl Expiry<[u8; 32], Arc<Verified>> for UntilTokenEnds {
    fn expire_after_create(&self, _: &[u8; 32], verified: &Arc<Verified>, _: Instant) -> Option<Duration> {
        Some(verified.lifetime)
    }
}

/// The keys are SHA-256 already, and nobody can choose them: their first bytes serve as the hash.
#[derive(Clone, Default)]
struct HashIsHash;

impl BuildHasher for HashIsHash {
    type Hasher = FirstBytes;

    fn build_hasher(&self) -> FirstBytes {
        FirstBytes(0)
    }
}

/// See [`HashIsHash`].
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    /// The length, the same for every key.
    fn write_usize(&mut self, _: usize) {}
}
