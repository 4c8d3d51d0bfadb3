//! What people do all day, from the first bucket to the restored version.

use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Backend, Caller, IDENTITY_PROVIDER, Server, content, setting, unknown_id};

use crate::on_both;

on_both!(
    buckets_live_and_end,
    both_ways_to_upload_answer_alike,
    downloads_know_ranges_and_conditions,
    links_need_no_credentials,
    versions_are_kept_deleted_and_restored,
    permissions_open_and_close,
    accounts_of_the_server_sign_in,
    people_of_a_real_provider_sign_in,
);

/// The members that the contract promises for a bucket.
const BUCKET: [&str; 15] = [
    "accessKeyId",
    "active",
    "bucket",
    "bucketId",
    "bucketName",
    "createdAt",
    "createdBy",
    "endpoint",
    "key",
    "lastSyncRequestedDate",
    "public",
    "region",
    "secretAccessKey",
    "updatedAt",
    "updatedBy",
];

fn names(body: &Value) -> Vec<String> {
    let mut names: Vec<String> = body.as_object().expect("an object").keys().cloned().collect();
    names.sort();
    names
}

async fn buckets_live_and_end(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let alice = server.person("alice");
    let made = alice
        .put("/bucket", &json!({ "bucketName": "Maps", "key": "//atlas//west/" }))
        .await
        .expect(201)
        .json();
    assert_eq!(names(&made), BUCKET);
    let id = made["bucketId"].as_str().expect("an id");
    assert_eq!(
        (made["bucketName"].as_str(), made["key"].as_str()),
        (Some("Maps"), Some("atlas/west"))
    );
    assert_eq!(
        (made["secretAccessKey"].as_str(), made["public"].as_bool()),
        (Some("REDACTED"), Some(false))
    );
    assert_eq!(made["createdBy"].as_str(), Some(alice.user_id().await.as_str()));

    let read = alice.get(&format!("/bucket/{id}")).await.expect(200).json();
    assert_eq!(read, made);
    alice.head(&format!("/bucket/{id}")).await.expect(204);
    let child = json!({ "bucketName": "Tiles", "subKey": "tiles/small" });
    let child = alice
        .put(&format!("/bucket/{id}/child"), &child)
        .await
        .expect(201)
        .json();
    assert_eq!(child["key"].as_str(), Some("atlas/west/tiles/small"));
    let child_id = child["bucketId"].as_str().expect("an id");

    let found = alice.get("/bucket?key=ATLAS").await.expect(200).json();
    assert_eq!(found.as_array().map(Vec::len), Some(2), "{found}");
    let found = alice
        .get(&format!("/bucket?bucketId={id},{child_id}&bucketName=tile"))
        .await
        .expect(200)
        .json();
    assert_eq!(found, json!([child]));

    let patched = alice
        .patch(&format!("/bucket/{id}"), &json!({ "bucketName": "Charts" }))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (patched["bucketName"].as_str(), patched["key"].as_str()),
        (Some("Charts"), Some("atlas/west"))
    );
    assert!(patched["updatedAt"].is_string());
    alice
        .patch(&format!("/bucket/{id}"), &json!({ "key": "elsewhere" }))
        .await
        .expect(422);

    alice.delete(&format!("/bucket/{id}?recursive=true")).await.expect(204);
    alice.get(&format!("/bucket/{id}")).await.expect(403);
    alice.get(&format!("/bucket/{child_id}")).await.expect(403);
    server.superuser().get(&format!("/bucket/{id}")).await.expect(404);
}

async fn both_ways_to_upload_answer_alike(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let alice = server.person("alice");
    let made = alice
        .put("/bucket", &json!({ "bucketName": "Uploads", "key": "in/tray" }))
        .await
        .expect(201);
    let bucket = made.member("bucketId");
    let address = format!("/object?bucketId={bucket}&tagset[colour]=red");
    let bytes = content(100_000);
    let raw = [
        ("content-disposition", "attachment; filename=\"raw.bin\""),
        ("content-type", "application/x-test"),
        ("x-amz-meta-origin", "scanner"),
    ];
    let raw = alice.send(Method::PUT, &address, &raw, bytes.clone()).await.expect(200);
    let mut form = b"--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"form.bin\"\r\n\
        Content-Type: application/x-test\r\n\r\n"
        .to_vec();
    form.extend(&bytes);
    form.extend(b"\r\n--edge--\r\n");
    let headers = [
        ("content-type", "multipart/form-data; boundary=edge"),
        ("x-amz-meta-origin", "scanner"),
    ];
    let form = alice.send(Method::POST, &address, &headers, form).await.expect(200);
    assert_eq!(names(&raw.json()), names(&form.json()));
    for (answer, name) in [(raw, "raw.bin"), (form, "form.bin")] {
        let row = answer.json();
        let id = answer.member("id");
        assert_eq!(
            (row["name"].as_str(), row["path"].as_str()),
            (Some(name), Some(format!("in/tray/{name}").as_str()))
        );
        assert_eq!(
            (row["length"].as_u64(), row["mimeType"].as_str()),
            (Some(100_000), Some("application/x-test"))
        );
        assert_eq!(row["metadata"], json!({ "origin": "scanner" }));
        assert_eq!(row["tags"], json!({ "colour": "red", "coms-id": id }));
        assert_eq!(
            (row["bucketId"].as_str(), row["public"].as_bool()),
            (Some(bucket.as_str()), Some(false))
        );
        let got = alice.download(&id).await.expect(200);
        assert_eq!(got.body, bytes, "{name}");
        assert_eq!(got.header("content-type"), Some("application/x-test"));
        assert_eq!(got.header("x-amz-meta-origin"), Some("scanner"));
        assert_eq!(got.header("etag"), row["ETag"].as_str());
        let head = alice.head(&format!("/object/{id}")).await.expect(204);
        assert_eq!(head.header("etag"), row["ETag"].as_str());
    }
}

async fn get_with(caller: &Caller, object: &str, headers: &[(&str, &str)]) -> Answer {
    caller
        .send(Method::GET, &format!("/object/{object}?download=proxy"), headers, "")
        .await
}

async fn downloads_know_ranges_and_conditions(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let alice = server.person("alice");
    let bucket = alice.bucket("Downloads").await;
    let bytes = content(600_000);
    let object = alice.object(&bucket, "long.bin", bytes.clone()).await;
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=1000-299999", 1000, 300_000),
        ("bytes=599999-", 599_999, 600_000),
        ("bytes=-5", 599_995, 600_000),
        ("bytes=500000-9999999", 500_000, 600_000),
    ] {
        let part = get_with(&alice, &object, &[("range", range)]).await.expect(206);
        assert_eq!(part.body, bytes[from..to], "{range}");
        let told = format!("bytes {from}-{}/600000", to - 1);
        assert_eq!(part.header("content-range"), Some(told.as_str()));
    }
    let out = get_with(&alice, &object, &[("range", "bytes=600000-")])
        .await
        .expect(416);
    assert_eq!(out.header("content-range"), Some("bytes */600000"));
    for nonsense in ["bytes=5-1", "bytes=a-b", "lines=1-2"] {
        assert_eq!(
            get_with(&alice, &object, &[("range", nonsense)]).await.expect(200).body,
            bytes,
            "{nonsense}"
        );
    }
    let whole = alice.download(&object).await.expect(200);
    let (etag, modified) = (
        whole.header("etag").expect("a tag"),
        whole.header("last-modified").expect("a date"),
    );
    let unchanged = get_with(&alice, &object, &[("if-none-match", etag)]).await.expect(304);
    assert!(unchanged.body.is_empty());
    get_with(&alice, &object, &[("if-modified-since", modified)])
        .await
        .expect(304);
    get_with(&alice, &object, &[("if-none-match", "\"other\"")])
        .await
        .expect(200);
    get_with(&alice, &object, &[("if-match", "\"other\"")])
        .await
        .expect(412);
    get_with(&alice, &object, &[("range", "bytes=0-9"), ("if-range", etag)])
        .await
        .expect(206);
    let whole_again = get_with(&alice, &object, &[("range", "bytes=0-9"), ("if-range", "\"other\"")])
        .await
        .expect(200);
    assert_eq!(whole_again.body, bytes);
}

async fn links_need_no_credentials(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let (alice, nobody) = (server.person("alice"), server.anonymous());
    let bucket = alice.bucket("Links").await;
    let object = alice.object(&bucket, "linked.txt", "linked content").await;
    let link = alice
        .get(&format!("/object/{object}?download=url&expiresIn=60"))
        .await
        .expect(201)
        .json();
    let link = link.as_str().expect("a text");
    assert_eq!(nobody.get(link).await.expect(200).text(), "linked content");
    let redirect = alice.get(&format!("/object/{object}")).await.expect(302);
    let target = redirect.header("location").expect("a target");
    assert_eq!(nobody.get(target).await.expect(200).text(), "linked content");
    // Another signature, and another object under the same signature.
    let forged = format!("{}0", link.trim_end_matches(char::is_alphanumeric));
    nobody.get(&forged).await.expect(403);
    let other = alice.object(&bucket, "other.txt", "other content").await;
    let moved = link.replace(&object, &other);
    if moved != link {
        nobody.get(&moved).await.expect(403);
    }
    nobody.get(&format!("/object/{object}?download=url")).await.expect(403);
    alice
        .get(&format!("/object/{object}?download=url&expiresIn=0"))
        .await
        .expect(422);
    alice
        .get(&format!("/object/{object}?download=redirect"))
        .await
        .expect(422);
}

async fn versions_are_kept_deleted_and_restored(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let alice = server.person("alice");
    let bucket = alice.bucket("Versions").await;
    let first = alice.upload(&bucket, "draft.txt", "first").await.expect(200);
    let (object, first) = (first.member("id"), first.member("versionId"));
    let second = alice.replace(&object, "second").await.expect(200).member("versionId");
    assert_eq!(alice.download(&object).await.expect(200).text(), "second");
    let at = |version: &str| format!("/object/{object}?download=proxy&versionId={version}");
    assert_eq!(alice.get(&at(&first)).await.expect(200).text(), "first");
    alice.get(&at(&unknown_id())).await.expect(404);

    let listed = alice.versions(&object).await;
    let told: Vec<_> = listed
        .iter()
        .map(|row| (row["id"].as_str(), row["isLatest"].as_bool()))
        .collect();
    assert_eq!(
        told,
        [(Some(second.as_str()), Some(true)), (Some(first.as_str()), Some(false))]
    );

    let deleted = alice.delete(&format!("/object/{object}")).await.expect(200).json();
    assert_eq!(deleted["DeleteMarker"].as_bool(), Some(true), "{deleted}");
    alice.download(&object).await.expect(404);
    alice.head(&format!("/object/{object}")).await.expect(404);
    assert_eq!(
        alice.get(&at(&second)).await.expect(200).text(),
        "second",
        "a version under a marker stays readable"
    );
    let listed = alice.versions(&object).await;
    assert_eq!((listed.len(), listed[0]["deleteMarker"].as_bool()), (3, Some(true)));
    let marker = listed[0]["id"].as_str().expect("an id");
    alice
        .delete(&format!("/object/{object}?versionId={marker}"))
        .await
        .expect(200);
    assert_eq!(alice.download(&object).await.expect(200).text(), "second");

    let copy = alice
        .send(
            Method::PUT,
            &format!("/object/{object}/version?versionId={first}"),
            &[],
            "",
        )
        .await
        .expect(201);
    assert_eq!(copy.json()["isLatest"].as_bool(), Some(true));
    assert_eq!(alice.download(&object).await.expect(200).text(), "first");

    for version in alice.versions(&object).await {
        let id = version["id"].as_str().expect("an id");
        alice
            .delete(&format!("/object/{object}?versionId={id}"))
            .await
            .expect(200);
    }
    alice.download(&object).await.expect(403);
    // What nobody can reach leaves the storage as well.
    for _ in 0..100 {
        if server.stored().await.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("still stored: {:?}", server.stored().await);
}

async fn permissions_open_and_close(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let (alice, bob, carol) = (server.person("alice"), server.person("bob"), server.person("carol"));
    let bucket = alice.bucket("Shared").await;
    let object = alice.object(&bucket, "shared.txt", "shared").await;
    let other = alice.object(&bucket, "other.txt", "other").await;
    let (on_object, on_bucket) = (format!("object/{object}"), format!("bucket/{bucket}"));
    bob.download(&object).await.expect(403);

    let granted = alice
        .grant(&on_object, &bob, &["READ", "UPDATE"])
        .await
        .expect(201)
        .json();
    assert_eq!(granted.as_array().map(Vec::len), Some(2));
    assert_eq!(bob.download(&object).await.expect(200).text(), "shared");
    bob.download(&other).await.expect(403);
    bob.replace(&object, "by bob").await.expect(200);
    bob.delete(&format!("/object/{object}")).await.expect(403);
    bob.grant(&on_object, &carol, &["READ"]).await.expect(403);
    bob.upload(&bucket, "new.txt", "x").await.expect(403);
    let again = alice.grant(&on_object, &bob, &["READ"]).await.expect(201).json();
    assert_eq!(again, json!([]), "what is held already is no new row");

    alice.revoke(&on_object, &bob, "READ").await.expect(200);
    bob.download(&object).await.expect(403);
    bob.replace(&object, "still by bob").await.expect(200);

    // A grant on the bucket reaches what is in it, now and later.
    alice.grant(&on_bucket, &carol, &["READ", "CREATE"]).await.expect(201);
    assert_eq!(carol.download(&other).await.expect(200).text(), "other");
    let hers = carol.object(&bucket, "hers.txt", "hers").await;
    assert_eq!(alice.download(&hers).await.expect(200).text(), "hers");
    carol.delete(&format!("/object/{hers}")).await.expect(200);

    let idp = json!([{ "idp": IDENTITY_PROVIDER, "permCode": "READ" }]);
    alice
        .put(&format!("/permission/idp/{on_object}"), &idp)
        .await
        .expect(201);
    assert_eq!(bob.download(&object).await.expect(200).text(), "still by bob");
    alice
        .delete(&format!("/permission/idp/{on_object}?idp={IDENTITY_PROVIDER}"))
        .await
        .expect(200);
    bob.download(&object).await.expect(403);

    let rows = alice.get(&format!("/permission/{on_bucket}")).await.expect(200).json();
    let codes = rows
        .as_array()
        .expect("rows")
        .iter()
        .filter(|row| row["userId"].as_str().is_some())
        .count();
    assert_eq!(codes, 7, "five of alice, two of carol: {rows}");
    alice
        .put(
            &format!("/permission/{on_object}"),
            &json!([{ "userId": unknown_id(), "permCode": "READ" }]),
        )
        .await
        .expect(404);
}

async fn accounts_of_the_server_sign_in(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let dana = server.account("dana").await;
    let bucket = dana.bucket("Own").await;
    let object = dana.object(&bucket, "own.txt", "own").await;
    let token = server.command_line(&["token", "issue", "--user", "dana@example.test"], "");
    assert_eq!(server.bearer(&token).download(&object).await.expect(200).text(), "own");
    let sign_in = async |password: &str| {
        let body = json!({ "email": "dana@example.test", "password": password }).to_string();
        let address = format!("{}/oauth/sign-in", server.origin());
        server
            .anonymous()
            .send(Method::POST, &address, &[("content-type", "application/json")], body)
            .await
    };
    sign_in("dana has a long password").await.expect(200);
    sign_in("wrong").await.expect(401);
    server.command_line(&["user", "disable", "dana@example.test"], "");
    // A token from before is refused on the very next request, and so is the password.
    server.bearer(&token).download(&object).await.expect(403);
    assert!([401, 403].contains(&sign_in("dana has a long password").await.status));
    server.command_line(&["user", "enable", "dana@example.test"], "");
    server.bearer(&token).download(&object).await.expect(200);
}

async fn people_of_a_real_provider_sign_in(backend: Backend) {
    let (Some(issuer), Some(idp)) = (setting("OIDC_ISSUER"), setting("OIDC_IDENTITY_PROVIDER")) else {
        Server::skipped("an OpenID Connect provider (set OIDC_ISSUER)");
        return;
    };
    let audience = setting("OIDC_API_AUDIENCE").expect("OIDC_API_AUDIENCE");
    let start = Server::start_with(backend, |settings| {
        settings
            .unset("oidc.public_key")
            .set("oidc.issuer", &issuer)
            .set("oidc.audience", &audience);
        settings
            .set("objects.elevated_idps", &idp)
            .set("oidc.names_required", "false");
    });
    let Some(server) = start.await else { return };
    let alice = server.bearer(&sign_in(&issuer, &audience, "alice"));
    let bob = server.bearer(&sign_in(&issuer, &audience, "bob"));
    let bucket = alice.bucket("Real").await;
    let object = alice.object(&bucket, "real.txt", "real").await;
    bob.download(&object).await.expect(403);
    let found = alice.get("/user?email=bob@example.test").await.expect(200).json();
    let grant = json!([{ "userId": found[0]["userId"], "permCode": "READ" }]);
    alice
        .put(&format!("/permission/object/{object}"), &grant)
        .await
        .expect(201);
    assert_eq!(bob.download(&object).await.expect(200).text(), "real");
}

/// A whole sign-in with code and PKCE, without a browser.
fn sign_in(issuer: &str, audience: &str, user: &str) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../services/oidc/login.py");
    let password = format!("{user}-password");
    let arguments = [
        "--issuer",
        issuer,
        "--user",
        user,
        "--password",
        &password,
        "--resource",
        audience,
    ];
    let output = Command::new("python3")
        .arg(script)
        .args(arguments)
        .args(["--field", "access_token"])
        .output();
    let output = output.expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .expect("UTF-8")
        .trim()
        .trim_matches('"')
        .to_owned()
}
