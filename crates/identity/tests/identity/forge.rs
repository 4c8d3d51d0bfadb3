//! A clock that is set by hand, keys of every kind, and tokens made byte by byte.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::{Clock, Entropy, Timestamp};
use identity::{Bearer, KeySource, SignedIn, TokenError, TrustedIssuer};
use serde_json::{Value, json};

/// The time at which tests start.
pub(crate) const NOW: i64 = 1_800_000_000;
/// The issuer that tests trust.
pub(crate) const ISSUER: &str = "https://issuer.test/auth/realms/conformance";
/// What tokens are for.
pub(crate) const AUDIENCE: &str = "coms";

/// A clock that moves when told to.
pub(crate) struct HandClock(AtomicI64);

impl HandClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(NOW)))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

/// Different bytes at each call, the same in each run.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Entropy for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::SeqCst).to_le_bytes();
        for (byte, value) in bytes.iter_mut().zip(count.into_iter().cycle()) {
            *byte = value;
        }
    }
}

/// A private key of any kind.
pub(crate) enum Key {
    Rsa(Box<RsaKeyPair>),
    Ec(&'static str, EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// The issuer's keys and an attacker's, made once: RSA keys take a while.
pub(crate) static RSA: LazyLock<Key> = LazyLock::new(Key::rsa);
pub(crate) static ATTACKER_RSA: LazyLock<Key> = LazyLock::new(Key::rsa);
pub(crate) static P256: LazyLock<Key> = LazyLock::new(|| Key::ec("P-256"));
pub(crate) static ATTACKER_P256: LazyLock<Key> = LazyLock::new(|| Key::ec("P-256"));
pub(crate) static P384: LazyLock<Key> = LazyLock::new(|| Key::ec("P-384"));
pub(crate) static P521: LazyLock<Key> = LazyLock::new(|| Key::ec("P-521"));
pub(crate) static ED25519: LazyLock<Key> =
    LazyLock::new(|| Key::Ed(Ed25519KeyPair::generate().expect("an Ed25519 key")));

impl Key {
    fn rsa() -> Self {
        Self::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key")))
    }

    fn ec(curve: &'static str) -> Self {
        let algorithm = match curve {
            "P-256" => &ECDSA_P256_SHA256_FIXED_SIGNING,
            "P-384" => &ECDSA_P384_SHA384_FIXED_SIGNING,
            _ => &ECDSA_P521_SHA512_FIXED_SIGNING,
        };
        Self::Ec(curve, EcdsaKeyPair::generate(algorithm).expect("a curve key"))
    }

    /// The public key as `SubjectPublicKeyInfo`.
    pub(crate) fn spki(&self) -> Vec<u8> {
        match self {
            Self::Rsa(pair) => pair.public_key().as_der().expect("DER").as_ref().to_vec(),
            Self::Ec(_, pair) => pair.public_key().as_der().expect("DER").as_ref().to_vec(),
            Self::Ed(pair) => pair.public_key().as_der().expect("DER").as_ref().to_vec(),
        }
    }

    /// The public key in PEM.
    pub(crate) fn pem(&self) -> String {
        let body = STANDARD.encode(self.spki());
        let lines: Vec<&str> = body
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).expect("ASCII"))
            .collect();
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            lines.join("\n")
        )
    }

    /// The public key as a JWK, with these members added.
    pub(crate) fn jwk(&self, added: &Value) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match self {
            Self::Rsa(pair) => {
                let public = pair.public_key();
                json!({
                    "kty": "RSA",
                    "n": text(public.modulus().big_endian_without_leading_zero()),
                    "e": text(public.exponent().big_endian_without_leading_zero()),
                })
            }
            Self::Ec(curve, pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({"kty": "EC", "crv": curve, "x": text(x), "y": text(y)})
            }
            Self::Ed(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())}),
        };
        merge(&mut jwk, added);
        jwk
    }

    /// Signs as the named algorithm does; the key must be of its kind.
    pub(crate) fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match algorithm {
                    "RS256" => &RSA_PKCS1_SHA256,
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    other => panic!("{other} is not for RSA keys"),
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &SystemRandom::new(), message, &mut signature)
                    .expect("signed");
                signature
            }
            Self::Ec(_, pair) => pair
                .sign(&SystemRandom::new(), message)
                .expect("signed")
                .as_ref()
                .to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// A token with this header and payload, whatever they are, signed as `algorithm` does.
    pub(crate) fn raw_token(&self, algorithm: &str, header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", b64(header), b64(payload));
        let signature = self.sign(algorithm, signed.as_bytes());
        format!("{signed}.{}", b64(signature))
    }

    /// A proper token with this payload, its header changed by `added`.
    pub(crate) fn token(&self, algorithm: &str, added: &Value, payload: &Value) -> String {
        let mut header = json!({"alg": algorithm, "typ": "JWT"});
        merge(&mut header, added);
        self.raw_token(algorithm, &header.to_string(), &payload.to_string())
    }
}

/// Unpadded base64url.
pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Adds the members of one object to another; the text `DROP` removes one.
pub(crate) fn merge(into: &mut Value, added: &Value) {
    let into = into.as_object_mut().expect("an object");
    for (name, value) in added.as_object().expect("an object") {
        if value == "DROP" {
            into.remove(name);
        } else {
            into.insert(name.clone(), value.clone());
        }
    }
}

/// The claims of a good token, changed.
pub(crate) fn claims(changed: &Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "abc123@idir",
        "iat": NOW,
        "exp": NOW + 3600,
        "typ": "Bearer",
        "jti": "6f1c1b0e-0000-4000-8000-000000000001",
        "identity_provider": "idir",
        "identity_provider_identity": "patt",
        "preferred_username": "abc123@idir",
        "given_name": "Pat",
        "family_name": "Tester",
        "display_name": "Pat Tester",
        "name": "Pat Tester",
        "email": "pat.tester@example.com",
        "idir_user_guid": "ABC123",
    });
    merge(&mut claims, changed);
    claims
}

/// The issuer as the conformance suite configures it, with a fixed key.
pub(crate) fn fixed_issuer(key: &Key) -> TrustedIssuer {
    TrustedIssuer {
        audience: Some(AUDIENCE.into()),
        identity_keys: ["idir_user_guid", "bceid_user_guid", "github_id"]
            .map(String::from)
            .to_vec(),
        ..TrustedIssuer::new(ISSUER, KeySource::PublicKeyPem(key.pem()))
    }
}

/// A verifier for one issuer, its clock at [`NOW`].
pub(crate) fn bearer(issuer: TrustedIssuer) -> Bearer {
    Bearer::new(vec![issuer], HandClock::new()).expect("usable settings")
}

/// Verifies outside of an asynchronous test.
pub(crate) fn verify(bearer: &Bearer, token: &str) -> Result<Arc<SignedIn>, TokenError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(bearer.verify(token))
}
