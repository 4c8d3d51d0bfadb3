//! The built-in issuer: signs access tokens for local accounts. The server verifies them the way it does any other
//! issuer's, through [`BuiltInIssuer::trusted`].

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Clock, EmailAddress, Entropy, Error, Kind};
use serde_json::{Value, json};

use crate::bearer::{KeySource, TrustedIssuer};

/// Where the keys are published, below the issuer's address.
pub const JWKS_PATH: &str = "/oauth/jwks";
/// Where the issuer describes itself, below its address (OpenID Connect Discovery 1.0, 4).
pub const DISCOVERY_PATH: &str = "/.well-known/openid-configuration";
/// The value of `identity_provider` in every token of the built-in issuer.
pub const IDENTITY_PROVIDER: &str = "commonhold";

/// A private key for ES256.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    id: String,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Why there is no signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// The operating system gave no randomness.
    #[error("no signing key could be generated")]
    Generation,
    /// The bytes are not a P-256 key in PKCS#8.
    #[error("the signing key is not a P-256 key in PKCS#8")]
    NotPkcs8,
}

impl SigningKey {
    /// A new key and its PKCS#8 form, to be kept sealed. Drawn from the cryptographic library's own generator, which
    /// it also needs for every signature.
    pub fn generate() -> Result<(Self, Vec<u8>), SigningKeyError> {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| SigningKeyError::Generation)?;
        let key = Self::from_pkcs8(pkcs8.as_ref())?;
        Ok((key, pkcs8.as_ref().to_vec()))
    }

    /// A key that was kept.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, SigningKeyError> {
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map_err(|_| SigningKeyError::NotPkcs8)?;
        let id = thumbprint(&pair);
        Ok(Self { pair, id })
    }

    /// The key's id: its thumbprint, so the same key has the same id on every node.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn public_jwk(&self) -> Value {
        let (x, y) = coordinates(&self.pair);
        json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.id, "use": "sig", "alg": "ES256"})
    }
}

/// The coordinates of the public key, which the library gives as an uncompressed point.
fn coordinates(pair: &EcdsaKeyPair) -> (String, String) {
    let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
    let (x, y) = point.split_at(point.len() / 2);
    (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y))
}

/// RFC 7638: SHA-256 over the required members in lexicographic order.
fn thumbprint(pair: &EcdsaKeyPair) -> String {
    let (x, y) = coordinates(pair);
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()))
}

/// Whom a token is for, and for how long.
#[derive(Clone, Debug)]
pub struct AccessTokenRequest {
    /// The account's lasting identity, `sub`.
    pub subject: String,
    /// `preferred_username`.
    pub username: String,
    /// `email`.
    pub email: Option<EmailAddress>,
    /// Whether the address was proven.
    pub email_verified: bool,
    /// `display_name` and `name`; the user name where absent, since the mapping needs one (objects contract, 1.6).
    pub full_name: Option<String>,
    /// `given_name`.
    pub first_name: Option<String>,
    /// `family_name`.
    pub last_name: Option<String>,
    /// Seconds until the token ends.
    pub lifetime_seconds: u32,
}

/// The issuer for local accounts.
#[derive(Debug)]
pub struct BuiltInIssuer {
    url: String,
    key: SigningKey,
    retired: Vec<Value>,
}

impl BuiltInIssuer {
    /// An issuer known by this address, `server.public_url`.
    pub fn new(issuer_url: impl Into<String>, key: SigningKey) -> Self {
        Self {
            url: issuer_url.into(),
            key,
            retired: Vec::new(),
        }
    }

    /// Still publishes an earlier key, whose tokens stay valid until they end.
    pub fn with_retired(mut self, key: &SigningKey) -> Self {
        self.retired.push(key.public_jwk());
        self
    }

    /// The issuer's address, `iss`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Signs an access token. Fails only if the operating system gives no randomness.
    pub fn issue(
        &self,
        request: &AccessTokenRequest,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> domain::Result<String> {
        let now = clock.now().seconds();
        let full_name = request.full_name.as_ref().unwrap_or(&request.username);
        let mut claims = json!({
            "iss": self.url,
            "aud": self.url,
            "sub": request.subject,
            "preferred_username": request.username,
            "email_verified": request.email.is_some() && request.email_verified,
            "display_name": full_name,
            "name": full_name,
            "identity_provider": IDENTITY_PROVIDER,
            "typ": "Bearer",
            "jti": entropy.uuid(),
            "iat": now,
            "exp": now.saturating_add(i64::from(request.lifetime_seconds)),
        });
        let optional = [
            ("email", request.email.as_ref().map(EmailAddress::as_str)),
            ("given_name", request.first_name.as_deref()),
            ("family_name", request.last_name.as_deref()),
        ];
        for (name, value) in optional {
            if let (Some(value), Some(claims)) = (value, claims.as_object_mut()) {
                claims.insert(name.to_owned(), value.into());
            }
        }
        let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": self.key.id});
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self
            .key
            .pair
            .sign(&SystemRandom::new(), signed.as_bytes())
            .map_err(|error| Error::new(Kind::Internal, "the token could not be signed").because(error))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The public keys as a JWK set (RFC 7517, 5), the one in use first.
    pub fn jwks(&self) -> Value {
        let keys: Vec<Value> = std::iter::once(self.key.public_jwk())
            .chain(self.retired.iter().cloned())
            .collect();
        json!({ "keys": keys })
    }

    /// The issuer's description. It names what there is: tokens come from this server's own pages and commands, so
    /// there is no authorization or token address (RFC 8414, 2, asks for these only where a grant uses them).
    pub fn discovery(&self) -> Value {
        let base = self.url.strip_suffix('/').unwrap_or(&self.url);
        json!({
            "issuer": self.url,
            "jwks_uri": format!("{base}{JWKS_PATH}"),
            "response_types_supported": [],
            "grant_types_supported": [],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "claims_supported": [
                "iss", "aud", "sub", "preferred_username", "email", "email_verified", "display_name", "name",
                "given_name", "family_name", "identity_provider", "jti", "iat", "exp"
            ],
        })
    }

    /// What makes [`crate::Bearer`] believe this issuer.
    pub fn trusted(&self) -> TrustedIssuer {
        TrustedIssuer {
            audience: Some(self.url.clone()),
            ..TrustedIssuer::new(self.url.clone(), KeySource::Static(self.jwks()))
        }
    }
}
