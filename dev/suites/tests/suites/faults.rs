//! The database or the storage goes away while people work: a clear answer, nothing half done, and everything back
//! when they are.

use std::time::{Duration, Instant};

use testkit::{Backend, Caller, Server, Trouble, content};

/// The longest that somebody waits for an answer while a store hangs.
const LONGEST: Duration = Duration::from_secs(45);
/// How long the server may take to work again.
const RECOVERY: Duration = Duration::from_secs(10);

async fn proxied() -> Option<Server> {
    Server::start_with(Backend::PostgresS3, |settings| {
        settings.proxied = true;
        settings.set("limits.upload_lease_seconds", "1");
    })
    .await
}

/// Waits until the server says that it is ready, and an upload and a download work.
async fn recovered(server: &Server, alice: &Caller, bucket: &str, name: &str) {
    let since = Instant::now();
    let ready = format!("{}/readyz", server.origin());
    while server.anonymous().get(&ready).await.status != 200 {
        assert!(
            since.elapsed() < RECOVERY,
            "not ready {RECOVERY:?} after everything was there again"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let object = alice.object(bucket, name, "after the trouble").await;
    assert_eq!(alice.download(&object).await.expect(200).text(), "after the trouble");
}

async fn consistent(server: &Server, versions: usize) {
    let mut stored = Vec::new();
    for _ in 0..120 {
        stored = server.stored().await;
        if stored.len() == versions {
            return;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    panic!(
        "{versions} versions, but {} things are stored: {stored:?}",
        stored.len()
    );
}

fn clear(status: u16) -> bool {
    [502, 503].contains(&status)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_storage_goes_away_and_comes_back() {
    let Some(server) = proxied().await else { return };
    let wire = server.storage_wire.as_ref().expect("a wire");
    let alice = server.person("alice");
    let bucket = alice.bucket("Storage").await;
    // Larger than what the server keeps in memory: that it serves without the storage.
    let kept = content(100_000);
    let object = alice.object(&bucket, "kept.bin", kept.clone()).await;
    let mut versions = 1;
    for trouble in [Trouble::Refuse, Trouble::Answer500] {
        wire.set(trouble);
        let since = Instant::now();
        let name = format!("{trouble:?}.txt");
        let requests = async {
            tokio::join!(
                alice.upload(&bucket, &name, content(50_000)),
                alice.replace(&object, content(50_000)),
                alice.download(&object),
            )
        };
        let (upload, replace, download) = tokio::time::timeout(LONGEST, requests).await.expect("answers in time");
        for answer in [&upload, &replace, &download] {
            assert!(
                clear(answer.status),
                "{trouble:?}: {}: {} {}",
                answer.asked,
                answer.status,
                answer.text()
            );
        }
        println!("{trouble:?}: answered after {:.1?}", since.elapsed());
        // What needs no bytes goes on.
        alice.get(&format!("/bucket/{bucket}")).await.expect(200);
        assert_eq!(
            alice.versions(&object).await.len(),
            1,
            "{trouble:?}: no version of a failed upload"
        );
        assert_eq!(
            server
                .anonymous()
                .get(&format!("{}/livez", server.origin()))
                .await
                .status,
            200
        );
        wire.set(Trouble::None);
        // The name is free: nothing was made.
        recovered(&server, &alice, &bucket, &name).await;
        versions += 1;
        assert!(alice.download(&object).await.expect(200).body == kept);
    }
    consistent(&server, versions).await;
}

/// A store that hangs holds up nobody but who needs it, and they get on when it does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_storage_hangs_for_a_while() {
    let Some(server) = proxied().await else { return };
    let wire = server.storage_wire.as_ref().expect("a wire");
    let alice = server.person("alice");
    let bucket = alice.bucket("Hanging").await;
    let object = alice.object(&bucket, "kept.txt", "kept").await;
    wire.set(Trouble::Hang);
    let waiting = {
        let (alice, bucket, object) = (alice.clone(), bucket.clone(), object.clone());
        tokio::spawn(async move { tokio::join!(alice.upload(&bucket, "held.txt", "held"), alice.download(&object)) })
    };
    tokio::time::sleep(Duration::from_millis(500)).await;
    let others = async {
        for _ in 0..10 {
            alice.get(&format!("/bucket/{bucket}")).await.expect(200);
            alice.versions(&object).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), others)
        .await
        .expect("what needs no bytes goes on");
    assert!(
        !waiting.is_finished(),
        "the store hung, and somebody got an answer from it"
    );
    wire.set(Trouble::None);
    let (upload, download) = tokio::time::timeout(RECOVERY, waiting)
        .await
        .expect("answers in time")
        .expect("answers");
    for answer in [&upload, &download] {
        assert!(
            answer.status == 200 || clear(answer.status),
            "{} {}",
            answer.status,
            answer.text()
        );
    }
    if upload.status != 200 {
        alice.object(&bucket, "held.txt", "held").await;
    }
    recovered(&server, &alice, &bucket, "after.txt").await;
    assert_eq!(alice.download(&object).await.expect(200).text(), "kept");
    consistent(&server, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_storage_goes_away_in_the_middle_of_an_upload() {
    let Some(server) = proxied().await else { return };
    let wire = server.storage_wire.as_ref().expect("a wire");
    let alice = server.person("alice");
    let bucket = alice.bucket("Midway").await;
    let mut versions = 0;
    for (round, size) in [2_000_000, 12_000_000, 24_000_000].into_iter().enumerate() {
        let name = format!("midway-{round}.bin");
        let bytes = content(size);
        let upload = {
            let (alice, bucket, name, bytes) = (alice.clone(), bucket.clone(), name.clone(), bytes.clone());
            tokio::spawn(async move { alice.upload(&bucket, &name, bytes).await })
        };
        tokio::time::sleep(Duration::from_millis(20)).await;
        wire.set(Trouble::Refuse);
        let answer = upload.await.expect("an answer");
        wire.set(Trouble::None);
        if answer.status == 200 {
            println!("the upload of {size} bytes was faster than the trouble");
            assert_eq!(alice.download(&answer.member("id")).await.expect(200).body, bytes);
        } else {
            assert!(clear(answer.status), "{}", answer.text());
            let object = alice.object(&bucket, &name, bytes.clone()).await;
            assert!(
                alice.download(&object).await.expect(200).body == bytes,
                "the second attempt is whole"
            );
        }
        versions += 1;
    }
    let stored = async {
        loop {
            // Large uploads are kept in parts while they run; what was begun must be gone as well.
            if server.stored().await.len() == versions {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let swept = tokio::time::timeout(Duration::from_mins(1), stored).await.is_ok();
    assert!(swept, "{versions} versions, but {:?} is stored", server.stored().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_goes_away_and_comes_back() {
    let Some(server) = proxied().await else { return };
    let wire = server.database_wire.as_ref().expect("a wire");
    let alice = server.person("alice");
    let bucket = alice.bucket("Database").await;
    let object = alice.object(&bucket, "kept.txt", "kept").await;
    let mut versions = 1;
    for trouble in [Trouble::Refuse, Trouble::Hang] {
        wire.set(trouble);
        let since = Instant::now();
        let name = format!("{trouble:?}.txt");
        let stranger = server.person("somebody-new");
        let requests = async {
            tokio::join!(
                alice.upload(&bucket, &name, content(50_000)),
                alice.download(&object),
                alice.get("/bucket"),
                stranger.get("/bucket"),
            )
        };
        let (upload, download, search, stranger) =
            tokio::time::timeout(LONGEST, requests).await.expect("answers in time");
        for answer in [&upload, &download, &search, &stranger] {
            assert_eq!(answer.status, 503, "{trouble:?}: {}: {}", answer.asked, answer.text());
            let text = answer.text().to_lowercase();
            assert!(
                !["postgres", "sql", "127.0.0.1", "connection refused"]
                    .iter()
                    .any(|word| text.contains(word)),
                "{text}"
            );
        }
        println!("{trouble:?}: answered after {:.1?}", since.elapsed());
        assert_eq!(
            server
                .anonymous()
                .get(&format!("{}/livez", server.origin()))
                .await
                .status,
            200
        );
        let (nobody, ready) = (server.anonymous(), format!("{}/readyz", server.origin()));
        let ready = tokio::time::timeout(LONGEST, nobody.get(&ready)).await;
        assert_eq!(ready.expect("an answer in time").status, 503);
        wire.set(Trouble::None);
        recovered(&server, &alice, &bucket, &name).await;
        versions += 1;
        assert_eq!(alice.download(&object).await.expect(200).text(), "kept");
    }
    consistent(&server, versions).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_ends_connections_while_people_upload() {
    let Some(server) = Server::start_with(Backend::PostgresS3, |settings| {
        settings.set("limits.upload_lease_seconds", "1");
    })
    .await
    else {
        return;
    };
    let alice = server.person("alice");
    let bucket = alice.bucket("Ended").await;
    let uploads: Vec<_> = (0..4)
        .map(|client| {
            let (alice, bucket) = (alice.clone(), bucket.clone());
            tokio::spawn(async move {
                let (mut kept, mut refused) = (Vec::new(), Vec::new());
                for number in 0..30 {
                    let (name, bytes) = (format!("{client}-{number}.bin"), content(20_000));
                    let answer = alice.upload(&bucket, &name, bytes.clone()).await;
                    match answer.status {
                        200 => kept.push((answer.member("id"), bytes)),
                        503 => refused.push((name, bytes)),
                        _ => panic!("{} {}", answer.status, answer.text()),
                    }
                }
                (kept, refused)
            })
        })
        .collect();
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(60)).await;
        server.end_database_connections().await;
    }
    let mut versions = 0;
    let mut failures = 0;
    for upload in uploads {
        let (kept, refused) = upload.await.expect("only clear answers");
        for (object, bytes) in kept {
            assert!(
                alice.download(&object).await.expect(200).body == bytes,
                "{object} is what was uploaded"
            );
            versions += 1;
        }
        for (name, bytes) in refused {
            failures += 1;
            // A lost answer may stand for a commit; then the content is whole.
            let answer = alice.upload(&bucket, &name, bytes.clone()).await;
            let object = match answer.status {
                200 => answer.member("id"),
                _ => answer.expect(409).member("existingObjectId"),
            };
            assert!(
                alice.download(&object).await.expect(200).body == bytes,
                "{name} is what was uploaded"
            );
            versions += 1;
        }
    }
    println!("{versions} uploads, {failures} of them refused while connections ended");
    consistent(&server, versions).await;
}

/// On files, the folder that uploads pass through is away for a while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_folder_goes_away_and_comes_back() {
    let start = Server::start_with(Backend::SqliteFiles, |settings| {
        settings.set("limits.upload_lease_seconds", "1");
    });
    let Some(server) = start.await else { return };
    let alice = server.person("alice");
    let bucket = alice.bucket("Folder").await;
    let object = alice.object(&bucket, "kept.txt", "kept").await;
    let (files, away) = (server.data().join("files"), server.data().join("files-away"));
    std::fs::rename(&files, &away).expect("moved away");
    let upload = alice.upload(&bucket, "new.txt", "new").await;
    assert!(clear(upload.status), "{} {}", upload.status, upload.text());
    let download = alice.download(&object).await;
    assert!(clear(download.status), "{} {}", download.status, download.text());
    assert!(
        !upload.text().contains("files"),
        "no path in an answer: {}",
        upload.text()
    );
    std::fs::rename(&away, &files).expect("moved back");
    recovered(&server, &alice, &bucket, "new.txt").await;
    assert_eq!(alice.download(&object).await.expect(200).text(), "kept");
    consistent(&server, 2).await;
}
