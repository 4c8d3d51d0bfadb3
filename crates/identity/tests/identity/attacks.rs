//! The table of attacks: each token differs from a good one in one way, and each is refused for that reason.

use std::sync::LazyLock;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::RsaPublicKeyComponents;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use identity::{Bearer, ConfigError, KeySource, TokenError, TrustedIssuer};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::forge::{
    ATTACKER_P256, ATTACKER_RSA, ED25519, HandClock, ISSUER, Key, NOW, P256, P384, P521, RSA, b64, bearer, claims,
    fixed_issuer, verify,
};

fn missing(name: &str) -> TokenError {
    TokenError::MissingClaim(name.into())
}

fn wrong_type(name: &str) -> TokenError {
    TokenError::WrongType(name.into())
}

fn invalid(name: &str) -> TokenError {
    TokenError::InvalidClaim(name.into())
}

fn good() -> String {
    RSA.token("RS256", &json!({}), &claims(&json!({})))
}

fn refuse_all(attacks: impl IntoIterator<Item = (String, String, TokenError)>) {
    let bearer = bearer(fixed_issuer(&RSA));
    assert!(
        verify(&bearer, &good()).is_ok(),
        "the token that every attack starts from is good"
    );
    for (name, token, expected) in attacks {
        assert_eq!(verify(&bearer, &token).err(), Some(expected.clone()), "{name}");
        assert_eq!(verify(&bearer, &token).err(), Some(expected), "{name}, again");
    }
}

#[test]
fn claims_are_checked_one_by_one() {
    let cases = [
        (json!({"iss": "DROP"}), missing("iss")),
        (json!({"iss": null}), wrong_type("iss")),
        (json!({"iss": [ISSUER]}), wrong_type("iss")),
        (json!({"iss": format!("{ISSUER}/")}), TokenError::UnknownIssuer),
        (json!({"iss": ISSUER.to_uppercase()}), TokenError::UnknownIssuer),
        (json!({"iss": &ISSUER[..ISSUER.len() - 1]}), TokenError::UnknownIssuer),
        (json!({"iss": "https://evil.test"}), TokenError::UnknownIssuer),
        (json!({"iss": ""}), TokenError::UnknownIssuer),
        (json!({"exp": "DROP"}), missing("exp")),
        (json!({"exp": null}), wrong_type("exp")),
        (json!({"exp": (NOW + 3600).to_string()}), wrong_type("exp")),
        (json!({"exp": true}), wrong_type("exp")),
        (json!({"exp": [NOW + 3600]}), wrong_type("exp")),
        (json!({"exp": -1}), invalid("exp")),
        (json!({"exp": 1e300}), invalid("exp")),
        (json!({"exp": u64::MAX}), invalid("exp")),
        (json!({"exp": 253_402_300_800_i64}), invalid("exp")),
        (json!({"exp": 0}), TokenError::Expired),
        (json!({"exp": NOW}), TokenError::Expired),
        (json!({"exp": NOW - 1}), TokenError::Expired),
        (json!({"exp": 1_799_999_999.999}), TokenError::Expired),
        (json!({"nbf": NOW + 1}), TokenError::NotYetValid),
        (json!({"nbf": 1_800_000_000.5}), TokenError::NotYetValid),
        (json!({"nbf": null}), wrong_type("nbf")),
        (json!({"nbf": NOW.to_string()}), wrong_type("nbf")),
        (json!({"nbf": -5}), invalid("nbf")),
        (json!({"nbf": 1e19}), invalid("nbf")),
        (json!({"aud": "DROP"}), missing("aud")),
        (json!({"aud": null}), wrong_type("aud")),
        (json!({"aud": 7}), wrong_type("aud")),
        (json!({"aud": {"coms": true}}), wrong_type("aud")),
        (json!({"aud": ["coms", 7]}), wrong_type("aud")),
        (json!({"aud": []}), TokenError::WrongAudience),
        (json!({"aud": "COMS"}), TokenError::WrongAudience),
        (json!({"aud": "coms,other"}), TokenError::WrongAudience),
        (json!({"aud": ["other", "coms2"]}), TokenError::WrongAudience),
    ];
    refuse_all(cases.map(|(changed, expected)| {
        (
            changed.to_string(),
            RSA.token("RS256", &json!({}), &claims(&changed)),
            expected,
        )
    }));
}

#[test]
fn good_variations_pass() {
    let bearer = bearer(fixed_issuer(&RSA));
    for changed in [
        json!({"exp": 1_800_000_000.25}),
        json!({"exp": 253_402_300_799_i64}),
        json!({"nbf": NOW}),
        json!({"nbf": 0}),
        json!({"aud": ["other", "coms"]}),
        json!({"iat": "DROP"}),
    ] {
        let token = RSA.token("RS256", &json!({}), &claims(&changed));
        assert!(verify(&bearer, &token).is_ok(), "{changed}");
    }
    for header in [
        json!({"typ": "DROP"}),
        json!({"typ": "at+jwt"}),
        json!({"typ": "application/AT+JWT"}),
        json!({"kid": "whatever, the fixed key has no name"}),
        json!({"x5t": "ignored", "cty": "ignored"}),
    ] {
        let token = RSA.token("RS256", &header, &claims(&json!({})));
        assert!(verify(&bearer, &token).is_ok(), "{header}");
    }
}

#[test]
fn the_key_decides_the_algorithm() {
    let header = |alg: &Value| json!({"alg": alg, "typ": "JWT"}).to_string();
    let payload = claims(&json!({})).to_string();
    let good_signature = good().rsplit_once('.').expect("three parts").1.to_owned();
    let mut attacks = Vec::new();
    for none in ["none", "None", "NONE", "nOnE", "none ", ""] {
        let signed = format!("{}.{}", b64(header(&none.into())), b64(&payload));
        for signature in ["", &good_signature] {
            let name = format!("alg {none:?}");
            attacks.push((name, format!("{signed}.{signature}"), TokenError::UnsupportedAlgorithm));
        }
        attacks.push((format!("alg {none:?}, two parts"), signed, TokenError::Malformed));
    }
    // The public key, in every form an attacker may have it, as an HMAC secret.
    let (pem, spki) = (RSA.pem(), RSA.spki());
    let body = STANDARD.encode(&spki);
    for (form, secret) in [
        ("PEM", pem.as_bytes()),
        ("PEM without its last line break", pem.trim_end().as_bytes()),
        ("DER", &spki),
        ("base64", body.as_bytes()),
        ("nothing", b""),
    ] {
        for (alg, algorithm) in [
            ("HS256", hmac::HMAC_SHA256),
            ("HS384", hmac::HMAC_SHA384),
            ("HS512", hmac::HMAC_SHA512),
        ] {
            let signed = format!("{}.{}", b64(header(&alg.into())), b64(&payload));
            let tag = hmac::sign(&hmac::Key::new(algorithm, secret), signed.as_bytes());
            let name = format!("{alg} with the public key as {form}");
            attacks.push((name, format!("{signed}.{}", b64(tag)), TokenError::UnsupportedAlgorithm));
        }
    }
    for other in ["rs256", "RS1", "ES256K", "RSA-OAEP", "HS256\0", "RS256 "] {
        let token = RSA.raw_token("RS256", &header(&other.into()), &payload);
        attacks.push((format!("alg {other:?}"), token, TokenError::UnsupportedAlgorithm));
    }
    for wrong in [json!(null), json!(256), json!(["RS256"])] {
        let token = RSA.raw_token("RS256", &header(&wrong), &payload);
        attacks.push((format!("alg {wrong}"), token, TokenError::Malformed));
    }
    let es256 = ATTACKER_P256.token("ES256", &json!({}), &claims(&json!({})));
    attacks.push(("ES256 for an RSA key".into(), es256, TokenError::UnsupportedAlgorithm));
    let eddsa = ED25519.token("EdDSA", &json!({}), &claims(&json!({})));
    attacks.push(("EdDSA for an RSA key".into(), eddsa, TokenError::UnsupportedAlgorithm));
    let confused = RSA.raw_token("PS256", &header(&"RS256".into()), &payload);
    attacks.push((
        "a PSS signature called RS256".into(),
        confused,
        TokenError::BadSignature,
    ));
    refuse_all(attacks);
}

#[test]
fn a_token_does_not_bring_its_key() {
    let evil = ATTACKER_RSA.jwk(&json!({"kid": "evil", "use": "sig", "alg": "RS256"}));
    let address = "http://127.0.0.1:9/jwks";
    let headers = [
        json!({}),
        json!({"jwk": evil}),
        json!({"jwk": evil, "kid": "evil"}),
        json!({"jku": address}),
        json!({"x5u": address}),
        json!({"x5c": [STANDARD.encode(ATTACKER_RSA.spki())]}),
        json!({"kid": "../../../../dev/null"}),
        json!({"kid": "' UNION SELECT 'key' --"}),
        json!({"kid": "|cat /etc/passwd"}),
        json!({"kid": ""}),
        json!({"kid": address}),
    ];
    refuse_all(headers.map(|header| {
        let token = ATTACKER_RSA.token("RS256", &header, &claims(&json!({})));
        (header.to_string(), token, TokenError::BadSignature)
    }));
    let odd = [
        (json!({"kid": 7}), TokenError::Malformed),
        (json!({"kid": null}), TokenError::Malformed),
        (json!({"kid": ["a"]}), TokenError::Malformed),
        (json!({"crit": ["exp"]}), TokenError::UnsupportedExtension),
        (json!({"crit": []}), TokenError::UnsupportedExtension),
        (json!({"crit": ["b64"], "b64": false}), TokenError::UnsupportedExtension),
        (json!({"typ": "logout+jwt"}), TokenError::UnsupportedType),
        (json!({"typ": "secevent+jwt"}), TokenError::UnsupportedType),
        (json!({"typ": 7}), TokenError::Malformed),
    ];
    refuse_all(odd.map(|(header, expected)| {
        (
            header.to_string(),
            RSA.token("RS256", &header, &claims(&json!({}))),
            expected,
        )
    }));
}

#[test]
fn the_form_is_strict() {
    let good = good();
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("three parts")
    };
    let header_text = r#"{"alg":"RS256","typ":"JWT"}"#;
    let claims_text = claims(&json!({})).to_string();
    let open = claims_text.strip_suffix('}').expect("an object");
    let signed = |header: &str, payload: &str| RSA.raw_token("RS256", header, payload);
    let malformed = [
        ("nothing", String::new()),
        ("dots", "..".into()),
        ("one part", header.into()),
        ("two parts", format!("{header}.{payload}")),
        ("four parts", format!("{good}.{signature}")),
        ("five parts", format!("{good}.{signature}.{signature}")),
        ("empty header", format!(".{payload}.{signature}")),
        ("empty payload", format!("{header}..{signature}")),
        ("leading space", format!(" {good}")),
        ("trailing line break", format!("{good}\n")),
        ("trailing NUL", format!("{good}\0")),
        (
            "padded header",
            format!("{}.{payload}.{signature}", URL_SAFE.encode("{\"alg\":\"RS256\"} ")),
        ),
        ("padded signature", format!("{good}==")),
        (
            "standard alphabet",
            format!("{header}.{payload}.{}", STANDARD.encode([0xfb; 255])),
        ),
        ("not ASCII", format!("{header}.{payload}.é")),
        ("header is no JSON", signed("alg=RS256", &claims_text)),
        ("header is a list", signed(r#"["alg"]"#, &claims_text)),
        ("header without alg", signed(r#"{"typ":"JWT"}"#, &claims_text)),
        (
            "header with more after it",
            signed(&format!("{header_text} x"), &claims_text),
        ),
        ("alg twice", signed(r#"{"alg":"RS256","alg":"none"}"#, &claims_text)),
        (
            "alg twice, spelled otherwise",
            signed(r#"{"alg":"RS256","\u0061lg":"none"}"#, &claims_text),
        ),
        ("payload is a list", signed(header_text, "[]")),
        ("payload is a text", signed(header_text, "\"x\"")),
        ("payload is null", signed(header_text, "null")),
        ("payload is open", signed(header_text, open)),
        (
            "exp twice",
            signed(header_text, &format!("{open},\"exp\":9999999999}}")),
        ),
        ("sub twice", signed(header_text, &format!("{open},\"sub\":\"admin\"}}"))),
        ("NaN", signed(header_text, &format!("{open},\"nbf\":NaN}}"))),
        ("1e400", signed(header_text, &format!("{open},\"nbf\":1e400}}"))),
        (
            "deeply nested",
            signed(
                header_text,
                &format!("{open},\"x\":{}{}}}", "[".repeat(2000), "]".repeat(2000)),
            ),
        ),
        (
            "too long",
            signed(header_text, &format!("{open},\"x\":\"{}\"}}", "a".repeat(16 * 1024))),
        ),
        ("very long", "a".repeat(10 << 20)),
    ];
    let mut attacks: Vec<_> = malformed
        .into_iter()
        .map(|(name, token)| (name.to_owned(), token, TokenError::Malformed))
        .collect();
    let not_utf8 = {
        let signed = format!(
            "{}.{}",
            b64(header_text),
            b64([b"{\"x\":\"".as_slice(), &[0xff], b"\"}"].concat())
        );
        format!("{signed}.{}", b64(RSA.sign("RS256", signed.as_bytes())))
    };
    attacks.push(("not UTF-8".into(), not_utf8, TokenError::Malformed));
    refuse_all(attacks);
}

#[test]
fn the_signature_is_the_whole_one_of_this_token() {
    let good = good();
    let (signed, signature) = good.rsplit_once('.').expect("three parts");
    let other = RSA.token("RS256", &json!({}), &claims(&json!({"sub": "other"})));
    let whole = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let other_signature = other.rsplit_once('.').expect("three parts").1;
    let attacks = [
        ("no signature", vec![]),
        ("short signature", whole[..255].to_vec()),
        ("long signature", [whole.as_slice(), &[0]].concat()),
        ("zero signature", vec![0; 256]),
        ("leading zero", [&[0], whole.as_slice()].concat()),
        (
            "another token's signature",
            URL_SAFE_NO_PAD.decode(other_signature).expect("base64url"),
        ),
    ];
    refuse_all(attacks.map(|(name, bytes)| {
        (
            name.to_owned(),
            format!("{signed}.{}", b64(bytes)),
            TokenError::BadSignature,
        )
    }));
}

#[test]
fn a_signature_has_one_spelling() {
    // 256 bytes leave four unused bits in the last character: only the one with zeros there may pass.
    let good = good();
    let bearer = bearer(fixed_issuer(&RSA));
    let accepted = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        .iter()
        .filter(|last| {
            let token = format!("{}{}", &good[..good.len() - 1], char::from(**last));
            verify(&bearer, &token).is_ok()
        })
        .count();
    assert_eq!(accepted, 1);
}

#[test]
fn every_kind_of_key_signs_with_its_own_algorithms_only() {
    let all = [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    ];
    let keys: [(&Key, &[&str]); 5] = [
        (&RSA, &all[..6]),
        (&P256, &all[6..7]),
        (&P384, &all[7..8]),
        (&P521, &all[8..9]),
        (&ED25519, &all[9..]),
    ];
    for (key, own) in keys {
        for source in [
            KeySource::PublicKeyPem(key.pem()),
            KeySource::PublicKeyPem(STANDARD.encode(key.spki())),
            KeySource::Static(json!({"keys": [key.jwk(&json!({"kid": "k", "use": "sig"}))]})),
        ] {
            let bearer = bearer(TrustedIssuer {
                keys: source,
                ..fixed_issuer(&RSA)
            });
            for algorithm in all {
                // A signature that is right for the key in everything but the algorithm's name.
                let made_as = if own.contains(&algorithm) { algorithm } else { own[0] };
                let header = json!({"alg": algorithm, "kid": "k"}).to_string();
                let token = key.raw_token(made_as, &header, &claims(&json!({})).to_string());
                let expected = (!own.contains(&algorithm)).then_some(TokenError::UnsupportedAlgorithm);
                assert_eq!(verify(&bearer, &token).err(), expected, "{own:?} {algorithm}");
            }
        }
    }
}

#[test]
fn a_jwk_may_allow_one_algorithm() {
    let keys = json!({"keys": [RSA.jwk(&json!({"kid": "k", "alg": "PS384"}))]});
    let bearer = bearer(TrustedIssuer {
        keys: KeySource::Static(keys),
        ..fixed_issuer(&RSA)
    });
    for (algorithm, expected) in [("PS384", None), ("RS256", Some(TokenError::UnsupportedAlgorithm))] {
        let token = RSA.token(algorithm, &json!({"kid": "k"}), &claims(&json!({})));
        assert_eq!(verify(&bearer, &token).err(), expected, "{algorithm}");
    }
}

#[test]
fn keys_for_other_ends_are_skipped() {
    let only = |key: Value| {
        let issuer = TrustedIssuer::new(ISSUER, KeySource::Static(json!({"keys": [key]})));
        Bearer::new(vec![issuer], HandClock::new()).err().is_none()
    };
    assert!(only(RSA.jwk(&json!({}))));
    assert!(only(RSA.jwk(
        &json!({"use": "sig", "key_ops": ["verify"], "alg": "RS256", "x-more": 1})
    )));
    let short = |name: &str| {
        let mut jwk = P256.jwk(&json!({}));
        jwk[name] = json!(b64([1; 31]));
        jwk
    };
    for refused in [
        RSA.jwk(&json!({"use": "enc"})),
        RSA.jwk(&json!({"use": null})),
        RSA.jwk(&json!({"key_ops": ["encrypt"]})),
        RSA.jwk(&json!({"key_ops": "verify"})),
        RSA.jwk(&json!({"alg": "RSA-OAEP"})),
        RSA.jwk(&json!({"alg": "HS256"})),
        RSA.jwk(&json!({"alg": "ES256"})),
        RSA.jwk(&json!({"alg": "none"})),
        RSA.jwk(&json!({"kty": "oct", "k": b64("secret")})),
        RSA.jwk(&json!({"kty": "DROP"})),
        RSA.jwk(&json!({"n": b64([0xff; 128])})),
        RSA.jwk(&json!({"n": ""})),
        RSA.jwk(&json!({"n": "DROP"})),
        RSA.jwk(&json!({"kid": 7})),
        P256.jwk(&json!({"crv": "secp256k1"})),
        P256.jwk(&json!({"crv": "P-384"})),
        P256.jwk(&json!({"y": b64([1; 32])})),
        short("x"),
        short("y"),
        ED25519.jwk(&json!({"crv": "X25519"})),
        ED25519.jwk(&json!({"x": b64([1; 31])})),
        json!({}),
        json!("key"),
    ] {
        assert!(!only(refused.clone()), "{refused}");
    }
}

#[test]
fn an_unusable_key_stops_the_start() {
    let raw_secret = STANDARD.encode([0x30; 32]);
    let raw_point = STANDARD.encode(&P256.spki()[26..]);
    let small = RsaPublicKeyComponents {
        n: [0xff; 128].as_slice(),
        e: &[1, 0, 1],
    };
    let small = STANDARD.encode(small.as_der().expect("DER").as_ref());
    for text in [
        "",
        "secret",
        "c2VjcmV0",
        &raw_secret,
        &raw_point,
        &small,
        &RSA.pem().replace("PUBLIC", "PRIVATE"),
        &RSA.pem().replace("PUBLIC KEY", "CERTIFICATE"),
        &RSA.pem().replace("-----END PUBLIC KEY-----", ""),
        &format!("{}{}", RSA.pem(), RSA.pem()),
        &RSA.pem().replace("MIIB", "MIIC"),
        &STANDARD.encode(&RSA.spki()[..200]),
    ] {
        let issuer = TrustedIssuer::new(ISSUER, KeySource::PublicKeyPem(text.to_owned()));
        let refused = Bearer::new(vec![issuer], HandClock::new()).err();
        assert!(
            matches!(refused, Some(ConfigError::UnusableKey { .. })),
            "{text}: {refused:?}"
        );
    }
}

#[test]
fn unclear_issuers_stop_the_start() {
    let start = |issuers: Vec<TrustedIssuer>| Bearer::new(issuers, HandClock::new()).err();
    assert_eq!(
        start(vec![fixed_issuer(&RSA), fixed_issuer(&P256)]),
        Some(ConfigError::DuplicateIssuer(ISSUER.into()))
    );
    let empty = TrustedIssuer {
        issuer: String::new(),
        ..fixed_issuer(&RSA)
    };
    assert_eq!(start(vec![empty]), Some(ConfigError::EmptyIssuer));
    for address in [
        "issuer.test",
        "ftp://issuer.test",
        "https://",
        "https://u:p@issuer.test",
        "https://issuer.test/#x",
        "file:///etc/keys",
    ] {
        let discovery = start(vec![TrustedIssuer::new(address, KeySource::Discovery)]);
        assert!(
            matches!(discovery, Some(ConfigError::BadAddress { .. })),
            "{address}: {discovery:?}"
        );
        let jwks = start(vec![TrustedIssuer::new(ISSUER, KeySource::JwksUrl(address.into()))]);
        assert!(
            matches!(jwks, Some(ConfigError::BadAddress { .. })),
            "{address}: {jwks:?}"
        );
    }
    assert_eq!(start(vec![]), None);
}

#[test]
fn with_no_issuer_nobody_is_known() {
    let nobody = Bearer::new(vec![], HandClock::new()).expect("allowed");
    assert_eq!(verify(&nobody, &good()).err(), Some(TokenError::UnknownIssuer));
}

#[test]
fn issuers_do_not_speak_for_each_other() {
    let second = TrustedIssuer::new("https://second.test", KeySource::PublicKeyPem(P256.pem()));
    let both = Bearer::new(vec![fixed_issuer(&RSA), second], HandClock::new()).expect("two issuers");
    let own = P256.token("ES256", &json!({}), &claims(&json!({"iss": "https://second.test"})));
    assert_eq!(
        verify(&both, &own).expect("its own token").issuer,
        "https://second.test"
    );
    let foreign = P256.token("ES256", &json!({}), &claims(&json!({})));
    assert_eq!(verify(&both, &foreign).err(), Some(TokenError::UnsupportedAlgorithm));
    let borrowed = RSA.token("RS256", &json!({}), &claims(&json!({"iss": "https://second.test"})));
    assert_eq!(verify(&both, &borrowed).err(), Some(TokenError::UnsupportedAlgorithm));
}

#[test]
fn a_remembered_token_still_ends() {
    let clock = HandClock::new();
    let bearer = Bearer::new(vec![fixed_issuer(&RSA)], clock.clone()).expect("usable settings");
    let token = good();
    let first = verify(&bearer, &token).expect("good");
    let again = verify(&bearer, &token).expect("good");
    assert!(
        std::sync::Arc::ptr_eq(&first, &again),
        "one value per token, so its person is looked up once"
    );
    clock.advance(3599);
    assert!(verify(&bearer, &token).is_ok());
    clock.advance(1);
    assert_eq!(verify(&bearer, &token).err(), Some(TokenError::Expired));
}

static BEARER_RSA: LazyLock<Bearer> = LazyLock::new(|| bearer(fixed_issuer(&RSA)));
static BEARER_P256: LazyLock<Bearer> = LazyLock::new(|| bearer(fixed_issuer(&P256)));
static GOOD_RSA: LazyLock<String> = LazyLock::new(good);
static GOOD_P256: LazyLock<String> = LazyLock::new(|| P256.token("ES256", &json!({}), &claims(&json!({}))));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn any_changed_byte_is_refused(position in any::<prop::sample::Index>(), byte in 0_u8..128, ec in any::<bool>()) {
        let (bearer, good) = if ec { (&*BEARER_P256, &*GOOD_P256) } else { (&*BEARER_RSA, &*GOOD_RSA) };
        prop_assert!(verify(bearer, good).is_ok());
        let mut changed = good.clone().into_bytes();
        let position = position.index(changed.len());
        prop_assume!(changed[position] != byte);
        changed[position] = byte;
        let changed = String::from_utf8(changed).expect("ASCII");
        prop_assert!(verify(bearer, &changed).is_err(), "{changed}");
    }

    #[test]
    fn any_cut_or_insertion_is_refused(position in any::<prop::sample::Index>(), added in "[A-Za-z0-9_.=-]{1,3}") {
        let position = position.index(GOOD_RSA.len());
        prop_assert!(verify(&BEARER_RSA, &GOOD_RSA[..position]).is_err());
        let longer = format!("{}{added}{}", &GOOD_RSA[..position], &GOOD_RSA[position..]);
        prop_assert!(verify(&BEARER_RSA, &longer).is_err(), "{longer}");
    }

    #[test]
    fn noise_is_refused_without_a_panic(token in ".{0,200}", parts in "[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}") {
        prop_assert!(verify(&BEARER_RSA, &token).is_err());
        prop_assert!(verify(&BEARER_RSA, &parts).is_err());
    }
}
