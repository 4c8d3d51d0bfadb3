//! Uploads that can be resumed, as clients of tus 1.0 make them.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::stream;
use reqwest::{Body, Method};
use serde_json::json;
use testkit::{Answer, Backend, Caller, Server, content, sha256, unknown_id};

use crate::on_both;

on_both!(
    an_upload_in_pieces_becomes_an_object,
    what_breaks_off_goes_on_where_it_stopped,
    garbled_bytes_do_not_count,
    uploads_are_for_those_who_began_them,
    an_upload_that_is_given_up_leaves_nothing,
    resumable_uploads_keep_the_rules_of_uploads,
);

const TUS: (&str, &str) = ("tus-resumable", "1.0.0");

async fn begin(caller: &Caller, bucket: &str, name: &str, length: usize) -> Answer {
    let told = format!(
        "filename {},filetype {}",
        STANDARD.encode(name),
        STANDARD.encode("text/x-test")
    );
    let length = length.to_string();
    let headers = [
        TUS,
        ("upload-length", &length),
        ("upload-metadata", &told),
        ("x-amz-meta-origin", "tus"),
    ];
    let address = format!("/upload?bucketId={bucket}&tagset[colour]=red");
    caller.send(Method::POST, &address, &headers, "").await
}

/// Begins an upload; gives its path.
async fn begun(caller: &Caller, bucket: &str, name: &str, length: usize) -> String {
    let answer = begin(caller, bucket, name, length).await.expect(201);
    let location = answer.header("location").expect("a place").to_owned();
    let (_, path) = location.split_once("/api/v1").expect("below the API");
    path.to_owned()
}

async fn append(caller: &Caller, path: &str, from: usize, bytes: &[u8], more: &[(&str, &str)]) -> Answer {
    let from = from.to_string();
    let mut headers = vec![
        TUS,
        ("upload-offset", &from),
        ("content-type", "application/offset+octet-stream"),
    ];
    headers.extend(more);
    caller.send(Method::PATCH, path, &headers, bytes.to_vec()).await
}

async fn offset(caller: &Caller, path: &str) -> usize {
    let answer = caller.send(Method::HEAD, path, &[TUS], "").await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer
        .header("upload-offset")
        .expect("a place")
        .parse()
        .expect("a number")
}

async fn an_upload_in_pieces_becomes_an_object(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let alice = server.person("alice");
    let bucket = alice.bucket("Resumable").await;
    // More than one piece of the server's own.
    let bytes = content(20_000_000);
    let path = begun(&alice, &bucket, "long.bin", bytes.len()).await;
    let options = alice.send(Method::OPTIONS, "/upload", &[], "").await.expect(204);
    assert_eq!(options.header("tus-version"), Some("1.0.0"));
    assert_eq!(
        options.header("tus-extension"),
        Some("creation,expiration,checksum,termination")
    );
    assert_eq!(offset(&alice, &path).await, 0);
    let first = append(&alice, &path, 0, &bytes[..1_000_000], &[]).await.expect(204);
    assert_eq!(first.header("upload-offset"), Some("1000000"));
    assert!(
        first
            .header("upload-expires")
            .is_some_and(|date| date.ends_with(" GMT"))
    );
    // Not from elsewhere, and not beyond the end.
    append(&alice, &path, 0, &bytes[..10], &[]).await.expect(409);
    append(&alice, &path, 1_000_000, &bytes, &[]).await.expect(400);
    assert_eq!(offset(&alice, &path).await, 1_000_000);
    let last = append(&alice, &path, 1_000_000, &bytes[1_000_000..], &[])
        .await
        .expect(204);
    let object = last.header("x-object-id").expect("an object").to_owned();
    assert_eq!(offset(&alice, &path).await, bytes.len());
    let got = alice.download(&object).await.expect(200);
    assert_eq!(sha256(&got.body), sha256(&bytes));
    assert_eq!(got.header("content-type"), Some("text/x-test"));
    assert_eq!(got.header("x-amz-meta-origin"), Some("tus"));
    let versions = alice.versions(&object).await;
    assert_eq!((versions.len(), &versions[0]["mimeType"]), (1, &json!("text/x-test")));
    // Its pieces leave the storage: what stays is the object.
    append(&alice, &path, bytes.len(), b"x", &[]).await.expect(400);
    for _ in 0..100 {
        if server.stored().await.len() == 1 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("still stored: {:?}", server.stored().await);
}

async fn what_breaks_off_goes_on_where_it_stopped(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let alice = server.person("alice");
    let bucket = alice.bucket("Broken").await;
    let bytes = content(20_000_000);
    let path = begun(&alice, &bucket, "broken.bin", bytes.len()).await;
    // A connection that breaks after 17 MB of 20: two whole pieces of 8 MiB arrived.
    let sent = Bytes::from(bytes[..17_000_000].to_vec());
    let broken = stream::iter([Ok(sent), Err(std::io::Error::other("broken"))]);
    let length = bytes.len().to_string();
    let headers = [
        TUS,
        ("upload-offset", "0"),
        ("content-type", "application/offset+octet-stream"),
        ("content-length", length.as_str()),
    ];
    let outcome = alice
        .attempt(Method::PATCH, &path, &headers, Body::wrap_stream(broken))
        .await;
    assert!(outcome.is_err() || outcome.is_ok_and(|answer| answer.status >= 400));
    let mut reached = 0;
    for _ in 0..50 {
        reached = offset(&alice, &path).await;
        if reached == 16 << 20 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(reached, 16 << 20);
    // Nobody sees anything of it.
    alice.object(&bucket, "other.bin", "other").await;
    let last = append(&alice, &path, reached, &bytes[reached..], &[]).await.expect(204);
    let object = last.header("x-object-id").expect("an object").to_owned();
    assert_eq!(sha256(&alice.download(&object).await.expect(200).body), sha256(&bytes));
}

async fn garbled_bytes_do_not_count(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let alice = server.person("alice");
    let bucket = alice.bucket("Checked").await;
    let path = begun(&alice, &bucket, "checked.txt", 6).await;
    // SHA-1 of "abc".
    let of_abc = ("upload-checksum", "sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
    append(&alice, &path, 0, b"abd", &[of_abc]).await.expect(460);
    assert_eq!(offset(&alice, &path).await, 0);
    append(&alice, &path, 0, b"abc", &[of_abc]).await.expect(204);
    append(&alice, &path, 3, b"def", &[("upload-checksum", "crc32 YQ==")])
        .await
        .expect(400);
    append(&alice, &path, 3, b"abx", &[of_abc]).await.expect(460);
    assert_eq!(offset(&alice, &path).await, 3);
    let last = append(&alice, &path, 3, b"abc", &[of_abc]).await.expect(204);
    let object = last.header("x-object-id").expect("an object").to_owned();
    assert_eq!(alice.download(&object).await.expect(200).text(), "abcabc");
}

async fn uploads_are_for_those_who_began_them(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let bucket = alice.bucket("Mine").await;
    begin(&bob, &bucket, "his.txt", 3).await.expect(403);
    begin(&server.anonymous(), &bucket, "nobodys.txt", 3).await.expect(403);
    alice
        .grant(&format!("bucket/{bucket}"), &bob, &["CREATE"])
        .await
        .expect(201);
    let path = begun(&bob, &bucket, "his.txt", 6).await;
    append(&bob, &path, 0, b"abc", &[]).await.expect(204);
    for other in [&alice, &server.superuser()] {
        append(other, &path, 3, b"def", &[]).await.expect(404);
        other.send(Method::HEAD, &path, &[TUS], "").await.expect(404);
        other.send(Method::DELETE, &path, &[TUS], "").await.expect(404);
    }
    // The right is asked again with every request.
    alice
        .revoke(&format!("bucket/{bucket}"), &bob, "CREATE")
        .await
        .expect(200);
    append(&bob, &path, 3, b"def", &[]).await.expect(403);
    alice
        .grant(&format!("bucket/{bucket}"), &bob, &["CREATE"])
        .await
        .expect(201);
    append(&bob, &path, 3, b"def", &[]).await.expect(204);
    append(&bob, &format!("/upload/{}", unknown_id()), 0, b"x", &[])
        .await
        .expect(404);
}

async fn an_upload_that_is_given_up_leaves_nothing(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let alice = server.person("alice");
    let bucket = alice.bucket("Given up").await;
    let path = begun(&alice, &bucket, "never.bin", 1000).await;
    append(&alice, &path, 0, &content(500), &[]).await.expect(204);
    assert!(!server.stored().await.is_empty());
    alice.send(Method::DELETE, &path, &[TUS], "").await.expect(204);
    alice.send(Method::HEAD, &path, &[TUS], "").await.expect(404);
    for _ in 0..100 {
        if server.stored().await.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("still stored: {:?}", server.stored().await);
}

async fn resumable_uploads_keep_the_rules_of_uploads(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    let alice = server.person("alice");
    let bucket = alice.bucket("Rules").await;
    let existing = alice.object(&bucket, "taken.txt", "taken").await;
    let taken = begin(&alice, &bucket, "taken.txt", 3).await.expect(409);
    assert_eq!(taken.member("existingObjectId"), existing);
    begin(&alice, &bucket, "empty.txt", 0).await.expect(411);
    let address = format!("/upload?bucketId={bucket}");
    for (headers, status) in [
        (vec![("upload-length", "3")], 412),
        (vec![("tus-resumable", "0.2.2"), ("upload-length", "3")], 412),
        (vec![TUS], 400),
        (vec![TUS, ("upload-length", "3")], 415),
        (
            vec![TUS, ("upload-length", "3"), ("upload-metadata", "filename ?")],
            400,
        ),
    ] {
        alice.send(Method::POST, &address, &headers, "").await.expect(status);
    }
    let path = begun(&alice, &bucket, "late.txt", 3).await;
    let typed = [TUS, ("upload-offset", "0"), ("content-type", "text/plain")];
    alice.send(Method::PATCH, &path, &typed, "abc").await.expect(415);
    // Somebody else was faster with the name: theirs stays.
    let theirs = alice.object(&bucket, "late.txt", "theirs").await;
    let late = append(&alice, &path, 0, b"abc", &[]).await.expect(409);
    assert_eq!(late.member("existingObjectId"), theirs);
    assert_eq!(alice.download(&theirs).await.expect(200).text(), "theirs");
}
