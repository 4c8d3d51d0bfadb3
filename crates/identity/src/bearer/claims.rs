//! From claims to the one who signed in (objects contract, 1.6).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use domain::{EmailAddress, PersonId, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use super::{TokenError, TrustedIssuer};

/// The claims of a token, each name once.
pub(super) type Claims = BTreeMap<String, Value>;

/// The longest text of a user row, in characters (objects contract, 2.1).
const MAX_TEXT: usize = 255;
/// 9999-12-31T23:59:59Z, the last second that ISO 8601 prints with four digits of year.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// Somebody a trusted issuer vouches for, as the token says (objects contract, 1.6).
#[derive(Debug)]
pub struct SignedIn {
    /// The issuer, exactly as in `iss`.
    pub issuer: String,
    /// The identity: the first non-empty claim of the issuer's `identity_keys`, else `sub`.
    pub subject: String,
    /// The identity provider behind the issuer; `azureidir` reads `idir`.
    pub idp: Option<String>,
    /// `identity_provider_identity`, else `preferred_username`.
    pub username: String,
    /// `email`.
    pub email: Option<EmailAddress>,
    /// Whether the issuer says that the address was proven; anything but JSON `true` is no.
    pub email_verified: bool,
    /// Whether the issuer says that the address was *not* proven: `email_verified` is there, and not `true`. An issuer
    /// that says nothing is believed.
    pub email_in_doubt: bool,
    /// `display_name`.
    pub full_name: Option<String>,
    /// `given_name`, taken apart from `display_name` where the two are equal.
    pub first_name: Option<String>,
    /// `family_name`, the last word of `display_name` where it is empty.
    pub last_name: Option<String>,
    /// When the token ends.
    pub expires_at: Timestamp,
    /// The person's key and public id, once known: the same value is handed out for every use of one token, so the
    /// look-up is made once per token.
    pub person: OnceLock<(PersonId, Uuid)>,
}

impl SignedIn {
    /// Maps checked claims. Fails where the contract's mapping does.
    pub(super) fn from_claims(
        issuer: &TrustedIssuer,
        claims: &Claims,
        expires_at: Timestamp,
    ) -> Result<Self, TokenError> {
        let idp = text(claims, &issuer.idp_claim)?
            .filter(|idp| !idp.is_empty())
            .map(|idp| if idp == "azureidir" { "idir" } else { idp }.to_owned());
        let username = first_filled(claims, ["identity_provider_identity", "preferred_username"])?
            .ok_or_else(|| TokenError::MissingClaim("preferred_username".into()))?;
        let email = text(claims, "email")?
            .map(|email| EmailAddress::new(email).map_err(|_| TokenError::InvalidClaim("email".into())))
            .transpose()?;
        let names = Names::from_claims(issuer, claims)?;
        Ok(Self {
            issuer: issuer.issuer.clone(),
            subject: subject(issuer, claims)?.to_owned(),
            idp,
            username: username.to_owned(),
            email,
            email_verified: claims.get("email_verified") == Some(&Value::Bool(true)),
            email_in_doubt: claims
                .get("email_verified")
                .is_some_and(|verified| *verified != Value::Bool(true)),
            full_name: names.full,
            first_name: names.first,
            last_name: names.last,
            expires_at,
            person: OnceLock::new(),
        })
    }
}

/// The three names of a person.
struct Names {
    full: Option<String>,
    first: Option<String>,
    last: Option<String>,
}

impl Names {
    fn from_claims(issuer: &TrustedIssuer, claims: &Claims) -> Result<Self, TokenError> {
        let given = text(claims, "given_name")?;
        let full = match text(claims, "display_name")? {
            None if !issuer.names_required => text(claims, "name")?,
            display => display,
        };
        if issuer.names_required && full.is_none() && given.is_none() {
            return Err(TokenError::MissingClaim("display_name".into()));
        }
        let first = match (given, full) {
            (Some(given), Some(full)) if given == full => Some(full.rsplit_once(' ').map_or("", |(head, _)| head)),
            (given, _) => given,
        };
        let last = match (text(claims, "family_name")?, full) {
            (Some(""), Some(full)) => Some(full.rsplit_once(' ').map_or(full, |(_, last)| last)),
            (Some(""), None) if issuer.names_required => return Err(TokenError::MissingClaim("display_name".into())),
            (family, _) => family,
        };
        Ok(Self {
            full: full.map(str::to_owned),
            first: first.map(str::to_owned),
            last: last.map(str::to_owned),
        })
    }
}

/// The identity: the first filled claim of the configured ones, then `sub`.
fn subject<'a>(issuer: &TrustedIssuer, claims: &'a Claims) -> Result<&'a str, TokenError> {
    let names = issuer.identity_keys.iter().map(String::as_str).chain(["sub"]);
    first_filled(claims, names)?.ok_or_else(|| TokenError::MissingClaim("sub".into()))
}

/// The first of the named claims that is present and not empty.
fn first_filled<'a, 'n>(
    claims: &'a Claims,
    names: impl IntoIterator<Item = &'n str>,
) -> Result<Option<&'a str>, TokenError> {
    for name in names {
        if let Some(found) = text(claims, name)?.filter(|found| !found.is_empty()) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// A text claim; `null` counts as absent. Control characters are refused: no name has them, PostgreSQL cannot store
/// NUL, and a line break forges log lines.
fn text<'a>(claims: &'a Claims, name: &str) -> Result<Option<&'a str>, TokenError> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) => {
            Err(TokenError::InvalidClaim(name.to_owned()))
        }
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(TokenError::WrongType(name.to_owned())),
    }
}

/// Checks `exp` and `nbf` against the time, with no leeway, and `aud` against the configured audience. Gives `exp`,
/// which is required: a token that never ends could not be taken back.
pub(super) fn check_use(issuer: &TrustedIssuer, claims: &Claims, now: Timestamp) -> Result<Timestamp, TokenError> {
    let expires_at = numeric_date(claims, "exp")?.ok_or_else(|| TokenError::MissingClaim("exp".into()))?;
    let not_before = numeric_date(claims, "nbf")?;
    if now >= expires_at {
        return Err(TokenError::Expired);
    }
    if not_before.is_some_and(|not_before| now < not_before) {
        return Err(TokenError::NotYetValid);
    }
    match &issuer.audience {
        None => Ok(()),
        Some(audience) => check_audience(claims, audience),
    }?;
    Ok(expires_at)
}

/// A `NumericDate` (RFC 7519, 2): a JSON number, whole or not, from 1970 to 9999.
fn numeric_date(claims: &Claims, name: &str) -> Result<Option<Timestamp>, TokenError> {
    let number = match claims.get(name) {
        None => return Ok(None),
        Some(Value::Number(number)) => number,
        Some(_) => return Err(TokenError::WrongType(name.to_owned())),
    };
    let seconds = number.as_f64().unwrap_or(f64::NAN);
    if !(0.0..=LAST_SECOND).contains(&seconds) {
        return Err(TokenError::InvalidClaim(name.to_owned()));
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most 2.6e17 by the check above, below 2^63"
    )]
    let micros = (seconds * 1e6) as i64;
    Ok(Some(number.as_i64().map_or(Timestamp(micros), Timestamp::from_seconds)))
}

/// `aud`: one text or a list of texts (RFC 7519, 4.1.3).
fn check_audience(claims: &Claims, audience: &str) -> Result<(), TokenError> {
    let named = match claims.get("aud") {
        None => return Err(TokenError::MissingClaim("aud".into())),
        Some(Value::String(only)) => only == audience,
        Some(Value::Array(many)) if many.iter().all(Value::is_string) => {
            many.iter().any(|one| one.as_str() == Some(audience))
        }
        Some(_) => return Err(TokenError::WrongType("aud".into())),
    };
    if named { Ok(()) } else { Err(TokenError::WrongAudience) }
}
