//! An issuer whose key is made in the test: tokens that are right, and tokens wrong in every way an attacker has.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::{
    encoding::AsDer,
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

/// The issuer that servers under test trust.
pub const ISSUER: &str = "https://issuer.test/realms/suites";
/// What its tokens are for.
pub const AUDIENCE: &str = "commonhold";
/// The identity provider that its people come through.
pub const IDENTITY_PROVIDER: &str = "suites-idp";

/// A key pair that signs tokens with ES256.
pub struct Issuer(EcdsaKeyPair);

impl Default for Issuer {
    fn default() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key pair"))
    }
}

impl Issuer {
    /// The public key, as configuration takes it.
    pub fn public_key_pem(&self) -> String {
        let key = self.0.public_key().as_der().expect("a public key");
        let text = STANDARD.encode(key.as_ref());
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).expect("ASCII"))
            .collect();
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            lines.join("\n")
        )
    }

    /// What a good token says about somebody, for an hour.
    pub fn claims(name: &str) -> Value {
        json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": format!("subject-{name}"), "exp": now() + 3600, "iat": now(),
            "preferred_username": name, "email": format!("{name}@example.test"), "email_verified": true,
            "display_name": format!("{name} Test"), "given_name": name, "family_name": "Test",
            "identity_provider": IDENTITY_PROVIDER
        })
    }

    /// A good token of somebody.
    pub fn token(&self, name: &str) -> String {
        self.sign(&Self::claims(name))
    }

    /// Any claims, well signed.
    pub fn sign(&self, claims: &Value) -> String {
        let text = unsigned(&json!({ "alg": "ES256", "typ": "JWT" }), claims);
        let signature = self.0.sign(&SystemRandom::new(), text.as_bytes()).expect("a signature");
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    /// Signed with HS256, the public key's text being the secret: what a confused verifier accepts.
    pub fn sign_with_public_key(&self, claims: &Value) -> String {
        let text = unsigned(&json!({ "alg": "HS256", "typ": "JWT" }), claims);
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.public_key_pem().as_bytes());
        format!(
            "{text}.{}",
            URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes()).as_ref())
        )
    }

    /// Not signed at all.
    pub fn sign_with_nothing(claims: &Value) -> String {
        format!("{}.", unsigned(&json!({ "alg": "none", "typ": "JWT" }), claims))
    }
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}", encode(header), encode(claims))
}

/// The time, in seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "the program under test has a real clock")]
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since: Duration| since.as_secs())
}
