//! Taking a compact JWS apart, strictly (RFC 7515, 7.1): nothing in here is trusted yet.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use super::TokenError;
use super::claims::Claims;
use super::keys::Algorithm;

/// The longest token looked at. Request headers end at 16 KiB anyway (objects contract, 1.2).
pub(super) const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The parts of a token whose form is right and whose signature is still unchecked.
pub(super) struct Unverified<'a> {
    /// What the signature is over.
    pub(super) signed: &'a [u8],
    /// The signature.
    pub(super) signature: Vec<u8>,
    /// The header's `alg`.
    pub(super) algorithm: Algorithm,
    /// The header's `kid`.
    pub(super) key_id: Option<String>,
    /// The payload.
    pub(super) claims: Claims,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart. Header members that bring or name a key (`jwk`, `jku`, `x5c`, `x5u`) are never read.
    pub(super) fn parse(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let header = object(header)?;
        let name = header.get("alg").and_then(Value::as_str).ok_or(TokenError::Malformed)?;
        let algorithm = Algorithm::from_name(name).ok_or(TokenError::UnsupportedAlgorithm)?;
        if header.contains_key("crit") {
            return Err(TokenError::UnsupportedExtension);
        }
        check_type(header.get("typ"))?;
        let key_id = match header.get("kid") {
            None => None,
            Some(Value::String(key_id)) => Some(key_id.clone()),
            Some(_) => return Err(TokenError::Malformed),
        };
        Ok(Self {
            signed: signed.as_bytes(),
            signature: decode(signature)?,
            algorithm,
            key_id,
            claims: object(payload)?,
        })
    }

    /// `iss`, which must be a text.
    pub(super) fn issuer(&self) -> Result<&str, TokenError> {
        match self.claims.get("iss") {
            None => Err(TokenError::MissingClaim("iss".into())),
            Some(Value::String(issuer)) => Ok(issuer),
            Some(_) => Err(TokenError::WrongType("iss".into())),
        }
    }
}

/// Issuers sign other things with the same keys (logout tokens, security events) and mark them by `typ`.
fn check_type(of_header: Option<&Value>) -> Result<(), TokenError> {
    let Some(of_header) = of_header else { return Ok(()) };
    let name = of_header.as_str().ok_or(TokenError::Malformed)?.to_ascii_lowercase();
    match name.strip_prefix("application/").unwrap_or(&name) {
        "jwt" | "at+jwt" => Ok(()),
        _ => Err(TokenError::UnsupportedType),
    }
}

/// Unpadded base64url in its one canonical form: left-over bits must be zero, so no two texts are the same token.
fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)
}

fn object(part: &str) -> Result<BTreeMap<String, Value>, TokenError> {
    let UniqueMembers(members) = serde_json::from_slice(&decode(part)?).map_err(|_| TokenError::Malformed)?;
    Ok(members)
}

/// A JSON object that names nothing twice: two readers could otherwise see two different tokens (RFC 7515, 4).
pub(super) struct UniqueMembers(pub(super) BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for UniqueMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = UniqueMembers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<UniqueMembers, M::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(M::Error::custom("a member is named twice"));
                    }
                }
                Ok(UniqueMembers(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}
