//! Runs the statements it is told through sqlx, on a database that `cargo run --example beside_sqlx` of the store has
//! filled, and prints what each call cost: `name own-CPU-µs clock-µs` a line. See docs/decisions/0001.
//!
//! `sqlx-probe sqlite:FILE|postgres://… KIND ROUNDS MILLISECONDS TEXT…`, where KIND is `point`, `facts`, `write` or
//! `write64`.

use std::{
    env,
    error::Error,
    future::Future,
    str::FromStr,
    time::{Duration, Instant},
};

use sqlx::{
    Database, Executor, IntoArguments, Pool, Row,
    postgres::{PgPoolOptions, Postgres},
    sqlite::{Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use uuid::Uuid;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The person and the object of the seeded house.
const PERSON: i64 = 1;
const OBJECT: u128 = 114;

/// Nanoseconds that this process has computed for, all its threads together.
fn cpu() -> Duration {
    let stat = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    stat.filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
    })
    .sum()
}

/// The best of several rounds: own CPU and clock, in microseconds for one call.
async fn best<F: Future<Output = Outcome<()>>>(
    rounds: usize,
    round: Duration,
    at_once: u32,
    mut call: impl FnMut() -> F,
) -> Outcome<(f64, f64)> {
    let (mut own, mut clock) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..rounds {
        let (before, started, mut calls) = (cpu(), Instant::now(), 0);
        while started.elapsed() < round {
            for _ in 0..20 {
                call().await?;
            }
            calls += 20 * at_once;
        }
        let each = |spent: Duration| spent.as_secs_f64() * 1e6 / f64::from(calls);
        own = own.min(each(cpu().saturating_sub(before)));
        clock = clock.min(each(started.elapsed()));
    }
    Ok((own, clock))
}

/// One transaction: a point read and an insert.
async fn write<D: Database>(
    pool: &Pool<D>,
    begin: &'static str,
    read: &'static str,
    insert: &'static str,
) -> Outcome<()>
where
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
    for<'q> <D as Database>::Arguments<'q>: IntoArguments<'q, D>,
    for<'q> i64: sqlx::Encode<'q, D> + sqlx::Type<D>,
    for<'q> &'q str: sqlx::Encode<'q, D> + sqlx::Type<D>,
{
    let mut transaction = pool.begin_with(begin).await?;
    sqlx::query(read).bind(PERSON).fetch_one(&mut *transaction).await?;
    sqlx::query(insert)
        .bind("probe")
        .bind("{}")
        .bind(1_i64)
        .execute(&mut *transaction)
        .await?;
    Ok(transaction.commit().await?)
}

macro_rules! measure {
    ($pool:expr, $begin:literal, $kind:expr, $rounds:expr, $round:expr, $texts:expr) => {{
        let (pool, texts) = ($pool, $texts);
        match $kind {
            "point" => {
                best($rounds, $round, 1, || async {
                    let row = sqlx::query(texts[0]).bind(PERSON).fetch_one(&pool).await?;
                    row.try_get::<bool, _>(0)?;
                    Ok(())
                })
                .await
            }
            "facts" => {
                best($rounds, $round, 1, || async {
                    let rows = sqlx::query(texts[0])
                        .bind(Uuid::from_u128(OBJECT))
                        .bind(PERSON)
                        .fetch_all(&pool)
                        .await?;
                    for row in &rows {
                        // The columns that a decision reads.
                        for column in [2, 4, 6, 7, 8] {
                            row.try_get::<Option<i64>, _>(column)?;
                        }
                    }
                    if rows.len() < 2 { Err("no facts".into()) } else { Ok(()) }
                })
                .await
            }
            "write" => best($rounds, $round, 1, || write(&pool, $begin, texts[0], texts[1])).await,
            _ => {
                best($rounds, $round, 64, || async {
                    let all: Vec<_> = (0..64)
                        .map(|_| {
                            let (pool, read, insert) = (pool.clone(), texts[0], texts[1]);
                            tokio::spawn(async move { write(&pool, $begin, read, insert).await })
                        })
                        .collect();
                    for one in all {
                        one.await??;
                    }
                    Ok(())
                })
                .await
            }
        }
    }};
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [url, kind, rounds, round, texts @ ..] = words.as_slice() else {
        return Err("sqlx-probe URL KIND ROUNDS MILLISECONDS TEXT…".into());
    };
    // The statements live as long as the process.
    let texts: Vec<&'static str> = texts
        .iter()
        .map(|text| &*Box::leak(text.clone().into_boxed_str()))
        .collect();
    let (rounds, round) = (rounds.parse()?, Duration::from_millis(round.parse()?));
    let (own, clock) = if url.starts_with("sqlite:") {
        let options = SqliteConnectOptions::from_str(url)?
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(60))
            .statement_cache_capacity(256)
            .pragma("cache_size", "-16000");
        let pool: Pool<Sqlite> = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await?;
        measure!(pool, "BEGIN IMMEDIATE", kind.as_str(), rounds, round, texts)?
    } else {
        let pool: Pool<Postgres> = PgPoolOptions::new()
            .max_connections(16)
            .test_before_acquire(false)
            .connect(url)
            .await?;
        measure!(
            pool,
            "BEGIN ISOLATION LEVEL REPEATABLE READ",
            kind.as_str(),
            rounds,
            round,
            texts
        )?
    };
    println!("{own} {clock}");
    Ok(())
}
