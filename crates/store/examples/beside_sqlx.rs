//! The measurement behind docs/decisions/0001: the same statements through this store and through sqlx, in turn, in one run.
//!
//! ```text
//! (cd dev/sqlx-probe && cargo build --release)
//! cargo run --release -p store --example beside_sqlx -- dev/sqlx-probe/target/release/sqlx-probe
//! ```
//! With `DATABASE_URL` on PostgreSQL too. Prints own CPU (all threads of the process; SQLite is a part of it) and time on
//! the clock for one call in microseconds, and sqlx's figures divided by ours.

#[path = "../tests/it/seed.rs"]
#[expect(dead_code, reason = "of the items of the house, one is asked for here")]
mod seed;

use std::{
    error::Error,
    path::PathBuf,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{PersonId, Timestamp};
use store::{Access, Meter, Op, Session, Statement, Store, StoreError, StoreUrl, access_facts};

const ITEMS: i64 = 100_000;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(300);

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What is compared: its name for the probe, and the statements it runs.
const KINDS: [(&str, &[&str]); 4] = [
    ("point", &["PERSON_ACTIVE"]),
    ("facts", &["ACCESS_FACTS"]),
    ("write", &["PERSON_ACTIVE", "OUTBOX_INSERT"]),
    ("write64", &["PERSON_ACTIVE", "OUTBOX_INSERT"]),
];

/// The statements of one kind. They are composed anew: what the catalogue has would be answered from memory (`kept`).
type Texts = Arc<[Statement]>;

#[derive(Clone)]
struct Read(&'static str, Texts);

impl Op for Read {
    type Out = usize;
    type Error = StoreError;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<usize, StoreError> {
        let (item, person) = (seed::uuid_of(seed::OBJECT), seed::CALLER);
        Ok(match self.0 {
            "point" => {
                let active = s.one(&self.1[0], &[person.into()], |row| row.get::<bool>(0)).await?;
                usize::from(active)
            }
            "facts" => {
                let read = |row: &store::Row<'_>| {
                    // The columns that a decision reads.
                    for column in [2, 4, 6, 7, 8] {
                        row.get::<Option<i64>>(column)?;
                    }
                    Ok(())
                };
                s.fetch(&self.1[0], &[item.into(), person.into()], read).await?.len()
            }
            _ => {
                let facts = access_facts::load(s, item, Some(PersonId(person)), Timestamp(1)).await?;
                facts.map_or(0, |facts| facts.chain.nodes().count())
            }
        })
    }
}

/// One transaction: a point read and an insert.
#[derive(Clone)]
struct Write(Texts);

impl Op for Write {
    type Out = usize;
    type Error = StoreError;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<usize, StoreError> {
        s.one(&self.0[0], &[seed::CALLER.into()], |row| row.get::<bool>(0))
            .await?;
        let changed = s
            .execute(&self.0[1], &["probe".into(), "{}".into(), 1_i64.into()])
            .await?;
        Ok(usize::try_from(changed).unwrap_or(0))
    }
}

async fn call(store: Store, kind: &'static str, texts: Texts, meter: Arc<Meter>) -> Result<(), StoreError> {
    let found = if kind.starts_with("write") {
        store.run(Write(texts), &meter).await?
    } else {
        store.run(Read(kind, texts), &meter).await?
    };
    assert!(found > 0, "the house has what is asked for");
    Ok(())
}

/// Nanoseconds that this process has computed for, all its threads together.
fn cpu() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    tasks
        .filter_map(|task| {
            let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
        })
        .sum()
}

/// One round: own CPU and clock, in microseconds for one call.
async fn round(store: &Store, kind: &'static str, texts: &Texts) -> Outcome<(f64, f64)> {
    let meter = Arc::new(Meter::default());
    let at_once = if kind == "write64" { 64 } else { 1 };
    let (before, started, mut calls) = (cpu(), Instant::now(), 0);
    while started.elapsed() < ROUND {
        for _ in 0..20 {
            if at_once == 1 {
                call(store.clone(), kind, Arc::clone(texts), Arc::clone(&meter)).await?;
                continue;
            }
            let all: Vec<_> = (0..at_once)
                .map(|_| tokio::spawn(call(store.clone(), kind, Arc::clone(texts), Arc::clone(&meter))))
                .collect();
            for one in all {
                one.await??;
            }
        }
        calls += 20 * at_once;
    }
    let each = |spent: Duration| spent.as_secs_f64() * 1e6 / f64::from(calls);
    Ok((each(cpu().saturating_sub(before)), each(started.elapsed())))
}

/// One round of the probe.
fn theirs(probe: &str, url: &str, kind: &str, texts: &[String]) -> Outcome<(f64, f64)> {
    let output = Command::new(probe)
        .args([url, kind, "1", &ROUND.as_millis().to_string()])
        .args(texts)
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut figures = text.split_whitespace().map(str::parse::<f64>);
    match (figures.next(), figures.next()) {
        (Some(own), Some(clock)) => Ok((own?, clock?)),
        _ => Err(format!("the probe failed: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

async fn compare(store: &Store, probe: &str, url: &str) -> Outcome<()> {
    let sqlite = store.engine() == "sqlite";
    for (kind, names) in KINDS {
        let known = |name: &&str| store::catalogue().find(|statement| statement.name == *name);
        let statements = names.iter().filter_map(known).map(|statement| Statement {
            name: statement.name,
            sqlite: statement.sqlite.to_string().into(),
            postgres: statement.postgres.to_string().into(),
        });
        let statements: Texts = statements.collect();
        let texts: Vec<String> = statements
            .iter()
            .map(|statement| if sqlite { &statement.sqlite } else { &statement.postgres }.to_string())
            .collect();
        let (mut ours, mut probes) = ((f64::INFINITY, f64::INFINITY), (f64::INFINITY, f64::INFINITY));
        let least = |best: &mut (f64, f64), figures: (f64, f64)| {
            *best = (best.0.min(figures.0), best.1.min(figures.1));
        };
        for _ in 0..ROUNDS {
            least(&mut ours, round(store, kind, &statements).await?);
            least(&mut probes, theirs(probe, url, kind, &texts)?);
        }
        println!(
            "{:10} {kind:8} ours {:8.1} µs CPU {:8.1} µs clock   sqlx {:8.1} µs CPU {:8.1} µs clock   ratio {:.2} CPU {:.2} clock",
            store.engine(),
            ours.0,
            ours.1,
            probes.0,
            probes.1,
            probes.0 / ours.0,
            probes.1 / ours.1,
        );
    }
    let kept = round(store, "kept", &Arc::from([])).await?;
    println!(
        "{:10} kept     ours {:8.1} µs CPU {:8.1} µs clock",
        store.engine(),
        kept.0,
        kept.1
    );
    Ok(())
}

/// A place that is removed at the end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

async fn on_sqlite(probe: &str) -> Outcome<()> {
    // On the disk that holds the program, not in memory: what a commit costs is a part of the comparison.
    let beside = std::env::current_exe()?;
    let folder = Folder(beside.with_file_name(format!("beside-sqlx-{}", std::process::id())));
    std::fs::create_dir(&folder.0)?;
    let file = folder.0.join("store.db");
    drop(Store::open(StoreUrl::Sqlite(file.clone())).await?);
    seed::fill_sqlite(&rusqlite::Connection::open(&file)?, ITEMS)?;
    let url = format!("sqlite:{}", file.display());
    let store = Store::open(StoreUrl::Sqlite(file)).await?;
    compare(&store, probe, &url).await
}

async fn on_postgres(probe: &str, server: &str) -> Outcome<()> {
    let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    let (host, _) = server.rsplit_once('/').ok_or("DATABASE_URL names no database")?;
    let name = format!("commonhold_beside_{}", std::process::id());
    client.batch_execute(&format!("CREATE DATABASE {name}")).await?;
    let url = format!("{host}/{name}");
    let outcome = async {
        let (filler, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        let connections = 16;
        let store = Store::open(StoreUrl::Postgres {
            url: url.clone(),
            connections,
        })
        .await?;
        seed::fill_postgres(&filler, ITEMS).await?;
        compare(&store, probe, &url).await
    }
    .await;
    client
        .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
        .await?;
    outcome
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let probe = std::env::args().nth(1).ok_or("the path of the sqlx probe is missing")?;
    on_sqlite(&probe).await?;
    #[expect(
        clippy::disallowed_methods,
        reason = "a measurement is configured by the environment"
    )]
    let server = std::env::var("DATABASE_URL");
    if let Ok(server) = server {
        on_postgres(&probe, &server).await
    } else {
        println!("skipped: PostgreSQL (set DATABASE_URL)");
        Ok(())
    }
}
