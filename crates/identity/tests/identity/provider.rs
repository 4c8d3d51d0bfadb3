//! Against a real OpenID Connect provider, where one is given in `OIDC_ISSUER`: discovery, a person's token from a
//! whole sign-in, a service's token, and a key rotation.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{Clock, Timestamp};
use identity::{Bearer, KeySource, TokenError, TrustedIssuer};
use reqwest::{Client, Response, Url, redirect};
use serde_json::Value;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::forge::b64;

const API: &str = "urn:test:api";
const REDIRECT: &str = "http://127.0.0.1:18399/cb";

/// The machine's clock, shifted.
struct ShiftedClock(AtomicI64);

impl Clock for ShiftedClock {
    #[expect(clippy::disallowed_methods, reason = "a real provider lives in real time")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("after 1970");
        Timestamp(i64::try_from(since.as_micros()).expect("before the year 294000"))
            .plus_seconds(self.0.load(Ordering::SeqCst))
    }
}

/// A browser as far as a sign-in needs one: keeps cookies, follows nothing by itself.
struct Browser {
    client: Client,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    fn new() -> Self {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        Self {
            client,
            cookies: BTreeMap::new(),
        }
    }

    async fn call(&mut self, url: Url, form: Option<String>, authorization: Option<&str>) -> Response {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut request = match form {
            None => self.client.get(url),
            Some(form) => self
                .client
                .post(url)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form),
        };
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let answer = request.send().await.expect("the provider answers");
        for cookie in answer.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().expect("text");
            let (name, value) = cookie
                .split(';')
                .next()
                .and_then(|pair| pair.split_once('='))
                .expect("a cookie");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }
}

/// Encodes a form or a query.
fn encoded(pairs: &[(&str, &str)]) -> String {
    let mut url = Url::parse("http://form.invalid").expect("a URL");
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().expect("a query").to_owned()
}

async fn tokens(answer: Response) -> Value {
    let (status, text) = (answer.status(), answer.text().await.expect("a body"));
    assert_eq!(status.as_u16(), 200, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

/// A whole sign-in with PKCE: access token for the API and identity token.
async fn sign_in(issuer: &str, user: &str) -> (String, String) {
    let mut browser = Browser::new();
    let verifier = "v".repeat(64);
    let challenge = b64(digest(&SHA256, verifier.as_bytes()));
    let query = encoded(&[
        ("response_type", "code"),
        ("client_id", "spa"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid profile email api:read"),
        ("state", "s"),
        ("nonce", "n"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("resource", API),
    ]);
    let mut url = Url::parse(&format!("{issuer}/auth?{query}")).expect("a URL");
    for _ in 0..12 {
        let mut answer = browser.call(url.clone(), None, None).await;
        if answer.status().as_u16() == 200 {
            let form = encoded(&[("login", user), ("password", &format!("{user}-password"))]);
            answer = browser.call(url.clone(), Some(form), None).await;
        }
        let location = answer
            .headers()
            .get("location")
            .expect("a redirect")
            .to_str()
            .expect("text");
        url = url.join(location).expect("a URL");
        if url.as_str().starts_with(REDIRECT) {
            break;
        }
    }
    let code = url
        .query_pairs()
        .find(|(name, _)| name == "code")
        .expect("a code")
        .1
        .into_owned();
    let form = encoded(&[
        ("grant_type", "authorization_code"),
        ("client_id", "spa"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", &verifier),
        ("resource", API),
    ]);
    let token_address = Url::parse(&format!("{issuer}/token")).expect("a URL");
    let answer = tokens(browser.call(token_address, Some(form), None).await).await;
    let text = |name: &str| answer[name].as_str().expect("a token").to_owned();
    (text("access_token"), text("id_token"))
}

async fn service_token(issuer: &str) -> String {
    let address = Url::parse(&format!("{issuer}/token")).expect("a URL");
    let basic = format!("Basic {}", STANDARD.encode("service:service-secret"));
    let form = encoded(&[("grant_type", "client_credentials")]);
    let answer = tokens(Browser::new().call(address, Some(form), Some(&basic)).await).await;
    answer["access_token"].as_str().expect("a token").to_owned()
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "whether the provider runs is told by the environment"
)]
async fn a_real_provider() {
    let Ok(issuer) = std::env::var("OIDC_ISSUER") else {
        println!("skipped: OIDC (set OIDC_ISSUER)");
        return;
    };
    let clock = Arc::new(ShiftedClock(AtomicI64::new(0)));
    let trusted = TrustedIssuer {
        audience: Some(API.into()),
        names_required: false,
        ..TrustedIssuer::new(issuer.clone(), KeySource::Discovery)
    };
    let strict = TrustedIssuer {
        names_required: true,
        ..trusted.clone()
    };
    let bearer = Bearer::new(vec![trusted], clock.clone()).expect("usable");
    assert_eq!(bearer.reach_issuers().await, vec![(issuer.clone(), true)]);

    let (access, identity) = sign_in(&issuer, "alice").await;
    let who = bearer.verify(&access).await.expect("a real token");
    assert_eq!((who.subject.as_str(), who.username.as_str()), ("u-alice", "alice"));
    assert_eq!(
        who.email.as_ref().map(domain::EmailAddress::as_str),
        Some("alice@example.test")
    );
    assert!(who.idp.is_some());
    assert!(Arc::ptr_eq(&who, &bearer.verify(&access).await.expect("again")));
    assert_eq!(
        bearer.verify(&identity).await.err(),
        Some(TokenError::WrongAudience),
        "made for the client"
    );

    // The contract's mapping asks for names, which this provider's access tokens do not have.
    let strict = Bearer::new(vec![strict], clock.clone()).expect("usable");
    let nameless = strict.verify(&access).await.err();
    assert_eq!(nameless, Some(TokenError::MissingClaim("display_name".into())));
    // A service has no user name, so it is nobody's token.
    let service = service_token(&issuer).await;
    let nobody = bearer.verify(&service).await.err();
    assert_eq!(nobody, Some(TokenError::MissingClaim("preferred_username".into())));

    // Rotation: a token of the new key makes the verifier look, and the old key's tokens stay good.
    let rotate = Url::parse(&format!("{issuer}/test/rotate")).expect("a URL");
    assert_eq!(
        Browser::new()
            .call(rotate, Some(String::new()), None)
            .await
            .status()
            .as_u16(),
        200
    );
    let (rotated, _) = sign_in(&issuer, "bob").await;
    assert_eq!(
        bearer.verify(&rotated).await.err(),
        Some(TokenError::UnknownKey),
        "keys were fetched just now"
    );
    clock.0.store(31, Ordering::SeqCst);
    assert_eq!(bearer.verify(&rotated).await.expect("the new key").subject, "u-bob");
    assert!(bearer.verify(&access).await.is_ok());
    clock.0.store(3600, Ordering::SeqCst);
    assert_eq!(bearer.verify(&access).await.err(), Some(TokenError::Expired));
}
