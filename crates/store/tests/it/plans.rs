//! The plans of the statements that run often, on analysed data, are files that a reviewer reads: `golden/sqlite` and
//! `golden/postgres`. None of them reads a large table.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use rusqlite::{Connection, StatementStatus, config::DbConfig};
use store::Statement;

use crate::{
    harness::{Db, connect, variable},
    recorder, seed,
};

/// About 100,000 items, of which half are objects in buckets.
const ITEMS: i64 = 100_000;

/// The version whose plans are kept.
const POSTGRES: &str = "15";

/// Statements of the catalogue that run on requests, or again and again.
const HOT: &[&str] = &[
    "ACCESS_FACTS",
    "ACCESS_FACTS_OF_ROOTS",
    "ACCOUNT_BUCKETS",
    "ACCOUNT_BY_EMAIL",
    "BUCKETS_PUBLIC_AT",
    "BUCKET_STORAGE_KEYS",
    "GRANT_COUNT",
    "GRANT_DELETE_ROWS",
    "GRANT_HOLDINGS",
    "GRANT_INSERT",
    "IDENTITY_PROVIDER_IDS",
    "LEASE_TAKE",
    "METADATA_LIST",
    "OBJECT_BY_PATH",
    "OBJECT_DELETE",
    "OBJECT_LATEST",
    "OBJECT_NATIVE",
    "OBJECT_VERSION",
    "OUTBOX_CLAIM",
    "OUTBOX_DONE",
    "PERSON_ACTIVE",
    "PERSON_BY_EMAIL",
    "PERSON_BY_IDENTITY",
    "PERSON_IDS",
    "SYNCED_KNOWN",
    "SYNCED_MOUNTS",
    "SYNCED_PAGE",
    "SYNCED_TAGS",
    "SYNCED_VERSIONS",
    "SYNC_CLAIM",
    "SYNC_DUE",
    "TAG_LIST",
    "UPLOAD_BY_PATH",
    "UPLOAD_DELETE",
    "UPLOAD_EXPIRED",
    "VERSION_EXISTS",
    "VERSION_LIST",
    "VERSION_NOT_LATEST",
    "VERSION_PROMOTE",
];

/// Of the composed ones, those with conditions by key.
const HOT_COMPOSED: &[(&str, &[&str])] = &[
    ("BUCKET_BY_UUID", &["i.uuid = $1"]),
    ("BUCKET_BY_MOUNT", &["b.object_key = $3"]),
    ("BUCKETS_BELOW", &["b.object_key < $4"]),
    ("BUCKET_SEARCH", &["i.uuid = ANY($1)"]),
    ("GRANT_LIST", &["g.item_id = ANY($1)", "p.uuid = ANY($3)"]),
    ("GRANT_SEARCH", &["i.kind = 1", "i.uuid = ANY($1)", "p.uuid = ANY($3)"]),
    ("GRANT_RELATED_BUCKETS", &["b.uuid = ANY($1)", "p.uuid = ANY($3)"]),
    (
        "GRANT_RELATED_OBJECTS",
        &["b.uuid = ANY($1)", "i.uuid = ANY($2)", "p.uuid = ANY($4)"],
    ),
    ("PERSON_SEARCH", &["p.uuid = ANY($1) ORDER"]),
];

/// Tables that grow with the house.
const LARGE: &[&str] = &[
    "item",
    "version",
    "access_grant",
    "metadata",
    "tag",
    "person",
    "outbox",
    "upload",
];

/// The statements whose plans are kept, by the name of the file.
async fn hot() -> BTreeMap<String, Statement> {
    let mut all: BTreeMap<String, Statement> = BTreeMap::new();
    for statement in store::catalogue().filter(|statement| HOT.contains(&statement.name)) {
        let copy = Statement {
            name: statement.name,
            sqlite: statement.sqlite.clone(),
            postgres: statement.postgres.clone(),
        };
        all.insert(statement.name.to_owned(), copy);
    }
    assert_eq!(all.len(), HOT.len(), "a statement has another name now");
    let composed = recorder::composed().await;
    for (name, conditions) in HOT_COMPOSED {
        let found = composed
            .iter()
            .find(|one| one.name == *name && conditions.iter().all(|condition| one.postgres.contains(condition)));
        let found = found.unwrap_or_else(|| panic!("{name} with {conditions:?}"));
        let copy = Statement {
            name: found.name,
            sqlite: found.sqlite.clone(),
            postgres: found.postgres.clone(),
        };
        all.insert((*name).to_owned(), copy);
    }
    all
}

/// Compares plans with the files of a folder, or writes them.
fn compare(engine: &str, plans: &BTreeMap<String, String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(engine);
    let renew = variable("COMMONHOLD_RENEW").is_some_and(|value| value == "1");
    if renew {
        // What belongs to no statement any more goes.
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, plan) in plans {
            std::fs::write(folder.join(format!("{name}.txt")), plan).unwrap();
        }
    }
    let mut different = String::new();
    for (name, plan) in plans {
        let kept = std::fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap_or_default();
        if kept != *plan {
            writeln!(different, "{name} was\n{kept}\nand is\n{plan}").unwrap();
        }
    }
    for file in std::fs::read_dir(&folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if !plans.contains_key(name.trim_end_matches(".txt")) {
            writeln!(different, "{name} belongs to no statement").unwrap();
        }
    }
    assert!(
        different.is_empty(),
        "{different}\nIf the new plans of {engine} are as good: COMMONHOLD_RENEW=1 cargo test -p store plans"
    );
}

/// A connection that plans as the program's do.
fn planner(db: &Db) -> Connection {
    let connection = Connection::open(db.place.file()).unwrap();
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .unwrap();
    connection
}

fn sqlite_plan(connection: &Connection, text: &str) -> String {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
    let mut rows = statement.raw_query();
    let (mut depths, mut plan) = (BTreeMap::from([(0, 0)]), String::new());
    while let Some(row) = rows.next().unwrap() {
        let (id, parent, detail): (i64, i64, String) = (row.get(0).unwrap(), row.get(1).unwrap(), row.get(3).unwrap());
        let depth = depths[&parent];
        depths.insert(id, depth + 1);
        writeln!(plan, "{}{detail}", "  ".repeat(depth)).unwrap();
    }
    plan
}

/// What a plan on SQLite must not have: a whole large table, or an index that is built for the one run.
fn bad_on_sqlite(plan: &str, text: &str) -> bool {
    let whole = |line: &str| {
        let scanned = line.split_whitespace().next().unwrap_or_default();
        let is_alias_of = |table: &str| {
            text.contains(&format!("{table} {scanned} ")) || text.contains(&format!("{table} {scanned}\n"))
        };
        LARGE.iter().any(|table| scanned == *table || is_alias_of(table))
    };
    let built = plan.contains("AUTOMATIC") || plan.contains("BLOOM FILTER ON");
    built
        || plan
            .lines()
            .filter_map(|line| line.trim().strip_prefix("SCAN "))
            .any(whole)
}

/// What a plan on PostgreSQL must not have: a whole large table, in its own order or in that of an index.
fn bad_on_postgres(plan: &str) -> bool {
    let lines: Vec<&str> = plan.lines().collect();
    let next = lines.iter().skip(1).chain([&""]);
    lines.iter().zip(next).any(|(line, next)| {
        let of = |table: &&str| line.ends_with(&format!(" on {table}")) || line.contains(&format!(" on {table} "));
        let whole = line.contains("Seq Scan") || (line.contains("Index") && !next.contains("Index Cond"));
        line.contains("Scan") && whole && LARGE.iter().any(of)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_on_sqlite() {
    let db = Db::sqlite().await;
    let statements = hot().await;
    let connection = planner(&db);
    let fresh: BTreeMap<String, String> = plans(&connection, &statements);
    drop(connection);
    seed::fill_sqlite(&planner(&db), ITEMS).unwrap();
    let connection = planner(&db);
    let analysed = plans(&connection, &statements);
    // A server that has never taken statistics does as well.
    for (name, plan) in analysed.iter().chain(&fresh) {
        assert!(
            !bad_on_sqlite(plan, &statements[name].sqlite),
            "{name} reads a large table:\n{plan}"
        );
    }
    compare("sqlite", &analysed);
}

fn plans(connection: &Connection, statements: &BTreeMap<String, Statement>) -> BTreeMap<String, String> {
    let plan = |(name, statement): (&String, &Statement)| (name.clone(), sqlite_plan(connection, &statement.sqlite));
    statements.iter().map(plan).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_on_postgres() {
    let Some(db) = Db::postgres().await else { return };
    let client = connect(&db.place.address()).await;
    seed::fill_postgres(&client, ITEMS).await.unwrap();
    // All rows are looked at, not some that chance picks, and the map of pages that index-only scans rely on does not
    // come and go with the server's own cleaning.
    client
        .batch_execute("SET default_statistics_target = 10000")
        .await
        .unwrap();
    client.batch_execute("VACUUM ANALYZE").await.unwrap();
    let settings = "SET plan_cache_mode = force_generic_plan; SET jit = off";
    client.batch_execute(settings).await.unwrap();
    let mut plans = BTreeMap::new();
    for (name, statement) in hot().await {
        let prepared = client.prepare(&statement.postgres).await.unwrap();
        let nulls = vec!["NULL"; prepared.params().len()].join(", ");
        let arguments = if nulls.is_empty() { nulls } else { format!("({nulls})") };
        client
            .batch_execute(&format!("PREPARE hot AS {}", statement.postgres))
            .await
            .unwrap();
        let rows = client
            .query(&format!("EXPLAIN (COSTS OFF) EXECUTE hot{arguments}"), &[])
            .await
            .unwrap();
        client.batch_execute("DEALLOCATE hot").await.unwrap();
        let mut plan = String::new();
        for row in rows {
            writeln!(plan, "{}", row.get::<_, &str>(0)).unwrap();
        }
        plans.insert(name, plan);
    }
    for (name, plan) in &plans {
        if bad_on_postgres(plan) {
            eprintln!("{name} reads a large table:\n{plan}");
        }
    }
    assert!(!plans.values().any(|plan| bad_on_postgres(plan)), "see above");
    let version = client
        .query_one("SELECT current_setting('server_version_num')", &[])
        .await
        .unwrap();
    // Another version words its plans differently, and may have better ones.
    if version.get::<_, &str>(0).starts_with(POSTGRES) {
        compare("postgres", &plans);
    } else {
        eprintln!("plans on PostgreSQL were not compared: those kept are of version {POSTGRES}");
    }
}

/// Steps that SQLite takes to gather the facts about the file at the end of the way.
fn steps(connection: &Connection, facts: &Statement) -> i32 {
    let mut statement = connection.prepare(&facts.sqlite).unwrap();
    let values: [&dyn rusqlite::ToSql; 2] = [&seed::uuid_of(seed::DEEP).into_bytes(), &seed::CALLER];
    for (place, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(place + 1, value).unwrap();
    }
    let (mut rows, mut tags) = (statement.raw_query(), Vec::new());
    while let Some(row) = rows.next().unwrap() {
        tags.push(row.get::<_, i64>(1).unwrap());
    }
    drop(rows);
    let count = |tag| tags.iter().filter(|one| **one == tag).count();
    assert_eq!((count(0), count(1)), (13, 3), "as seeded");
    statement.get_status(StatementStatus::VmStep)
}

/// Neither how large the house is nor what others hold on the way counts.
#[tokio::test(flavor = "multi_thread")]
async fn facts_take_as_many_steps_in_a_large_house_as_in_a_small_one() {
    let facts = store::catalogue()
        .find(|statement| statement.name == "ACCESS_FACTS")
        .unwrap();
    let mut all = Vec::new();
    for items in [2_000, 60_000] {
        let db = Db::sqlite().await;
        let connection = planner(&db);
        seed::fill_sqlite(&connection, items).unwrap();
        all.push(steps(&connection, facts));
        let others = "DELETE FROM access_grant WHERE id <= 1000";
        assert_eq!(connection.execute(others, []).unwrap(), 1000);
        all.push(steps(&connection, facts));
    }
    println!("steps: {all:?}");
    let (least, most) = (all.iter().min().unwrap(), all.iter().max().unwrap());
    assert!(*least > 0 && most - least <= least / 20, "{all:?}");
}
