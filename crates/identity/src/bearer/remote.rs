//! Fetching an issuer's keys: OpenID Connect Discovery 1.0, section 4, and JWK sets. Everything is bounded, since the
//! issuer is another machine: time, size, redirects (none) and how often it is asked.

use std::time::Duration;

use reqwest::{Client, Url, redirect};
use serde_json::Value;

use super::keys::KeySet;
use super::{ConfigError, KeySource, TrustedIssuer};

/// The whole of one request, connection included.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The largest document read; real ones have a few KiB.
const MAX_DOCUMENT_BYTES: usize = 256 * 1024;

/// Why keys were not fetched; for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("request failed")]
    Request(#[from] reqwest::Error),
    #[error("{0} answered {1}")]
    Status(Url, u16),
    #[error("{0} answered more than {MAX_DOCUMENT_BYTES} bytes")]
    TooLarge(Url),
    #[error("{0} did not answer JSON")]
    NotJson(Url),
    #[error("the discovery document is for another issuer")]
    OtherIssuer,
    #[error("the discovery document has no usable jwks_uri")]
    NoKeysAddress,
    #[error("{0} did not answer a JWK set")]
    NotJwks(Url),
}

/// Where the keys of an issuer come from.
#[derive(Debug)]
pub(super) struct Remote {
    client: Client,
    start: Start,
}

#[derive(Debug)]
enum Start {
    Discovery { issuer: String, document: Url },
    Keys(Url),
}

impl Remote {
    /// The remote source of an issuer, if it has one. Checks addresses, connects to nothing.
    pub(super) fn new(issuer: &TrustedIssuer, client: &mut Option<Client>) -> Result<Option<Self>, ConfigError> {
        let address = |text: &str| {
            web_address(text).ok_or_else(|| ConfigError::BadAddress {
                issuer: issuer.issuer.clone(),
                address: text.to_owned(),
            })
        };
        let start = match &issuer.keys {
            KeySource::Discovery => {
                address(&issuer.issuer)?;
                // Discovery, 4.1: a terminating slash is removed before the path is appended.
                let base = issuer.issuer.strip_suffix('/').unwrap_or(&issuer.issuer);
                Start::Discovery {
                    issuer: issuer.issuer.clone(),
                    document: address(&format!("{base}/.well-known/openid-configuration"))?,
                }
            }
            KeySource::JwksUrl(keys) => Start::Keys(address(keys)?),
            KeySource::PublicKeyPem(_) | KeySource::Static(_) => return Ok(None),
        };
        let client = match client {
            Some(client) => client.clone(),
            None => client.insert(new_client()?).clone(),
        };
        Ok(Some(Self { client, start }))
    }

    /// Fetches the keys.
    pub(super) async fn fetch(&self) -> Result<KeySet, FetchError> {
        let address = match &self.start {
            Start::Keys(address) => address.clone(),
            Start::Discovery { issuer, document } => {
                let found = self.get(document).await?;
                // Discovery, 4.3: otherwise one issuer could hand out its keys for another.
                if found.get("issuer").and_then(Value::as_str) != Some(issuer) {
                    return Err(FetchError::OtherIssuer);
                }
                found
                    .get("jwks_uri")
                    .and_then(Value::as_str)
                    .and_then(web_address)
                    .filter(|keys| keys.scheme() == document.scheme() || keys.scheme() == "https")
                    .ok_or(FetchError::NoKeysAddress)?
            }
        };
        let jwks = self.get(&address).await?;
        KeySet::from_jwks(&jwks).ok_or(FetchError::NotJwks(address))
    }

    async fn get(&self, address: &Url) -> Result<Value, FetchError> {
        let request = self.client.get(address.clone()).header("accept", "application/json");
        let mut answer = request.send().await?;
        if answer.status().as_u16() != 200 {
            return Err(FetchError::Status(address.clone(), answer.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > MAX_DOCUMENT_BYTES {
                return Err(FetchError::TooLarge(address.clone()));
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|_| FetchError::NotJson(address.clone()))
    }
}

/// An absolute http or https address without a user, a query or a fragment in it.
fn web_address(text: &str) -> Option<Url> {
    let address = Url::parse(text).ok()?;
    let plain = address.username().is_empty() && address.password().is_none() && address.fragment().is_none();
    (matches!(address.scheme(), "http" | "https") && address.has_host() && plain).then_some(address)
}

/// A redirect would let an issuer's web server name any other, and a proxy of the environment is ambient.
fn new_client() -> Result<Client, ConfigError> {
    Client::builder()
        .timeout(TIMEOUT)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .user_agent("commonhold")
        .build()
        .map_err(|error| ConfigError::Client(error.to_string()))
}
