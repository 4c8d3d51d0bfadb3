//! `kill -9` while uploads run, again and again: what was acknowledged is there, what is there is whole, and the sweep
//! leaves nothing that nobody knows.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use reqwest::Method;
use testkit::{Answer, Backend, Caller, Server, content, random_below, setting, sha256};

/// Clients that upload at the same time.
const CLIENTS: usize = 4;
/// How long the sweep and the outbox may take at the end. A lease of a killed process holds for a minute.
const SWEEP: Duration = Duration::from_secs(150);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_half_written_on_sqlite_and_files() {
    crash(Backend::SqliteFiles, 200, 150).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_half_written_on_postgresql_and_s3() {
    // A store across the network takes longer for a file: the crash has to find some that were acknowledged.
    crash(Backend::PostgresS3, 50, 600).await;
}

/// Versions by their id, with the SHA-256 of what was uploaded.
type Versions = BTreeMap<String, String>;

/// What is known to be on the server.
#[derive(Default)]
struct Ledger {
    objects: BTreeMap<String, Versions>,
    /// Uploads of which nobody knows how they ended.
    unanswered: Vec<Attempt>,
    /// Versions acknowledged since the last look.
    fresh: Vec<(String, String)>,
}

/// An upload as it was sent.
struct Attempt {
    /// The object, or the name of one that was to be made.
    to: To,
    bytes: Vec<u8>,
}

#[derive(Clone)]
enum To {
    New(String),
    Version(String),
}

impl Ledger {
    fn acknowledge(&mut self, answer: &Answer, bytes: &[u8]) {
        let (object, version) = (answer.member("id"), answer.member("versionId"));
        let before = self
            .objects
            .entry(object.clone())
            .or_default()
            .insert(version.clone(), sha256(bytes));
        assert_eq!(before, None, "a version was acknowledged twice");
        self.fresh.push((object, version));
    }
}

/// `pause` is the shortest time, in milliseconds, between a start and a crash, and twice it the longest.
async fn crash(backend: Backend, crashes: u64, pause: u64) {
    let start = Server::start_with(backend, |settings| {
        settings.set("limits.upload_lease_seconds", "1");
    });
    let Some(mut server) = start.await else { return };
    let crashes =
        setting("COMMONHOLD_CRASHES").map_or(crashes, |text| text.parse().expect("COMMONHOLD_CRASHES: a number"));
    let alice = server.person("alice");
    let bucket = alice.bucket("Crashes").await;
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let (mut acknowledged, mut in_flight, mut lost_answers) = (0, 0, 0);
    for round in 0..crashes {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let upload = upload_until_killed(
                    alice.clone(),
                    bucket.clone(),
                    format!("{round}-{client}"),
                    Arc::clone(&ledger),
                );
                tokio::spawn(upload)
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(pause + random_below(pause))).await;
        server.kill();
        for client in clients {
            client.await.expect("a client that got only good answers");
        }
        server.boot().await;
        let (unanswered, fresh) = {
            let mut ledger = ledger.lock().expect("a ledger");
            (
                std::mem::take(&mut ledger.unanswered),
                std::mem::take(&mut ledger.fresh),
            )
        };
        acknowledged += fresh.len();
        in_flight += unanswered.len();
        for (object, version) in fresh {
            let wanted = ledger.lock().expect("a ledger").objects[&object][&version].clone();
            check(&alice, &object, &version, &wanted).await;
        }
        for attempt in unanswered {
            lost_answers += settle(&alice, &bucket, attempt, &ledger).await;
        }
    }
    let objects = std::mem::take(&mut ledger.lock().expect("a ledger").objects);
    let versions: usize = objects.values().map(BTreeMap::len).sum();
    println!(
        "{backend:?}: {crashes} crashes, {} objects with {versions} versions, {acknowledged} before a crash, \
         {in_flight} uploads cut off, \
         {lost_answers} of them committed",
        objects.len()
    );
    assert!(
        crashes < 10 || (in_flight > 0 && acknowledged > 0),
        "no crash met an upload: the test tests nothing"
    );
    check_everything(&alice, &objects).await;
    await_sweep(&server, versions).await;
    // And the sweep took nothing that is needed.
    check_everything(&alice, &objects).await;
}

/// Uploads until the server is gone.
async fn upload_until_killed(alice: Caller, bucket: String, name: String, ledger: Arc<Mutex<Ledger>>) {
    let mut own: Vec<String> = Vec::new();
    for number in 0.. {
        let bytes = content(length());
        let to = match own.last() {
            Some(object) if random_below(3) == 0 => To::Version(object.clone()),
            _ => To::New(format!("{name}-{number}")),
        };
        let Ok(answer) = send(&alice, &bucket, &to, bytes.clone()).await else {
            ledger.lock().expect("a ledger").unanswered.push(Attempt { to, bytes });
            return;
        };
        let answer = answer.expect(200);
        own.push(answer.member("id"));
        ledger.lock().expect("a ledger").acknowledge(&answer, &bytes);
    }
}

/// One byte to a megabyte; small ones more often.
fn length() -> usize {
    let bound = 1 << (10 + random_below(11));
    usize::try_from(1 + random_below(bound)).expect("a small number")
}

async fn send(alice: &Caller, bucket: &str, to: &To, bytes: Vec<u8>) -> Result<Answer, reqwest::Error> {
    match to {
        To::New(name) => {
            let disposition = format!("attachment; filename=\"{name}\"");
            let headers = [("content-disposition", disposition.as_str())];
            alice
                .attempt(Method::PUT, &format!("/object?bucketId={bucket}"), &headers, bytes)
                .await
        }
        To::Version(object) => {
            alice
                .attempt(Method::PUT, &format!("/object/{object}"), &[], bytes)
                .await
        }
    }
}

/// Finds out how an unanswered upload ended: it is not there, or it is there and whole. Gives how many were there.
async fn settle(alice: &Caller, bucket: &str, attempt: Attempt, ledger: &Mutex<Ledger>) -> usize {
    let wanted = sha256(&attempt.bytes);
    let object = match &attempt.to {
        To::Version(object) => object.clone(),
        To::New(_) => {
            // Whoever uploads again gets the object that is there, or makes it.
            let answer = send(alice, bucket, &attempt.to, attempt.bytes.clone())
                .await
                .expect("an answer");
            if answer.status == 200 {
                ledger.lock().expect("a ledger").acknowledge(&answer, &attempt.bytes);
                return 0;
            }
            answer.expect(409).member("existingObjectId")
        }
    };
    let mut found = 0;
    for version in alice.versions(&object).await {
        let id = version["id"].as_str().expect("an id").to_owned();
        let known = {
            let mut ledger = ledger.lock().expect("a ledger");
            let versions = ledger.objects.entry(object.clone()).or_default();
            versions.insert(id.clone(), wanted.clone()).inspect(|known| {
                versions.insert(id.clone(), known.clone());
            })
        };
        if known.is_none() {
            check(alice, &object, &id, &wanted).await;
            found += 1;
        }
    }
    assert!(found <= 1, "one upload became {found} versions");
    found
}

async fn check(alice: &Caller, object: &str, version: &str, wanted: &str) {
    let answer = alice
        .get(&format!("/object/{object}?download=proxy&versionId={version}"))
        .await
        .expect(200);
    assert_eq!(
        sha256(&answer.body),
        wanted,
        "version {version} of {object} is not what was uploaded"
    );
}

/// Every version, and that the server knows of no other.
async fn check_everything(alice: &Caller, objects: &BTreeMap<String, Versions>) {
    for (object, versions) in objects {
        let listed: BTreeSet<String> = alice
            .versions(object)
            .await
            .iter()
            .map(|row| row["id"].as_str().expect("an id").to_owned())
            .collect();
        assert_eq!(listed, versions.keys().cloned().collect(), "the versions of {object}");
        for (version, wanted) in versions {
            check(alice, object, version, wanted).await;
        }
    }
}

/// Waits until the storage holds exactly as many things as there are versions.
async fn await_sweep(server: &Server, versions: usize) {
    let since = Instant::now();
    loop {
        let stored = server.stored().await;
        assert!(
            stored.len() >= versions,
            "{} versions, but only {} stored",
            versions,
            stored.len()
        );
        if stored.len() == versions {
            println!(
                "{:?}: no orphan {:.0?} after the last crash",
                server.backend,
                since.elapsed()
            );
            return;
        }
        if since.elapsed() > SWEEP {
            let temporary = stored.iter().filter(|name| name.contains("/temporary/")).count();
            let begun = stored.iter().filter(|name| name.starts_with("in parts")).count();
            panic!(
                "{} versions, {} stored, {temporary} of them temporary files and {begun} uploads in parts",
                versions,
                stored.len()
            );
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
