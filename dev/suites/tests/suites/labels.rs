//! Metadata and tags (objects contract 4.5.3, 4.6, 4.7), on the server's own storage and in registered S3 buckets.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Backend, Caller, Server, unknown_id};

use crate::on_both;

on_both!(
    metadata_makes_versions_that_share_their_bytes,
    tags_change_in_place,
    versions_are_copied_with_their_labels,
    labels_are_listed_and_narrowed,
    the_privacy_mask_hides_labels,
    limits_are_those_of_s3,
);

/// Changes metadata by headers `x-amz-meta-…`.
async fn metadata(caller: &Caller, method: &str, object: &str, query: &str, pairs: &[(&str, &str)]) -> Answer {
    let names: Vec<String> = pairs.iter().map(|(key, _)| format!("x-amz-meta-{key}")).collect();
    let headers: Vec<(&str, &str)> = names
        .iter()
        .map(String::as_str)
        .zip(pairs.iter().map(|pair| pair.1))
        .collect();
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    caller
        .send(method, &format!("/object/{object}/metadata{query}"), &headers, "")
        .await
}

async fn tags(caller: &Caller, method: &str, object: &str, query: &str) -> Answer {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    caller
        .send(method, &format!("/object/{object}/tagging?{query}"), &[], "")
        .await
}

/// The pairs of a list as one object.
fn pairs(list: &Value) -> Value {
    let pairs = list.as_array().expect("a list").iter();
    pairs
        .map(|pair| (pair["key"].as_str().expect("a key").to_owned(), pair["value"].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

async fn metadata_of(caller: &Caller, object: &str) -> Value {
    let rows = caller
        .get(&format!("/object/metadata?objectId={object}"))
        .await
        .expect(200)
        .json();
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    pairs(&rows[0]["metadata"])
}

async fn tags_of(caller: &Caller, object: &str) -> Value {
    let rows = caller
        .get(&format!("/object/tagging?objectId={object}"))
        .await
        .expect(200)
        .json();
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    pairs(&rows[0]["tagset"])
}

async fn metadata_makes_versions_that_share_their_bytes(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let alice = server.person("alice");
    let bucket = alice.bucket("Metadata").await;
    let made = alice.upload(&bucket, "a.txt", "content").await.expect(200);
    let (object, first) = (made.member("id"), made.member("versionId"));
    assert_eq!(metadata_of(&alice, &object).await, json!({}));

    metadata(&alice, "PATCH", &object, "", &[("Colour", "red"), ("size", "L")])
        .await
        .expect(204);
    metadata(&alice, "PATCH", &object, "", &[("colour", "blue")])
        .await
        .expect(204);
    assert_eq!(
        metadata_of(&alice, &object).await,
        json!({ "colour": "blue", "size": "L" })
    );
    let got = alice.download(&object).await.expect(200);
    assert_eq!(
        (got.text().as_str(), got.header("content-type")),
        ("content", Some("text/plain"))
    );
    assert_eq!(got.header("x-amz-meta-colour"), Some("blue"));

    metadata(&alice, "DELETE", &object, "", &[("size", "whatever")])
        .await
        .expect(204);
    assert_eq!(metadata_of(&alice, &object).await, json!({ "colour": "blue" }));
    metadata(&alice, "PUT", &object, "", &[("only", "this")])
        .await
        .expect(204);
    assert_eq!(metadata_of(&alice, &object).await, json!({ "only": "this" }));
    metadata(&alice, "DELETE", &object, "", &[]).await.expect(204);
    assert_eq!(metadata_of(&alice, &object).await, json!({}));
    // From an old version: its metadata are the start.
    let versions = alice.versions(&object).await;
    assert_eq!(versions.len(), 6);
    assert_eq!(versions.iter().filter(|row| row["isLatest"] == json!(true)).count(), 1);
    let second = versions[4]["id"].as_str().expect("an id").to_owned();
    metadata(
        &alice,
        "PATCH",
        &object,
        &format!("?versionId={second}"),
        &[("more", "1")],
    )
    .await
    .expect(204);
    assert_eq!(
        metadata_of(&alice, &object).await,
        json!({ "colour": "red", "size": "L", "more": "1" })
    );
    let native = versions[4]["s3VersionId"].as_str().expect("an id");
    metadata(
        &alice,
        "PUT",
        &object,
        &format!("?s3VersionId={native}"),
        &[("by", "native")],
    )
    .await
    .expect(204);

    metadata(
        &alice,
        "PATCH",
        &object,
        &format!("?versionId={}", unknown_id()),
        &[("a", "b")],
    )
    .await
    .expect(404);
    metadata(&alice, "PATCH", &object, "?s3VersionId=nothing", &[("a", "b")])
        .await
        .expect(404);
    metadata(
        &alice,
        "PATCH",
        &object,
        &format!("?versionId={second}&s3VersionId={native}"),
        &[],
    )
    .await
    .expect(422);
    metadata(&alice, "PATCH", &object, "", &[("empty", "")])
        .await
        .expect(422);

    bytes_go_with_the_last_version(&server, &alice, &object, &first).await;
}

async fn bytes_go_with_the_last_version(server: &Server, alice: &Caller, object: &str, first: &str) {
    // One place for the bytes, however many versions; it goes with the last one.
    assert_eq!(server.stored().await.len(), 1, "{:?}", server.stored().await);
    alice
        .delete(&format!("/object/{object}?versionId={first}"))
        .await
        .expect(200);
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert_eq!(alice.download(object).await.expect(200).text(), "content");
    alice.delete(&format!("/object/{object}")).await.expect(200);
    metadata(alice, "PATCH", object, "", &[("a", "b")]).await.expect(404);
    for version in alice.versions(object).await {
        let id = version["id"].as_str().expect("an id");
        alice
            .delete(&format!("/object/{object}?versionId={id}"))
            .await
            .expect(200);
    }
    alice.download(object).await.expect(403);
    for _ in 0..100 {
        if server.stored().await.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("still stored: {:?}", server.stored().await);
}

async fn tags_change_in_place(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let bucket = alice.bucket("Tags").await;
    let made = alice.upload(&bucket, "a.txt", "content").await.expect(200);
    let (object, first) = (made.member("id"), made.member("versionId"));
    let with_id = |mut tags: Value| {
        tags["coms-id"] = json!(object);
        tags
    };
    assert_eq!(tags_of(&alice, &object).await, with_id(json!({})));
    tags(&alice, "PATCH", &object, "tagset[a]=1&tagset[b]=")
        .await
        .expect(204);
    tags(&alice, "PATCH", &object, "tagset[a]=2&tagset[A]=3")
        .await
        .expect(204);
    assert_eq!(
        tags_of(&alice, &object).await,
        with_id(json!({ "a": "2", "b": "", "A": "3" }))
    );
    tags(&alice, "DELETE", &object, "tagset[a]=other").await.expect(204);
    assert_eq!(tags_of(&alice, &object).await, with_id(json!({ "b": "", "A": "3" })));
    tags(&alice, "PUT", &object, "tagset[z]=26").await.expect(204);
    assert_eq!(tags_of(&alice, &object).await, with_id(json!({ "z": "26" })));
    assert_eq!(alice.versions(&object).await.len(), 1, "no version is made");

    let nine: Vec<String> = (0..9).map(|n| format!("tagset[k{n}]=v")).collect();
    tags(&alice, "PUT", &object, &nine.join("&")).await.expect(204);
    tags(&alice, "PATCH", &object, "tagset[k0]=again").await.expect(204);
    tags(&alice, "PATCH", &object, "tagset[tenth]=1").await.expect(409);
    tags(&alice, "PUT", &object, &format!("{}&tagset[tenth]=1", nine.join("&")))
        .await
        .expect(422);
    tags(&alice, "PATCH", &object, "tagset[coms-id]=x").await.expect(422);

    alice.replace(&object, "newer").await.expect(200);
    tags(&alice, "PUT", &object, &format!("tagset[old]=yes&versionId={first}"))
        .await
        .expect(204);
    assert_eq!(tags_of(&alice, &object).await, with_id(json!({})));
    let rows = alice
        .get(&format!("/version/tagging?versionId={first}"))
        .await
        .expect(200)
        .json();
    assert_eq!(pairs(&rows[0]["tagset"]), with_id(json!({ "old": "yes" })));
    tags(&alice, "DELETE", &object, &format!("versionId={first}"))
        .await
        .expect(204);
    let rows = alice
        .get(&format!("/version/tagging?versionId={first}"))
        .await
        .expect(200)
        .json();
    assert_eq!(pairs(&rows[0]["tagset"]), with_id(json!({})));

    alice
        .grant(&format!("object/{object}"), &bob, &["READ"])
        .await
        .expect(201);
    tags(&bob, "PATCH", &object, "tagset[a]=1").await.expect(403);
    metadata(&bob, "PATCH", &object, "", &[("a", "1")]).await.expect(403);
    tags(
        &alice,
        "PATCH",
        &object,
        &format!("tagset[a]=1&versionId={}", unknown_id()),
    )
    .await
    .expect(404);
    alice.delete(&format!("/object/{object}")).await.expect(200);
    tags(&alice, "PATCH", &object, "tagset[a]=1").await.expect(404);

    // People who tag side by side do not lose each other's tags, nor get past the limit.
    let object = alice.object(&bucket, "busy.txt", "busy").await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..12 {
        let (alice, object) = (alice.clone(), object.clone());
        tasks.spawn(async move { tags(&alice, "PATCH", &object, &format!("tagset[k{n}]=v")).await.status });
    }
    let mut taken = 0;
    while let Some(status) = tasks.join_next().await {
        match status.expect("an answer") {
            204 => taken += 1,
            409 => {}
            other => panic!("{other}"),
        }
    }
    assert_eq!(taken, 9);
    assert_eq!(
        tags_of(&alice, &object).await.as_object().map(serde_json::Map::len),
        Some(10)
    );
}

async fn versions_are_copied_with_their_labels(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let alice = server.person("alice");
    let bucket = alice.bucket("Copies").await;
    let made = alice.upload(&bucket, "a.txt", "one").await.expect(200);
    let (object, first) = (made.member("id"), made.member("versionId"));
    tags(&alice, "PUT", &object, "tagset[team]=one").await.expect(204);
    metadata(
        &alice,
        "PUT",
        &object,
        &format!("?versionId={first}"),
        &[("colour", "red")],
    )
    .await
    .expect(204);
    let second = alice.versions(&object).await[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    alice.replace(&object, "two").await.expect(200);
    assert_eq!(metadata_of(&alice, &object).await, json!({}));
    let copy = alice
        .send(
            Method::PUT,
            &format!("/object/{object}/version?versionId={second}"),
            &[],
            "",
        )
        .await
        .expect(201);
    assert_eq!(copy.json()["mimeType"], json!("text/plain"));
    assert_eq!(alice.download(&object).await.expect(200).text(), "one");
    assert_eq!(metadata_of(&alice, &object).await, json!({ "colour": "red" }));
    assert_eq!(
        tags_of(&alice, &object).await,
        json!({ "team": "one", "coms-id": object })
    );
    // A deleted object is there again by a copy of its newest content.
    alice.delete(&format!("/object/{object}")).await.expect(200);
    alice
        .send(Method::PUT, &format!("/object/{object}/version"), &[], "")
        .await
        .expect(201);
    assert_eq!(alice.download(&object).await.expect(200).text(), "one");
    assert_eq!(
        server.stored().await.len(),
        2,
        "two contents, whatever the number of versions"
    );
    alice.delete(&format!("/bucket/{bucket}")).await.expect(204);
    for _ in 0..100 {
        if server.stored().await.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("still stored: {:?}", server.stored().await);
}

async fn labels_are_listed_and_narrowed(backend: Backend) {
    let start = Server::start_with(backend, |settings| {
        settings.set("objects.privacy_mask", "false");
    });
    let Some(server) = start.await else { return };
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let (one, two) = (alice.bucket("One").await, alice.bucket("Two").await);
    let (a, b) = (
        alice.object(&one, "a.txt", "a").await,
        alice.object(&two, "b.txt", "b").await,
    );
    metadata(&alice, "PUT", &a, "", &[("colour", "Dark Red"), ("size", "L")])
        .await
        .expect(204);
    metadata(&alice, "PUT", &b, "", &[("colour", "blue")]).await.expect(204);
    tags(&alice, "PUT", &a, "tagset[Team]=North&tagset[x]=")
        .await
        .expect(204);

    let ids = |rows: &Value, name: &str| {
        let mut ids: Vec<String> = rows
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| row[name].to_string())
            .collect();
        ids.sort();
        ids
    };
    let quoted = |mut ids: Vec<&String>| {
        ids.sort();
        ids.into_iter().map(|id| format!("\"{id}\"")).collect::<Vec<_>>()
    };
    // Open to everybody who signed in, without the mask.
    let rows = bob.get("/object/metadata").await.expect(200).json();
    assert_eq!(ids(&rows, "objectId"), quoted(vec![&a, &b]));
    let rows = bob
        .get(&format!("/object/metadata?bucketId={two}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        rows,
        json!([{ "objectId": b, "metadata": [{ "key": "colour", "value": "blue" }] }])
    );
    let narrowed = |path: String, pairs: Vec<(&'static str, &'static str)>| {
        let alice = alice.clone();
        async move { alice.send(Method::GET, &path, &pairs, "").await.expect(200).json() }
    };
    let path = format!("/object/metadata?objectId={a}");
    let red = narrowed(path.clone(), vec![("x-amz-meta-olo", "RED")]).await;
    assert_eq!(pairs(&red[0]["metadata"]), json!({ "colour": "Dark Red" }));
    let two_keys = narrowed(
        path.clone(),
        vec![("x-amz-meta-colour", "red"), ("x-amz-meta-size", "l")],
    )
    .await;
    assert_eq!(
        pairs(&two_keys[0]["metadata"]),
        json!({ "colour": "Dark Red", "size": "L" })
    );
    let none = narrowed(path, vec![("x-amz-meta-colour", "green")]).await;
    assert_eq!(none, json!([{ "objectId": a, "metadata": [] }]));
    let team = bob
        .get(&format!("/object/tagging?objectId={a}&tagset[team]="))
        .await
        .expect(200)
        .json();
    assert_eq!(pairs(&team[0]["tagset"]), json!({ "Team": "North" }));

    versions_and_pairs_in_use(&server, (&alice, &a), &bob).await;
}

async fn versions_and_pairs_in_use(server: &Server, (alice, a): (&Caller, &str), bob: &Caller) {
    let versions = bob.get("/version/metadata").await.expect(200).json();
    let created: Vec<usize> = versions
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["metadata"].as_array().map_or(0, Vec::len))
        .collect();
    assert_eq!(created, [1, 2, 0, 0], "newest first: {versions}");
    let native = versions[1]["s3VersionId"].as_str().expect("an id");
    let by_native = bob
        .get(&format!("/version/metadata?s3VersionId={native}"))
        .await
        .expect(200)
        .json();
    assert_eq!(by_native[0]["versionId"], versions[1]["versionId"]);
    assert_eq!(
        bob.get(&format!("/version/tagging?versionId={}", unknown_id()))
            .await
            .expect(200)
            .json(),
        json!([])
    );
    bob.get(&format!("/version/tagging?versionId={a}&s3VersionId=x"))
        .await
        .expect(422);

    let all = bob.get("/metadata?whatever=1").await.expect(200).json();
    let pair = |key: &str, value: &str| json!({ "key": key, "value": value });
    assert_eq!(
        all,
        json!([pair("colour", "Dark Red"), pair("colour", "blue"), pair("size", "L")])
    );
    let red = alice
        .send(Method::GET, "/metadata", &[("x-amz-meta-col", "k r")], "")
        .await
        .expect(200)
        .json();
    assert_eq!(red, json!([pair("colour", "Dark Red")]));
    let all = bob.get("/tagging").await.expect(200).json();
    assert_eq!(
        all.as_array().map(Vec::len),
        Some(4),
        "two of a client, two that name objects: {all}"
    );
    assert_eq!(
        bob.get("/tagging?tagset[TEAM]=ORT").await.expect(200).json(),
        json!([pair("Team", "North")])
    );
    bob.get("/tagging?other=1").await.expect(422);
    tags(alice, "PUT", a, "").await.expect(204);
    assert_eq!(
        bob.get("/tagging?tagset[team]=").await.expect(200).json(),
        json!([]),
        "forgotten at once"
    );
    server.anonymous().get("/metadata").await.expect(403);
    server.anonymous().get("/object/tagging").await.expect(403);
}

async fn the_privacy_mask_hides_labels(backend: Backend) {
    let start = Server::start_with(backend, |settings| {
        settings.set("objects.privacy_mask", "true");
    });
    let Some(server) = start.await else { return };
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let bucket = alice.bucket("Masked").await;
    let (a, b) = (
        alice.object(&bucket, "a.txt", "a").await,
        alice.object(&bucket, "b.txt", "b").await,
    );
    metadata(&alice, "PUT", &a, "", &[("colour", "red")]).await.expect(204);
    metadata(&alice, "PUT", &b, "", &[("colour", "blue")]).await.expect(204);
    let count = async |caller: &Caller, path: &str| {
        let rows = caller.get(path).await.expect(200).json();
        rows.as_array().map_or(0, Vec::len)
    };
    let both = format!("objectId={a},{b}");
    for path in [
        "/object/metadata",
        "/object/tagging",
        "/version/metadata",
        "/version/tagging",
    ] {
        let versions = if path.starts_with("/version") { 2 } else { 1 };
        assert_eq!(count(&alice, path).await, 2 * versions, "{path}");
        assert_eq!(count(&bob, path).await, 0, "{path}");
        assert_eq!(count(&server.superuser(), path).await, 2 * versions, "{path}");
    }
    assert_eq!(count(&bob, &format!("/object/metadata?{both}")).await, 0);
    alice.grant(&format!("object/{a}"), &bob, &["READ"]).await.expect(201);
    assert_eq!(count(&bob, &format!("/object/metadata?{both}")).await, 1);
    assert_eq!(count(&bob, "/version/tagging").await, 2);
    alice
        .grant(&format!("bucket/{bucket}"), &bob, &["READ"])
        .await
        .expect(201);
    assert_eq!(count(&bob, "/object/tagging").await, 2);
    // Keys alone, once for each value, and values cannot be asked for.
    let keys = json!([{ "key": "colour" }, { "key": "colour" }]);
    assert_eq!(bob.get("/metadata").await.expect(200).json(), keys);
    let asked = bob
        .send(Method::GET, "/metadata", &[("x-amz-meta-colour", "nothing")], "")
        .await;
    assert_eq!(asked.expect(200).json(), keys);
    let told = server.superuser().get("/metadata").await.expect(200).json();
    assert_eq!(told[0]["value"], json!("blue"));
}

async fn limits_are_those_of_s3(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let alice = server.person("alice");
    let bucket = alice.bucket("Limits").await;
    let object = alice.object(&bucket, "a.txt", "a").await;
    let (fits, long) = ("v".repeat(2000), "v".repeat(2100));
    metadata(&alice, "PUT", &object, "", &[("k", &fits)]).await.expect(204);
    metadata(&alice, "PATCH", &object, "", &[("more", &"w".repeat(100))])
        .await
        .expect(400);
    metadata(&alice, "PUT", &object, "", &[("k", &long)]).await.expect(400);
    assert_eq!(metadata_of(&alice, &object).await, json!({ "k": fits }));
    tags(&alice, "PUT", &object, &format!("tagset[{}]=v", "k".repeat(128)))
        .await
        .expect(204);
    tags(&alice, "PUT", &object, &format!("tagset[{}]=v", "k".repeat(129)))
        .await
        .expect(400);
    tags(&alice, "PUT", &object, &format!("tagset[k]={}", "v".repeat(255)))
        .await
        .expect(204);
    tags(&alice, "PUT", &object, &format!("tagset[k]={}", "v".repeat(256)))
        .await
        .expect(422);
    let headers = [
        ("content-disposition", "attachment; filename=\"b.txt\""),
        ("x-amz-meta-k", long.as_str()),
    ];
    alice
        .send(Method::PUT, &format!("/object?bucketId={bucket}"), &headers, "b")
        .await
        .expect(400);
}
