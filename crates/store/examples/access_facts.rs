//! Measures what the facts of an access decision cost, on SQLite and (with `DATABASE_URL`) on PostgreSQL, in a small and
//! in a large house: `cargo run --release -p store --example access_facts -- 10000 1000000`.
//!
//! Figures are microseconds for one call, the best of several rounds: CPU of this process (to which SQLite belongs), CPU
//! of the PostgreSQL backend, and time on the clock.

#[path = "../tests/it/seed.rs"]
mod seed;

use std::{
    error::Error,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{PersonId, Timestamp};
use store::{
    Access, Meter, Op, Session, Statement, Store, StoreError, StoreUrl, access_facts,
    files::{self, VersionSelector},
    people,
};
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1);
const ROUNDS: usize = 15;
/// How long a round takes at least: the system counts the time of a thread in steps of a few milliseconds.
const ROUND: Duration = Duration::from_millis(60);
/// Calls between two looks at the clock.
const CALLS: u32 = 100;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What is measured.
#[derive(Clone, Copy)]
enum Call {
    /// The smallest question there is.
    Active,
    /// The facts about an item.
    Facts(Uuid),
    /// An object with its latest version.
    Object(Uuid),
}

/// One call, as a use case makes it.
#[derive(Clone)]
struct Calls(Call);

impl Op for Calls {
    type Out = usize;
    type Error = StoreError;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<usize, StoreError> {
        let person = PersonId(seed::CALLER);
        Ok(match self.0 {
            Call::Active => usize::from(people::is_active(s, person).await?),
            Call::Facts(item) => {
                let facts = access_facts::load(s, item, Some(person), NOW).await?;
                facts.map_or(0, |facts| facts.chain.nodes().count())
            }
            Call::Object(item) => {
                let found = files::find(s, item, &VersionSelector::Latest).await?;
                usize::from(found.is_some_and(|found| found.version.is_some()))
            }
        })
    }
}

/// The process that serves a connection on PostgreSQL.
#[derive(Clone)]
struct Backend;

impl Op for Backend {
    type Out = i64;
    type Error = StoreError;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<i64, StoreError> {
        let text = "SELECT CAST(pg_backend_pid() AS BIGINT)";
        let statement = Statement {
            name: "BACKEND",
            sqlite: "SELECT 0".into(),
            postgres: text.into(),
        };
        s.one(&statement, &[], |row| row.get(0)).await
    }
}

/// Nanoseconds that a thread has computed for, as Linux counts them; none elsewhere.
fn cpu(of: &str) -> Option<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{of}/schedstat")).ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

#[derive(Clone, Copy)]
struct Cost {
    own: f64,
    backend: f64,
    clock: f64,
}

async fn measure(store: &Store, call: Call, nodes: usize) -> Outcome<Cost> {
    let meter = Arc::new(Meter::default());
    let backend = store.run(Backend, &meter).await?;
    let backend = if backend == 0 {
        "none".to_owned()
    } else {
        backend.to_string()
    };
    let mut best = Cost {
        own: f64::INFINITY,
        backend: f64::INFINITY,
        clock: f64::INFINITY,
    };
    for _ in 0..ROUNDS {
        let (own, other, started) = (cpu("thread-self"), cpu(&backend), Instant::now());
        let mut calls = 0;
        while started.elapsed() < ROUND {
            for _ in 0..CALLS {
                let found = store.run(Calls(call), &meter).await?;
                if found != nodes {
                    return Err(format!("{found} nodes instead of {nodes}").into());
                }
            }
            calls += CALLS;
        }
        let each = |spent: Duration| spent.as_secs_f64() * 1e6 / f64::from(calls);
        let spent = |before: Option<Duration>, after: Option<Duration>| match (before, after) {
            (Some(before), Some(after)) => each(after.saturating_sub(before)),
            _ => 0.0,
        };
        best.clock = best.clock.min(each(started.elapsed()));
        best.own = best.own.min(spent(own, cpu("thread-self")));
        best.backend = best.backend.min(spent(other, cpu(&backend)));
    }
    Ok(best)
}

/// The costs of all calls in a house of one size.
async fn house(store: &Store, items: i64) -> Outcome<Vec<(&'static str, Cost)>> {
    let (deep, object) = (seed::uuid_of(seed::DEEP), seed::uuid_of(seed::OBJECT));
    let mut costs = Vec::new();
    for (name, call, nodes) in [
        ("whether a person is active", Call::Active, 1),
        ("an object with its latest version", Call::Object(object), 1),
        ("facts at depth 2", Call::Facts(object), 2),
        ("facts at depth 13, 1,000 grants on the way", Call::Facts(deep), 13),
    ] {
        let cost = measure(store, call, nodes).await?;
        println!(
            "{:10} {items:9} items  {name:44} {:8.1} µs own CPU {:8.1} µs backend CPU {:8.1} µs on the clock",
            store.engine(),
            cost.own,
            cost.backend,
            cost.clock
        );
        costs.push((name, cost));
    }
    Ok(costs)
}

/// Says how the costs grow with the house.
fn compare(engine: &str, small: &[(&str, Cost)], large: &[(&str, Cost)]) {
    for ((name, small), (_, large)) in small.iter().zip(large) {
        let total = |cost: &Cost| cost.own + cost.backend;
        println!(
            "{engine:10} {name:44} large : small = {:.2}",
            total(large) / total(small)
        );
    }
}

/// A place that is removed at the end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

async fn on_sqlite(sizes: &[i64]) -> Outcome<()> {
    let mut all = Vec::new();
    for items in sizes {
        let folder = Folder(std::env::temp_dir().join(format!("commonhold-measure-{}-{items}", std::process::id())));
        std::fs::create_dir(&folder.0)?;
        let file = folder.0.join("store.db");
        drop(Store::open(StoreUrl::Sqlite(file.clone())).await?);
        seed::fill_sqlite(&rusqlite::Connection::open(&file)?, *items)?;
        let store = Store::open(StoreUrl::Sqlite(file)).await?;
        all.push(house(&store, *items).await?);
    }
    if let [small, .., large] = all.as_slice() {
        compare("sqlite", small, large);
    }
    Ok(())
}

async fn on_postgres(server: &str, sizes: &[i64]) -> Outcome<()> {
    let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    let (host, _) = server.rsplit_once('/').ok_or("DATABASE_URL names no database")?;
    let mut all = Vec::new();
    for items in sizes {
        let name = format!("commonhold_measure_{}_{items}", std::process::id());
        client.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        let url = format!("{host}/{name}");
        let outcome = async {
            let (filler, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
            tokio::spawn(connection);
            let store = Store::open(StoreUrl::Postgres { url, connections: 1 }).await?;
            seed::fill_postgres(&filler, *items).await?;
            house(&store, *items).await
        }
        .await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        client
            .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
            .await?;
        all.push(outcome?);
    }
    if let [small, .., large] = all.as_slice() {
        compare("postgresql", small, large);
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let mut sizes: Vec<i64> = std::env::args().skip(1).filter_map(|size| size.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![10_000, 1_000_000];
    }
    on_sqlite(&sizes).await?;
    #[expect(
        clippy::disallowed_methods,
        reason = "a measurement is configured by the environment"
    )]
    let server = std::env::var("DATABASE_URL");
    if let Ok(server) = server {
        on_postgres(&server, &sizes).await?;
    } else {
        println!("skipped: PostgreSQL (set DATABASE_URL)");
    }
    Ok(())
}
