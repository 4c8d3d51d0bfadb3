//! Keys that an issuer publishes: rotation, invented key ids, and an issuer that misbehaves or is down.

use std::sync::Arc;
use std::time::{Duration, Instant};

use identity::{Bearer, KeySource, TokenError, TrustedIssuer};
use serde_json::{Value, json};

use crate::forge::{ATTACKER_P256, HandClock, Key, P256, P384, RSA, claims};
use crate::server::{Answer, Server};

const DISCOVERY: &str = "/.well-known/openid-configuration";

/// An issuer that publishes these keys.
async fn issuer(keys: &Value) -> (Server, Arc<HandClock>, Bearer) {
    let server = Server::start().await;
    let issuer = server.address.clone();
    server.set(
        DISCOVERY,
        Answer::Json(json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys")})),
    );
    server.set("/keys", Answer::Json(json!({ "keys": keys })));
    let clock = HandClock::new();
    let bearer = Bearer::new(vec![TrustedIssuer::new(issuer, KeySource::Discovery)], clock.clone()).expect("usable");
    (server, clock, bearer)
}

fn jwk(key: &Key, kid: &str) -> Value {
    key.jwk(&json!({"kid": kid, "use": "sig"}))
}

fn token(server: &Server, key: &Key, algorithm: &str, header: &Value) -> String {
    key.token(
        algorithm,
        header,
        &claims(&json!({"iss": server.address, "exp": 1_900_000_000})),
    )
}

async fn error(bearer: &Bearer, token: &str) -> Option<TokenError> {
    bearer.verify(token).await.err()
}

/// Waits until something done in the background is done.
async fn eventually(mut done: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !done().await {
        assert!(started.elapsed() < Duration::from_secs(10), "it never happened");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_new_key_is_found_and_a_retired_one_ends_what_was_remembered() {
    let (server, clock, bearer) = issuer(&json!([jwk(&P256, "one")])).await;
    let old = token(&server, &P256, "ES256", &json!({"kid": "one"}));
    assert_eq!(server.asked(DISCOVERY), 0, "nothing is fetched before it is needed");
    assert_eq!(error(&bearer, &old).await, None);
    assert_eq!((server.asked(DISCOVERY), server.asked("/keys")), (1, 1));

    // Rotation: the new key first, the old one still published.
    server.set(
        "/keys",
        Answer::Json(json!({"keys": [jwk(&RSA, "two"), jwk(&P256, "one")]})),
    );
    let new = token(&server, &RSA, "RS256", &json!({"kid": "two"}));
    clock.advance(30);
    assert_eq!(error(&bearer, &new).await, None);
    assert_eq!(error(&bearer, &old).await, None);
    assert_eq!(server.asked("/keys"), 2);

    // The old key is withdrawn. Nothing asks for a new key, so the age of the keys brings it about.
    server.set("/keys", Answer::Json(json!({"keys": [jwk(&RSA, "two")]})));
    assert_eq!(
        error(&bearer, &old).await,
        None,
        "remembered until the keys are fetched again"
    );
    clock.advance(600);
    eventually(async || error(&bearer, &old).await == Some(TokenError::UnknownKey)).await;
    assert_eq!(
        error(&bearer, &new).await,
        None,
        "a key that stays keeps what was remembered"
    );
    assert_eq!(server.asked("/keys"), 3);
}

#[tokio::test]
async fn invented_key_ids_do_not_reach_the_issuer() {
    let (server, clock, bearer) = issuer(&json!([jwk(&P256, "one")])).await;
    let good = token(&server, &P256, "ES256", &json!({"kid": "one"}));
    assert_eq!(error(&bearer, &good).await, None);
    clock.advance(30);
    for number in 0..200 {
        let forged = token(
            &server,
            &ATTACKER_P256,
            "ES256",
            &json!({"kid": format!("evil-{number}")}),
        );
        assert_eq!(error(&bearer, &forged).await, Some(TokenError::UnknownKey));
    }
    assert_eq!(server.asked("/keys"), 2, "one look for all of them");
    clock.advance(29);
    let forged = token(&server, &ATTACKER_P256, "ES256", &json!({"kid": "evil"}));
    assert_eq!(error(&bearer, &forged).await, Some(TokenError::UnknownKey));
    assert_eq!(server.asked("/keys"), 2);
    clock.advance(1);
    assert_eq!(error(&bearer, &forged).await, Some(TokenError::UnknownKey));
    assert_eq!(server.asked("/keys"), 3);
    // A known key id with a foreign signature is settled without asking.
    clock.advance(30);
    let named = token(&server, &ATTACKER_P256, "ES256", &json!({"kid": "one"}));
    assert_eq!(error(&bearer, &named).await, Some(TokenError::BadSignature));
    let confused = token(&server, &RSA, "RS256", &json!({"kid": "one"}));
    assert_eq!(error(&bearer, &confused).await, Some(TokenError::UnsupportedAlgorithm));
    assert_eq!(server.asked("/keys"), 3);
}

#[tokio::test]
async fn many_at_once_fetch_once() {
    let (server, _, bearer) = issuer(&json!([])).await;
    let keys = json!({"keys": [jwk(&P256, "one")]});
    server.set("/keys", Answer::Slow(Duration::from_millis(100), keys));
    let bearer = Arc::new(bearer);
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (bearer, token) = (
            Arc::clone(&bearer),
            token(&server, &P256, "ES256", &json!({"kid": "one"})),
        );
        waiting.spawn(async move { bearer.verify(&token).await.map(|_| ()) });
    }
    assert!(waiting.join_all().await.iter().all(Result::is_ok));
    assert_eq!((server.asked(DISCOVERY), server.asked("/keys")), (1, 1));
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_spoil_the_fetch() {
    let (server, _, bearer) = issuer(&json!([])).await;
    let keys = json!({"keys": [jwk(&P256, "one")]});
    server.set("/keys", Answer::Slow(Duration::from_millis(200), keys));
    let token = token(&server, &P256, "ES256", &json!({"kid": "one"}));
    let hung_up = tokio::time::timeout(Duration::from_millis(50), bearer.verify(&token)).await;
    assert!(hung_up.is_err());
    assert_eq!(error(&bearer, &token).await, None);
    assert_eq!(server.asked("/keys"), 1);
}

#[tokio::test]
async fn keys_are_kept_while_the_issuer_is_down() {
    let (server, clock, bearer) = issuer(&json!([jwk(&P256, "one")])).await;
    let first = token(&server, &P256, "ES256", &json!({"kid": "one"}));
    assert_eq!(error(&bearer, &first).await, None);
    for day in 1..=3 {
        server.set("/keys", Answer::Status(503, json!({"keys": []})));
        clock.advance(86_400);
        assert_eq!(error(&bearer, &first).await, None);
        eventually(async || server.asked("/keys") > day).await;
        let header = json!({"kid": "one", "x": day});
        assert_eq!(
            error(&bearer, &token(&server, &P256, "ES256", &header)).await,
            None,
            "day {day}"
        );
    }
    // For a key that is not held, the truth is that it cannot be known now.
    clock.advance(60);
    let unknown = token(&server, &RSA, "RS256", &json!({"kid": "two"}));
    assert_eq!(error(&bearer, &unknown).await, Some(TokenError::IssuerUnreachable));
    server.set("/keys", Answer::Json(json!({"keys": [jwk(&RSA, "two")]})));
    clock.advance(5);
    assert_eq!(error(&bearer, &unknown).await, None, "it is back");
}

#[tokio::test]
async fn an_issuer_that_was_never_reached() {
    let (server, clock, bearer) = issuer(&json!([jwk(&P256, "one")])).await;
    let token = token(&server, &P256, "ES256", &json!({"kid": "one"}));
    server.set(DISCOVERY, Answer::Status(500, json!({})));
    for _ in 0..20 {
        assert_eq!(error(&bearer, &token).await, Some(TokenError::IssuerUnreachable));
    }
    assert_eq!(server.asked(DISCOVERY), 1, "failures are remembered too");
    assert_eq!(bearer.reach_issuers().await, vec![(server.address.clone(), false)]);
    let right = json!({"issuer": server.address, "jwks_uri": format!("{}/keys", server.address)});
    server.set(DISCOVERY, Answer::Json(right));
    clock.advance(5);
    assert_eq!(error(&bearer, &token).await, None);
    assert_eq!(bearer.reach_issuers().await, vec![(server.address.clone(), true)]);
    // A clock that is set back does not lock the issuer out.
    clock.advance(-1000);
    assert!(bearer.reach_issuers().await.iter().all(|(_, reached)| *reached));
}

#[tokio::test]
async fn nobody_listens() {
    let clock = HandClock::new();
    let address = "http://127.0.0.1:9".to_owned();
    let bearer = Bearer::new(vec![TrustedIssuer::new(&address, KeySource::Discovery)], clock).expect("usable");
    let token = P256.token("ES256", &json!({}), &claims(&json!({"iss": address})));
    assert_eq!(error(&bearer, &token).await, Some(TokenError::IssuerUnreachable));
}

#[tokio::test]
async fn documents_that_are_not_believed() {
    let (server, clock, bearer) = issuer(&json!([jwk(&P256, "one")])).await;
    let token = token(&server, &P256, "ES256", &json!({"kid": "one"}));
    let keys = format!("{}/keys", server.address);
    let good = json!({"issuer": server.address, "jwks_uri": keys});
    let bulky = |document: &Value| {
        let mut document = document.clone();
        document["padding"] = "x".repeat(256 * 1024).into();
        Answer::Json(document)
    };
    for answer in [
        Answer::Json(json!({"issuer": "https://other.test", "jwks_uri": keys})),
        Answer::Json(json!({"issuer": format!("{}/", server.address), "jwks_uri": keys})),
        Answer::Json(json!({"jwks_uri": keys})),
        Answer::Json(json!({"issuer": server.address})),
        Answer::Json(json!({"issuer": server.address, "jwks_uri": "file:///etc/passwd"})),
        Answer::Json(json!({"issuer": server.address, "jwks_uri": "/keys"})),
        Answer::Json(json!([good])),
        Answer::Status(404, good.clone()),
        Answer::Status(206, good.clone()),
        Answer::Redirect(format!("{}/elsewhere", server.address)),
        bulky(&good),
        Answer::Endless,
    ] {
        server.set("/elsewhere", Answer::Json(good.clone()));
        server.set(DISCOVERY, answer);
        clock.advance(5);
        assert_eq!(error(&bearer, &token).await, Some(TokenError::IssuerUnreachable));
    }
    assert_eq!((server.asked("/keys"), server.asked("/elsewhere")), (0, 0));
    server.set(DISCOVERY, Answer::Json(good));
    for answer in [
        Answer::Json(json!({})),
        Answer::Json(json!({"keys": {}})),
        Answer::Json(json!("keys")),
        Answer::Status(500, json!({"keys": [jwk(&P256, "one")]})),
        Answer::Redirect(format!("{}/elsewhere", server.address)),
        bulky(&json!({"keys": [jwk(&P256, "one")]})),
        Answer::Endless,
    ] {
        server.set("/keys", answer);
        clock.advance(5);
        assert_eq!(error(&bearer, &token).await, Some(TokenError::IssuerUnreachable));
    }
    // A set that is right and empty is believed: the issuer has withdrawn everything.
    server.set("/keys", Answer::Json(json!({"keys": []})));
    clock.advance(5);
    assert_eq!(error(&bearer, &token).await, Some(TokenError::UnknownKey));
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_costs_five_seconds_once() {
    let (server, _, bearer) = issuer(&json!([jwk(&P256, "one")])).await;
    let token = token(&server, &P256, "ES256", &json!({"kid": "one"}));
    server.set("/keys", Answer::Silence);
    let started = Instant::now();
    assert_eq!(error(&bearer, &token).await, Some(TokenError::IssuerUnreachable));
    let waited = started.elapsed();
    assert!(
        (Duration::from_secs(4)..Duration::from_secs(15)).contains(&waited),
        "{waited:?}"
    );
    for _ in 0..10 {
        assert_eq!(error(&bearer, &token).await, Some(TokenError::IssuerUnreachable));
    }
    assert_eq!(server.asked("/keys"), 1);
}

#[tokio::test]
async fn keys_and_tokens_without_ids() {
    // No id in the token: the algorithm must leave one possibility.
    let (server, _, bearer) = issuer(&json!([jwk(&P256, "one"), jwk(&RSA, "two")])).await;
    assert_eq!(error(&bearer, &token(&server, &P256, "ES256", &json!({}))).await, None);
    assert_eq!(error(&bearer, &token(&server, &RSA, "PS512", &json!({}))).await, None);
    let none_fits = token(&server, &P384, "ES384", &json!({}));
    assert_eq!(error(&bearer, &none_fits).await, Some(TokenError::UnsupportedAlgorithm));

    let (server, _, bearer) = issuer(&json!([jwk(&P256, "one"), jwk(&ATTACKER_P256, "two")])).await;
    let ambiguous = token(&server, &P256, "ES256", &json!({}));
    assert_eq!(error(&bearer, &ambiguous).await, Some(TokenError::UnknownKey));

    // No id in the key: it serves any id, and when it is exchanged the failing signature makes us look.
    let unnamed = |key: &Key| json!([key.jwk(&json!({}))]);
    let (server, clock, bearer) = issuer(&unnamed(&P256)).await;
    assert_eq!(
        error(&bearer, &token(&server, &P256, "ES256", &json!({"kid": "any"}))).await,
        None
    );
    server.set("/keys", Answer::Json(json!({"keys": unnamed(&ATTACKER_P256)})));
    let exchanged = token(&server, &ATTACKER_P256, "ES256", &json!({}));
    assert_eq!(
        error(&bearer, &exchanged).await,
        Some(TokenError::BadSignature),
        "asked a moment ago"
    );
    clock.advance(30);
    assert_eq!(error(&bearer, &exchanged).await, None);
    assert_eq!(server.asked("/keys"), 2);
}

#[tokio::test]
async fn a_key_address_needs_no_discovery() {
    let server = Server::start().await;
    server.set(
        "/keys",
        Answer::Json(json!({"keys": [jwk(&P256, "one"), {"kty": "new"}]})),
    );
    let source = KeySource::JwksUrl(format!("{}/keys", server.address));
    let issuer = TrustedIssuer::new("urn:an-issuer", source);
    let bearer = Bearer::new(vec![issuer], HandClock::new()).expect("usable");
    let token = P256.token(
        "ES256",
        &json!({"kid": "one"}),
        &claims(&json!({"iss": "urn:an-issuer"})),
    );
    assert_eq!(error(&bearer, &token).await, None);
    assert_eq!(server.asked(DISCOVERY), 0);
}

#[tokio::test]
async fn discovery_of_an_issuer_with_a_path_and_a_slash() {
    let server = Server::start().await;
    let issuer = format!("{}/realms/a/", server.address);
    let document = json!({"issuer": issuer, "jwks_uri": format!("{}/keys", server.address)});
    server.set("/realms/a/.well-known/openid-configuration", Answer::Json(document));
    server.set("/keys", Answer::Json(json!({"keys": [jwk(&P256, "one")]})));
    let trusted = TrustedIssuer::new(issuer.clone(), KeySource::Discovery);
    let bearer = Bearer::new(vec![trusted], HandClock::new()).expect("usable");
    let token = P256.token("ES256", &json!({"kid": "one"}), &claims(&json!({"iss": issuer})));
    assert_eq!(error(&bearer, &token).await, None);
}
