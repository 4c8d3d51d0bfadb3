//! Measures the folder of files: `cargo run --release -p blob --example files_speed -- FOLDER [STREAMS]`.
//!
//! Upload of 100 MiB (hash included) against `dd bs=1M conv=fsync` on the same disk, processor time of small reads,
//! and the memory of many streams at once, up and then down.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use blob::{Blobs, Body, Files, Key, PutOptions, body};
use bytes::Bytes;
use domain::Entropy;
use futures_util::{StreamExt, future::join_all, stream};

const MIB: usize = 1024 * 1024;
const SIZE: usize = 100 * MIB;
/// What a connection gives at once.
const PIECE: usize = 64 * 1024;
const ROUNDS: usize = 7;

struct System;

impl Entropy for System {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("the system's generator");
    }
}

fn content() -> Body {
    let piece = Bytes::from(vec![0x5a; PIECE]);
    stream::iter((0..SIZE / PIECE).map(move |_| Ok(piece.clone()))).boxed()
}

async fn upload(store: &Files, name: &str) {
    let key = Key::new(name).expect("a key");
    let options = PutOptions::of_length(SIZE as u64);
    store.put(&key, content(), &options).await.expect("put");
}

async fn download(store: &Files, name: &str) {
    let key = Key::new(name).expect("a key");
    let mut got = store.get(&key, None, None).await.expect("get");
    let mut size = 0;
    while let Some(piece) = got.body.next().await {
        size += piece.expect("a piece").len();
    }
    assert_eq!(size, SIZE);
}

fn dd(folder: &Path) -> Duration {
    let target = folder.join("dd");
    let begin = Instant::now();
    let status = Command::new("dd")
        .args(["if=/dev/zero", "bs=1M", "count=100", "conv=fsync", "status=none"])
        .arg(format!("of={}", target.display()))
        .status()
        .expect("dd");
    let took = begin.elapsed();
    assert!(status.success());
    std::fs::remove_file(target).expect("remove");
    took
}

/// User and system time of this process, in ticks of 10 ms.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").expect("stat");
    let fields: Vec<_> = text.rsplit(')').next().expect("fields").split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().expect("user") + fields[12].parse::<u64>().expect("system");
    Duration::from_millis(ticks * 10)
}

fn peak_memory() -> String {
    let text = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = text.lines().find(|line| line.starts_with("VmHWM")).expect("a peak");
    line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
}

async fn small_reads(store: &Files, size: usize) {
    const READS: u32 = 100_000;
    let key = Key::new(format!("small {size}")).expect("a key");
    let options = PutOptions::of_length(size as u64);
    store.put(&key, body::once(vec![1; size]), &options).await.expect("put");
    let begin = processor_time();
    let readers = (0..8).map(|_| {
        let (store, key) = (store.clone(), key.clone());
        tokio::spawn(async move {
            for _ in 0..READS / 8 {
                let got = store.get(&key, None, None).await.expect("get");
                assert_eq!(body::collect(got.body, size).await.expect("body").len(), size);
            }
        })
    });
    join_all(readers).await;
    println!(
        "read of {size} bytes: {:?} of processor time",
        processor_time().saturating_sub(begin) / READS
    );
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("a folder to measure in");
    let streams: usize = arguments
        .next()
        .map_or(64, |text| text.parse().expect("a number of streams"));
    let folder = Path::new(&folder).join(format!("files-speed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let store = Files::open(&folder, &System).expect("a store");

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        theirs.push(dd(&folder));
        let name = format!("upload {round}");
        let begin = Instant::now();
        upload(&store, &name).await;
        ours.push(begin.elapsed());
        store
            .delete(&Key::new(&name).expect("a key"), None)
            .await
            .expect("delete");
    }
    ours.sort_unstable();
    theirs.sort_unstable();
    for (what, ours, theirs) in [
        ("best", ours[0], theirs[0]),
        ("median", ours[ROUNDS / 2], theirs[ROUNDS / 2]),
    ] {
        let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
        println!(
            "100 MiB, {what} of {ROUNDS}: {ours:?}, dd {theirs:?}: {:.0} % of dd",
            ratio * 100.0
        );
    }

    small_reads(&store, 1024).await;
    small_reads(&store, 64 * 1024).await;

    println!("peak memory so far: {}", peak_memory());
    let names: Vec<_> = (0..streams).map(|number| format!("stream {number}")).collect();
    let begin = Instant::now();
    join_all(names.iter().map(|name| upload(&store, name))).await;
    println!(
        "{streams} uploads at once: {:?}, peak memory {}",
        begin.elapsed(),
        peak_memory()
    );
    let begin = Instant::now();
    join_all(names.iter().map(|name| download(&store, name))).await;
    println!(
        "{streams} downloads at once: {:?}, peak memory {}",
        begin.elapsed(),
        peak_memory()
    );
    std::fs::remove_dir_all(&folder).expect("remove");
}
