//! Migrations give the same schema on both databases, and every statement fits it.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use store::{Statement, Store, StoreError};
use tokio_postgres::{Client, types::Type};

use crate::{
    harness::{Db, Place, connect},
    recorder,
};

/// What a table is, in words that both databases can be asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    /// Name: type, whether it may be null, default. In the order of the table.
    columns: Vec<(String, String, bool, Option<String>)>,
    primary_key: Vec<String>,
    unique_constraints: BTreeSet<Vec<String>>,
    /// Name: unique, partial, columns or `expression`.
    indexes: BTreeMap<String, (bool, bool, Vec<String>)>,
    foreign_keys: BTreeSet<String>,
    checks: usize,
}

type Schema = BTreeMap<String, Table>;

fn texts(connection: &Connection, text: &str, of: &str) -> Vec<Vec<Option<String>>> {
    let mut statement = connection.prepare(text).unwrap();
    let count = statement.column_count();
    let rows = statement.query_map([of], |row| {
        (0..count)
            .map(|column| {
                Ok(match row.get::<_, rusqlite::types::Value>(column)? {
                    rusqlite::types::Value::Null => None,
                    rusqlite::types::Value::Integer(number) => Some(number.to_string()),
                    rusqlite::types::Value::Text(text) => Some(text),
                    other => panic!("{other:?}"),
                })
            })
            .collect()
    });
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

fn one(cell: Option<&Option<String>>) -> String {
    cell.and_then(Clone::clone).unwrap_or_else(|| "expression".to_owned())
}

fn sqlite_table(connection: &Connection, name: &str, text: &str) -> Table {
    let mut table = Table {
        checks: text.matches("CHECK (").count(),
        ..Table::default()
    };
    let mut key = BTreeMap::new();
    let columns = "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info($1) ORDER BY cid";
    for row in texts(connection, columns, name) {
        let (column, place) = (one(row.first()), one(row.get(4)));
        // A primary key that SQLite declares INTEGER is never null though it is not declared so.
        let nullable = one(row.get(2)) == "0" && place == "0";
        let default = row[3].as_ref().map(|text| text.to_lowercase());
        table.columns.push((column.clone(), one(row.get(1)), nullable, default));
        if place != "0" {
            key.insert(place, column);
        }
    }
    table.primary_key = key.into_values().collect();
    let indexes = "SELECT name, \"unique\", origin, partial FROM pragma_index_list($1)";
    for row in texts(connection, indexes, name) {
        let (index, unique, partial) = (one(row.first()), one(row.get(1)) == "1", one(row.get(3)) == "1");
        let columns = texts(
            connection,
            "SELECT name FROM pragma_index_info($1) ORDER BY seqno",
            &index,
        );
        let columns = columns.iter().map(|row| one(row.first())).collect();
        match one(row.get(2)).as_str() {
            "c" => drop(table.indexes.insert(index, (unique, partial, columns))),
            "u" => drop(table.unique_constraints.insert(columns)),
            _ => {}
        }
    }
    let mut keys: BTreeMap<String, (Vec<String>, Vec<String>, String)> = BTreeMap::new();
    let foreign = "SELECT id, \"from\", \"to\", \"table\", on_delete, on_update FROM pragma_foreign_key_list($1) ORDER BY id, seq";
    for row in texts(connection, foreign, name) {
        let found = keys.entry(one(row.first())).or_default();
        found.0.push(one(row.get(1)));
        found.1.push(one(row.get(2)));
        found.2 = format!(
            "{} delete {} update {}",
            one(row.get(3)),
            one(row.get(4)),
            one(row.get(5))
        );
    }
    table.foreign_keys = keys
        .into_values()
        .map(|(from, to, rest)| foreign_key(&from, &to, &rest))
        .collect();
    table
}

fn foreign_key(from: &[String], to: &[String], rest: &str) -> String {
    format!("{} -> {} of {rest}", from.join(", "), to.join(", "))
}

fn sqlite_schema(place: &Place) -> Schema {
    let connection = Connection::open(place.file()).unwrap();
    let tables = "SELECT name, sql FROM sqlite_schema WHERE type = $1 AND name NOT LIKE 'sqlite_%'";
    let tables = texts(&connection, tables, "table");
    tables
        .iter()
        .map(|row| {
            let (name, text) = (one(row.first()), one(row.get(1)));
            assert!(text.ends_with("STRICT"), "{name} takes anything");
            (name.clone(), sqlite_table(&connection, &name, &text))
        })
        .collect()
}

/// The class of a PostgreSQL type in SQLite.
fn class(type_: &str) -> &'static str {
    match type_ {
        "bigint" | "boolean" => "INTEGER",
        "text" => "TEXT",
        "uuid" | "bytea" => "BLOB",
        // 32 bits, local time and the like: what SQLite would take and PostgreSQL would cut.
        other => panic!("type {other}"),
    }
}

async fn postgres_schema(client: &Client) -> Schema {
    let mut schema = Schema::new();
    let columns = "
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
    l.collname
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'schema_version'
ORDER BY c.relname, a.attnum";
    for row in client.query(columns, &[]).await.unwrap() {
        let (table, column, type_): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let (nullable, default, collation): (bool, Option<String>, Option<String>) =
            (row.get(3), row.get(4), row.get(5));
        assert!(
            type_ != "text" || collation.as_deref() == Some("C"),
            "{table}.{column} does not order by bytes"
        );
        let columns = &mut schema.entry(table).or_default().columns;
        columns.push((column, class(&type_).to_owned(), nullable, default));
    }
    let indexes = "
SELECT t.relname, i.relname, x.indisunique, x.indpred IS NOT NULL, x.indisprimary, k.contype IS NOT NULL,
    ARRAY(SELECT CASE WHEN u.n = 0 THEN 'expression' ELSE a.attname::text END
        FROM unnest(x.indkey::int[]) WITH ORDINALITY u (n, place)
            LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = u.n
        ORDER BY u.place)
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
    LEFT JOIN pg_constraint k ON k.conindid = i.oid AND k.contype = 'u'
WHERE t.relnamespace = 'public'::regnamespace AND t.relname <> 'schema_version'";
    for row in client.query(indexes, &[]).await.unwrap() {
        let table = schema.get_mut(row.get::<_, &str>(0)).unwrap();
        let columns: Vec<String> = row.get(6);
        if row.get(4) {
            table.primary_key = columns;
        } else if row.get(5) {
            table.unique_constraints.insert(columns);
        } else {
            table.indexes.insert(row.get(1), (row.get(2), row.get(3), columns));
        }
    }
    let constraints = "
SELECT t.relname, k.contype::text, f.relname,
    ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u (n, place)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.place),
    ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u (n, place)
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY u.place),
    k.confdeltype::text, k.confupdtype::text
FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid LEFT JOIN pg_class f ON f.oid = k.confrelid
WHERE k.contype IN ('f', 'c') AND t.relnamespace = 'public'::regnamespace AND t.relname <> 'schema_version'";
    let action = |letter: &str| match letter {
        "a" => "NO ACTION",
        "c" => "CASCADE",
        "n" => "SET NULL",
        "r" => "RESTRICT",
        other => panic!("{other}"),
    };
    for row in client.query(constraints, &[]).await.unwrap() {
        let table = schema.get_mut(row.get::<_, &str>(0)).unwrap();
        if row.get::<_, &str>(1) == "c" {
            table.checks += 1;
            continue;
        }
        let (delete, update) = (action(row.get(5)), action(row.get(6)));
        let rest = format!("{} delete {delete} update {update}", row.get::<_, &str>(2));
        let (from, to): (Vec<String>, Vec<String>) = (row.get(3), row.get(4));
        table.foreign_keys.insert(foreign_key(&from, &to, &rest));
    }
    schema
}

#[tokio::test(flavor = "multi_thread")]
async fn both_trees_of_migrations_give_the_same_schema() {
    let Some(postgres) = Db::postgres().await else { return };
    let sqlite = Db::sqlite().await;
    let on_sqlite = sqlite_schema(&sqlite.place);
    let on_postgres = postgres_schema(&connect(&postgres.place.address()).await).await;
    assert!(on_sqlite.len() > 20);
    assert_eq!(
        on_sqlite.keys().collect::<Vec<_>>(),
        on_postgres.keys().collect::<Vec<_>>()
    );
    for (name, table) in &on_sqlite {
        assert_eq!(Some(table), on_postgres.get(name), "{name}");
    }
}

/// Deleting what others refer to looks for them: without an index it would read the whole table.
#[tokio::test(flavor = "multi_thread")]
async fn every_foreign_key_has_an_index() {
    // People are disabled, and never deleted, and identity providers stay.
    const NEVER_DELETED: [&str; 3] = [
        " of person delete NO ACTION",
        " of person delete SET NULL",
        " of identity_provider delete NO ACTION",
    ];
    let db = Db::sqlite().await;
    let mut missing = Vec::new();
    for (name, table) in sqlite_schema(&db.place) {
        let mut keys: Vec<&Vec<String>> = table.unique_constraints.iter().collect();
        keys.push(&table.primary_key);
        keys.extend(table.indexes.values().map(|index| &index.2));
        for foreign in &table.foreign_keys {
            let first = foreign.split([',', ' ']).next();
            let found = keys.iter().any(|key| key.first().map(String::as_str) == first);
            if !found && !NEVER_DELETED.iter().any(|known| foreign.contains(known)) {
                missing.push(format!("{name}: {foreign}"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

async fn every_statement() -> Vec<Statement> {
    let mut all: Vec<Statement> = store::catalogue()
        .map(|statement| Statement {
            name: statement.name,
            sqlite: statement.sqlite.clone(),
            postgres: statement.postgres.clone(),
        })
        .collect();
    all.extend(recorder::composed().await);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_prepares_on_sqlite() {
    let db = Db::sqlite().await;
    let connection = Connection::open(db.place.file()).unwrap();
    let all = every_statement().await;
    assert!(all.len() > 100, "{}", all.len());
    for statement in all {
        let outcome = connection.prepare(&statement.sqlite);
        assert!(
            outcome.is_ok(),
            "{}: {}\n{}",
            statement.name,
            outcome.unwrap_err(),
            statement.sqlite
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_prepares_on_postgres_with_the_types_of_a_session() {
    const KNOWN: [Type; 8] = [
        Type::INT8,
        Type::TEXT,
        Type::BOOL,
        Type::UUID,
        Type::BYTEA,
        Type::INT8_ARRAY,
        Type::TEXT_ARRAY,
        Type::UUID_ARRAY,
    ];
    let Some(postgres) = Db::postgres().await else { return };
    let client = connect(&postgres.place.address()).await;
    let sqlite = Db::sqlite().await;
    let connection = Connection::open(sqlite.place.file()).unwrap();
    for statement in every_statement().await {
        let (name, text) = (statement.name, &statement.postgres);
        let prepared = client
            .prepare(text)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error:?}\n{text}"));
        for type_ in prepared.params() {
            assert!(KNOWN.contains(type_), "{name}: a parameter of type {type_}");
        }
        for column in prepared.columns() {
            assert!(
                KNOWN.contains(column.type_()),
                "{name}: {} of type {}",
                column.name(),
                column.type_()
            );
        }
        let twin = connection.prepare(&statement.sqlite).unwrap();
        assert_eq!(twin.parameter_count(), prepared.params().len(), "{name}");
        assert_eq!(twin.column_count(), prepared.columns().len(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_version_is_not_touched() {
    let db = Db::sqlite().await;
    Connection::open(db.place.file())
        .unwrap()
        .pragma_update(None, "user_version", 9999)
        .unwrap();
    assert!(matches!(
        Store::open(db.place.url()).await,
        Err(StoreError::Migration(_))
    ));
    let Some(db) = Db::postgres().await else { return };
    let client = connect(&db.place.address()).await;
    client
        .batch_execute("INSERT INTO schema_version VALUES (9999)")
        .await
        .unwrap();
    assert!(matches!(
        Store::open(db.place.url()).await,
        Err(StoreError::Migration(_))
    ));
}

/// Nodes that start together migrate once.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_database_is_migrated_once() {
    for place in [Some(Place::sqlite()), Place::postgres().await].into_iter().flatten() {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let url = place.url();
            tasks.spawn(async move { Store::open(url).await });
        }
        while let Some(store) = tasks.join_next().await {
            store.unwrap().unwrap().ping().await.unwrap();
        }
    }
}
