//! Public flags: on the server's own storage, and on registered S3 buckets, where the store must say the same.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Backend, Caller, Mounted, Server};

use crate::on_both;

on_both!(
    folders_and_objects_open_and_close,
    the_policy_of_a_registered_bucket_says_the_same,
    lists_of_a_registered_bucket_are_cleaned,
    a_policy_that_cannot_be_read_is_left_alone,
);

async fn toggle(caller: &Caller, on: &str, public: bool) -> Answer {
    let address = format!("/{on}/public?public={public}");
    caller.send(Method::PATCH, &address, &[], "").await
}

async fn child(caller: &Caller, parent: &str, sub_key: &str) -> String {
    let body = json!({ "bucketName": sub_key, "subKey": sub_key });
    let answer = caller.put(&format!("/bucket/{parent}/child"), &body).await;
    answer.expect(201).member("bucketId")
}

/// A server that registers buckets of the tests' S3 store.
pub(crate) async fn with_mounts(backend: Backend, mounted: &Mounted) -> Option<Server> {
    let endpoint = mounted.endpoint().to_owned();
    Server::start_with(backend, |settings| {
        settings.set("storage.allowed_endpoints", endpoint);
    })
    .await
}

async fn registered(caller: &Caller, mount: &Value) -> String {
    caller.put("/bucket", mount).await.expect(201).member("bucketId")
}

async fn folders_and_objects_open_and_close(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let (alice, bob, nobody) = (server.person("alice"), server.person("bob"), server.anonymous());
    let body = json!({ "bucketName": "Maps", "key": "maps" });
    let folder = alice.put("/bucket", &body).await.expect(201).member("bucketId");
    let below = child(&alice, &folder, "old").await;
    let body = json!({ "bucketName": "Other", "key": "mapsother" });
    let sibling = alice.put("/bucket", &body).await.expect(201).member("bucketId");
    let (own, deep) = (
        alice.object(&folder, "own.txt", "own").await,
        alice.object(&below, "deep.txt", "deep").await,
    );
    let other = alice.object(&sibling, "other.txt", "other").await;
    for object in [&own, &deep, &other] {
        nobody.download(object).await.expect(403);
    }
    toggle(&bob, &format!("object/{own}"), true).await.expect(403);
    toggle(&bob, &format!("bucket/{folder}"), true).await.expect(403);
    toggle(&nobody, &format!("bucket/{folder}"), true).await.expect(403);
    let wrong = format!("/object/{own}/public?public=x");
    alice.send(Method::PATCH, &wrong, &[], "").await.expect(422);

    // One object.
    let row = toggle(&alice, &format!("object/{own}"), true).await.expect(200).json();
    assert_eq!(
        (row["id"].as_str(), row["public"].as_bool()),
        (Some(own.as_str()), Some(true))
    );
    assert_eq!(row["updatedBy"].as_str(), Some(alice.user_id().await.as_str()));
    assert_eq!(nobody.download(&own).await.expect(200).text(), "own");
    nobody.get(&format!("/bucket/{folder}")).await.expect(403);
    toggle(&alice, &format!("object/{own}"), false).await.expect(200);
    nobody.download(&own).await.expect(403);

    // A folder, with what is below it and what comes later, but not its neighbour.
    let row = toggle(&alice, &format!("bucket/{folder}"), true)
        .await
        .expect(200)
        .json();
    assert_eq!(
        (row["bucketId"].as_str(), row["public"].as_bool()),
        (Some(folder.as_str()), Some(true))
    );
    for (object, content) in [(&own, "own"), (&deep, "deep")] {
        assert_eq!(nobody.download(object).await.expect(200).text(), content);
    }
    nobody.download(&other).await.expect(403);
    let later = alice.upload(&below, "later.txt", "later").await.expect(200);
    assert_eq!(later.json()["public"].as_bool(), Some(true));
    assert_eq!(nobody.download(&later.member("id")).await.expect(200).text(), "later");
    let row = nobody.get(&format!("/bucket/{below}")).await.expect(200).json();
    assert_eq!(row["public"].as_bool(), Some(true));
    let found = alice.get("/bucket?bucketName=o").await.expect(200).json();
    for row in found.as_array().expect("a list") {
        assert_eq!(
            row["public"].as_bool(),
            Some(row["bucketId"].as_str() != Some(sibling.as_str())),
            "{row}"
        );
    }
    // What anybody may read is not theirs to change.
    nobody.replace(&own, "x").await.expect(403);
    bob.delete(&format!("/object/{own}")).await.expect(403);

    // Nothing below a public folder can be private.
    let refused = toggle(&alice, &format!("bucket/{below}"), false).await.expect(409);
    assert_eq!(refused.member("bucketId"), below);
    let refused = toggle(&alice, &format!("object/{deep}"), false).await.expect(409);
    assert_eq!(refused.member("bucketId"), below);
    toggle(&alice, &format!("object/{deep}"), true).await.expect(200);

    // Nothing said means private, and takes flags below with it.
    let address = format!("/bucket/{folder}/public");
    let row = alice.send(Method::PATCH, &address, &[], "").await.expect(200).json();
    assert_eq!(row["public"].as_bool(), Some(false));
    for object in [&own, &deep] {
        nobody.download(object).await.expect(403);
    }
    toggle(&alice, &format!("bucket/{below}"), true).await.expect(200);
    toggle(&alice, &format!("object/{own}"), true).await.expect(200);
    toggle(&alice, &format!("bucket/{folder}"), false).await.expect(200);
    for object in [&own, &deep] {
        nobody.download(object).await.expect(403);
    }
    toggle(&alice, &format!("object/{own}"), true).await.expect(200);
    assert_eq!(nobody.download(&own).await.expect(200).text(), "own");
}

async fn the_policy_of_a_registered_bucket_says_the_same(backend: Backend) {
    for versioned in [true, false] {
        let Some(mounted) = Mounted::create(versioned).await else {
            return;
        };
        let Some(server) = with_mounts(backend, &mounted).await else {
            return;
        };
        let alice = server.person("alice");
        let folder = registered(&alice, &mounted.mount("maps")).await;
        let below = child(&alice, &folder, "old").await;
        let own = alice.object(&folder, "own.txt", "own").await;
        alice.object(&below, "deep.txt", "deep").await;
        mounted.put("mapsother/x.txt", "other").await;
        let foreign = json!({ "Sid": "Partner", "Effect": "Deny", "Principal": "*", "Action": ["s3:DeleteBucket"],
                              "Resource": [format!("arn:aws:s3:::{}", mounted.name())] });
        let policy = json!({ "Version": "2012-10-17", "Statement": [foreign] });
        mounted.put_policy(&policy).await;
        let sids = async || {
            let policy = mounted.policy().await.expect("a policy");
            let statements = policy["Statement"].as_array().expect("statements").clone();
            let sids = statements
                .iter()
                .map(|one| one["Sid"].as_str().unwrap_or("-").to_owned());
            sids.collect::<Vec<_>>()
        };
        let sid = |path: &str| format!("coms::{}/{path}", mounted.name());

        toggle(&alice, &format!("object/{own}"), true).await.expect(200);
        assert_eq!(sids().await, ["Partner".to_owned(), sid("maps/own.txt")]);
        assert!(mounted.anyone_reads("maps/own.txt").await && !mounted.anyone_reads("maps/old/deep.txt").await);
        toggle(&alice, &format!("bucket/{below}"), true).await.expect(200);
        toggle(&alice, &format!("bucket/{folder}"), true).await.expect(200);
        assert_eq!(sids().await, ["Partner".to_owned(), sid("maps/")]);
        for (key, open) in [
            ("maps/own.txt", true),
            ("maps/old/deep.txt", true),
            ("mapsother/x.txt", false),
        ] {
            assert_eq!(mounted.anyone_reads(key).await, open, "{key}");
        }
        toggle(&alice, &format!("bucket/{below}"), false).await.expect(409);
        assert_eq!(sids().await.len(), 2, "what is refused changes nothing");
        toggle(&alice, &format!("bucket/{folder}"), false).await.expect(200);
        assert_eq!(mounted.policy().await, Some(policy), "what others wrote is as it was");
        assert!(!mounted.anyone_reads("maps/old/deep.txt").await);
        // Many at once: each change is there.
        let objects = [1, 2, 3, 4, 5].map(|number| format!("{number}.txt"));
        let mut ids = Vec::new();
        for name in &objects {
            ids.push(alice.object(&folder, name, name.clone()).await);
        }
        let toggles = ids.iter().map(|id| {
            let (alice, on) = (alice.clone(), format!("object/{id}"));
            tokio::spawn(async move { toggle(&alice, &on, true).await.expect(200) })
        });
        for toggled in toggles.collect::<Vec<_>>() {
            toggled.await.expect("an answer");
        }
        for name in &objects {
            assert!(mounted.anyone_reads(&format!("maps/{name}")).await, "{name}");
        }
    }
}

async fn lists_of_a_registered_bucket_are_cleaned(backend: Backend) {
    let Some(mounted) = Mounted::create(true).await else {
        return;
    };
    let Some(server) = with_mounts(backend, &mounted).await else {
        return;
    };
    let alice = server.person("alice");
    let folder = registered(&alice, &mounted.mount("maps")).await;
    for name in ["one.txt", "two.txt"] {
        alice.object(&folder, name, name).await;
        mounted.publish_by_list(&format!("maps/{name}")).await;
        assert!(mounted.anyone_reads(&format!("maps/{name}")).await);
    }
    mounted.put("other.txt", "other").await;
    mounted.publish_by_list("other.txt").await;
    toggle(&alice, &format!("bucket/{folder}"), false).await.expect(200);
    for _ in 0..100 {
        let open = [
            mounted.anyone_reads("maps/one.txt").await,
            mounted.anyone_reads("maps/two.txt").await,
        ];
        if open == [false, false] {
            assert!(
                mounted.anyone_reads("other.txt").await,
                "what lies elsewhere is left alone"
            );
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("anyone still reads what was made private");
}

/// Whoever registered the bucket may not see its policy: nothing is changed, neither there nor here.
async fn a_policy_that_cannot_be_read_is_left_alone(backend: Backend) {
    let Some(mounted) = Mounted::create(false).await else {
        return;
    };
    let Some(server) = with_mounts(backend, &mounted).await else {
        return;
    };
    let alice = server.person("alice");
    let folder = registered(&alice, &mounted.mount("/")).await;
    let object = alice.object(&folder, "own.txt", "own").await;
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Sid": "Mine", "Effect": "Deny", "Principal": "*", "Action": ["s3:GetBucketPolicy"],
        "Resource": [format!("arn:aws:s3:::{}", mounted.name())]
    }]});
    mounted.put_policy(&policy).await;
    if mounted.policy().await.is_some() {
        // A store that lets owners read whatever the policy says: there is nothing to test.
        return;
    }
    for on in [format!("bucket/{folder}"), format!("object/{object}")] {
        let answer = toggle(&alice, &on, true).await;
        assert!([403, 502].contains(&answer.status), "{}", answer.text());
    }
    server.anonymous().download(&object).await.expect(403);
    assert!(!mounted.anyone_reads("own.txt").await);
}
