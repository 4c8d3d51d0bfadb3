//! Invites: who may make them, who may use them, and that they work once (objects contract, section 4.11).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Backend, Caller, IDENTITY_PROVIDER, Issuer, Server, unknown_id};

use crate::on_both;

on_both!(
    an_invite_opens_once,
    of_many_who_come_at_once_one_gets_in,
    an_invite_with_an_address_is_for_that_address,
    an_invite_ends_with_its_time_its_resource_and_its_inviter,
    whoever_manages_may_invite,
    invites_reach_the_buckets_below,
    open_invites_are_listed_and_revoked,
);

async fn post(caller: &Caller, body: &Value) -> Answer {
    let json = [("content-type", "application/json")];
    caller
        .send(Method::POST, "/permission/invite", &json, body.to_string())
        .await
}

/// Invites, and gives the secret.
async fn invite(caller: &Caller, body: &Value) -> String {
    let answer = post(caller, body).await.expect(201).json();
    answer.as_str().expect("a text").to_owned()
}

async fn redeem(caller: &Caller, token: &str) -> Answer {
    caller.get(&format!("/permission/invite/{token}")).await
}

#[expect(clippy::disallowed_methods, reason = "the program under test has a real clock")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs()
}

async fn an_invite_opens_once(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let (alice, bob, carol) = (server.person("alice"), server.person("bob"), server.person("carol"));
    let bucket = alice.bucket("Shared").await;
    let object = alice.object(&bucket, "a.txt", "content").await;
    let token = invite(&alice, &json!({ "objectId": object, "permCodes": ["READ", "UPDATE"] })).await;
    assert_eq!((token.len(), &token[14..15]), (36, "4"), "{token}");
    bob.download(&object).await.expect(403);
    server
        .anonymous()
        .get(&format!("/permission/invite/{token}"))
        .await
        .expect(403);
    server
        .superuser()
        .get(&format!("/permission/invite/{token}"))
        .await
        .expect(403);
    let used = redeem(&bob, &token.to_uppercase()).await.expect(200).json();
    assert_eq!(
        used,
        json!({ "resource": object, "type": "objectId", "recursive": false })
    );
    assert_eq!(bob.download(&object).await.expect(200).text(), "content");
    bob.replace(&object, "by bob").await.expect(200);
    bob.delete(&format!("/object/{object}")).await.expect(403);
    // The rows are the inviter's work.
    let (by, to) = (alice.user_id().await, bob.user_id().await);
    let address = format!("/permission/object/{object}?userId={to}");
    let rows = alice.get(&address).await.expect(200).json();
    let told: Vec<_> = rows
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| &row["createdBy"])
        .collect();
    assert_eq!(told, [&json!(by), &json!(by)]);
    for caller in [&bob, &carol] {
        let gone = redeem(caller, &token).await.expect(404);
        assert_eq!(gone.member("token"), token);
    }
    redeem(&bob, "junk").await.expect(422);
    redeem(&bob, &unknown_id()).await.expect(404);
}

async fn of_many_who_come_at_once_one_gets_in(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let alice = server.person("alice");
    let bucket = alice.bucket("Race").await;
    let people: Vec<Caller> = (0..8).map(|number| server.person(&format!("p{number}"))).collect();
    for person in &people {
        person.user_id().await;
    }
    let token = invite(&alice, &json!({ "bucketId": bucket })).await;
    let attempts = people.iter().map(|person| redeem(person, &token));
    let mut statuses: Vec<u16> = Vec::new();
    for answer in futures_util::future::join_all(attempts).await {
        statuses.push(answer.status);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404, 404, 404, 404, 404, 404, 404]);
    let mut inside = 0;
    for person in &people {
        inside += u32::from(person.get(&format!("/bucket/{bucket}")).await.status == 200);
    }
    assert_eq!(inside, 1);
}

async fn an_invite_with_an_address_is_for_that_address(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let (alice, bob, carol) = (server.person("alice"), server.person("bob"), server.person("carol"));
    let bucket = alice.bucket("Addressed").await;
    let body = json!({ "bucketId": bucket, "email": "Bob@Example.Test" });
    let token = invite(&alice, &body).await;
    redeem(&carol, &token).await.expect(403);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut claims = Issuer::claims("bob");
        change(&mut claims);
        server.bearer(&Server::issuer().sign(&claims))
    };
    // Without an address, and with one that the issuer does not stand for.
    let nameless = with(&|claims| drop(claims.as_object_mut().expect("claims").remove("email")));
    redeem(&nameless, &token).await.expect(403);
    for doubt in [json!(false), json!("true")] {
        let doubtful = with(&|claims| claims["email_verified"] = doubt.clone());
        redeem(&doubtful, &token).await.expect(403);
    }
    // An issuer that says nothing about addresses is believed.
    let silent = with(&|claims| drop(claims.as_object_mut().expect("claims").remove("email_verified")));
    redeem(&silent, &token).await.expect(200);
    let token = invite(&alice, &body).await;
    redeem(&bob, &token).await.expect(200);
    // An account of the server itself, whose address its operator gave.
    let dora = server.account("dora").await;
    let token = invite(&alice, &json!({ "bucketId": bucket, "email": "dora@example.test" })).await;
    redeem(&dora, &token).await.expect(200);
    dora.get(&format!("/bucket/{bucket}")).await.expect(200);
}

async fn an_invite_ends_with_its_time_its_resource_and_its_inviter(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let (alice, bob, carol) = (server.person("alice"), server.person("bob"), server.person("carol"));
    let bucket = alice.bucket("Ending").await;
    let short = invite(&alice, &json!({ "bucketId": bucket, "expiresAt": now() + 1 })).await;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let over = redeem(&bob, &short).await.expect(410);
    assert_eq!(over.member("token"), short);
    redeem(&bob, &short).await.expect(404);

    let object = alice.object(&bucket, "a.txt", "content").await;
    let token = invite(&alice, &json!({ "objectId": object })).await;
    let version = alice.versions(&object).await[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    alice
        .delete(&format!("/object/{object}?versionId={version}"))
        .await
        .expect(200);
    let gone = redeem(&bob, &token).await.expect(409);
    assert_eq!(gone.member("objectId"), object);
    redeem(&bob, &token).await.expect(404);

    // Somebody who managed when they invited, and does not any more.
    alice
        .grant(&format!("bucket/{bucket}"), &bob, &["MANAGE"])
        .await
        .expect(201);
    let token = invite(&bob, &json!({ "bucketId": bucket })).await;
    alice
        .revoke(&format!("bucket/{bucket}"), &bob, "MANAGE")
        .await
        .expect(200);
    redeem(&carol, &token).await.expect(403);
    carol.get(&format!("/bucket/{bucket}")).await.expect(403);
    alice
        .grant(&format!("bucket/{bucket}"), &bob, &["MANAGE"])
        .await
        .expect(201);
    redeem(&carol, &token).await.expect(200);
}

async fn whoever_manages_may_invite(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let (alice, bob, carol) = (server.person("alice"), server.person("bob"), server.person("carol"));
    let bucket = alice.bucket("Managed").await;
    let object = alice.object(&bucket, "a.txt", "content").await;
    let to_bucket = json!({ "bucketId": bucket });
    let denied = post(&bob, &to_bucket).await.expect(403);
    assert_eq!(denied.member("bucketId"), bucket);
    let denied = post(&bob, &json!({ "objectId": object })).await.expect(403);
    assert_eq!(denied.member("objectId"), object);
    post(&server.anonymous(), &to_bucket).await.expect(403);
    let nothing = unknown_id();
    let missing = post(&bob, &json!({ "objectId": nothing })).await.expect(404);
    assert_eq!(missing.member("resource"), nothing);
    // The id of a bucket is no object.
    post(&alice, &json!({ "objectId": bucket })).await.expect(404);
    for wrong in [
        json!({}),
        json!({ "bucketId": bucket, "objectId": object }),
        json!({ "bucketId": bucket, "permCodes": ["MANAGE"] }),
        json!({ "bucketId": bucket, "expiresAt": now() - 1 }),
        json!({ "bucketId": bucket, "expiresAt": now() + 2_592_100 }),
    ] {
        post(&alice, &wrong).await.expect(422);
    }
    // MANAGE that an identity provider holds is as good as one's own (E-15).
    let row = json!([{ "idp": IDENTITY_PROVIDER, "permCode": "MANAGE" }]);
    alice
        .put(&format!("/permission/idp/bucket/{bucket}"), &row)
        .await
        .expect(201);
    let by_bob = invite(&bob, &json!({ "objectId": object })).await;
    redeem(&carol, &by_bob).await.expect(200);
    carol.download(&object).await.expect(200);
    let by_superuser = invite(&server.superuser(), &to_bucket).await;
    redeem(&carol, &by_superuser).await.expect(200);
}

async fn invites_reach_the_buckets_below(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let (alice, bob, carol) = (server.person("alice"), server.person("bob"), server.person("carol"));
    let top = alice
        .put("/bucket", &json!({ "bucketName": "Top", "key": "top" }))
        .await
        .expect(201);
    let top = top.member("bucketId");
    let mut below = Vec::new();
    for name in ["one", "two"] {
        let child = json!({ "bucketName": name, "subKey": name });
        let child = alice.put(&format!("/bucket/{top}/child"), &child).await.expect(201);
        below.push(child.member("bucketId"));
    }
    // A neighbour whose key starts alike is not below (E-05).
    let beside = alice
        .put("/bucket", &json!({ "bucketName": "Beside", "key": "topmost" }))
        .await
        .expect(201);
    let beside = beside.member("bucketId");
    let token = invite(
        &alice,
        &json!({ "bucketId": top, "recursive": true, "permCodes": ["READ", "CREATE"] }),
    )
    .await;
    // What counts is what the inviter manages when the invite is used.
    alice
        .revoke(&format!("bucket/{}", below[1]), &alice, "MANAGE")
        .await
        .expect(200);
    let used = redeem(&bob, &token).await.expect(200).json();
    assert_eq!(used, json!({ "resource": top, "type": "bucketId", "recursive": true }));
    bob.object(&below[0], "new.txt", "new").await;
    bob.get(&format!("/bucket/{top}")).await.expect(200);
    bob.get(&format!("/bucket/{}", below[1])).await.expect(403);
    bob.get(&format!("/bucket/{beside}")).await.expect(403);
    // The superuser's reaches all of them.
    let token = invite(&server.superuser(), &json!({ "bucketId": top, "recursive": true })).await;
    redeem(&carol, &token).await.expect(200);
    for bucket in [&top, &below[0], &below[1]] {
        carol.get(&format!("/bucket/{bucket}")).await.expect(200);
    }
}

async fn open_invites_are_listed_and_revoked(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let bucket = alice.bucket("Open").await;
    let body = json!({ "bucketId": bucket, "email": "bob@example.test", "permCodes": ["READ", "CREATE"] });
    let first = invite(&alice, &body).await;
    let second = invite(&alice, &json!({ "bucketId": bucket })).await;
    let address = format!("/permission/invite/pending?bucketId={bucket}");
    bob.get(&address).await.expect(403);
    server.anonymous().get(&address).await.expect(403);
    let answer = alice.get(&address).await.expect(200);
    for secret in [&first, &second] {
        assert!(!answer.text().contains(secret.as_str()), "a secret is shown once");
    }
    let rows = answer.json();
    assert_eq!(rows.as_array().map(Vec::len), Some(2));
    assert_eq!(rows[0]["email"], json!("bob@example.test"));
    assert_eq!(rows[0]["permCodes"], json!(["CREATE", "READ"]));
    assert_eq!(
        (&rows[0]["resource"], &rows[0]["type"]),
        (&json!(bucket), &json!("bucketId"))
    );
    let id = rows[0]["inviteId"].as_str().expect("an id");
    let page = alice
        .get(&format!("{address}&limit=1&after={id}"))
        .await
        .expect(200)
        .json();
    assert_eq!(page, json!([rows[1]]));
    let one = format!("/permission/invite/pending/{id}");
    bob.delete(&one).await.expect(403);
    alice.delete(&one).await.expect(204);
    alice.delete(&one).await.expect(403);
    redeem(&bob, &first).await.expect(404);
    redeem(&bob, &second).await.expect(200);
    assert_eq!(alice.get(&address).await.expect(200).json(), json!([]));
}
