//! Signed addresses: fetched, tampered with, expired, and compared with the SDK's.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use blob::{Blobs, Connections, Kind, PresignOptions, PutOptions, S3, S3Config, body};
use domain::{Secret, Timestamp};

use crate::{
    bucket::{Service, bucket, client, key, remove, service, store},
    common::now,
};

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
    for text in ["signed/ä b+c%2e//x?y=1&z", "..a", "a'(b)*!~"] {
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
    }
    remove(&service, &config).await;
}

#[tokio::test]
async fn signed_addresses_for_writing_and_the_second_of_their_end() {
    let Some(service) = service() else { return };
    let config = bucket(&service, true).await;
    let store = store(&config);
    let web = reqwest::Client::builder().no_proxy().build().expect("a client");
    let key = key("signed/ä b+c%2e//x?y=1&z");
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
    // To the second: valid, and two seconds later no more.
    let address = store
        .presign_get(&key, None, &presign(now(), 2))
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
