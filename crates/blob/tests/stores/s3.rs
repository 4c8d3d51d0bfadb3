//! A real S3 store: the conformance suite with and without versioning, signed addresses, and what a failed upload
//! leaves behind. Needs `S3_ENDPOINT`, `S3_ACCESS_KEY` and `S3_SECRET_KEY`; without them it says that it was skipped.

use std::time::Duration;

use blob::{
    Blobs, BodyError, Connections, Fault, Faulty, Kind, Plan, PutOptions, S3, S3Config, body,
    conformance::{self, Expect, in_pieces, sample, sha256},
};
use domain::Secret;

use crate::bucket::{assert_no_open_uploads, bucket, key, remove, service, store};

#[tokio::test(flavor = "multi_thread")]
async fn an_unversioned_bucket_conforms() {
    let Some(service) = service() else { return };
    let config = bucket(&service, false).await;
    let expect = Expect {
        replaces: true,
        versioned: false,
    };
    conformance::run(&store(&config), expect).await;
    assert_no_open_uploads(&service, &config).await;
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
    assert_no_open_uploads(&service, &config).await;
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
    assert_no_open_uploads(&service, &config).await;
    remove(&service, &config).await;
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
