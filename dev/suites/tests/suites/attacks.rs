//! What nobody should send: forged credentials, ids of nothing, hostile names, lying lengths.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Backend, Caller, IDENTITY_PROVIDER, Issuer, SUPERUSER, Server, content, raw, unknown_id};

use crate::on_both;

on_both!(
    forged_tokens_are_refused,
    wrong_passwords_are_refused,
    ids_are_read_strictly,
    hostile_names_stay_names,
    bodies_that_lie_store_nothing,
    two_uploads_to_one_name_have_one_winner,
    hidden_things_do_not_show,
);

fn changed(name: &str, member: &str, value: Value) -> Value {
    let mut claims = Issuer::claims(name);
    claims[member] = value;
    claims
}

async fn forged_tokens_are_refused(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let alice = server.person("alice");
    let bucket = alice.bucket("Guarded").await;
    let object = alice.object(&bucket, "guarded.txt", "guarded").await;
    let issuer = Server::issuer();
    let good = issuer.token("alice");
    let (head, rest) = good.split_once('.').expect("a token");
    let (body, signature) = rest.split_once('.').expect("a token");
    let (_, other_body) = Issuer::sign_with_nothing(&Issuer::claims("bob"))
        .split_once('.')
        .map_or_else(Default::default, |(a, b)| {
            (a.to_owned(), b.trim_end_matches('.').to_owned())
        });
    let attempts = [
        ("no token", "nonsense".to_owned()),
        ("two parts", format!("{head}.{body}")),
        ("four parts", format!("{good}.{signature}")),
        ("no signature", format!("{head}.{body}.")),
        ("another body", format!("{head}.{other_body}.{signature}")),
        ("a cut signature", good[..good.len() - 8].to_owned()),
        ("padding", format!("{good}==")),
        ("a megabyte", "x".repeat(16_000)),
        ("alg none", Issuer::sign_with_nothing(&Issuer::claims("alice"))),
        (
            "HS256 with the public key",
            issuer.sign_with_public_key(&Issuer::claims("alice")),
        ),
        ("a stranger's key", Issuer::default().token("alice")),
        ("expired", issuer.sign(&changed("alice", "exp", json!(1_600_000_000)))),
        ("no end", issuer.sign(&changed("alice", "exp", Value::Null))),
        (
            "an end in words",
            issuer.sign(&changed("alice", "exp", json!("tomorrow"))),
        ),
        (
            "not yet",
            issuer.sign(&changed("alice", "nbf", json!(4_000_000_000_u64))),
        ),
        (
            "another issuer",
            issuer.sign(&changed("alice", "iss", json!("https://elsewhere.test"))),
        ),
        (
            "the issuer with a slash",
            issuer.sign(&changed("alice", "iss", json!(format!("{}/", testkit::ISSUER)))),
        ),
        (
            "the server's own issuer",
            issuer.sign(&changed("alice", "iss", json!(server.origin()))),
        ),
        (
            "another audience",
            issuer.sign(&changed("alice", "aud", json!("elsewhere"))),
        ),
        ("no subject", issuer.sign(&changed("alice", "sub", json!("")))),
        (
            "NUL in a name",
            issuer.sign(&changed("alice", "display_name", json!("a\u{0}b"))),
        ),
        ("a bad address", issuer.sign(&changed("alice", "email", json!("alice")))),
        ("claims that are a list", issuer.sign(&json!(["iss"]))),
    ];
    for (what, token) in &attempts {
        let caller = server.bearer(token);
        for path in [
            format!("/object/{object}?download=proxy"),
            "/bucket".to_owned(),
            "/".to_owned(),
        ] {
            let answer = caller.get(&path).await;
            assert_eq!(answer.status, 403, "{what} at {path}: {}", answer.text());
            assert_eq!(answer.json()["status"], json!(403), "{what}");
        }
    }
    server.anonymous().download(&object).await.expect(403);
    // An equal subject or address of another identity provider is another person.
    let twin = issuer.sign(&changed("alice", "identity_provider", json!("elsewhere-idp")));
    server.bearer(&twin).download(&object).await.expect(403);
    let mut namesake = changed("alice", "sub", json!("subject-namesake"));
    namesake["identity_provider"] = json!(IDENTITY_PROVIDER);
    server
        .bearer(&issuer.sign(&namesake))
        .download(&object)
        .await
        .expect(403);
    server.bearer(&good).download(&object).await.expect(200);
}

async fn wrong_passwords_are_refused(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let alice = server.person("alice");
    let bucket = alice.bucket("Guarded").await;
    let object = alice.object(&bucket, "guarded.txt", "guarded").await;
    for (name, password) in [
        (SUPERUSER.0, "wrong"),
        ("wrong", SUPERUSER.1),
        ("", ""),
        (SUPERUSER.0, ""),
    ] {
        server
            .basic(name, password)
            .get(&format!("/object/{object}?download=proxy"))
            .await
            .expect(401);
    }
    server.superuser().download(&object).await.expect(200);
}

async fn ids_are_read_strictly(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let alice = server.person("alice");
    let bucket = alice.bucket("Ids").await;
    let object = alice.object(&bucket, "id.txt", "by id").await;
    // Other spellings of the same id are the same id (section 0 of the contract).
    for same in [object.to_uppercase(), object.replace('-', "")] {
        assert_eq!(alice.download(&same).await.expect(200).text(), "by id", "{same}");
    }
    let braces = format!("%7B{object}%7D");
    let urn = format!("urn:uuid:{object}");
    let version_1 = format!("{}1{}", &object[..14], &object[15..]);
    let many = "9".repeat(4000);
    for wrong in [
        "1",
        "x",
        "-",
        "%00",
        "%ff",
        "a%2fb",
        "' OR 1=1 --",
        &braces,
        &urn,
        &version_1,
        &many,
        "null",
    ] {
        for caller in [&alice, &server.superuser(), &server.anonymous()] {
            let answer = caller
                .get(&format!("/object/{}?download=proxy", wrong.replace(' ', "%20")))
                .await;
            assert!(
                [400, 404, 422].contains(&answer.status),
                "{wrong:?}: {} {}",
                answer.status,
                answer.text()
            );
        }
    }
    let unknown = unknown_id();
    for (caller, on_object, on_bucket) in [
        (&alice, 403, 403),
        (&server.superuser(), 403, 404),
        (&server.anonymous(), 403, 403),
    ] {
        caller.download(&unknown).await.expect(on_object);
        caller.get(&format!("/bucket/{unknown}")).await.expect(on_bucket);
    }
    // An object's id is no bucket's, and the other way around. (Whoever may read the object may learn that.)
    let status = alice.get(&format!("/bucket/{object}")).await.status;
    assert!([403, 404].contains(&status), "{status}");
    server
        .person("mallory")
        .get(&format!("/bucket/{object}"))
        .await
        .expect(403);
    alice.download(&bucket).await.expect(403);
    alice.upload(&unknown, "a.txt", "x").await.expect(403);
    alice.upload(&object, "a.txt", "x").await.expect(403);
    let other = alice
        .upload(&bucket, "other.txt", "other")
        .await
        .expect(200)
        .member("versionId");
    // A version of another object.
    alice
        .get(&format!("/object/{object}?download=proxy&versionId={other}"))
        .await
        .expect(404);
    alice
        .delete(&format!("/object/{object}?versionId={other}"))
        .await
        .expect(404);
}

async fn upload_named(caller: &Caller, bucket: &str, disposition: &str, bytes: &'static str) -> testkit::Answer {
    let headers = [("content-disposition", disposition)];
    caller
        .send(Method::PUT, &format!("/object?bucketId={bucket}"), &headers, bytes)
        .await
}

fn extended(name: &str) -> String {
    let hex: String = name
        .bytes()
        .flat_map(|byte| ['%'.to_string(), testkit::hex(&[byte])])
        .collect();
    format!("attachment; filename*=UTF-8''{hex}")
}

async fn hostile_names_stay_names(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let alice = server.person("alice");
    let made = alice
        .put("/bucket", &json!({ "bucketName": "Names", "key": "names" }))
        .await
        .expect(201);
    let bucket = made.member("bucketId");
    let longest = "n".repeat(1024 - "names/".len());
    for name in [
        "..",
        ".",
        "%2e%2e",
        "..%2fescape",
        "a\\..\\b",
        "C:\\boot.ini",
        "CON",
        "-rf",
        "~",
        "$(id)",
        "'; DROP TABLE object; --",
        "<img src=x onerror=alert(1)>",
        "na\u{ef}ve.txt",
        "\u{6587}\u{4ef6}.txt",
        "\u{5e9}\u{5dc}\u{5d5}\u{5dd}.txt",
        "\u{1f600}.png",
        "cod\u{202e}exe.txt",
        "e\u{301}.txt",
        "\u{e9}.txt",
        " spaced ",
        "semi;colon\".txt",
        &longest,
    ] {
        let answer = upload_named(&alice, &bucket, &extended(name), "content")
            .await
            .expect(200);
        assert_eq!(answer.json()["name"].as_str(), Some(name), "{name:?}");
        let object = answer.member("id");
        assert_eq!(alice.download(&object).await.expect(200).text(), "content", "{name:?}");
    }
    // Slashes make a deeper key, whose last segment is the name.
    for (name, path) in [
        ("a/b/c.txt", "a/b/c.txt"),
        ("/etc/passwd", "etc/passwd"),
        ("../../x", "../../x"),
        ("d//e", "d/e"),
    ] {
        let row = upload_named(&alice, &bucket, &extended(name), "content")
            .await
            .expect(200)
            .json();
        assert_eq!(row["path"].as_str(), Some(format!("names/{path}").as_str()));
    }
    let too_long = format!("{longest}n");
    let answer = upload_named(&alice, &bucket, &extended(&too_long), "content")
        .await
        .expect(422);
    assert_eq!(
        answer.json()["key"].as_str(),
        Some(format!("names/{too_long}").as_str())
    );
    for (disposition, status) in [
        (extended("nul\u{0}.txt"), 400),
        (extended("line\nbreak"), 400),
        (extended("/"), 400),
        ("attachment; filename=\"\"".to_owned(), 400),
        ("attachment".to_owned(), 400),
        ("attachment; filename=\"open".to_owned(), 400),
        ("attachment; filename*=UTF-8''%ff%fe".to_owned(), 400),
        ("attachment; filename*=UTF-16''a".to_owned(), 400),
    ] {
        let answer = upload_named(&alice, &bucket, &disposition, "content").await;
        assert_eq!(answer.status, status, "{disposition}: {}", answer.text());
    }
    let plain: [(&str, &str); 0] = [];
    alice
        .send(Method::PUT, &format!("/object?bucketId={bucket}"), &plain, "x")
        .await
        .expect(415);
    if backend == Backend::SqliteFiles {
        let outside: Vec<_> = server
            .stored()
            .await
            .into_iter()
            .filter(|path| !path.contains("/files/objects/"))
            .collect();
        assert!(outside.is_empty(), "{outside:?}");
    }
}

async fn bodies_that_lie_store_nothing(backend: Backend) {
    let start = Server::start_with(backend, |settings| {
        settings
            .set("limits.object_bytes", "100000")
            .set("limits.upload_lease_seconds", "1");
    });
    let Some(server) = start.await else { return };
    let alice = server.person("alice");
    let bucket = alice.bucket("Lies").await;
    let object = alice.object(&bucket, "kept.txt", "kept").await;
    let token = Server::issuer().token("alice");
    let head = |target: &str, name: &str, length: &str| {
        format!(
            "PUT /api/v1{target} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\
             Content-Disposition: attachment; filename=\"{name}\"\r\n{length}\r\n",
            server.address()
        )
    };
    let into = format!("/object?bucketId={bucket}");
    let over = format!("/object/{object}");
    for target in [&into, &over] {
        // Less than announced, and then nothing: no answer, or a refusal; never a success.
        let cut = format!("{}only a part", head(target, "cut.txt", "Content-Length: 5000\r\n"));
        let status = raw::exchange(&server.address(), cut.as_bytes(), true).await;
        assert!(
            status.is_none_or(|status| (400..500).contains(&status)),
            "{target}: {status:?}"
        );
        for (length, allowed) in [
            ("Content-Length: 0\r\n", &[411][..]),
            ("", &[411]),
            ("Transfer-Encoding: chunked\r\n", &[411]),
            ("Content-Length: -1\r\n", &[400, 411]),
            ("Content-Length: 1e3\r\n", &[400, 411]),
            ("Content-Length: 5\r\nContent-Length: 6\r\n", &[400]),
            ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", &[400, 411]),
            ("Content-Length: 99999999999999999999999999\r\n", &[400, 411]),
            ("Content-Length: 9223372036854775807\r\n", &[413]),
            ("Content-Length: 100001\r\n", &[413]),
        ] {
            let body = if length.contains("chunked") { "0\r\n\r\n" } else { "" };
            let request = format!("{}{body}", head(target, "lie.txt", length));
            let status = raw::exchange(&server.address(), request.as_bytes(), false).await;
            assert!(
                status.is_some_and(|status| allowed.contains(&status)),
                "{target} {length:?}: {status:?}"
            );
        }
    }
    // More than announced is the next request, and it is none.
    let more = format!(
        "{}12345GET /",
        head(&into, "exact.txt", "Content-Length: 5\r\nConnection: close\r\n")
    );
    assert_eq!(
        raw::exchange(&server.address(), more.as_bytes(), false).await,
        Some(200)
    );
    alice.upload(&bucket, "cut.txt", "whole").await.expect(200);
    alice.upload(&bucket, "lie.txt", "true").await.expect(200);
    alice.upload(&bucket, "full.txt", content(100_000)).await.expect(200);
    alice.upload(&bucket, "over.txt", content(100_001)).await.expect(413);
    forms_that_lie(&alice, &bucket).await;
    assert_eq!(alice.versions(&object).await.len(), 1);
    assert_eq!(alice.download(&object).await.expect(200).text(), "kept");
    for (body, status) in [
        ("{", 400),
        ("[]", 422),
        ("null", 422),
        (r#"{"bucketName":7}"#, 422),
        (r#"{"bucketName":"a","x":1}"#, 422),
    ] {
        let answer = alice
            .send(Method::PUT, "/bucket", &[("content-type", "application/json")], body)
            .await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    let long = json!({ "bucketName": "x".repeat(200_000) }).to_string();
    alice
        .send(Method::PUT, "/bucket", &[("content-type", "application/json")], long)
        .await
        .expect(413);
    let deep = "[".repeat(50_000);
    alice
        .send(Method::PUT, "/bucket", &[("content-type", "application/json")], deep)
        .await
        .expect(400);
    only_these_are_stored(&server, 5).await;
}

async fn forms_that_lie(alice: &Caller, bucket: &str) {
    let part =
        |name: &str| format!("--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"{name}\"\r\n\r\nform\r\n");
    let headers = [("content-type", "multipart/form-data; boundary=x")];
    for (body, status) in [
        (part("broken.txt"), 400),
        (format!("{}{}--x--\r\n", part("one.txt"), part("two.txt")), 422),
        ("--x--\r\n".to_owned(), 422),
        ("nonsense".to_owned(), 400),
        (String::new(), 400),
        (
            format!("{}{}\r\n--x--\r\n", part("big.txt").trim_end(), "y".repeat(100_001)),
            413,
        ),
    ] {
        let answer = alice
            .send(
                Method::POST,
                &format!("/object?bucketId={bucket}"),
                &headers,
                body.clone(),
            )
            .await;
        assert_eq!(
            answer.status,
            status,
            "{:?}: {}",
            body.get(..90).unwrap_or(&body),
            answer.text()
        );
    }
}

/// Waits until the storage holds this many things, so that what was refused left nothing behind.
async fn only_these_are_stored(server: &Server, count: usize) {
    let mut stored = Vec::new();
    for _ in 0..60 {
        stored = server.stored().await;
        if stored.len() == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    panic!("{count} versions, but {} things are stored: {stored:?}", stored.len());
}

async fn two_uploads_to_one_name_have_one_winner(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let alice = server.person("alice");
    let bucket = alice.bucket("Races").await;
    for round in 0..10 {
        let name = format!("race-{round}.txt");
        let upload = |text: &'static str| {
            let (alice, bucket, name) = (alice.clone(), bucket.clone(), name.clone());
            tokio::spawn(async move { (alice.upload(&bucket, &name, text.repeat(20_000)).await, text) })
        };
        let tasks = [upload("a"), upload("b")];
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.expect("an answer"));
        }
        answers.sort_by_key(|(answer, _)| answer.status);
        let told: Vec<u16> = answers.iter().map(|(answer, _)| answer.status).collect();
        assert_eq!(told, [200, 409], "{}", answers[1].0.text());
        let ((won, text), (lost, _)) = (&answers[0], &answers[1]);
        assert_eq!(
            lost.json()["existingObjectId"].as_str(),
            Some(won.member("id").as_str())
        );
        assert_eq!(
            alice.download(&won.member("id")).await.expect(200).text(),
            text.repeat(20_000)
        );
    }
    only_these_are_stored(&server, 10).await;
}

/// An answer never tells whether something exists that the caller may not see.
async fn hidden_things_do_not_show(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let (alice, mallory) = (server.person("alice"), server.person("mallory"));
    let bucket = alice.bucket("Hidden").await;
    let object = alice.object(&bucket, "hidden.txt", "hidden").await;
    let (no_bucket, no_object) = (unknown_id(), unknown_id());
    let body = |answer: testkit::Answer, id: &str| (answer.status, answer.text().replace(id, "ID"));
    for caller in [&mallory, &server.anonymous()] {
        for suffix in ["?download=proxy", "?download=url", "", "/version"] {
            let seen = body(caller.get(&format!("/object/{object}{suffix}")).await, &object);
            assert_eq!(
                seen,
                body(caller.get(&format!("/object/{no_object}{suffix}")).await, &no_object)
            );
        }
        let seen = body(caller.get(&format!("/bucket/{bucket}")).await, &bucket);
        assert_eq!(
            seen,
            body(caller.get(&format!("/bucket/{no_bucket}")).await, &no_bucket)
        );
        let seen = body(caller.upload(&bucket, "hidden.txt", "x").await, &bucket);
        assert_eq!(
            seen,
            body(caller.upload(&no_bucket, "hidden.txt", "x").await, &no_bucket)
        );
        let seen = body(caller.delete(&format!("/object/{object}")).await, &object);
        assert_eq!(
            seen,
            body(caller.delete(&format!("/object/{no_object}")).await, &no_object)
        );
    }
}
