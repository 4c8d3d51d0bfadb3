//! Public keys and the algorithms that each may be used with. The key decides, never the token (RFC 8725, 3.1).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::PublicEncryptingKey;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaPublicKeyComponents, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use super::TokenError;

/// How many keys of one issuer are kept: far more than any publishes, and a bound on what one document costs.
const MAX_KEYS: usize = 64;

/// The signature algorithms understood (RFC 7518, 3.1 and RFC 8037). No `none` and no HMAC exists here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
    EdDsa,
}

/// What the algorithms of an RSA key are.
const RSA: [Algorithm; 6] = [
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
];
/// What a key that is not RSA may be; each has exactly one algorithm.
const OTHERS: [Algorithm; 4] = [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512, Algorithm::EdDsa];

impl Algorithm {
    /// By its registered name, exactly as registered.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "ES512" => Self::Es512,
            "EdDSA" => Self::EdDsa,
            _ => return None,
        })
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &RSA_PSS_2048_8192_SHA256,
            Self::Ps384 => &RSA_PSS_2048_8192_SHA384,
            Self::Ps512 => &RSA_PSS_2048_8192_SHA512,
            Self::Es256 => &ECDSA_P256_SHA256_FIXED,
            Self::Es384 => &ECDSA_P384_SHA384_FIXED,
            Self::Es512 => &ECDSA_P521_SHA512_FIXED,
            Self::EdDsa => &ED25519,
        }
    }
}

/// One public key of an issuer.
#[derive(Debug)]
pub(super) struct VerificationKey {
    id: Option<String>,
    verifiers: Vec<(Algorithm, ParsedPublicKey)>,
    /// The key as `SubjectPublicKeyInfo`, to tell whether a fetched key is one already held.
    encoded: Vec<u8>,
    /// Cleared when the issuer stops publishing the key; that ends what was cached on its word.
    trusted: AtomicBool,
}

impl VerificationKey {
    fn new(id: Option<String>, encoded: Vec<u8>, algorithms: &[Algorithm]) -> Option<Self> {
        let verifiers = algorithms
            .iter()
            .map(|&algorithm| {
                Some((
                    algorithm,
                    ParsedPublicKey::new(algorithm.verification(), &encoded).ok()?,
                ))
            })
            .collect::<Option<Vec<_>>>()?;
        Some(Self {
            id,
            verifiers,
            encoded,
            trusted: AtomicBool::new(true),
        })
    }

    /// From a full PEM block or bare base64 of a `SubjectPublicKeyInfo` (objects contract, 1.5). The error says what
    /// is wrong without repeating the text.
    pub(super) fn from_pem(text: &str) -> Result<Self, &'static str> {
        let encoded = decode_pem(text)?;
        // A raw Ed25519 key is any 32 bytes and a raw curve point starts with 2, 3 or 4: only a DER sequence says what
        // it is, so that a shared secret given by mistake is refused instead of used.
        if encoded.first() != Some(&0x30) || encoded.len() <= 40 {
            return Err("it is not a public key in DER");
        }
        if let Ok(key) = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &encoded) {
            let encoded = rsa_encoded(&key).ok_or("an RSA key must have 2048 to 8192 bits")?;
            return Self::new(None, encoded, &RSA).ok_or("it is not a usable RSA key");
        }
        OTHERS
            .iter()
            .find_map(|&algorithm| Self::new(None, encoded.clone(), &[algorithm]))
            .ok_or("it is neither RSA nor P-256, P-384, P-521 or Ed25519")
    }

    /// From one member of a JWK set (RFC 7517). `None`: not a key for checking signatures that is understood here,
    /// which is no error, since a set may serve other readers too (RFC 7517, 5).
    pub(super) fn from_jwk(jwk: &Value) -> Option<Self> {
        let member = |name: &str| jwk.get(name).and_then(Value::as_str);
        if jwk.get("use").is_some_and(|usage| usage != "sig") {
            return None;
        }
        if let Some(operations) = jwk.get("key_ops")
            && !operations.as_array()?.iter().any(|operation| operation == "verify")
        {
            return None;
        }
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(member(name)?).ok();
        let (encoded, family): (Vec<u8>, &[Algorithm]) = match (member("kty")?, member("crv")) {
            ("RSA", _) => {
                let components = RsaPublicKeyComponents {
                    n: bytes("n")?,
                    e: bytes("e")?,
                };
                let key = components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()?;
                (rsa_encoded(&key)?, &RSA)
            }
            ("EC", Some("P-256")) => (point(&bytes("x")?, &bytes("y")?, 32)?, &[Algorithm::Es256]),
            ("EC", Some("P-384")) => (point(&bytes("x")?, &bytes("y")?, 48)?, &[Algorithm::Es384]),
            ("EC", Some("P-521")) => (point(&bytes("x")?, &bytes("y")?, 66)?, &[Algorithm::Es512]),
            ("OKP", Some("Ed25519")) => (bytes("x").filter(|x| x.len() == 32)?, &[Algorithm::EdDsa]),
            _ => return None,
        };
        let id = match jwk.get("kid") {
            None => None,
            Some(kid) => Some(kid.as_str()?.to_owned()),
        };
        match jwk.get("alg") {
            None => Self::new(id, encoded, family),
            Some(alg) => {
                let only = Algorithm::from_name(alg.as_str()?).filter(|only| family.contains(only))?;
                Self::new(id, encoded, &[only])
            }
        }
    }

    /// Whether the issuer still publishes the key.
    pub(super) fn is_trusted(&self) -> bool {
        self.trusted.load(Ordering::Acquire)
    }

    fn supports(&self, algorithm: Algorithm) -> bool {
        self.verifiers.iter().any(|(known, _)| *known == algorithm)
    }

    /// Checks a signature with exactly this algorithm.
    pub(super) fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> Result<(), TokenError> {
        let (_, key) = self
            .verifiers
            .iter()
            .find(|(known, _)| *known == algorithm)
            .ok_or(TokenError::UnsupportedAlgorithm)?;
        key.verify_sig(message, signature).map_err(|_| TokenError::BadSignature)
    }

    fn same_as(&self, other: &Self) -> bool {
        self.id == other.id
            && self.encoded == other.encoded
            && self.verifiers.len() == other.verifiers.len()
            && self.verifiers.iter().all(|(algorithm, _)| other.supports(*algorithm))
    }
}

/// The key's `SubjectPublicKeyInfo`, if its size is one that is accepted: the library checks the size only at use.
fn rsa_encoded(key: &ParsedPublicKey) -> Option<Vec<u8>> {
    let encoded = key.as_der().ok()?.as_ref().to_vec();
    PublicEncryptingKey::from_der(&encoded).ok().map(|_| encoded)
}

/// An uncompressed point (SEC 1, 2.3.3), coordinates at their full length (RFC 7518, 6.2.1.2).
fn point(x: &[u8], y: &[u8], size: usize) -> Option<Vec<u8>> {
    (x.len() == size && y.len() == size).then(|| [&[4], x, y].concat())
}

fn decode_pem(text: &str) -> Result<Vec<u8>, &'static str> {
    let text = text.trim();
    let body = match text.strip_prefix("-----BEGIN ") {
        None => text,
        Some(rest) => {
            let (label, rest) = rest
                .split_once("-----")
                .ok_or("the PEM block has no end of its first line")?;
            if label.contains("PRIVATE") {
                return Err("it is a private key; give the public one");
            }
            if !matches!(label, "PUBLIC KEY" | "RSA PUBLIC KEY") {
                return Err("the PEM block must be PUBLIC KEY");
            }
            rest.strip_suffix(&format!("-----END {label}-----"))
                .ok_or("the PEM block has no matching end")?
        }
    };
    let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(body).map_err(|_| "it is not base64")
}

/// Which key a token means.
pub(super) enum Choice<'a> {
    /// The one it names.
    Named(&'a Arc<VerificationKey>),
    /// The only one that it can mean.
    Only(&'a Arc<VerificationKey>),
    /// It names one that its algorithm does not belong to.
    NamedMismatch,
    /// Keys come into question, but none that its algorithm belongs to.
    Mismatch,
    /// None, or more than one.
    Unknown,
}

/// The keys an issuer publishes at one time.
#[derive(Debug, Default)]
pub(super) struct KeySet {
    keys: Vec<Arc<VerificationKey>>,
}

impl KeySet {
    /// A set of one fixed key, which has no name.
    pub(super) fn fixed(key: VerificationKey) -> Self {
        Self {
            keys: vec![Arc::new(key)],
        }
    }

    /// From a JWK set. `None`: it is no JWK set.
    pub(super) fn from_jwks(jwks: &Value) -> Option<Self> {
        let members = jwks.get("keys")?.as_array()?;
        let keys = members.iter().filter_map(VerificationKey::from_jwk).take(MAX_KEYS);
        Some(Self {
            keys: keys.map(Arc::new).collect(),
        })
    }

    /// How many keys it has.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// This set as successor of another: keys in both stay the same object, and the others lose the trust.
    pub(super) fn succeed(mut self, previous: &Self) -> Self {
        for key in &mut self.keys {
            if let Some(known) = previous.keys.iter().find(|known| known.same_as(key)) {
                *key = Arc::clone(known);
            }
        }
        for known in &previous.keys {
            if !self.keys.iter().any(|key| Arc::ptr_eq(key, known)) {
                known.trusted.store(false, Ordering::Release);
            }
        }
        self
    }

    /// The key for a token's `kid` and `alg`. A token may leave `kid` out, and an issuer may publish keys without one:
    /// then the algorithm must leave a single possibility.
    pub(super) fn choose(&self, id: Option<&str>, algorithm: Algorithm) -> Choice<'_> {
        let mut named = self
            .keys
            .iter()
            .filter(|key| id.is_some() && key.id.as_deref() == id)
            .peekable();
        if named.peek().is_some() {
            return named
                .find(|key| key.supports(algorithm))
                .map_or(Choice::NamedMismatch, Choice::Named);
        }
        let unnamed = || self.keys.iter().filter(|key| id.is_none() || key.id.is_none());
        let mut fitting = unnamed().filter(|key| key.supports(algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Choice::Only(only),
            (None, _) if unnamed().next().is_some() => Choice::Mismatch,
            _ => Choice::Unknown,
        }
    }
}
