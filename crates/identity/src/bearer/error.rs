//! Why a token, or the configuration of an issuer, is refused.

use domain::{Error, Kind};

/// Why a bearer token is refused. The text is public: objects contract 1.4 sends it as the `detail` of the 403, so it
/// names claims but never their values. Where the original has a wording of its own, it is kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not three parts of unpadded base64url, not JSON, a repeated member, or longer than 16 KiB.
    #[error("jwt malformed")]
    Malformed,
    /// `none`, an HMAC, an unknown name, or one that does not belong to the key's type (RFC 8725, 3.1).
    #[error("invalid algorithm")]
    UnsupportedAlgorithm,
    /// The header has `crit`; no extension is implemented (RFC 7515, 4.1.11).
    #[error("jwt extension not supported")]
    UnsupportedExtension,
    /// The header's `typ` says that this is not an access or identity token (RFC 8725, 3.11).
    #[error("jwt type not supported")]
    UnsupportedType,
    /// `iss` is not a trusted issuer.
    #[error("jwt issuer invalid")]
    UnknownIssuer,
    /// The issuer has no such key.
    #[error("jwt key unknown")]
    UnknownKey,
    /// The signature does not fit.
    #[error("invalid signature")]
    BadSignature,
    /// `exp` is past.
    #[error("jwt expired")]
    Expired,
    /// `nbf` is ahead.
    #[error("jwt not active")]
    NotYetValid,
    /// `aud` does not name this server.
    #[error("jwt audience invalid")]
    WrongAudience,
    /// A required claim is absent.
    #[error("claim {0} is missing")]
    MissingClaim(String),
    /// A claim has another JSON type than it must.
    #[error("claim {0} has the wrong type")]
    WrongType(String),
    /// A claim has the right type and an impossible value: a date out of range, not an address, too long.
    #[error("claim {0} is invalid")]
    InvalidClaim(String),
    /// The issuer's keys are needed and cannot be fetched now.
    #[error("the keys of the token's issuer are out of reach")]
    IssuerUnreachable,
}

impl From<TokenError> for Error {
    fn from(error: TokenError) -> Self {
        let kind = match error {
            TokenError::IssuerUnreachable => Kind::Unavailable,
            _ => Kind::Unauthenticated,
        };
        Self::new(kind, error.to_string())
    }
}

/// Why the configured issuers cannot be used; shown once, at start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// An issuer without a name.
    #[error("an issuer has an empty name")]
    EmptyIssuer,
    /// The same issuer twice.
    #[error("issuer {0} is configured twice")]
    DuplicateIssuer(String),
    /// The fixed key is not a public key that signatures can be checked with. It is never taken for a shared secret
    /// (objects contract, E-45).
    #[error("issuer {issuer}: the public key cannot be used: {reason}")]
    UnusableKey {
        /// Whose key.
        issuer: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The address for discovery or for the keys is not an absolute http or https address.
    #[error("issuer {issuer}: {address} is not an http or https address")]
    BadAddress {
        /// Whose address.
        issuer: String,
        /// The text given.
        address: String,
    },
    /// The HTTP client could not be set up (no certificate roots, for example).
    #[error("the client that fetches issuers' keys cannot be set up: {0}")]
    Client(String),
}
