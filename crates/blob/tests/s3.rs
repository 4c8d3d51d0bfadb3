//! A real S3 store: the conformance suite with and without versioning, signed addresses, and what a failed upload
//! leaves behind. Needs `S3_ENDPOINT`, `S3_ACCESS_KEY` and `S3_SECRET_KEY`; without them it says that it was skipped.

mod common;

use std::time::Duration;

use aws_sdk_s3::{
    Client,
    config::{Credentials, Region},
    presigning::PresigningConfig,
    types::{BucketVersioningStatus, VersioningConfiguration},
};
use blob::{
    Blobs, BodyError, Connections, Fault, Faulty, Key, Kind, Plan, PresignOptions, PutOptions, S3, S3Config, body,
    conformance::{self, Expect, in_pieces, sample, sha256},
};
use common::{TestEntropy, now};
use domain::{Entropy, Secret, Timestamp};
use futures_util::StreamExt;

struct Service {
    endpoint: String,
    access_key: String,
    secret_key: Secret,
}

#[expect(clippy::disallowed_methods, reason = "where the test store is")]
fn service() -> Option<Service> {
    let Ok(endpoint) = std::env::var("S3_ENDPOINT") else {
        println!("skipped: S3 (set S3_ENDPOINT)");
        return None;
    };
    Some(Service {
        endpoint,
        access_key: std::env::var("S3_ACCESS_KEY").expect("S3_ACCESS_KEY"),
        secret_key: Secret::new(std::env::var("S3_SECRET_KEY").expect("S3_SECRET_KEY")),
    })
}

fn client(service: &Service) -> Client {
    let credentials = Credentials::new(&service.access_key, service.secret_key.reveal(), None, None, "test");
    let connections = aws_smithy_http_client::Builder::new().build_http();
    Client::from_conf(
        aws_sdk_s3::Config::builder()
            .behavior_version_latest()
            .endpoint_url(&service.endpoint)
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials)
            .force_path_style(true)
            .http_client(connections)
            .build(),
    )
}

/// A new bucket of a name nobody had.
async fn bucket(service: &Service, versioned: bool) -> S3Config {
    let mut random = [0; 8];
    TestEntropy.fill(&mut random);
    let name = format!("blob-test-{:016x}", u64::from_le_bytes(random));
    let client = client(service);
    client.create_bucket().bucket(&name).send().await.expect("a bucket");
    if versioned {
        let enabled = VersioningConfiguration::builder()
            .status(BucketVersioningStatus::Enabled)
            .build();
        let request = client
            .put_bucket_versioning()
            .bucket(&name)
            .versioning_configuration(enabled);
        request.send().await.expect("versioning");
    }
    S3Config::new(&service.endpoint, name, &service.access_key, service.secret_key.clone())
}

fn store(config: &S3Config) -> S3 {
    S3::new(config.clone(), &Connections::default()).expect("a store")
}

/// Removes all versions and the bucket.
async fn remove(service: &Service, config: &S3Config) {
    let store = store(config);
    let native = blob::Blobs::native(&store).expect("versions");
    loop {
        let page = native.list_versions("", None).await.expect("list");
        let deletes = page.entries.iter().map(|entry| {
            let key = Key::new(&entry.key).expect("a key");
            let store = &store;
            async move { store.delete(&key, entry.version_id.as_deref()).await.expect("delete") }
        });
        futures_util::stream::iter(deletes).buffer_unordered(32).count().await;
        if page.next.is_none() {
            break;
        }
    }
    client(service)
        .delete_bucket()
        .bucket(&config.bucket)
        .send()
        .await
        .expect("removed");
}

async fn open_uploads(service: &Service, config: &S3Config) -> usize {
    let request = client(service).list_multipart_uploads().bucket(&config.bucket).send();
    request.await.expect("uploads").uploads().len()
}

fn key(text: &str) -> Key {
    Key::new(text).expect("a key")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unversioned_bucket_conforms() {
    let Some(service) = service() else { return };
    let config = bucket(&service, false).await;
    let expect = Expect {
        replaces: true,
        versioned: false,
    };
    conformance::run(&store(&config), expect).await;
    assert_eq!(open_uploads(&service, &config).await, 0, "failed uploads are given up");
    remove(&service, &config).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_versioned_bucket_conforms() {
    let Some(service) = service() else { return };
    let config = bucket(&service, true).await;
    let expect = Expect {
        replaces: true,
        versioned: true,
    };
    // Without memory for parts: every part is streamed.
    let store = S3::new(config.clone(), &Connections::new(Vec::new(), 0)).expect("a store");
    conformance::run(&store, expect).await;
    assert_eq!(open_uploads(&service, &config).await, 0, "failed uploads are given up");
    remove(&service, &config).await;
}

#[tokio::test]
async fn a_prefix_keeps_stores_of_one_bucket_apart() {
    let Some(service) = service() else { return };
    let config = bucket(&service, true).await;
    let with = |prefix: &str| {
        store(&S3Config {
            prefix: prefix.to_owned(),
            ..config.clone()
        })
    };
    let (one, two) = (with("one/"), with("ü two/"));
    for (store, text) in [(&one, "1"), (&two, "2")] {
        store
            .put(&key("a b"), body::once(text), &PutOptions::of_length(1))
            .await
            .expect("put");
        store
            .put(&key("c"), body::once(text), &PutOptions::of_length(1))
            .await
            .expect("put");
    }
    let page = two
        .native()
        .expect("versions")
        .list_versions("", None)
        .await
        .expect("list");
    let keys: Vec<_> = page.entries.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["a b", "c"]);
    two.copy(&key("a b"), None, &key("d"), &PutOptions::default())
        .await
        .expect("copy");
    let got = two.get(&key("d"), None, None).await.expect("get");
    assert_eq!(body::collect(got.body, 9).await.expect("body"), "2");
    assert_eq!(
        one.head(&key("d"), None).await.expect_err("not there").kind,
        Kind::NotFound
    );
    let error = one
        .head(&key(&"k".repeat(1024)), None)
        .await
        .expect_err("too long with its prefix");
    assert_eq!(error.kind, Kind::TooLarge);
    remove(&service, &config).await;
}

#[tokio::test]
async fn failures_say_what_they_mean() {
    let Some(service) = service() else { return };
    let config = bucket(&service, false).await;
    let check = async |config: S3Config| store(&config).check().await;
    check(config.clone()).await.expect("ready");

    let stranger = S3Config {
        secret_access_key: Secret::new("wrong"),
        ..config.clone()
    };
    let error = check(stranger.clone()).await.expect_err("refused");
    assert_eq!(
        (error.kind, error.upstream.map(|upstream| upstream.status)),
        (Kind::Denied, Some(403))
    );
    // An early refusal of a long body, in one request and in parts.
    for size in [1_000_000, 20_000_000] {
        let options = PutOptions::of_length(size as u64);
        let put = store(&stranger)
            .put(&key("x"), in_pieces(&sample(size, 1)), &options)
            .await;
        assert_eq!(put.expect_err("refused").kind, Kind::Denied);
    }

    let missing = S3Config {
        bucket: format!("{}-missing", config.bucket),
        ..config.clone()
    };
    check(missing.clone()).await.expect_err("no bucket");
    let error = store(&missing).get(&key("x"), None, None).await.expect_err("no bucket");
    assert_eq!(error.kind, Kind::Upstream);
    let upstream = error.upstream.expect("an answer");
    assert_eq!((upstream.status, upstream.code.as_deref()), (404, Some("NoSuchBucket")));
    assert!(upstream.request_id.is_some());

    let nobody = S3Config {
        endpoint: "http://127.0.0.1:1".to_owned(),
        attempts: 1,
        ..config.clone()
    };
    assert_eq!(check(nobody).await.expect_err("nobody there").kind, Kind::Unavailable);
    remove(&service, &config).await;
}

/// A server that takes connections and never answers.
#[tokio::test]
async fn a_store_that_hangs_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            open.push(connection);
        }
    });
    let mut config = S3Config::new(endpoint, "bucket", "id", Secret::new("secret"));
    config.request_timeout = Duration::from_millis(300);
    config.attempts = 1;
    let store = store(&config);
    assert_eq!(store.check().await.expect_err("late").kind, Kind::Timeout);
    assert_eq!(
        store.get(&key("x"), None, None).await.expect_err("late").kind,
        Kind::Timeout
    );
    // Small from memory; then streamed, where the store takes nothing or does not answer.
    for size in [100, 100_000, 15_000_000] {
        let options = PutOptions::of_length(size as u64);
        let name = key("x");
        let put = store.put(&name, in_pieces(&sample(size, 1)), &options);
        let put = tokio::time::timeout(Duration::from_secs(20), put)
            .await
            .expect("given up");
        assert_eq!(put.expect_err("late").kind, Kind::Timeout, "{size}");
    }
    server.abort();
}

/// A server that begins an answer and falls silent.
#[tokio::test]
async fn an_answer_that_stalls_or_breaks_off_is_an_error() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let read = connection.read(&mut request).await.unwrap_or(0);
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\netag: \"x\"\r\n\r\nhalf";
            connection.write_all(answer.as_bytes()).await.expect("write");
            if request[..read].starts_with(b"GET /bucket/stalls") {
                open.push(connection);
            }
        }
    });
    let mut config = S3Config::new(endpoint, "bucket", "id", Secret::new("secret"));
    config.idle_timeout = Duration::from_millis(200);
    let store = store(&config);
    let got = store.get(&key("stalls"), None, None).await.expect("get");
    let error = body::collect(got.body, 1000).await.expect_err("stalls");
    assert!(matches!(error, BodyError::Stalled), "{error:?}");
    let got = store.get(&key("breaks"), None, None).await.expect("get");
    let error = body::collect(got.body, 1000).await.expect_err("breaks off");
    assert!(matches!(error, BodyError::Failed(_)), "{error:?}");
    server.abort();
}

#[tokio::test]
async fn at_every_step_nothing_half_written_is_visible() {
    let Some(service) = service() else { return };
    let config = bucket(&service, false).await;
    let s3 = store(&config);
    for size in [300, 900_000, 17_000_000] {
        let bytes = sample(size, 17);
        let options = PutOptions::of_length(size as u64);
        let counting = Plan::none();
        let faulty = Faulty::new(s3.clone(), counting.clone());
        faulty
            .put(&key("counted"), in_pieces(&bytes), &options)
            .await
            .expect("put");
        let steps = counting.passed().len();
        // The ends, and a few in the middle: every piece of a large body would take minutes.
        let places = (0..steps).filter(|step| *step < 3 || *step + 3 > steps || step % 61 == 0);
        for step in places {
            for (how, fault) in [("fails", Fault::Fail), ("hangs", Fault::Hang)] {
                let name = key(&format!("{size} {how} {step}"));
                let faulty = Faulty::new(s3.clone(), Plan::at(step, fault));
                let put = faulty.put(&name, in_pieces(&bytes), &options);
                let patience = Duration::from_millis(if how == "hangs" { 1500 } else { 60_000 });
                let ended = tokio::time::timeout(patience, put).await;
                assert!(!matches!(ended, Ok(Ok(_))), "{name}");
                match s3.get(&name, None, None).await {
                    Ok(got) => assert!(body::collect(got.body, 1 << 30).await.expect("body") == bytes, "{name}"),
                    Err(error) => assert_eq!(error.kind, Kind::NotFound, "{name}"),
                }
            }
        }
    }
    // Uploads that were dropped are given up by a task of their own.
    for _ in 0..100 {
        if open_uploads(&service, &config).await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(open_uploads(&service, &config).await, 0);
    remove(&service, &config).await;
}

fn presign(now: Timestamp, expires: i64) -> PresignOptions {
    PresignOptions {
        now,
        expires,
        content_disposition: None,
        content_type: None,
    }
}

#[tokio::test]
async fn signed_addresses_work_until_they_expire() {
    let Some(service) = service() else { return };
    let config = bucket(&service, true).await;
    let store = store(&config);
    let web = reqwest::Client::builder().no_proxy().build().expect("a client");
    for text in ["signed/ä b+c%2e//x?y=1&z", "..", "a'(b)*!~"] {
        let key = key(text);
        let first = store
            .put(&key, body::once("first"), &PutOptions::of_length(5))
            .await
            .expect("put");
        let version = first.version_id.expect("a version");
        store
            .put(&key, body::once("second"), &PutOptions::of_length(6))
            .await
            .expect("put");
        let sign = |version: Option<&str>, options: &PresignOptions| {
            store
                .presign_get(&key, version, options)
                .expect("signed")
                .expect("an address")
        };
        let get = async |address: &str| {
            let answer = web.get(address).send().await.expect("an answer");
            (
                answer.status().as_u16(),
                answer.headers().clone(),
                answer.text().await.expect("a body"),
            )
        };

        let address = sign(None, &presign(now(), 300));
        assert!(
            address.contains("X-Amz-Expires=300") && address.contains("x-id=GetObject"),
            "{address}"
        );
        let (status, _, content) = get(&address).await;
        assert_eq!((status, content.as_str()), (200, "second"), "{address}");
        let (status, _, content) = get(&sign(Some(&version), &presign(now(), 300))).await;
        assert_eq!((status, content.as_str()), (200, "first"));
        let named = PresignOptions {
            content_disposition: Some("attachment; filename=\"ä b.txt\"".to_owned()),
            content_type: Some("text/x-test".to_owned()),
            ..presign(now(), 300)
        };
        let (status, headers, _) = get(&sign(None, &named)).await;
        assert_eq!(
            (status, &headers["content-type"]),
            (200, &"text/x-test".parse().unwrap())
        );
        assert!(headers.contains_key("content-disposition"));

        // Of a part, for a browser that resumes.
        let answer = web
            .get(&address)
            .header("range", "bytes=1-3")
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status().as_u16(), 206);

        // Every change of what was signed is refused.
        let (head, signature) = address.split_at(address.len() - 1);
        let other = if signature == "0" { "1" } else { "0" };
        let tampered = [
            format!("{head}{other}"),
            address.replace("X-Amz-Expires=300", "X-Amz-Expires=301"),
            address.replace("x-id=GetObject", "x-id=GetObject&versionId=null"),
            sign(None, &presign(now().plus_seconds(-10), 9)),
        ];
        for address in &tampered {
            assert_eq!(get(address).await.0, 403, "{address}");
        }
        let (status, ..) = get(&sign(None, &presign(now().plus_seconds(-10), 20))).await;
        assert_eq!(status, 200, "still valid");
        let answer = web.put(&address).body("x").send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 403, "for reading only");

        let address = store
            .presign_put(&key, &presign(now(), 60))
            .expect("signed")
            .expect("an address");
        let answer = web.put(&address).body("by browser").send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 200);
        let got = store.get(&key, None, None).await.expect("get");
        assert_eq!(body::collect(got.body, 99).await.expect("body"), "by browser");
        let expired = store
            .presign_put(&key, &presign(now().plus_seconds(-10), 9))
            .expect("signed");
        let answer = web
            .put(expired.expect("an address"))
            .body("x")
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status().as_u16(), 403);
    }
    // To the second: valid, and two seconds later no more.
    let address = store
        .presign_get(&key(".."), None, &presign(now(), 2))
        .expect("signed")
        .expect("an address");
    assert_eq!(
        web.get(&address).send().await.expect("an answer").status().as_u16(),
        200
    );
    tokio::time::sleep(Duration::from_millis(3100)).await;
    assert_eq!(
        web.get(&address).send().await.expect("an answer").status().as_u16(),
        403
    );
    remove(&service, &config).await;
}

/// Names and values of a query, in any order.
fn query(address: &str) -> (String, Vec<String>) {
    let (path, query) = address.split_once('?').expect("a query");
    let mut pairs: Vec<_> = query.split('&').map(str::to_owned).collect();
    pairs.sort_unstable();
    (path.to_owned(), pairs)
}

#[tokio::test]
async fn signatures_are_those_of_the_sdk() {
    let service = Service {
        endpoint: "https://s3.example.org:9000".to_owned(),
        access_key: "AKIDEXAMPLE".to_owned(),
        secret_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    };
    let sdk = client(&service);
    let config = S3Config::new(
        &service.endpoint,
        "a-bucket",
        &service.access_key,
        service.secret_key.clone(),
    );
    let store = store(&config);
    // Over midnight: the key of the day changes.
    for seconds in [1_440_938_160, 1_440_979_199, 1_440_979_200, 0] {
        for text in ["plain", "a//b", "..", "a/./b/../c", "ä +%2e?&=#;,:@'()*!~", "/x"] {
            for version in [None, Some("v+1/=")] {
                let time = std::time::UNIX_EPOCH + Duration::from_secs(seconds);
                let times = PresigningConfig::builder()
                    .start_time(time)
                    .expires_in(Duration::from_mins(5))
                    .build()
                    .expect("times");
                let request = sdk
                    .get_object()
                    .bucket("a-bucket")
                    .key(text)
                    .set_version_id(version.map(str::to_owned));
                let request = request.response_content_disposition("attachment; filename=\"ä b\"");
                let theirs = request.presigned(times.clone()).await.expect("signed");
                let mut options = presign(Timestamp::from_seconds(i64::try_from(seconds).unwrap()), 300);
                options.content_disposition = Some("attachment; filename=\"ä b\"".to_owned());
                let ours = store
                    .presign_get(&key(text), version, &options)
                    .expect("signed")
                    .expect("an address");
                assert_eq!(query(&ours), query(theirs.uri()), "{text}");

                let theirs = sdk
                    .put_object()
                    .bucket("a-bucket")
                    .key(text)
                    .presigned(times)
                    .await
                    .expect("signed");
                let ours = store
                    .presign_put(&key(text), &options)
                    .expect("signed")
                    .expect("an address");
                assert_eq!(query(&ours), query(theirs.uri()), "{text}");
            }
        }
    }
    for expires in [0, -1, 604_801] {
        let error = store
            .presign_get(&key("x"), None, &presign(Timestamp(0), expires))
            .expect_err("out of bounds");
        assert_eq!(error.kind, Kind::Invalid);
    }
}

#[test]
fn malformed_settings_are_refused() {
    let config = |endpoint: &str, bucket: &str| S3Config::new(endpoint, bucket, "id", Secret::new("secret"));
    for (endpoint, bucket) in [
        ("", "bucket"),
        ("s3.example.org", "bucket"),
        ("ftp://s3.example.org", "bucket"),
        ("http://", "bucket"),
        ("http://user:password@host", "bucket"),
        ("http://host?query", "bucket"),
        ("http://host", ""),
        ("http://host", "../x"),
        ("http://host", "a/b"),
    ] {
        let error = S3::new(config(endpoint, bucket), &Connections::default()).expect_err(endpoint);
        assert_eq!(error.kind, Kind::Invalid);
    }
    let shown = format!("{:?}", store(&config("https://Host:443/base/", "bucket")));
    assert!(!shown.contains("secret\""), "{shown}");
    let store = store(&config("https://Host:443/base/", "bucket"));
    let address = store
        .presign_get(&key("x"), None, &presign(Timestamp(0), 1))
        .expect("signed");
    assert!(address.expect("an address").starts_with("https://host/base/bucket/x?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_large_uploads_at_once_arrive_whole() {
    let Some(service) = service() else { return };
    let config = bucket(&service, false).await;
    let store = store(&config);
    let bytes = sample(25_000_000, 3);
    let uploads = (0..8).map(|number| {
        let (store, bytes) = (store.clone(), bytes.clone());
        async move {
            let options = PutOptions::of_length(bytes.len() as u64);
            let name = key(&format!("large/{number}"));
            store.put(&name, in_pieces(&bytes), &options).await.expect("put")
        }
    });
    let hash = sha256(&bytes);
    for put in futures_util::future::join_all(uploads).await {
        assert_eq!(put.sha256, hash);
    }
    for number in 0..8 {
        let got = store
            .get(&key(&format!("large/{number}")), None, None)
            .await
            .expect("get");
        assert!(body::collect(got.body, 1 << 30).await.expect("body") == bytes);
    }
    remove(&service, &config).await;
}
