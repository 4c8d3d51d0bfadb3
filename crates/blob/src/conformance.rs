//! What every store must do, as one suite to run on each: call [`run`] from a test. It panics where a promise is broken.

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future::join_all, stream};

use crate::{Blobs, Body, BodyError, ByteRange, Error, Key, Kind, MAX_KEY_BYTES, Put, PutOptions, body};

/// What differs between stores.
#[derive(Clone, Copy, Debug)]
pub struct Expect {
    /// A put to a key that exists replaces the blob (or adds a version) instead of being refused.
    pub replaces: bool,
    /// Every put makes a version.
    pub versioned: bool,
}

/// Runs all cases. The store should be empty; nothing is removed at the end but what the cases remove.
pub async fn run(store: &dyn Blobs, expect: Expect) {
    store.check().await.expect("the store is ready");
    awkward_keys(store).await;
    sizes(store).await;
    broken_bodies(store, expect).await;
    ranges(store).await;
    what_does_not_exist(store).await;
    concurrent_puts(store, expect).await;
    abandoned_puts(store).await;
    copies(store).await;
    if store.native().is_some() {
        native_head_and_tags(store).await;
        native_listing(store, expect).await;
    }
    if expect.versioned {
        native_versions(store).await;
    }
}

fn key(text: impl Into<String>) -> Key {
    Key::new(text).expect("a legal key")
}

/// Bytes that differ from place to place and from seed to seed, so shifted or mixed content shows.
pub fn sample(length: usize, seed: u64) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes.into()
}

/// The SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().try_into().expect("32 bytes")
}

/// A body in pieces of uneven sizes, with empty ones in between, as a network gives them.
pub fn in_pieces(bytes: &Bytes) -> Body {
    let mut rest = bytes.clone();
    let mut size = 1;
    stream::iter(std::iter::from_fn(move || {
        size = (size * 7 + 3) % 100_003;
        match rest.len() {
            0 => None,
            _ if size % 5 == 0 => Some(Ok(Bytes::new())),
            left => Some(Ok(rest.split_to(size.min(left)))),
        }
    }))
    .boxed()
}

async fn put(store: &dyn Blobs, key: &Key, bytes: &Bytes) -> Put {
    let options = PutOptions::of_length(bytes.len() as u64);
    store.put(key, in_pieces(bytes), &options).await.expect("put")
}

async fn read(store: &dyn Blobs, key: &Key, version: Option<&str>, range: Option<ByteRange>) -> Result<Bytes, Error> {
    let got = store.get(key, version, range).await?;
    let bytes = body::collect(got.body, 1 << 30).await?;
    assert_eq!(
        bytes.len() as u64,
        got.range.end - got.range.start,
        "{key}: the body is the range"
    );
    Ok(bytes)
}

async fn assert_missing(store: &dyn Blobs, key: &Key) {
    assert_eq!(
        store.head(key, None).await.expect_err("head").kind,
        Kind::NotFound,
        "{key}"
    );
    assert_eq!(
        store.get(key, None, None).await.expect_err("get").kind,
        Kind::NotFound,
        "{key}"
    );
}

async fn awkward_keys(store: &dyn Blobs) {
    let long = "k".repeat(MAX_KEY_BYTES);
    let wide = "\u{1f41f}".repeat(MAX_KEY_BYTES / 4);
    let keys = [
        "plain.txt",
        "a/b/c.txt",
        "a//b",
        "a///b",
        "/leading",
        "trailing/",
        "..",
        ".",
        "../../etc/passwd",
        "a/../b",
        "a/./b",
        "%2e%2e",
        "%2F",
        "100%",
        "a b  c",
        " leading and trailing ",
        "plus+plus",
        "query?x=1&y=2#frag",
        "quotes'\"<>",
        "semi;colon:at@eq=comma,",
        "back\\slash",
        "tilde~star*(paren)!",
        "[brackets]{braces}|^`",
        "Grüße/naïve.txt",
        "e\u{301}",
        "\u{e9}",
        "日本語/ファイル",
        "UPPER",
        "upper",
        "con",
        &long,
        &wide,
    ];
    for text in keys {
        put(store, &key(text), &Bytes::from(format!("content of {text}"))).await;
    }
    // Read only when all are written: two keys that meet in one place would show.
    for text in keys {
        let bytes = read(store, &key(text), None, None)
            .await
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(bytes, format!("content of {text}"));
    }
    for text in keys {
        store.delete(&key(text), None).await.expect("delete");
        assert_missing(store, &key(text)).await;
    }
}

async fn sizes(store: &dyn Blobs) {
    let mib = 1024 * 1024;
    let piece = 256 * 1024;
    let sizes = [
        0,
        1,
        1000,
        65_535,
        65_536,
        65_537,
        piece - 1,
        piece,
        piece + 1,
        3 * piece,
        5 * mib,
        40 * mib + 1,
    ];
    for (number, size) in sizes.into_iter().enumerate() {
        let key = key(format!("size/{size}"));
        let bytes = sample(size, number as u64);
        let stored = put(store, &key, &bytes).await;
        assert_eq!(stored.size, size as u64);
        assert_eq!(stored.sha256, sha256(&bytes), "{size}");
        assert!(
            stored.etag.len() > 2 && stored.etag.starts_with('"') && stored.etag.ends_with('"'),
            "{stored:?}"
        );
        assert!(stored.last_modified.is_some(), "{stored:?}");
        let head = store.head(&key, None).await.expect("head");
        assert_eq!(head.size, size as u64);
        assert_eq!(head.last_modified, stored.last_modified);
        assert!(head.etag.is_none_or(|etag| etag == stored.etag));
        let back = read(store, &key, None, None).await.expect("get");
        assert!(back == bytes, "{size} bytes came back as others");
    }
}

/// Pieces, and then an error.
fn breaking_off(bytes: &Bytes) -> Body {
    in_pieces(bytes).chain(stream::iter([Err(BodyError::Aborted)])).boxed()
}

async fn broken_bodies(store: &dyn Blobs, expect: Expect) {
    for size in [0_usize, 10, 100_000, 700_000, 20 * 1024 * 1024] {
        let bytes = sample(size, 7);
        let key = key(format!("broken/{size}"));
        let exact = PutOptions::of_length(size as u64);
        let more = PutOptions::of_length(size as u64 + 1);
        let error = store.put(&key, in_pieces(&bytes), &more).await.expect_err("too short");
        assert_eq!(error.kind, Kind::Body, "{size}: {error:?}");
        assert!(
            matches!(error.body(), Some(BodyError::TooShort { .. })),
            "{size}: {error:?}"
        );
        assert_missing(store, &key).await;

        if size > 0 {
            let fewer = PutOptions::of_length(size as u64 - 1);
            let error = store.put(&key, in_pieces(&bytes), &fewer).await.expect_err("too long");
            assert_eq!(error.kind, Kind::Body, "{size}: {error:?}");
            assert!(
                matches!(error.body(), Some(BodyError::TooLong { .. })),
                "{size}: {error:?}"
            );
            assert_missing(store, &key).await;
        }

        // Also when the error comes after the last byte.
        for options in [&more, &exact] {
            let error = store
                .put(&key, breaking_off(&bytes), options)
                .await
                .expect_err("broken off");
            assert_eq!(error.kind, Kind::Body, "{size}: {error:?}");
            assert!(matches!(error.body(), Some(BodyError::Aborted)), "{size}: {error:?}");
            assert_missing(store, &key).await;
        }

        // The store is as usable as before, and what is there stays there.
        put(store, &key, &bytes).await;
        let error = store
            .put(&key, breaking_off(&bytes), &more)
            .await
            .expect_err("broken off");
        let kind = if expect.replaces {
            [Kind::Body, Kind::Body]
        } else {
            [Kind::Body, Kind::Exists]
        };
        assert!(kind.contains(&error.kind), "{error:?}");
        assert!(read(store, &key, None, None).await.expect("get") == bytes);
    }
}

async fn ranges(store: &dyn Blobs) {
    let bytes = sample(3 * 256 * 1024 + 77, 3);
    let (key, size) = (key("ranges"), bytes.len() as u64);
    put(store, &key, &bytes).await;
    for range in [
        ByteRange::From(0),
        ByteRange::From(1),
        ByteRange::From(size - 1),
        ByteRange::Between(0, 0),
        ByteRange::Between(100, 300),
        ByteRange::Between(70_000, 600_000),
        ByteRange::Between(262_143, 262_144),
        ByteRange::Between(size - 5, size + 5),
        ByteRange::Last(1),
        ByteRange::Last(300_000),
        ByteRange::Last(size * 2),
    ] {
        let got = store.get(&key, None, Some(range)).await.expect("get");
        let expected = range.resolve(size).expect("a range inside");
        assert_eq!(got.range, expected, "{range:?}");
        assert_eq!(got.head.size, size, "{range:?}: size of the whole");
        let part = body::collect(got.body, 1 << 30).await.expect("body");
        let slice = usize::try_from(expected.start).unwrap()..usize::try_from(expected.end).unwrap();
        assert!(part == bytes.slice(slice), "{range:?} gave other bytes");
    }
    for range in [
        ByteRange::From(size),
        ByteRange::Between(size, size + 1),
        ByteRange::Between(5, 4),
        ByteRange::Last(0),
    ] {
        let error = store.get(&key, None, Some(range)).await.expect_err("outside");
        assert_eq!(error.kind, Kind::Range, "{range:?}: {error:?}");
    }
}

async fn what_does_not_exist(store: &dyn Blobs) {
    let absent = key("absent");
    assert_missing(store, &absent).await;
    let ranged = store
        .get(&absent, None, Some(ByteRange::From(0)))
        .await
        .expect_err("get");
    assert_eq!(ranged.kind, Kind::NotFound);
    let copy = store
        .copy(&absent, None, &key("copy of absent"), &PutOptions::default())
        .await;
    assert_eq!(copy.expect_err("copy").kind, Kind::NotFound);
    assert_missing(store, &key("copy of absent")).await;

    let present = key("present");
    put(store, &present, &sample(10, 1)).await;
    for version in ["no-such-version", "0123456789abcdef0123456789abcdef"] {
        let error = store.get(&present, Some(version), None).await.expect_err("get");
        assert_eq!(error.kind, Kind::NotFound, "{error:?}");
        let error = store.head(&present, Some(version)).await.expect_err("head");
        assert_eq!(error.kind, Kind::NotFound, "{error:?}");
        store
            .delete(&present, Some(version))
            .await
            .expect("delete of what is not there");
    }
    assert!(
        read(store, &present, None, None).await.is_ok(),
        "deleting another version removes nothing"
    );
}

async fn concurrent_puts(store: &dyn Blobs, expect: Expect) {
    let bytes: Vec<_> = (0..24).map(|seed| sample(300_000 + seed, 100 + seed as u64)).collect();
    let keys: Vec<_> = (0..24).map(|number| key(format!("side by side/{number}"))).collect();
    join_all(keys.iter().zip(&bytes).map(|(key, bytes)| put(store, key, bytes))).await;
    for (key, bytes) in keys.iter().zip(&bytes) {
        assert!(read(store, key, None, None).await.expect("get") == *bytes, "{key}");
    }

    let one = key("one for all");
    let puts = bytes.iter().map(|bytes| {
        let options = PutOptions::of_length(bytes.len() as u64);
        let one = &one;
        async move { store.put(one, in_pieces(bytes), &options).await }
    });
    let results = join_all(puts).await;
    let won: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    if expect.replaces {
        assert_eq!(won.len(), results.len(), "{results:?}");
    } else {
        assert_eq!(won.len(), 1, "{results:?}");
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            assert_eq!(error.kind, Kind::Exists);
        }
    }
    let hash = sha256(&read(store, &one, None, None).await.expect("get"));
    assert!(won.iter().any(|put| put.sha256 == hash), "one of them, and whole");
}

async fn abandoned_puts(store: &dyn Blobs) {
    for size in [1000_usize, 400_000, 17 * 1024 * 1024] {
        let key = key(format!("abandoned/{size}"));
        let half = sample(size / 2, 9);
        let never_ends = in_pieces(&half).chain(stream::pending()).boxed();
        let options = PutOptions::of_length(size as u64);
        let put = store.put(&key, never_ends, &options);
        assert!(
            tokio::time::timeout(std::time::Duration::from_millis(300), put)
                .await
                .is_err()
        );
        assert_missing(store, &key).await;
        // Dropped without having been waited for at all.
        drop(store.put(&key, in_pieces(&half), &options).now_or_never());
        assert_missing(store, &key).await;
    }
}

async fn copies(store: &dyn Blobs) {
    for (from, to) in [("copy/from", "copy/to"), ("copy/ä+b %2e//?x", "copy/ä+b %2e//?y")] {
        let bytes = sample(300_000, 11);
        let (from, to) = (key(from), key(to));
        put(store, &from, &bytes).await;
        store
            .copy(&from, None, &to, &PutOptions::default())
            .await
            .expect("copy");
        assert!(read(store, &to, None, None).await.expect("get") == bytes);
        store.delete(&from, None).await.expect("delete");
        assert_missing(store, &from).await;
        assert!(
            read(store, &to, None, None).await.expect("get") == bytes,
            "a copy outlives its source"
        );
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

fn described(length: u64, color: &str) -> PutOptions {
    PutOptions {
        length,
        content_type: Some(format!("text/{color}")),
        content_disposition: Some("attachment; filename=\"a.txt\"".to_owned()),
        content_encoding: Some("identity".to_owned()),
        cache_control: Some("no-store".to_owned()),
        metadata: pairs(&[("color", color), ("two-words", "dark red")]),
        tags: pairs(&[("a b", "c&d=e/+"), ("color", color)]),
    }
}

async fn assert_described(store: &dyn Blobs, key: &Key, version: Option<&str>, options: &PutOptions) {
    let head = store.head(key, version).await.expect("head");
    assert_eq!(head.content_type, options.content_type);
    assert_eq!(head.content_disposition, options.content_disposition);
    assert_eq!(head.content_encoding, options.content_encoding);
    assert_eq!(head.cache_control, options.cache_control);
    assert_eq!(head.metadata, options.metadata);
    assert!(head.request.request_id.is_some());
    let native = store.native().expect("tags");
    assert_eq!(native.tags(key, version).await.expect("tags"), options.tags);
}

async fn native_head_and_tags(store: &dyn Blobs) {
    let native = store.native().expect("tags");
    for size in [10_usize, 17 * 1024 * 1024] {
        let (key, options) = (key(format!("described/{size}")), described(size as u64, "red"));
        let bytes = sample(size, 13);
        store.put(&key, in_pieces(&bytes), &options).await.expect("put");
        assert_described(store, &key, None, &options).await;
    }

    // Onto itself: other metadata and tags, the same bytes.
    let key = key("described/10");
    let blue = described(0, "blue");
    let copied = store.copy(&key, None, &key, &blue).await.expect("copy");
    assert!(copied.last_modified.is_some());
    assert_described(store, &key, None, &blue).await;
    assert_eq!(read(store, &key, None, None).await.expect("get"), sample(10, 13));
    let bare = PutOptions::default();
    store.copy(&key, None, &key, &bare).await.expect("copy");
    let head = store.head(&key, None).await.expect("head");
    assert_eq!(head.metadata, []);
    assert_eq!(native.tags(&key, None).await.expect("tags"), []);

    let ten: Vec<_> = (0..10).map(|number| (format!("t{number}"), "v".to_owned())).collect();
    native.put_tags(&key, None, &ten).await.expect("ten tags");
    assert_eq!(native.tags(&key, None).await.expect("tags"), ten);
    let eleven: Vec<_> = (0..11).map(|number| (format!("t{number}"), "v".to_owned())).collect();
    let error = native.put_tags(&key, None, &eleven).await.expect_err("eleven tags");
    assert_eq!(error.upstream.expect("an answer").status, 400);
    native.put_tags(&key, None, &[]).await.expect("no tags");
    assert_eq!(native.tags(&key, None).await.expect("tags"), []);
    let absent = self::key("absent");
    assert_eq!(native.tags(&absent, None).await.expect_err("tags").kind, Kind::NotFound);

    let unfit = PutOptions {
        metadata: pairs(&[("a", "line\r\nbreak: x")]),
        ..PutOptions::default()
    };
    let error = store.put(&absent, body::empty(), &unfit).await.expect_err("put");
    assert_eq!(error.kind, Kind::Invalid);
}

async fn native_listing(store: &dyn Blobs, expect: Expect) {
    let native = store.native().expect("listing");
    let mut expected: Vec<_> = (0..1100).map(|number| format!("list/é +%/{number:04}")).collect();
    for chunk in expected.chunks(50) {
        join_all(
            chunk
                .iter()
                .map(|text| async move { put(store, &key(text), &sample(3, 1)).await }),
        )
        .await;
    }
    put(store, &key("lisu"), &sample(3, 1)).await;
    if expect.versioned {
        // More versions than a page has, so that a page ends inside a key.
        let (busy, empty) = (key("list/busy"), Bytes::new());
        for _ in 0..21 {
            join_all((0..50).map(|_| put(store, &busy, &empty))).await;
        }
        expected.extend(std::iter::repeat_n("list/busy".to_owned(), 1050));
    }
    expected.sort_unstable();
    let (mut found, mut versions, mut after, mut pages) = (Vec::new(), Vec::new(), None, 0);
    loop {
        let page = native.list_versions("list/", after.as_ref()).await.expect("list");
        assert!(page.entries.len() <= 1000);
        assert!(
            page.entries
                .iter()
                .all(|entry| entry.version_id.is_some() == expect.versioned)
        );
        versions.extend(
            page.entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.version_id.clone())),
        );
        found.extend(page.entries.into_iter().map(|entry| entry.key));
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, if expect.versioned { 3 } else { 2 });
    assert!(found == expected, "every key, in order");
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions.len(), found.len(), "nothing twice");
}

async fn native_versions(store: &dyn Blobs) {
    let native = store.native().expect("versions");
    let key = key("versions/a b");
    let first = store
        .put(&key, body::once("one"), &described(3, "red"))
        .await
        .expect("put");
    let second = store
        .put(&key, body::once("three"), &described(5, "blue"))
        .await
        .expect("put");
    let (one, two) = (
        first.version_id.expect("a version"),
        second.version_id.expect("a version"),
    );
    assert_ne!(one, two);
    assert_eq!(read(store, &key, Some(&one), None).await.expect("get"), "one");
    assert_eq!(read(store, &key, None, None).await.expect("get"), "three");
    assert_described(store, &key, Some(&one), &described(3, "red")).await;
    assert_eq!(
        store.head(&key, Some(&one)).await.expect("head").version_id,
        Some(one.clone())
    );

    // Tags of an old version change alone, and no version appears.
    native
        .put_tags(&key, Some(&one), &pairs(&[("x", "y")]))
        .await
        .expect("tags");
    assert_eq!(native.tags(&key, None).await.expect("tags"), described(5, "blue").tags);

    // An old version becomes the newest.
    let copied = store
        .copy(&key, Some(&one), &key, &described(0, "green"))
        .await
        .expect("copy");
    let three = copied.version_id.expect("a version");
    assert_eq!(read(store, &key, None, None).await.expect("get"), "one");
    assert_described(store, &key, Some(&three), &described(0, "green")).await;

    let deleted = store.delete(&key, None).await.expect("delete");
    assert!(deleted.delete_marker);
    let marker = deleted.version_id.expect("a marker");
    assert_missing(store, &key).await;
    // S3 answers 405; Ceph 16 does not tell a marker from nothing.
    let told = [Kind::MethodNotAllowed, Kind::NotFound];
    let error = store.get(&key, Some(&marker), None).await.expect_err("a marker");
    assert!(told.contains(&error.kind), "{error:?}");
    let error = store.head(&key, Some(&marker)).await.expect_err("a marker");
    assert!(told.contains(&error.kind), "{error:?}");
    assert_eq!(read(store, &key, Some(&two), None).await.expect("get"), "three");

    let page = native.list_versions("versions/", None).await.expect("list");
    let listed: Vec<_> = page
        .entries
        .iter()
        .map(|entry| entry.version_id.clone().expect("a version"))
        .collect();
    assert_eq!(listed.first(), Some(&marker), "{:?}", page.entries);
    assert_eq!(listed.len(), 4);
    assert!(
        page.entries
            .iter()
            .all(|entry| entry.delete_marker == (entry.version_id.as_ref() == Some(&marker)))
    );
    assert_eq!(page.entries.iter().filter(|entry| entry.is_latest).count(), 1);

    // Without its marker the blob is back; without its versions it is gone.
    let deleted = store.delete(&key, Some(&marker)).await.expect("delete");
    assert!(deleted.delete_marker);
    assert_eq!(read(store, &key, None, None).await.expect("get"), "one");
    for version in [&one, &two, &three] {
        let deleted = store.delete(&key, Some(version)).await.expect("delete");
        assert!(!deleted.delete_marker);
        let error = store.get(&key, Some(version), None).await.expect_err("get");
        assert_eq!(error.kind, Kind::NotFound, "{error:?}");
    }
    assert_missing(store, &key).await;
    assert_eq!(native.list_versions("versions/", None).await.expect("list").entries, []);
}
