//! Organisation tokens: scopes, secrets that are shown once, ends.

use std::collections::BTreeSet;

use access::TokenScope;
use domain::{Kind, UnitId};
use serde_json::Value;

use super::harness::{House, START, operator};
use crate::{
    Caller, Ctx,
    tokens::{self, Bearer, Issued, Reach, Request},
};

fn request(reach: Reach) -> Request {
    Request {
        organisation: "harbour".to_owned(),
        reach,
        expires_at: None,
        description: Some("by hand".to_owned()),
    }
}

fn units(names: &[&str]) -> Reach {
    Reach::Units(names.iter().map(|name| (*name).to_owned()).collect())
}

async fn issue(house: &House, reach: Reach) -> Issued {
    tokens::issue(&house.app, &operator(), request(reach)).await.unwrap()
}

pub(super) async fn bearer(house: &House, secret: &str) -> Result<Bearer, Kind> {
    tokens::authenticate(&house.app, &operator(), secret)
        .await
        .map_err(|error| error.kind)
}

pub(super) async fn unit_ids(house: &House, names: &'static str) -> BTreeSet<UnitId> {
    house
        .column(names)
        .await
        .iter()
        .map(|id| UnitId(id.parse().unwrap()))
        .collect()
}

const PHYSICS: &str = "SELECT CAST(u.id AS TEXT) FROM unit u JOIN organisation o ON o.id = u.organisation_id
    WHERE o.short_name = 'harbour' AND u.name = 'Physics'";
const PHYSICS_AND_CHEMISTRY: &str = "SELECT CAST(u.id AS TEXT) FROM unit u
    JOIN organisation o ON o.id = u.organisation_id
    WHERE o.short_name = 'harbour' AND u.name IN ('Physics', 'Chemistry')";
const LAGOON_PHYSICS: &str = "SELECT CAST(u.id AS TEXT) FROM unit u JOIN organisation o ON o.id = u.organisation_id
    WHERE o.short_name = 'lagoon' AND u.name = 'Physics'";

#[tokio::test(flavor = "multi_thread")]
async fn the_secrets_of_a_file_have_the_scopes_of_the_file() {
    let (house, answer) = House::furnished().await;
    let scope = async |key: &str| {
        bearer(&house, answer["keys"][key].as_str().unwrap())
            .await
            .unwrap()
            .scope
    };
    assert_eq!(scope("full").await, TokenScope::Organisation);
    assert_eq!(scope("empty").await, TokenScope::Organisation);
    let physics = unit_ids(&house, PHYSICS).await;
    assert_eq!(physics.len(), 1);
    assert_eq!(scope("phys").await, TokenScope::Units(physics.clone()));
    let both = unit_ids(&house, PHYSICS_AND_CHEMISTRY).await;
    assert_eq!(both.len(), 2);
    assert_eq!(scope("phys_chem").await, TokenScope::Units(both));
    // The unit of the same name elsewhere is another one.
    let lagoon = unit_ids(&house, LAGOON_PHYSICS).await;
    assert!(lagoon.len() == 1 && lagoon != physics);
    assert_eq!(scope("lagoon_phys").await, TokenScope::Units(lagoon));
    let organisation = async |key: &str| {
        bearer(&house, answer["keys"][key].as_str().unwrap())
            .await
            .unwrap()
            .organisation
    };
    assert_eq!(organisation("full").await, organisation("phys").await);
    assert_ne!(organisation("full").await, organisation("lagoon").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_issued_listed_and_revoked() {
    let (house, _) = House::furnished().await;
    let issued = issue(&house, units(&["Biology", "Physics"])).await;
    assert!(!format!("{issued:?}").contains(issued.secret.reveal()));
    assert_eq!(bearer(&house, issued.secret.reveal()).await.unwrap().uuid, issued.id);
    let listed = tokens::list(&house.app, &operator(), "harbour").await.unwrap();
    assert_eq!(listed.len(), 5);
    let view = listed.last().unwrap();
    assert_eq!((view.id, &view.reach), (issued.id, &units(&["Biology", "Physics"])));
    assert_eq!((view.description.as_deref(), view.created_at), (Some("by hand"), START));
    assert_eq!(listed[0].reach, Reach::Organisation);
    tokens::revoke(&house.app, &operator(), issued.id).await.unwrap();
    assert_eq!(bearer(&house, issued.secret.reveal()).await, Err(Kind::Unauthenticated));
    let again = tokens::revoke(&house.app, &operator(), issued.id).await.unwrap_err();
    assert_eq!(again.kind, Kind::NotFound);
    let record = house
        .column("SELECT action || ' ' || object FROM audit ORDER BY id DESC LIMIT 2")
        .await;
    assert_eq!(
        record,
        [
            format!("token.revoke token:{}", issued.id),
            format!("token.issue token:{}", issued.id)
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_issued_is_refused() {
    let (house, _) = House::furnished().await;
    let kind = async |request: Request| tokens::issue(&house.app, &operator(), request).await.unwrap_err().kind;
    // No units never means all.
    assert_eq!(kind(request(units(&[]))).await, Kind::Invalid);
    assert_eq!(kind(request(units(&["Marine"]))).await, Kind::NotFound);
    let elsewhere = Request {
        organisation: "nowhere".to_owned(),
        ..request(Reach::Organisation)
    };
    assert_eq!(kind(elsewhere).await, Kind::NotFound);
    let past = Request {
        expires_at: Some(START),
        ..request(Reach::Organisation)
    };
    assert_eq!(kind(past).await, Kind::Invalid);
    let nobody = Ctx {
        caller: Caller::Anonymous,
        ..operator()
    };
    let denied = tokens::issue(&house.app, &nobody, request(Reach::Organisation))
        .await
        .unwrap_err();
    assert_eq!(denied.kind, Kind::Denied);
    assert_eq!(
        tokens::list(&house.app, &nobody, "harbour").await.unwrap_err().kind,
        Kind::Denied
    );
    assert_eq!(tokens::list(&house.app, &operator(), "harbour").await.unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_and_its_last_use_is_kept_to_the_minute() {
    let (house, answer): (_, Value) = House::furnished().await;
    let request = Request {
        expires_at: Some(START.plus_seconds(300)),
        ..request(Reach::Organisation)
    };
    let issued = tokens::issue(&house.app, &operator(), request).await.unwrap();
    let secret = issued.secret.reveal();
    let last_use = async || {
        tokens::list(&house.app, &operator(), "harbour")
            .await
            .unwrap()
            .pop()
            .unwrap()
            .last_used_at
    };
    assert_eq!(last_use().await, None);
    bearer(&house, secret).await.unwrap();
    assert_eq!(last_use().await, Some(START));
    house.pass(59);
    bearer(&house, secret).await.unwrap();
    assert_eq!(last_use().await, Some(START));
    house.pass(1);
    bearer(&house, secret).await.unwrap();
    assert_eq!(last_use().await, Some(START.plus_seconds(60)));
    house.pass(239);
    bearer(&house, secret).await.unwrap();
    house.pass(1);
    assert_eq!(bearer(&house, secret).await, Err(Kind::Unauthenticated));
    assert_eq!(bearer(&house, "unknown").await, Err(Kind::Unauthenticated));
    bearer(&house, answer["keys"]["full"].as_str().unwrap()).await.unwrap();
}
