//! The built-in issuer, through the same door as any other, and against a second implementation of JOSE.

use domain::{Clock as _, EmailAddress};
use identity::{AccessTokenRequest, Bearer, BuiltInIssuer, SigningKey, TokenError};
use jsonwebtoken::Algorithm::{ES256, PS256, PS384, PS512, RS256, RS384, RS512};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation, jwk::JwkSet};
use serde_json::{Value, json};

use crate::forge::{ATTACKER_P256, Counter, HandClock, NOW, P256, RSA, bearer, claims, fixed_issuer, verify};

const URL: &str = "https://files.example.org";

fn request() -> AccessTokenRequest {
    AccessTokenRequest {
        subject: "account-1".into(),
        username: "kim".into(),
        email: Some(EmailAddress::new("kim@example.org").expect("an address")),
        email_verified: true,
        full_name: Some("Kim Lee".into()),
        first_name: Some("Kim".into()),
        last_name: None,
        lifetime_seconds: 600,
    }
}

#[test]
fn its_tokens_are_believed_until_they_end() {
    let clock = HandClock::new();
    let issuer = BuiltInIssuer::new(URL, SigningKey::generate().expect("a key").0);
    let bearer = Bearer::new(vec![issuer.trusted()], clock.clone()).expect("usable");
    let token = issuer.issue(&request(), &*clock, &Counter::default()).expect("signed");
    let who = verify(&bearer, &token).expect("its own token");
    assert_eq!(
        (who.issuer.as_str(), who.subject.as_str(), who.username.as_str()),
        (URL, "account-1", "kim")
    );
    assert_eq!(who.idp.as_deref(), Some("commonhold"));
    assert_eq!(who.email.as_ref().map(EmailAddress::as_str), Some("kim@example.org"));
    assert!(who.email_verified);
    assert_eq!(who.full_name.as_deref(), Some("Kim Lee"));
    assert_eq!(
        (who.first_name.as_deref(), who.last_name.as_deref()),
        (Some("Kim"), None)
    );
    assert_eq!(who.expires_at, clock.now().plus_seconds(600));
    clock.advance(600);
    assert_eq!(verify(&bearer, &token).err(), Some(TokenError::Expired));
}

#[test]
fn an_account_without_names_or_address_can_come_in() {
    let clock = HandClock::new();
    let issuer = BuiltInIssuer::new(URL, SigningKey::generate().expect("a key").0);
    let bare = AccessTokenRequest {
        email: None,
        full_name: None,
        first_name: None,
        ..request()
    };
    let token = issuer.issue(&bare, &*clock, &Counter::default()).expect("signed");
    let who = verify(&bearer(issuer.trusted()), &token).expect("its own token");
    assert_eq!(who.full_name.as_deref(), Some("kim"));
    assert!(who.email.is_none() && !who.email_verified);
}

#[test]
fn two_tokens_are_never_the_same() {
    let clock = HandClock::new();
    let entropy = Counter::default();
    let issuer = BuiltInIssuer::new(URL, SigningKey::generate().expect("a key").0);
    let identifier = || {
        let token = issuer.issue(&request(), &*clock, &entropy).expect("signed");
        let claims: Value = jsonwebtoken::dangerous::insecure_decode(token).expect("decodes").claims;
        claims["jti"].as_str().expect("jti").to_owned()
    };
    assert_ne!(identifier(), identifier());
}

#[test]
fn a_kept_key_is_the_same_key_and_a_retired_one_still_counts() {
    let clock = HandClock::new();
    let (key, kept) = SigningKey::generate().expect("a key");
    let same = SigningKey::from_pkcs8(&kept).expect("the kept key");
    assert_eq!(key.id(), same.id());
    let old = BuiltInIssuer::new(URL, key);
    let token = old.issue(&request(), &*clock, &Counter::default()).expect("signed");
    let (new_key, _) = SigningKey::generate().expect("a key");
    assert_ne!(new_key.id(), same.id());
    let rotated = BuiltInIssuer::new(URL, new_key).with_retired(&same);
    assert!(verify(&bearer(rotated.trusted()), &token).is_ok());
    let forgotten = BuiltInIssuer::new(URL, SigningKey::generate().expect("a key").0);
    assert_eq!(
        verify(&bearer(forgotten.trusted()), &token).err(),
        Some(TokenError::UnknownKey)
    );
    for broken in [&kept[..kept.len() - 1], b"", b"secret"] {
        assert!(SigningKey::from_pkcs8(broken).is_err());
    }
}

#[test]
fn it_describes_itself_and_shows_no_private_key() {
    let issuer = BuiltInIssuer::new("https://files.example.org/", SigningKey::generate().expect("a key").0);
    let discovery = issuer.discovery();
    assert_eq!(discovery["issuer"], "https://files.example.org/");
    assert_eq!(discovery["jwks_uri"], "https://files.example.org/oauth/jwks");
    let jwks = issuer.jwks();
    let key = jwks["keys"][0].as_object().expect("a key");
    let members: Vec<&str> = key.keys().map(String::as_str).collect();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert!(!format!("{issuer:?}").contains("pair"));
}

#[test]
fn a_stranger_cannot_sign_for_it() {
    let issuer = BuiltInIssuer::new(URL, SigningKey::generate().expect("a key").0);
    let kid = issuer.jwks()["keys"][0]["kid"].clone();
    let forged = ATTACKER_P256.token("ES256", &json!({"kid": kid}), &claims(&json!({"iss": URL, "aud": URL})));
    assert_eq!(
        verify(&bearer(issuer.trusted()), &forged).err(),
        Some(TokenError::BadSignature)
    );
}

#[test]
fn another_implementation_verifies_what_it_signs() {
    let clock = HandClock::new();
    let issuer = BuiltInIssuer::new(URL, SigningKey::generate().expect("a key").0);
    let token = issuer.issue(&request(), &*clock, &Counter::default()).expect("signed");
    let jwks: JwkSet = serde_json::from_value(issuer.jwks()).expect("a JWK set");
    let header = jsonwebtoken::decode_header(&token).expect("a header");
    let jwk = jwks.find(&header.kid.expect("a key id")).expect("the key");
    let thumbprint = jwk
        .thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256)
        .expect("a thumbprint");
    assert_eq!(Some(thumbprint), jwk.common.key_id, "RFC 7638");
    let mut validation = Validation::new(ES256);
    validation.set_audience(&[URL]);
    validation.set_issuer(&[URL]);
    validation.validate_exp = false;
    let key = DecodingKey::from_jwk(jwk).expect("a public key");
    let decoded = jsonwebtoken::decode::<Value>(&token, &key, &validation).expect("verified");
    assert_eq!(decoded.claims["exp"], NOW + 600);
    assert_eq!(decoded.claims["identity_provider"], "commonhold");
}

#[test]
fn what_another_implementation_signs_is_verified() {
    use crate::forge::Key;
    use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
    let Key::Rsa(pair) = &*RSA else { panic!("an RSA key") };
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().expect("DER");
    // The algorithm identifier in front of a PKCS#8 RSA key of this size has 26 bytes; the key itself follows.
    let rsa = EncodingKey::from_rsa_der(&pkcs8.as_ref()[26..]);
    let Key::Ec(_, pair) = &*P256 else {
        panic!("a curve key")
    };
    let ec = EncodingKey::from_ec_der(pair.to_pkcs8v1().expect("PKCS#8").as_ref());
    for (algorithm, key, own) in [
        (RS256, &rsa, &RSA),
        (RS384, &rsa, &RSA),
        (RS512, &rsa, &RSA),
        (PS256, &rsa, &RSA),
        (PS384, &rsa, &RSA),
        (PS512, &rsa, &RSA),
        (ES256, &ec, &P256),
    ] {
        let token = jsonwebtoken::encode(&Header::new(algorithm), &claims(&json!({})), key).expect("signed");
        assert!(verify(&bearer(fixed_issuer(own)), &token).is_ok(), "{algorithm:?}");
    }
}
