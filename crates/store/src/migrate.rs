//! Migrations: the same numbers in both trees, applied in order, each in its own transaction, never edited once landed.

use deadpool_postgres::Client;
use rusqlite::Connection;

use crate::StoreError;

/// Number, name, SQLite text, PostgreSQL text.
const MIGRATIONS: &[(i64, &str, &str, &str)] = &[
    (
        1,
        "house",
        include_str!("../migrations/sqlite/0001_house.sql"),
        include_str!("../migrations/postgres/0001_house.sql"),
    ),
    (
        4,
        "gate",
        include_str!("../migrations/sqlite/0004_gate.sql"),
        include_str!("../migrations/postgres/0004_gate.sql"),
    ),
    (
        5,
        "public",
        include_str!("../migrations/sqlite/0005_public.sql"),
        include_str!("../migrations/postgres/0005_public.sql"),
    ),
    (
        6,
        "records",
        include_str!("../migrations/sqlite/0006_records.sql"),
        include_str!("../migrations/postgres/0006_records.sql"),
    ),
    (
        7,
        "organisations",
        include_str!("../migrations/sqlite/0007_organisations.sql"),
        include_str!("../migrations/postgres/0007_organisations.sql"),
    ),
    (
        8,
        "sync",
        include_str!("../migrations/sqlite/0008_sync.sql"),
        include_str!("../migrations/postgres/0008_sync.sql"),
    ),
];

fn check(applied: i64) -> Result<(), StoreError> {
    let newest = MIGRATIONS.last().map_or(0, |migration| migration.0);
    if applied > newest {
        return Err(StoreError::Migration(format!(
            "the database has schema {applied}, this program knows {newest}: it was used by a newer version"
        )));
    }
    Ok(())
}

pub(crate) fn sqlite(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let applied: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    check(applied)?;
    for (number, name, text, _) in MIGRATIONS.iter().filter(|migration| migration.0 > applied) {
        tracing::info!(number, name, "applying a migration");
        transaction.execute_batch(text)?;
        transaction.pragma_update(None, "user_version", number)?;
    }
    Ok(transaction.commit()?)
}

/// Key of the advisory lock that lets one node migrate while others wait.
const LOCK: i64 = 0x00c0_3301;

pub(crate) async fn postgres(client: &mut Client) -> Result<(), StoreError> {
    let transaction = client.transaction().await?;
    transaction
        .execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])
        .await?;
    transaction
        .batch_execute("CREATE TABLE IF NOT EXISTS schema_version (number BIGINT PRIMARY KEY)")
        .await?;
    let applied: i64 = transaction
        .query_one("SELECT coalesce(max(number), 0) FROM schema_version", &[])
        .await?
        .try_get(0)?;
    check(applied)?;
    for (number, name, _, text) in MIGRATIONS.iter().filter(|migration| migration.0 > applied) {
        tracing::info!(number, name, "applying a migration");
        transaction.batch_execute(text).await?;
        transaction
            .execute("INSERT INTO schema_version (number) VALUES ($1)", &[number])
            .await?;
    }
    Ok(transaction.commit().await?)
}
