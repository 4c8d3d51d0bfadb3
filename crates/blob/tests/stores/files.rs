//! The folder of files: the conformance suite, crashes at every step, and the sweep.

use std::{
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::common::{TestEntropy, now};
use blob::{
    Blobs, Fault, Faulty, Files, Key, Kind, Metered, Operation, Plan, Point, PutOptions, Step, body,
    conformance::{self, Expect, in_pieces, sample, sha256},
};
use bytes::Bytes;

/// A folder that goes away.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("blob-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    /// Names in one of the two folders of a store, at any depth.
    fn files(&self, part: &str) -> Vec<PathBuf> {
        files_in(&self.0.join(part))
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_in(&path));
        } else {
            found.push(path);
        }
    }
    found
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const FILES: Expect = Expect {
    replaces: false,
    versioned: false,
};

fn open(folder: &Folder) -> Files {
    Files::open(folder.path(), &TestEntropy).expect("a store")
}

fn key(text: &str) -> Key {
    Key::new(text).expect("a key")
}

#[tokio::test(flavor = "multi_thread")]
async fn files_conform() {
    let folder = Folder::new();
    conformance::run(&open(&folder), FILES).await;
    assert!(folder.files("temporary").is_empty(), "nothing is left over");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrapped_files_conform_and_are_counted() {
    let folder = Folder::new();
    let shared: Arc<dyn Blobs> = Arc::new(open(&folder));
    let metered = Metered::new(Faulty::new(shared, Plan::none()));
    conformance::run(&metered, FILES).await;
    let meter = metered.meter();
    let puts = meter.counts(Operation::Put);
    assert!(puts.calls > 80 && puts.failures > 20 && puts.running == 0, "{puts:?}");
    let before = (meter.bytes_in(), meter.bytes_out());
    metered
        .put(&key("x"), body::once("12345"), &PutOptions::of_length(5))
        .await
        .expect("put");
    let got = metered.get(&key("x"), None, None).await.expect("get");
    body::collect(got.body, 5).await.expect("body");
    assert_eq!((meter.bytes_in(), meter.bytes_out()), (before.0 + 5, before.1 + 5));
}

#[tokio::test]
async fn a_second_process_sees_the_same_blobs() {
    let folder = Folder::new();
    let (one, two) = (open(&folder), open(&folder));
    one.put(&key("a"), body::once("1"), &PutOptions::of_length(1))
        .await
        .expect("put");
    assert_eq!(two.head(&key("a"), None).await.expect("head").size, 1);
    let error = two.put(&key("a"), body::once("2"), &PutOptions::of_length(1)).await;
    assert_eq!(error.expect_err("taken").kind, Kind::Exists);
    two.delete(&key("a"), None).await.expect("delete");
    assert_eq!(one.head(&key("a"), None).await.expect_err("gone").kind, Kind::NotFound);
}

#[tokio::test]
async fn a_file_is_the_content_and_its_etag_comes_from_the_hash() {
    let folder = Folder::new();
    let store = open(&folder);
    let bytes = sample(1000, 1);
    let put = store
        .put(&key("../../x"), in_pieces(&bytes), &PutOptions::of_length(1000))
        .await
        .expect("put");
    let hash = sha256(&bytes);
    let short = u128::from_be_bytes(hash[..16].try_into().expect("16 bytes"));
    assert_eq!(put.etag, format!("\"{short:032x}\""));
    let files = folder.files("objects");
    let [file] = files.as_slice() else {
        panic!("one file: {files:?}")
    };
    assert_eq!(std::fs::read(file).expect("read"), bytes);
    assert_eq!(store.presign_put(&key("x"), &never()).expect("an answer"), None);
    assert!(store.native().is_none());
}

fn never() -> blob::PresignOptions {
    blob::PresignOptions {
        now: now(),
        expires: 1,
        content_disposition: None,
        content_type: None,
    }
}

#[tokio::test]
async fn a_file_that_shrank_is_an_error_and_not_a_short_body() {
    let folder = Folder::new();
    let store = open(&folder);
    let bytes = sample(2_000_000, 1);
    store
        .put(&key("x"), in_pieces(&bytes), &PutOptions::of_length(2_000_000))
        .await
        .expect("put");
    let got = store.get(&key("x"), None, None).await.expect("get");
    let file = &folder.files("objects")[0];
    std::fs::OpenOptions::new()
        .write(true)
        .open(file)
        .and_then(|file| file.set_len(1_000_000))
        .expect("truncate");
    assert!(body::collect(got.body, 1 << 30).await.is_err());
}

#[tokio::test]
async fn the_sweep_removes_old_temporary_files_and_no_others() {
    let folder = Folder::new();
    let store = open(&folder);
    store
        .put(&key("kept"), body::once("kept"), &PutOptions::of_length(4))
        .await
        .expect("put");
    let left = folder.path().join("temporary").join("0011223344556677-0");
    std::fs::write(&left, "half").expect("write");
    assert_eq!(store.sweep(now().plus_seconds(-60)).await.expect("sweep"), 0);
    assert!(left.exists(), "a young one may still be written");
    assert_eq!(store.sweep(now().plus_seconds(60)).await.expect("sweep"), 1);
    assert!(!left.exists());
    assert_eq!(store.head(&key("kept"), None).await.expect("head").size, 4);
}

#[tokio::test]
async fn a_store_that_cannot_be_written_says_so() {
    let folder = Folder::new();
    let store = open(&folder);
    store.check().await.expect("ready");
    std::fs::remove_dir_all(folder.path().join("temporary")).expect("remove");
    store.check().await.expect_err("not ready");
    std::fs::write(folder.path().join("file"), "").expect("write");
    Files::open(folder.path().join("file"), &TestEntropy).expect_err("no folder");
}

#[tokio::test]
async fn steps_come_in_an_order_that_survives_a_power_cut() {
    let folder = Folder::new();
    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = steps.clone();
    let observer = Arc::new(move |step| seen.lock().expect("a lock").push(step));
    let store = Files::observed(folder.path(), &TestEntropy, observer).expect("a store");
    for size in [10, 1_000_000] {
        let options = PutOptions::of_length(size as u64);
        store
            .put(&key(&size.to_string()), in_pieces(&sample(size, 1)), &options)
            .await
            .expect("put");
        let steps: Vec<Step> = steps.lock().expect("a lock").drain(..).collect();
        assert_eq!(steps, STEPS);
    }
}

const STEPS: [Step; 6] = [
    Step::Created,
    Step::Written,
    Step::Synced,
    Step::Linked,
    Step::Published,
    Step::Durable,
];

const SIZES: [usize; 2] = [1000, 1_000_000];

/// Runs `dies_at_a_step` in a process of its own, which ends by SIGABRT.
fn run_and_die(folder: &Folder, how: &str) {
    let program = std::env::current_exe().expect("this test");
    let status = Command::new(program)
        .args(["--exact", "files::dies_at_a_step", "--ignored", "--test-threads=1"])
        .env("BLOB_TEST_FOLDER", folder.path())
        .env("BLOB_TEST_DEATH", how)
        .output()
        .expect("a process")
        .status;
    assert_eq!(status.signal(), Some(6), "{how}: {status}");
}

/// Not a test by itself: the process that `run_and_die` starts. Dies at a step of the store, or in mid-body.
#[tokio::test]
#[ignore = "run by the tests of crashes"]
#[expect(clippy::disallowed_methods, reason = "told by the parent process")]
async fn dies_at_a_step() {
    let folder = std::env::var("BLOB_TEST_FOLDER").expect("a folder");
    let death = std::env::var("BLOB_TEST_DEATH").expect("a death");
    let (place, size) = death.split_once(' ').expect("two words");
    let bytes = sample(size.parse().expect("a number"), 5);
    let options = PutOptions::of_length(bytes.len() as u64);
    let wanted = place.to_owned();
    let observer = Arc::new(move |step: Step| {
        if format!("{step:?}") == wanted {
            std::process::abort();
        }
    });
    let files = Files::observed(folder, &TestEntropy, observer).expect("a store");
    let plan = match place.strip_prefix("body") {
        Some(step) => Plan::at(
            step.parse().expect("a number"),
            Fault::Call(Arc::new(|_| std::process::abort())),
        ),
        None => Plan::none(),
    };
    let _ = Faulty::new(files, plan)
        .put(&key("x"), in_pieces(&bytes), &options)
        .await;
}

#[tokio::test]
async fn a_crash_at_any_step_leaves_all_or_nothing() {
    for size in SIZES {
        let bytes = sample(size, 5);
        let places = STEPS.iter().map(|step| format!("{step:?}"));
        for place in places.chain(["body1".to_owned(), "body5".to_owned()]) {
            let folder = Folder::new();
            run_and_die(&folder, &format!("{place} {size}"));
            let store = open(&folder);
            let visible = matches!(place.as_str(), "Linked" | "Published" | "Durable");
            match store.get(&key("x"), None, None).await {
                Ok(got) => {
                    assert!(visible, "{place}: nothing should be visible");
                    assert!(
                        body::collect(got.body, 1 << 30).await.expect("body") == bytes,
                        "{place}"
                    );
                }
                Err(error) => {
                    assert!(!visible, "{place}: it should be visible");
                    assert_eq!(error.kind, Kind::NotFound);
                }
            }
            // Only temporary files are left, and the sweep takes them.
            assert_eq!(folder.files("objects").len(), usize::from(visible), "{place}");
            let left = folder.files("temporary").len();
            assert!(left <= 1, "{place}");
            assert_eq!(
                store.sweep(now().plus_seconds(60)).await.expect("sweep"),
                left,
                "{place}"
            );
            assert_eq!(folder.files("temporary").len(), 0, "{place}");
            // And the same upload succeeds, or is known to have succeeded.
            let again = store
                .put(&key("x"), in_pieces(&bytes), &PutOptions::of_length(size as u64))
                .await;
            match again {
                Ok(_) => assert!(!visible, "{place}"),
                Err(error) => assert!(visible && error.kind == Kind::Exists, "{place}: {error:?}"),
            }
        }
    }
}

/// What a client does with a store, one call after the other, whatever each answers.
async fn story(store: &dyn Blobs, name: &str, bytes: &Bytes) {
    let (one, two) = (key(&format!("{name} one")), key(&format!("{name} two")));
    let options = PutOptions::of_length(bytes.len() as u64);
    let _ = store.put(&one, in_pieces(bytes), &options).await;
    if let Ok(got) = store.get(&one, None, None).await
        && let Ok(whole) = body::collect(got.body, 1 << 30).await
    {
        assert!(whole == *bytes, "a body that ended well is whole");
    }
    let _ = store.copy(&one, None, &two, &options).await;
    let _ = store.delete(&one, None).await;
}

#[tokio::test]
async fn at_every_step_nothing_half_written_is_visible() {
    let folder = Folder::new();
    let files = open(&folder);
    for size in [300, 900_000] {
        let bytes = sample(size, 17);
        let counting = Plan::none();
        story(
            &Faulty::new(files.clone(), counting.clone()),
            &format!("{size} counted"),
            &bytes,
        )
        .await;
        let steps = counting.passed();
        assert!(steps.contains(&Point::Body(Operation::Put)) && steps.contains(&Point::Body(Operation::Get)));
        assert_eq!(steps.last(), Some(&Point::After(Operation::Delete)));
        for number in 0..steps.len() {
            for (how, fault) in [
                ("fails", Fault::Fail),
                ("is down", Fault::Down),
                ("hangs", Fault::Hang),
                (
                    "panics",
                    Fault::Call(Arc::new(|point| panic!("planned panic at {point:?}"))),
                ),
            ] {
                let name = format!("{size} {how} {number}");
                let faulty = Faulty::new(files.clone(), Plan::at(number, fault));
                let (told, content) = (name.clone(), bytes.clone());
                let task = tokio::spawn(async move { story(&faulty, &told, &content).await });
                let ended = tokio::time::timeout(Duration::from_millis(if how == "hangs" { 50 } else { 60_000 }), task);
                // Giving up on a task does not end it: what hangs stays, as it would in a server.
                assert_eq!(ended.await.is_err(), how == "hangs", "{name}");
                assert_whole_or_absent(&files, &name, &bytes).await;
            }
        }
    }
    let stays = folder.files("temporary").len();
    let hanging_in_a_body = 60;
    assert!(stays <= hanging_in_a_body, "{stays} temporary files stay");
    assert_eq!(files.sweep(now().plus_seconds(60)).await.expect("sweep"), stays);
}

async fn assert_whole_or_absent(files: &Files, name: &str, bytes: &Bytes) {
    for name in [format!("{name} one"), format!("{name} two")] {
        match files.get(&key(&name), None, None).await {
            Ok(got) => assert!(
                body::collect(got.body, 1 << 30).await.expect("body") == *bytes,
                "{name}"
            ),
            Err(error) => assert_eq!(error.kind, Kind::NotFound),
        }
    }
}
