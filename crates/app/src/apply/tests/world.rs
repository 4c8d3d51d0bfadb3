//! A file becomes true, once.

use serde_json::{Value, json};

use super::harness::{House, START, example, operator};
use crate::{
    Caller, Ctx,
    apply::{World, apply},
};

fn entries(answer: &Value, section: &str) -> Vec<String> {
    answer[section].as_object().unwrap().keys().cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_becomes_true_and_is_answered_under_its_keys() {
    let (house, answer) = House::furnished().await;
    assert_eq!(
        entries(&answer, "users"),
        [
            "alice", "bob", "carol", "dave", "erin", "frank", "marcus", "olivia", "platform"
        ]
    );
    assert_eq!(
        answer["users"]["alice"],
        json!({"uid": "urn:example:alice", "name": "Alice Anchor", "email": "alice@harbour.example",
            "username": "aanchor"})
    );
    assert_eq!(
        answer["organisations"]["empty"],
        json!({"name": "Empty Quay", "short_name": "emptyquay"})
    );
    assert_eq!(
        answer["services"]["wiki"],
        json!({"entity_id": "https://wiki.example", "name": "Wiki", "abbreviation": "wiki"})
    );
    let secrets: Vec<&str> = answer["keys"]
        .as_object()
        .unwrap()
        .values()
        .map(|key| key.as_str().unwrap())
        .collect();
    assert_eq!(secrets.len(), 8);
    assert!(secrets.iter().all(|secret| secret.len() == 43));
    let lab = &answer["collaborations"]["co_phys"];
    assert_eq!(
        (&lab["name"], &lab["short_name"]),
        (&json!("Physics Lab"), &json!("physlab"))
    );
    // The same short name in another organisation is another collaboration.
    assert_ne!(lab["identifier"], answer["collaborations"]["co_lagoon"]["identifier"]);
    assert_eq!(entries(&answer, "groups").len(), 7);
    let invitation = &answer["invitations"]["i_phys_expired"];
    assert_eq!(invitation["email"], "guest.late@guest.example");
    assert_eq!(invitation["expires_at"], START.seconds() - 10 * 24 * 3600);
    for (query, count) in [
        ("SELECT CAST(count(*) AS TEXT) FROM unit", "7"),
        ("SELECT CAST(count(*) AS TEXT) FROM organisation_membership", "3"),
        ("SELECT CAST(count(*) AS TEXT) FROM collaboration_unit", "8"),
        ("SELECT CAST(count(*) AS TEXT) FROM collaboration_membership", "14"),
        ("SELECT CAST(count(*) AS TEXT) FROM group_membership", "7"),
        ("SELECT CAST(count(*) AS TEXT) FROM invitation", "11"),
        ("SELECT CAST(count(*) AS TEXT) FROM invitation_group", "1"),
        ("SELECT CAST(count(*) AS TEXT) FROM invitation WHERE personal", "1"),
        ("SELECT CAST(count(*) AS TEXT) FROM label", "4"),
        ("SELECT CAST(count(*) AS TEXT) FROM collaboration_label", "4"),
        ("SELECT CAST(count(*) AS TEXT) FROM service", "8"),
        ("SELECT CAST(count(*) AS TEXT) FROM collaboration_service", "6"),
        ("SELECT short_name FROM organisation WHERE services_restricted", "atoll"),
        ("SELECT username FROM person WHERE NOT active", "ffjord"),
        ("SELECT username FROM person WHERE platform_administrator", "pplatform"),
    ] {
        assert_eq!(house.column(query).await, [count], "{query}");
    }
    let accepted = "SELECT p.username FROM invitation i JOIN person p ON p.id = i.accepted_by ORDER BY 1";
    assert_eq!(house.column(accepted).await, ["bbuoy", "ffjord"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_changes_nothing_and_shows_no_secret() {
    let (house, mut first) = House::furnished().await;
    let before = house.dump().await;
    house.pass(3600);
    let second = house.apply(example()).await;
    assert_eq!(house.dump().await, before);
    assert_eq!(second["changes"], json!([]));
    assert!(second["keys"].as_object().unwrap().values().all(Value::is_null));
    for section in ["keys", "changes"] {
        first[section] = second[section].clone();
    }
    assert_eq!(first, second, "the same ids");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_told_and_on_record_without_secrets() {
    let (house, answer) = House::furnished().await;
    let changes: Vec<&str> = answer["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect();
    for line in [
        "user alice: created",
        "organisation harbour: created",
        "organisation harbour: unit Geology added",
        "organisation harbour: member marcus added as manager of Physics",
        "token phys_chem: issued for organisation harbour of Physics, Chemistry",
        "token full: issued for organisation harbour",
        "collaboration co_both: units are now Chemistry, Physics",
        "collaboration co_phys: member alice added as admin",
        "group g_phys: member bob added",
        "invitation i_phys_accepted: accepted for bob@harbour.example",
    ] {
        assert!(changes.contains(&line), "{line}");
    }
    let audit = house
        .column("SELECT action || ' ' || actor || ' ' || via || ' ' || after FROM audit")
        .await;
    assert_eq!(audit.len(), changes.len());
    assert!(audit.iter().all(|row| row.contains(" basic command-line ")));
    for secret in answer["keys"].as_object().unwrap().values() {
        let text = secret.as_str().unwrap();
        assert!(
            house.dump().await.iter().all(|row| !row.contains(text)),
            "a secret is in no table"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_the_same_and_writes_nothing() {
    let house = House::new().await;
    let dry = apply(&house.app, &operator(), World::read(example()).unwrap(), true)
        .await
        .unwrap();
    assert!(house.dump().await.is_empty());
    assert!(dry.keys.len() == 8 && dry.keys.values().all(Option::is_none));
    let answer = house.apply(example()).await;
    assert_eq!(json!(dry.changes), answer["changes"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_operator_applies() {
    let house = House::new().await;
    let ctx = Ctx {
        caller: Caller::Anonymous,
        ..operator()
    };
    let error = apply(&house.app, &ctx, World::read(example()).unwrap(), false)
        .await
        .unwrap_err();
    assert_eq!(error.kind, domain::Kind::Denied);
    assert!(house.dump().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_is_true() {
    let house = House::new().await;
    assert_eq!(house.apply(json!({})).await["changes"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_do_not_print_themselves() {
    let house = House::new().await;
    let applied = apply(&house.app, &operator(), World::read(example()).unwrap(), false)
        .await
        .unwrap();
    let printed = format!("{applied:?}");
    assert!(
        applied
            .keys
            .values()
            .flatten()
            .all(|secret| !printed.contains(secret.reveal()))
    );
    let world = World::read(json!({"users": [
        {"key": "a", "name": "A", "email": "a@example.org", "password": "correct horse battery"}]}));
    assert!(!format!("{world:?}").contains("horse"));
}
