//! Users are found again, and nobody is taken for somebody else.

use domain::Secret;
use serde_json::{Value, json};
use store::{
    Access, Op, Session, StoreError,
    people::{self, Identity, Profile},
};

use super::harness::{House, START, operator};
use crate::accounts;

fn user(more: &Value) -> Value {
    let mut user = json!({"key": "ann", "name": "Ann Lee", "email": "ann@example.org"});
    user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "users": [user] })
}

#[derive(Clone)]
struct SignIn(&'static str, bool);

impl Op for SignIn {
    type Out = ();
    type Error = StoreError;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<(), StoreError> {
        let identity = Identity {
            issuer: "https://login.example".to_owned(),
            subject: self.0.to_owned(),
            identity_provider: None,
        };
        let profile = Profile {
            username: "lee".to_owned(),
            email: Some("ann@example.org".to_owned()),
            email_verified: self.1,
            full_name: Some("A. Lee".to_owned()),
            first_name: None,
            last_name: None,
        };
        people::sign_in(s, uuid::Uuid::from_u128(1), &identity, None, &profile, START)
            .await
            .map(drop)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_found_by_uid_or_by_address() {
    let house = House::new().await;
    let first = house.apply(user(&json!({"uid": "u1"}))).await;
    assert_eq!(
        first["users"]["ann"],
        json!({"uid": "u1", "name": "Ann Lee", "email": "ann@example.org", "username": "ann@example.org"})
    );
    let by_address = house.apply(user(&json!({"email": "ANN@example.org"}))).await;
    assert_eq!(by_address["users"]["ann"]["uid"], "u1");
    assert_eq!(by_address["changes"], json!(["user ann: changed email"]));
    let by_uid = house
        .apply(user(
            &json!({"uid": "u1", "email": "lee@example.org", "username": "lee"}),
        ))
        .await;
    assert_eq!(by_uid["changes"], json!(["user ann: changed email, username"]));
    assert_eq!(house.column("SELECT username FROM person").await, ["lee"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_uid_the_subject_is_the_persons_own_id() {
    let house = House::new().await;
    let answer = house.apply(user(&json!({}))).await;
    let uid = answer["users"]["ann"]["uid"].as_str().unwrap();
    assert_eq!(
        house.column("SELECT lower(hex(uuid)) FROM person").await,
        [uid.replace('-', "")]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_taken_for_somebody_else() {
    let house = House::new().await;
    house.apply(user(&json!({"uid": "u1"}))).await;
    let text = house.refusal(user(&json!({"uid": "u2"}))).await;
    assert_eq!(
        text,
        "users[0].uid: the person with the address ann@example.org signs in as \"u1\""
    );
    let bea = json!({"key": "bea", "uid": "u2", "name": "Bea", "email": "bea@example.org"});
    house.apply(json!({ "users": [bea] })).await;
    let text = house
        .refusal(json!({ "users": [
        {"key": "bea", "uid": "u2", "name": "Bea", "email": "Ann@example.org"}] }))
        .await;
    assert_eq!(text, "users[0].email: somebody else has this address");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_profile_of_who_signs_in_elsewhere_is_the_providers() {
    let house = House::new().await;
    house
        .app
        .store()
        .run(SignIn("sub-1", true), &operator().meter)
        .await
        .unwrap();
    let answer = house.apply(user(&json!({}))).await;
    assert_eq!(answer["changes"], json!([]));
    assert_eq!(
        answer["users"]["ann"],
        json!({"uid": "sub-1", "name": "A. Lee", "email": "ann@example.org", "username": "lee"})
    );
    let answer = house.apply(user(&json!({"platform_admin": true}))).await;
    assert_eq!(answer["changes"], json!(["user ann: changed active, administrator"]));
    assert_eq!(
        house.apply(user(&json!({"platform_admin": true}))).await["changes"],
        json!([])
    );
    // Saying nothing takes nothing away.
    assert_eq!(house.apply(user(&json!({}))).await["changes"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_nobody_verified_is_nobodys() {
    let house = House::new().await;
    house
        .app
        .store()
        .run(SignIn("sub-1", false), &operator().meter)
        .await
        .unwrap();
    let answer = house.apply(user(&json!({}))).await;
    assert_eq!(answer["changes"], json!(["user ann: created"]));
    assert_eq!(house.apply(user(&json!({}))).await["changes"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_makes_an_account_and_stays_the_owners() {
    let house = House::new().await;
    house.apply(user(&json!({}))).await;
    let with = |password: &str| user(&json!({ "password": password }));
    let answer = house.apply(with("correct horse battery")).await;
    assert_eq!(answer["changes"], json!(["user ann: changed password"]));
    let sign_in = async |email: &str, password: &str| {
        accounts::sign_in(&house.app, &operator(), email, &Secret::new(password))
            .await
            .is_ok()
    };
    assert!(sign_in("ann@example.org", "correct horse battery").await);
    // What the owner has may be another one by now.
    assert_eq!(house.apply(with("another horse battery")).await["changes"], json!([]));
    assert!(sign_in("ann@example.org", "correct horse battery").await);
    assert!(!sign_in("ann@example.org", "another horse battery").await);
    let record = house.column("SELECT after FROM audit").await.concat();
    assert!(!record.contains("horse") && !record.contains("argon2"), "{record}");
    // A new address is the one to sign in with.
    let uid = answer["users"]["ann"]["uid"].clone();
    house
        .apply(user(&json!({"uid": uid, "email": "lee@example.org"})))
        .await;
    assert!(sign_in("lee@example.org", "correct horse battery").await);
    assert!(!sign_in("ann@example.org", "correct horse battery").await);
    // Nobody signs in to a suspended account.
    house
        .apply(user(
            &json!({"uid": uid, "email": "lee@example.org", "suspended": true}),
        ))
        .await;
    assert!(!sign_in("lee@example.org", "correct horse battery").await);
}
