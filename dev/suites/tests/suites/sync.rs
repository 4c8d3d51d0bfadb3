//! Synchronisation with registered S3 buckets: what other programs do there is known here afterwards.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Backend, Caller, Mounted, Server, Trouble, content};

use crate::{on_both, public::with_mounts};

on_both!(
    keys_of_others_become_objects_and_follow_them,
    versions_markers_and_tags_are_those_of_the_store,
    ids_in_tags_are_kept_when_they_can_be,
    folders_below_are_found_and_forgotten,
    what_makes_keys_public_is_seen,
    an_upload_to_a_key_of_others_gives_no_rights,
    only_a_definite_absence_deletes,
    a_killed_worker_is_replaced,
    the_servers_own_storage_has_nothing_to_synchronise,
);

/// The objects of a bucket, as S3 keys to ids.
async fn id_of(mounted: &Mounted, key: &str) -> Option<String> {
    let tags = mounted.tags(key).await;
    tags.into_iter().find(|(name, _)| name == "coms-id").map(|(_, id)| id)
}

/// Asks for a synchronisation and waits until nothing is left to do.
async fn sync(caller: &Caller, address: &str) -> i64 {
    let new = caller.get(address).await.expect(202).json();
    settled(caller).await;
    new.as_i64().expect("a number")
}

async fn settled(caller: &Caller) {
    for _ in 0..300 {
        let left = caller.get("/sync/status").await.expect(200).json();
        if left == json!(0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("jobs are left after half a minute");
}

async fn registered(caller: &Caller, mount: &Value) -> String {
    caller.put("/bucket", mount).await.expect(201).member("bucketId")
}

async fn keys_of_others_become_objects_and_follow_them(backend: Backend) {
    for versioned in [true, false] {
        let Some(mounted) = Mounted::create(versioned).await else {
            return;
        };
        let Some(server) = with_mounts(backend, &mounted).await else {
            return;
        };
        let (alice, bob) = (server.person("alice"), server.person("bob"));
        let bucket = registered(&alice, &mounted.mount("a")).await;
        for (key, bytes) in [
            ("a/x", "x"),
            ("a/empty", ""),
            ("a/sp ace+ü.txt", "odd"),
            ("a/a/x", "deeper"),
            ("a/folder/", ""),
            ("b", "b"),
            ("ab", "ab"),
        ] {
            mounted.put(key, bytes).await;
        }
        mounted.put_tags("a/x", &[("colour", "red")]).await;
        let own = alice.object(&bucket, "own.txt", "own").await;
        bob.get(&format!("/bucket/{bucket}/sync")).await.expect(403);
        assert_eq!(sync(&alice, &format!("/bucket/{bucket}/sync")).await, 1);
        let row = alice.get(&format!("/bucket/{bucket}")).await.expect(200).json();
        assert!(row["lastSyncRequestedDate"].is_string());
        for (key, bytes) in [
            ("a/x", "x"),
            ("a/empty", ""),
            ("a/sp ace+ü.txt", "odd"),
            ("a/own.txt", "own"),
        ] {
            let id = id_of(&mounted, key).await.unwrap_or_else(|| panic!("{key} has no id"));
            let got = alice.download(&id).await.expect(200);
            assert_eq!(got.text(), bytes, "{key}");
            bob.download(&id).await.expect(403);
            if key != "a/own.txt" {
                assert_eq!(got.header("content-type"), Some("text/plain"));
                assert_eq!(got.header("x-amz-meta-origin"), Some("elsewhere"));
            }
        }
        assert_eq!(id_of(&mounted, "a/own.txt").await, Some(own));
        for key in ["a/a/x", "a/folder/", "b", "ab"] {
            assert_eq!(id_of(&mounted, key).await, None, "{key} does not lie in the folder");
        }
        assert!(
            mounted
                .tags("a/x")
                .await
                .contains(&("colour".to_owned(), "red".to_owned()))
        );

        // Nobody gets more rights than by the bucket, and nobody's name is on what was found.
        let id = id_of(&mounted, "a/x").await.expect("an id");
        let grants = alice.get(&format!("/permission/object/{id}")).await.expect(200).json();
        assert_eq!(grants, json!([]));

        // Other content, and no content.
        mounted.put("a/x", "changed").await;
        mounted.delete("a/empty", None).await;
        let empty = id_of(&mounted, "a/empty").await;
        assert_eq!(empty, None);
        sync(&alice, &format!("/object/{id}/sync")).await;
        let versions = alice.versions(&id).await;
        assert_eq!(versions.len(), if versioned { 2 } else { 1 });
        assert_eq!(
            id_of(&mounted, "a/x").await.as_deref(),
            Some(id.as_str()),
            "the newest content carries the id"
        );
        assert_eq!(alice.download(&id).await.expect(200).text(), "changed");
        sync(&alice, &format!("/bucket/{bucket}/sync")).await;
        // Asked twice at once it is one job.
        let address = format!("/object/{id}/sync");
        let (one, two) = tokio::join!(sync(&alice, &address), sync(&alice, &address));
        assert!((1..=2).contains(&(one + two)));
        if !versioned {
            mounted.delete("a/x", None).await;
            sync(&alice, &format!("/bucket/{bucket}/sync")).await;
            alice.download(&id).await.expect(403);
        }
    }
}

async fn versions_markers_and_tags_are_those_of_the_store(backend: Backend) {
    let Some(mounted) = Mounted::create(true).await else {
        return;
    };
    let Some(server) = with_mounts(backend, &mounted).await else {
        return;
    };
    let alice = server.person("alice");
    let bucket = registered(&alice, &mounted.mount("/")).await;
    let mut stored = Vec::new();
    for number in 0..3 {
        stored.push(mounted.put("x", format!("version {number}")).await.expect("a version"));
    }
    sync(&alice, &format!("/bucket/{bucket}/sync")).await;
    let id = id_of(&mounted, "x").await.expect("an id");
    let native = async || {
        let rows = alice.versions(&id).await;
        let latest: Vec<_> = rows.iter().filter(|row| row["isLatest"] == json!(true)).collect();
        assert_eq!(latest.len(), 1, "{rows:?}");
        assert_eq!(latest[0]["id"], rows[0]["id"], "the newest is the latest");
        let ids = rows
            .iter()
            .map(|row| row["s3VersionId"].as_str().unwrap_or_default().to_owned());
        ids.collect::<Vec<_>>()
    };
    let reversed: Vec<String> = stored.iter().rev().cloned().collect();
    assert_eq!(native().await, reversed);
    for (number, version) in stored.iter().enumerate() {
        let address = format!("/object/{id}?download=proxy&s3VersionId={version}");
        assert_eq!(
            alice.get(&address).await.expect(200).text(),
            format!("version {number}")
        );
    }
    // Another program hides it, and somebody removes an old version.
    mounted.delete("x", None).await;
    mounted.delete("x", Some(&stored[1])).await;
    sync(&alice, &format!("/object/{id}/sync")).await;
    let rows = alice.versions(&id).await;
    assert_eq!(
        (rows.len(), rows[0]["deleteMarker"].as_bool()),
        (3, Some(true)),
        "{rows:?}"
    );
    alice.download(&id).await.expect(404);
    let marker = rows[0]["s3VersionId"].as_str().expect("a version").to_owned();
    mounted.delete("x", Some(&marker)).await;
    sync(&alice, &format!("/bucket/{bucket}/sync")).await;
    assert_eq!(native().await, [stored[2].clone(), stored[0].clone()]);
    assert_eq!(alice.download(&id).await.expect(200).text(), "version 2");
    // All of it is gone: so is the object.
    for version in [&stored[0], &stored[2]] {
        mounted.delete("x", Some(version)).await;
    }
    sync(&alice, &format!("/bucket/{bucket}/sync")).await;
    alice.download(&id).await.expect(403);
}

async fn ids_in_tags_are_kept_when_they_can_be(backend: Backend) {
    let Some(mounted) = Mounted::create(true).await else {
        return;
    };
    let Some(server) = with_mounts(backend, &mounted).await else {
        return;
    };
    let alice = server.person("alice");
    let bucket = registered(&alice, &mounted.mount("/")).await;
    let good = testkit::unknown_id();
    let known = alice.object(&bucket, "known", "known").await;
    for (key, id) in [
        ("good", good.as_str()),
        ("old", "ac246e31-c807-196c-bc93-cd8bc2f1b2b4"),
        ("junk", "junk"),
        ("copy", known.as_str()),
        ("twin", good.as_str()),
    ] {
        mounted.put(key, key).await;
        mounted.put_tags(key, &[("coms-id", id)]).await;
    }
    mounted.put("full", "full").await;
    let many: Vec<String> = (0..10).map(|number| format!("tag{number}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "x")).collect();
    mounted.put_tags("full", &many).await;
    sync(&alice, &format!("/bucket/{bucket}/sync")).await;
    let mut ids = Vec::new();
    for key in ["good", "old", "junk", "copy", "twin", "known"] {
        let id = id_of(&mounted, key).await.expect("an id");
        assert_eq!(alice.download(&id).await.expect(200).text(), key);
        ids.push(id);
    }
    assert_eq!((ids[0].as_str(), ids[5].as_str()), (good.as_str(), known.as_str()));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6, "each has an id of its own");
    assert_eq!(mounted.tags("full").await.len(), 10);
    // Nothing changes when nothing has changed.
    sync(&alice, &format!("/bucket/{bucket}/sync")).await;
    assert_eq!(id_of(&mounted, "twin").await.map(|id| ids.contains(&id)), Some(true));
}

async fn folders_below_are_found_and_forgotten(backend: Backend) {
    let Some(mounted) = Mounted::create(false).await else {
        return;
    };
    let Some(server) = with_mounts(backend, &mounted).await else {
        return;
    };
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let root = registered(&alice, &mounted.mount("r")).await;
    let nested = alice
        .upload(&root, "deep/own.txt", "own")
        .await
        .expect(200)
        .member("id");
    let child = json!({ "bucketName": "old", "subKey": "old/empty" });
    let old = alice
        .put(&format!("/bucket/{root}/child"), &child)
        .await
        .expect(201)
        .member("bucketId");
    let child = json!({ "bucketName": "kept", "subKey": "kept" });
    let kept = alice
        .put(&format!("/bucket/{root}/child"), &child)
        .await
        .expect(201)
        .member("bucketId");
    alice
        .grant(&format!("bucket/{kept}"), &bob, &["READ"])
        .await
        .expect(201);
    for key in [
        "r/one.txt",
        "r/kept/sub/deeper/two.txt",
        "r/three/3.txt",
        "rr/other.txt",
        "r//odd.txt",
    ] {
        mounted.put(key, key).await;
    }
    alice
        .grant(&format!("bucket/{root}"), &bob, &["READ"])
        .await
        .expect(201);
    let address = format!("/bucket/{root}/sync?recursive=true");
    bob.get(&address).await.expect(403);
    assert_eq!(sync(&alice, &address).await, 1);
    let rows = alice.get("/bucket").await.expect(200).json();
    let mut keys: Vec<_> = rows
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| row["key"].as_str().unwrap_or_default())
        .collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        ["r", "r/deep", "r/kept", "r/kept/sub/deeper", "r/three"],
        "what holds only folders stays"
    );
    alice.get(&format!("/bucket/{old}")).await.expect(403);
    for key in ["r/one.txt", "r/kept/sub/deeper/two.txt", "r/three/3.txt"] {
        let id = id_of(&mounted, key).await.unwrap_or_else(|| panic!("{key} has no id"));
        assert_eq!(alice.download(&id).await.expect(200).text(), key);
        assert_eq!(
            bob.download(&id).await.expect(200).text(),
            key,
            "{key}: granted above when it was found"
        );
    }
    for key in ["rr/other.txt", "r//odd.txt"] {
        assert_eq!(id_of(&mounted, key).await, None, "{key}");
    }
    // One key is one object, whichever folder it was uploaded by.
    assert_eq!(id_of(&mounted, "r/deep/own.txt").await, Some(nested.clone()));
    assert_eq!(alice.download(&nested).await.expect(200).text(), "own");
    // A second time nothing changes.
    sync(&alice, &address).await;
    assert_eq!(
        alice.get("/bucket").await.expect(200).json().as_array().map(Vec::len),
        Some(5)
    );
    assert_eq!(id_of(&mounted, "r/deep/own.txt").await, Some(nested));
}

async fn what_makes_keys_public_is_seen(backend: Backend) {
    let Some(mounted) = Mounted::create(false).await else {
        return;
    };
    let Some(server) = with_mounts(backend, &mounted).await else {
        return;
    };
    let (alice, nobody) = (server.person("alice"), server.anonymous());
    let open = registered(&alice, &mounted.mount("open")).await;
    let other = registered(&alice, &mounted.mount("other")).await;
    for key in ["open/x", "other/by-list", "other/by-policy", "other/closed"] {
        mounted.put(key, key).await;
    }
    mounted.publish_by_list("other/by-list").await;
    let allow = |path: &str| {
        json!({ "Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"],
                "Resource": [format!("arn:aws:s3:::{}/{path}", mounted.name())] })
    };
    let policy = |statements: Value| json!({ "Version": "2012-10-17", "Statement": statements });
    mounted
        .put_policy(&policy(json!([allow("open/*"), allow("other/by-policy")])))
        .await;
    for bucket in [&open, &other] {
        sync(&alice, &format!("/bucket/{bucket}/sync")).await;
    }
    let public =
        async |bucket: &str| alice.get(&format!("/bucket/{bucket}")).await.expect(200).json()["public"].as_bool();
    assert_eq!((public(&open).await, public(&other).await), (Some(true), Some(false)));
    for (key, status) in [
        ("open/x", 200),
        ("other/by-list", 200),
        ("other/by-policy", 200),
        ("other/closed", 403),
    ] {
        let id = id_of(&mounted, key).await.expect("an id");
        nobody.download(&id).await.expect(status);
    }
    mounted.put_policy(&policy(json!([allow("other/closed")]))).await;
    for bucket in [&open, &other] {
        sync(&alice, &format!("/bucket/{bucket}/sync")).await;
    }
    for (key, status) in [
        ("open/x", 403),
        ("other/by-list", 200),
        ("other/by-policy", 403),
        ("other/closed", 200),
    ] {
        let id = id_of(&mounted, key).await.expect("an id");
        nobody.download(&id).await.expect(status);
    }
}

async fn an_upload_to_a_key_of_others_gives_no_rights(backend: Backend) {
    for versioned in [true, false] {
        let Some(mounted) = Mounted::create(versioned).await else {
            return;
        };
        let Some(server) = with_mounts(backend, &mounted).await else {
            return;
        };
        let (alice, bob) = (server.person("alice"), server.person("bob"));
        let bucket = registered(&alice, &mounted.mount("in")).await;
        alice
            .grant(&format!("bucket/{bucket}"), &bob, &["CREATE"])
            .await
            .expect(201);
        mounted.put("in/theirs.txt", "theirs").await;
        let mut keys = vec!["theirs.txt"];
        if versioned {
            mounted.put("in/hidden.txt", "hidden").await;
            mounted.delete("in/hidden.txt", None).await;
            if mounted.says_hidden("in/hidden.txt").await {
                keys.push("hidden.txt");
            } else {
                // To everybody who asks this store, the name is free.
                let id = alice.object(&bucket, "hidden.txt", "mine").await;
                sync(&alice, &format!("/bucket/{bucket}/sync")).await;
                assert_eq!(
                    alice.versions(&id).await.len(),
                    3,
                    "what was there before is known after the next synchronisation"
                );
                assert_eq!(alice.download(&id).await.expect(200).text(), "mine");
            }
        }
        for name in keys {
            let refused = bob.upload(&bucket, name, "mine").await.expect(409);
            let id = refused.member("existingObjectId");
            bob.download(&id).await.expect(403);
            bob.replace(&id, "mine").await.expect(403);
            bob.delete(&format!("/object/{id}")).await.expect(403);
            let grants = alice.get(&format!("/permission/object/{id}")).await.expect(200).json();
            assert_eq!(grants, json!([]), "{name}");
            // Whoever may change it by the bucket goes on with the id.
            alice.replace(&id, "newer").await.expect(200);
            assert_eq!(alice.download(&id).await.expect(200).text(), "newer");
            assert_eq!(
                bob.upload(&bucket, name, "mine")
                    .await
                    .expect(409)
                    .member("existingObjectId"),
                id
            );
        }
    }
}

/// The wire to S3 leads through a proxy, as one that breaks in all ways.
async fn only_a_definite_absence_deletes(backend: Backend) {
    let Some(mounted) = Mounted::create(false).await else {
        return;
    };
    let host = mounted.endpoint().trim_start_matches("http://").to_owned();
    let wire = testkit::Proxy::start(host.trim_end_matches('/')).await;
    let endpoint = format!("http://{}", wire.address());
    let allowed = endpoint.clone();
    let start = Server::start_with(backend, |settings| {
        settings.set("storage.allowed_endpoints", allowed);
    });
    let Some(server) = start.await else { return };
    let alice = server.person("alice");
    let bucket = registered(&alice, &mounted.mount_at(&endpoint, "/")).await;
    let objects = [
        alice.object(&bucket, "one.txt", "one").await,
        alice.object(&bucket, "two.txt", "two").await,
    ];
    for trouble in [Trouble::Refuse, Trouble::Answer500] {
        wire.set(trouble);
        alice.get(&format!("/bucket/{bucket}/sync")).await.expect(202);
        alice.get(&format!("/object/{}/sync", objects[0])).await.expect(202);
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_ne!(
            alice.get("/sync/status").await.expect(200).json(),
            json!(0),
            "{trouble:?}: jobs wait"
        );
        let row = alice.patch(&format!("/bucket/{bucket}"), &json!({})).await;
        assert!([403, 502, 503].contains(&row.status));
        wire.set(Trouble::None);
        settled(&alice).await;
        for object in &objects {
            alice.download(object).await.expect(200);
        }
    }
    // The store takes the credentials back: everything is denied, nothing is deleted.
    let deny = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Deny", "Principal": "*",
        "Action": ["s3:ListBucketVersions", "s3:ListBucket", "s3:GetObject"],
        "Resource": [format!("arn:aws:s3:::{}", mounted.name()), format!("arn:aws:s3:::{}/*", mounted.name())] }] });
    mounted.put_policy(&deny).await;
    alice.get(&format!("/bucket/{bucket}/sync")).await.expect(202);
    tokio::time::sleep(Duration::from_secs(1)).await;
    for object in &objects {
        assert!(!alice.versions(object).await.is_empty());
    }
}

async fn a_killed_worker_is_replaced(backend: Backend) {
    let Some(mounted) = Mounted::create(true).await else {
        return;
    };
    let Some(mut server) = with_mounts(backend, &mounted).await else {
        return;
    };
    let alice = server.person("alice");
    let bucket = registered(&alice, &mounted.mount("/")).await;
    let puts = (0..600).map(|number| format!("{number:04}")).collect::<Vec<_>>();
    for some in puts.chunks(40) {
        futures_util::future::join_all(some.iter().map(|key| mounted.put(key, key.as_str()))).await;
    }
    alice.get(&format!("/bucket/{bucket}/sync")).await.expect(202);
    tokio::time::sleep(Duration::from_millis(700)).await;
    server.kill();
    server.boot().await;
    for _ in 0..80 {
        if alice.get("/sync/status").await.expect(200).json() == json!(0) {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(
        alice.get("/sync/status").await.expect(200).json(),
        json!(0),
        "the lease ends with who held it"
    );
    let mut ids = std::collections::BTreeSet::new();
    for key in &puts {
        let id = id_of(&mounted, key).await.unwrap_or_else(|| panic!("{key} has no id"));
        assert_eq!(alice.versions(&id).await.len(), 1, "{key}: nothing is done twice");
        ids.insert(id);
    }
    assert_eq!(ids.len(), puts.len());
}

async fn the_servers_own_storage_has_nothing_to_synchronise(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let (alice, bob, basic) = (server.person("alice"), server.person("bob"), server.superuser());
    let bucket = alice.bucket("Own").await;
    let object = alice.object(&bucket, "own.txt", content(10)).await;
    assert_eq!(sync(&alice, &format!("/bucket/{bucket}/sync")).await, 0);
    assert_eq!(sync(&alice, &format!("/bucket/{bucket}/sync?recursive=true")).await, 0);
    assert_eq!(sync(&alice, &format!("/object/{object}/sync")).await, 0);
    assert_eq!(sync(&basic, "/sync").await, 0);
    alice.get("/sync").await.expect(403);
    bob.get(&format!("/object/{object}/sync")).await.expect(403);
    server.anonymous().get("/sync/status").await.expect(403);
    let status = alice.get(&format!("/sync/status?bucketId={bucket}")).await.expect(200);
    assert_eq!(
        (status.text().as_str(), status.header("content-type")),
        ("0", Some("application/json; charset=utf-8"))
    );
    alice.get("/sync/status?bucketId=x").await.expect(422);
    alice
        .send(Method::GET, &format!("/bucket/{bucket}/sync?recursive=maybe"), &[], "")
        .await
        .expect(422);
}
