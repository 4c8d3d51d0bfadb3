//! Searching objects (objects contract 4.3.1, 4.3.2, 1.8, 1.12).

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Backend, Caller, IDENTITY_PROVIDER, Server, unknown_id};

use crate::on_both;

on_both!(
    objects_are_found_in_order_and_in_pages,
    versions_and_labels_narrow,
    the_mask_shows_what_one_may_read,
    nobody_in_particular_finds_what_is_public,
    pages_hold_while_grants_come,
);

/// The names found, and the number in the header.
async fn names(caller: &Caller, query: &str) -> (Vec<String>, usize) {
    let answer = caller.get(&format!("/object?{query}")).await.expect(200);
    (names_of(&answer), total(&answer))
}

fn names_of(answer: &Answer) -> Vec<String> {
    let rows = answer.json();
    let rows = rows.as_array().expect("a list").iter();
    rows.map(|row| row["name"].as_str().expect("a name").to_owned())
        .collect()
}

fn total(answer: &Answer) -> usize {
    answer
        .header("x-total-rows")
        .expect("X-Total-Rows")
        .parse()
        .expect("a number")
}

async fn objects_are_found_in_order_and_in_pages(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let alice = server.person("alice");
    let bucket = alice.bucket("Search").await;
    let other = alice.bucket("Other").await;
    let mut ids = Vec::new();
    for name in ["b.txt", "A.txt", "c%.txt", "d_.md"] {
        ids.push(alice.object(&bucket, name, name).await);
    }
    alice.object(&other, "elsewhere.txt", "x").await;
    let all = names(&alice, &format!("bucketId={bucket}&sort=name")).await;
    assert_eq!(
        all,
        (["A.txt", "b.txt", "c%.txt", "d_.md"].map(str::to_owned).to_vec(), 4)
    );
    let page = |number: usize| {
        format!("bucketId[]={bucket}&latest=true&deleteMarker=false&sort=name&order=desc&page={number}&limit=3")
    };
    assert_eq!(
        names(&alice, &page(1)).await,
        (["d_.md", "c%.txt", "b.txt"].map(str::to_owned).to_vec(), 4)
    );
    assert_eq!(names(&alice, &page(2)).await, (vec!["A.txt".to_owned()], 4));
    assert_eq!(names(&alice, &page(3)).await, (Vec::new(), 4));
    assert_eq!(
        names(&alice, &format!("objectId={},{}&name=A", ids[0], ids[1])).await,
        (vec!["A.txt".to_owned()], 1)
    );
    assert_eq!(names(&alice, "name=E_SE%25re").await.0, ["elsewhere.txt"], "wildcards");
    assert_eq!(
        names(&alice, &format!("bucketId={}", unknown_id())).await,
        (Vec::new(), 0)
    );

    let row = alice
        .get(&format!("/object?objectId={}", ids[0]))
        .await
        .expect(200)
        .json();
    let row = &row[0];
    assert_eq!(
        (row["id"].as_str(), row["bucketId"].as_str()),
        (Some(ids[0].as_str()), Some(bucket.as_str()))
    );
    assert!(
        row["lastModifiedDate"].is_string() && row["updatedAt"].is_null() && row.get("permissions").is_none(),
        "{row}"
    );
    let row = alice
        .get(&format!("/object?objectId={}&permissions=true", ids[0]))
        .await
        .expect(200)
        .json();
    let mut codes: Vec<&str> = row[0]["permissions"]
        .as_array()
        .expect("codes")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    codes.sort_unstable();
    assert_eq!(codes, ["CREATE", "DELETE", "MANAGE", "READ", "UPDATE"]);
    let row = server
        .superuser()
        .get(&format!("/object?objectId={}&permissions=true", ids[0]))
        .await
        .expect(200)
        .json();
    assert_eq!(row[0]["permissions"], json!([]));

    for query in [
        "page=1",
        "limit=1",
        "page=0&limit=5",
        "sort=size",
        "order=up",
        "hasPermissionType=x",
        "other=1",
        "public=maybe",
        "objectId=x",
    ] {
        alice.get(&format!("/object?{query}")).await.expect(422);
    }
}

async fn versions_and_labels_narrow(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let alice = server.person("alice");
    let bucket = alice.bucket("Narrow").await;
    let (a, b) = (
        alice.object(&bucket, "a.txt", "a").await,
        alice.object(&bucket, "b.txt", "b").await,
    );
    let change = |object: &str, query: &str| format!("/object/{object}/tagging?{query}");
    alice
        .send(Method::PUT, &change(&a, "tagset[team]=North&tagset[x]="), &[], "")
        .await
        .expect(204);
    let red = [("x-amz-meta-colour", "red")];
    alice
        .send(Method::PUT, &format!("/object/{b}/metadata"), &red, "")
        .await
        .expect(204);
    for (query, found) in [
        ("tagset[team]=North", vec!["a.txt"]),
        ("tagset[team]=north", vec![]),
        ("tagset[team]=&tagset[x]=", vec!["a.txt"]),
        ("tagset[team]=South", vec![]),
        ("mimeType=TEXT", vec!["a.txt", "b.txt"]),
        ("deleteMarker=true", vec![]),
    ] {
        assert_eq!(
            names(&alice, &format!("bucketId={bucket}&sort=name&{query}")).await.0,
            found,
            "{query}"
        );
    }
    let found = alice.send(Method::GET, "/object", &red, "").await.expect(200);
    assert_eq!((names_of(&found), total(&found)), (vec!["b.txt".to_owned()], 1));
    let none = alice
        .send(Method::GET, "/object?latest=true", &[("x-amz-meta-colour", "blue")], "")
        .await;
    assert_eq!(total(&none.expect(200)), 0);

    alice.delete(&format!("/object/{a}")).await.expect(200);
    let state = |marker: bool| format!("bucketId={bucket}&latest=true&deleteMarker={marker}&page=1&limit=10");
    assert_eq!(names(&alice, &state(false)).await, (vec!["b.txt".to_owned()], 1));
    assert_eq!(
        names(&alice, &format!("{}&hasPermissionType[]=user", state(true))).await,
        (vec!["a.txt".to_owned()], 1)
    );
    // An old version still has the tag.
    assert_eq!(names(&alice, "tagset[team]=North").await.0, ["a.txt"]);
    assert_eq!(names(&alice, "tagset[team]=North&latest=true").await.1, 0);
}

async fn the_mask_shows_what_one_may_read(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let (one, two) = (alice.bucket("One").await, alice.bucket("Two").await);
    let mut ids = Vec::new();
    for (bucket, name) in [(&one, "a"), (&one, "b"), (&two, "c"), (&two, "d")] {
        ids.push(alice.object(bucket, name, name).await);
    }
    let sorted = |more: &str| format!("sort=name&page=1&limit=9{more}");
    assert_eq!(
        names(&alice, &sorted("")).await,
        (["a", "b", "c", "d"].map(str::to_owned).to_vec(), 4)
    );
    assert_eq!(names(&bob, &sorted("")).await, (Vec::new(), 0));
    alice
        .grant(&format!("object/{}", ids[2]), &bob, &["READ", "UPDATE"])
        .await
        .expect(201);
    alice
        .grant(&format!("object/{}", ids[3]), &bob, &["UPDATE"])
        .await
        .expect(201);
    assert_eq!(names(&bob, &sorted("")).await, (vec!["c".to_owned()], 1));
    alice.grant(&format!("bucket/{one}"), &bob, &["READ"]).await.expect(201);
    assert_eq!(
        names(&bob, &sorted("")).await,
        (["a", "b", "c"].map(str::to_owned).to_vec(), 3)
    );
    assert_eq!(
        names(&bob, &sorted(&format!("&bucketId={two}"))).await,
        (vec!["c".to_owned()], 1)
    );
    assert_eq!(
        names(&bob, &sorted(&format!("&objectId={},{}", ids[0], ids[3]))).await,
        (vec!["a".to_owned()], 1)
    );
    let row = bob
        .get(&format!("/object?permissions=true&objectId={}", ids[2]))
        .await
        .expect(200)
        .json();
    assert_eq!(row[0]["permissions"], json!(["READ", "UPDATE"]));
    alice.revoke(&format!("bucket/{one}"), &bob, "READ").await.expect(200);
    assert_eq!(names(&bob, &sorted("")).await.1, 1, "gone with the grant");

    let idp = json!([{ "idp": IDENTITY_PROVIDER, "permCode": "READ" }]);
    alice
        .put(&format!("/permission/idp/bucket/{two}"), &idp)
        .await
        .expect(201);
    assert_eq!(
        names(&bob, &sorted("")).await,
        (["c", "d"].map(str::to_owned).to_vec(), 2)
    );
    assert_eq!(
        names(&bob, &sorted("&hasPermissionType=user")).await,
        (vec!["c".to_owned()], 1)
    );
    assert_eq!(
        names(&bob, &sorted("&hasPermissionType=idp")).await,
        (["c", "d"].map(str::to_owned).to_vec(), 2)
    );
    let row = bob
        .get("/object?permissions=true&hasPermissionType=idp&sort=name")
        .await
        .expect(200)
        .json();
    assert_eq!(row[0]["permissions"], json!([]));
    assert_eq!(names(&server.superuser(), &sorted("")).await.1, 4, "never masked");
}

async fn nobody_in_particular_finds_what_is_public(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let (alice, nobody) = (server.person("alice"), server.anonymous());
    let bucket = alice.bucket("Public").await;
    let object = alice.object(&bucket, "open.txt", "open").await;
    alice.object(&bucket, "closed.txt", "closed").await;
    alice
        .send(Method::PATCH, &format!("/object/{object}/public?public=true"), &[], "")
        .await
        .expect(200);
    for query in [
        "",
        "public=true",
        &format!("bucketId={bucket}"),
        &format!("bucketId={bucket}&public=false"),
        &format!("bucketId={bucket}&public=true&path=o"),
    ] {
        nobody.get(&format!("/object?{query}")).await.expect(403);
    }
    let found = nobody
        .get(&format!(
            "/object?bucketId={bucket}&public=true&latest=true&deleteMarker=false&page=1&limit=5"
        ))
        .await
        .expect(200);
    assert_eq!((names_of(&found), total(&found)), (vec!["open.txt".to_owned()], 1));
    let row = &found.json()[0];
    assert_eq!(
        (
            row["path"].as_str(),
            row["createdBy"].as_str(),
            row["updatedBy"].as_str()
        ),
        (Some("REDACTED"), Some("REDACTED"), Some("REDACTED"))
    );
    assert_eq!(
        (row["public"].as_bool(), row["lastSyncedDate"].is_null()),
        (Some(true), true)
    );
    alice
        .send(Method::PATCH, &format!("/bucket/{bucket}/public?public=true"), &[], "")
        .await
        .expect(200);
    let found = nobody
        .get(&format!("/object?bucketId={bucket}&public=true&sort=name"))
        .await
        .expect(200);
    assert_eq!(names_of(&found), ["closed.txt", "open.txt"], "public by its folder");
}

/// A list that is read in pages is whole, and has nothing twice, when others are given more meanwhile: the default order is
/// that of age, so what comes later lies behind.
async fn pages_hold_while_grants_come(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let bucket = alice.bucket("Growing").await;
    let mut ids = Vec::new();
    for number in 0..12 {
        ids.push(alice.object(&bucket, &format!("o{number:02}"), "x").await);
    }
    for id in &ids[..8] {
        alice.grant(&format!("object/{id}"), &bob, &["READ"]).await.expect(201);
    }
    let mut seen = Vec::new();
    for page in 1..=5 {
        let (names, total) = names(&bob, &format!("page={page}&limit=3")).await;
        assert!(total >= 8);
        seen.extend(names);
        if page < 4 {
            alice
                .grant(&format!("object/{}", ids[7 + page]), &bob, &["READ"])
                .await
                .expect(201);
        }
    }
    let expected: Vec<String> = (0..11).map(|number| format!("o{number:02}")).collect();
    assert_eq!(seen, expected);
}
