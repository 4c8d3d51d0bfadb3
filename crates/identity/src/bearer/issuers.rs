//! One trusted issuer at run time: its keys, and when they may be fetched again.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::{Clock, Timestamp};
use parking_lot::RwLock;
use reqwest::Client;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::keys::{Choice, KeySet, VerificationKey};
use super::remote::Remote;
use super::token::Unverified;
use super::{ConfigError, KeySource, TokenError, TrustedIssuer};

/// Tokens with invented key ids make the server ask the issuer at most this often.
pub(super) const MINIMUM_INTERVAL_SECONDS: i64 = 30;
/// After a failure, sooner: the issuer may just be starting.
pub(super) const RETRY_SECONDS: i64 = 5;
/// Keys are fetched again after this long even if nobody asks for a new one, so that a retired key ends.
pub(super) const MAXIMUM_AGE_SECONDS: i64 = 600;

/// The last time that keys were asked for.
#[derive(Debug, Default)]
struct Attempt {
    last: Option<(Timestamp, bool)>,
}

impl Attempt {
    fn failed(&self) -> bool {
        matches!(self.last, Some((_, false)))
    }

    /// A clock that was set back must not close the gate until it catches up.
    fn may_repeat(&self, now: Timestamp) -> bool {
        self.last.is_none_or(|(at, succeeded)| {
            let wait = if succeeded {
                MINIMUM_INTERVAL_SECONDS
            } else {
                RETRY_SECONDS
            };
            now < at || now >= at.plus_seconds(wait)
        })
    }
}

/// One issuer with its keys.
pub(super) struct Issuer {
    pub(super) settings: TrustedIssuer,
    /// `None` until they were fetched once; afterwards kept, however long the issuer is down.
    keys: RwLock<Option<Arc<KeySet>>>,
    remote: Option<Remote>,
    /// Microseconds since 1970 when the keys are due to be fetched again.
    due: AtomicI64,
    /// Held while fetching: one request at a time, and the others use what it brings.
    attempt: Arc<Mutex<Attempt>>,
}

impl Issuer {
    pub(super) fn new(settings: TrustedIssuer, client: &mut Option<Client>) -> Result<Self, ConfigError> {
        let unusable = |reason| ConfigError::UnusableKey {
            issuer: settings.issuer.clone(),
            reason,
        };
        if settings.issuer.is_empty() {
            return Err(ConfigError::EmptyIssuer);
        }
        let keys = match &settings.keys {
            KeySource::Discovery | KeySource::JwksUrl(_) => None,
            KeySource::PublicKeyPem(text) => Some(KeySet::fixed(VerificationKey::from_pem(text).map_err(unusable)?)),
            KeySource::Static(jwks) => Some(
                KeySet::from_jwks(jwks)
                    .filter(|keys| keys.len() > 0)
                    .ok_or_else(|| unusable("the key set has no key for checking signatures"))?,
            ),
        };
        let remote = Remote::new(&settings, client)?;
        Ok(Self {
            due: AtomicI64::new(if remote.is_some() { i64::MIN } else { i64::MAX }),
            settings,
            keys: RwLock::new(keys.map(Arc::new)),
            remote,
            attempt: Arc::default(),
        })
    }

    /// Fetches the keys behind the caller's back once they are old, so that no request waits for it.
    pub(super) fn refresh_if_due(self: &Arc<Self>, clock: &Arc<dyn Clock>, now: Timestamp) {
        let due = self.due.load(Ordering::Relaxed);
        if now.0 < due || self.keys.read().is_none() {
            return;
        }
        let next = now.plus_seconds(MINIMUM_INTERVAL_SECONDS).0;
        if self
            .due
            .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
        {
            let (issuer, clock) = (Arc::clone(self), Arc::clone(clock));
            tokio::spawn(async move {
                let seen = issuer.current();
                issuer.renew(&clock, seen.as_ref()).await;
            });
        }
    }

    /// Finds the key that signed the token and checks the signature. Asks the issuer again where the keys held do not
    /// settle it and the last time is long enough ago.
    pub(super) async fn check_signature(
        self: &Arc<Self>,
        clock: &Arc<dyn Clock>,
        token: &Unverified<'_>,
    ) -> Result<Arc<VerificationKey>, TokenError> {
        let held = self.current();
        let refused = match &held {
            None => TokenError::UnknownKey,
            Some(keys) => match check_with(keys, token) {
                Ok(key) => return Ok(key),
                Err(Refusal::Final(why)) => return Err(why),
                Err(Refusal::Rotated(why)) => why,
            },
        };
        if self.remote.is_none() {
            return Err(refused);
        }
        let reached = self.renew(clock, held.as_ref()).await;
        match self.current() {
            Some(keys) if held.as_ref().is_none_or(|held| !Arc::ptr_eq(held, &keys)) => {
                check_with(&keys, token).map_err(Refusal::into_error)
            }
            Some(_) if reached => Err(refused),
            _ => Err(TokenError::IssuerUnreachable),
        }
    }

    /// Whether the issuer's keys can be had now.
    pub(super) async fn reach(self: &Arc<Self>, clock: &Arc<dyn Clock>) -> bool {
        self.remote.is_none() || self.renew(clock, self.current().as_ref()).await
    }

    fn current(&self) -> Option<Arc<KeySet>> {
        self.keys.read().clone()
    }

    /// Fetches the keys, unless they are newer than those seen or were asked for a moment ago. Gives whether the last
    /// attempt, this or an earlier one, succeeded.
    async fn renew(self: &Arc<Self>, clock: &Arc<dyn Clock>, seen: Option<&Arc<KeySet>>) -> bool {
        let attempt = Arc::clone(&self.attempt).lock_owned().await;
        let unchanged = match (self.current(), seen) {
            (Some(held), Some(seen)) => Arc::ptr_eq(&held, seen),
            (held, seen) => held.is_none() && seen.is_none(),
        };
        if !unchanged || !attempt.may_repeat(clock.now()) {
            return !attempt.failed();
        }
        // In a task of its own: a caller that hangs up must not cancel what the others wait for.
        let (issuer, clock) = (Arc::clone(self), Arc::clone(clock));
        let fetching = tokio::spawn(async move { issuer.fetch(&clock, attempt).await });
        fetching.await.unwrap_or(false)
    }

    async fn fetch(&self, clock: &Arc<dyn Clock>, mut attempt: OwnedMutexGuard<Attempt>) -> bool {
        let Some(remote) = &self.remote else { return true };
        let fetched = remote.fetch().await;
        let now = clock.now();
        attempt.last = Some((now, fetched.is_ok()));
        let wait = if fetched.is_ok() {
            MAXIMUM_AGE_SECONDS
        } else {
            MINIMUM_INTERVAL_SECONDS
        };
        self.due.store(now.plus_seconds(wait).0, Ordering::Relaxed);
        match fetched {
            Ok(keys) => {
                let mut held = self.keys.write();
                let keys = match held.as_deref() {
                    Some(previous) => keys.succeed(previous),
                    None => keys,
                };
                tracing::info!(issuer = %self.settings.issuer, keys = keys.len(), "issuer.keys_fetched");
                *held = Some(Arc::new(keys));
                true
            }
            Err(error) => {
                let cause: &dyn std::error::Error = &error;
                tracing::warn!(issuer = %self.settings.issuer, error = cause, "issuer.keys_not_fetched");
                false
            }
        }
    }
}

/// Why the keys held do not settle a token.
enum Refusal {
    /// No newer key can change it.
    Final(TokenError),
    /// The issuer may have new keys that do.
    Rotated(TokenError),
}

impl Refusal {
    fn into_error(self) -> TokenError {
        match self {
            Self::Final(why) | Self::Rotated(why) => why,
        }
    }
}

fn check_with(keys: &KeySet, token: &Unverified<'_>) -> Result<Arc<VerificationKey>, Refusal> {
    let check = |key: &Arc<VerificationKey>| {
        key.verify(token.algorithm, token.signed, &token.signature)
            .map(|()| Arc::clone(key))
    };
    match keys.choose(token.key_id.as_deref(), token.algorithm) {
        Choice::Named(key) => check(key).map_err(Refusal::Final),
        Choice::Only(key) => check(key).map_err(Refusal::Rotated),
        Choice::NamedMismatch => Err(Refusal::Final(TokenError::UnsupportedAlgorithm)),
        Choice::Mismatch => Err(Refusal::Rotated(TokenError::UnsupportedAlgorithm)),
        Choice::Unknown => Err(Refusal::Rotated(TokenError::UnknownKey)),
    }
}
