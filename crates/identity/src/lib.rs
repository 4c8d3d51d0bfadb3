//! Who is calling: bearer tokens of trusted issuers, the built-in issuer, local accounts, API tokens.
//!
//! No SQL and no HTTP server: credentials in, an identity or a reason out. Time and randomness are arguments.

pub mod bearer;
pub mod checksum;
pub mod issuer;
pub mod links;
pub mod password;
pub mod sealed;
pub mod secret;

pub use bearer::{Bearer, ConfigError, KeySource, SignedIn, TokenError, TrustedIssuer};
pub use issuer::{AccessTokenRequest, BuiltInIssuer, SigningKey};
pub use password::{PasswordError, Passwords, Verdict};
pub use sealed::Sealer;
pub use secret::{ApiSecret, Credentials};
