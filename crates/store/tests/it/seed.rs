//! A house of a given size: a tree of depth 12 with 1,000 grants of others on the way to one file, buckets with objects,
//! and grants everywhere else. The same on both databases. Used by the plans and by the measurements.

use uuid::Uuid;

/// The person who asks: in 3 collaborations, 6 groups and one identity provider.
pub(crate) const CALLER: i64 = 1;
/// The file at the end of the way, below 12 folders.
pub(crate) const DEEP: i64 = 13;
/// An object in the largest bucket, which holds a sixth of all items.
pub(crate) const OBJECT: i64 = 114;

/// The UUID of an item, a person or a grant by its key.
pub(crate) fn uuid_of(id: i64) -> Uuid {
    Uuid::from_u128(u128::from(id.unsigned_abs()))
}

/// Statements in `{…}` notation: `{n:A:B}` numbers `i` from A to B, `{uuid:E}` a UUID for a number, `{yes:E}` a flag,
/// `{bytes}` some bytes.
const TEXTS: &[&str] = &[
    "{n:1:3} INSERT INTO identity_provider (id, name, created_by, created_at) SELECT i, 'idp' || i, {uuid:0}, 0 FROM n",
    "{n:1:2000} INSERT INTO person (id, uuid, issuer, identity_provider, subject, username, email, email_folded, first_name,
        last_name, created_by, created_at)
     SELECT i, {uuid:i}, 'https://issuer.example', 1 + i % 3, 'subject' || i, 'user' || i, 'user' || i || '@example.org',
        'user' || i || '@example.org', 'first' || i, 'last' || i, {uuid:0}, 0 FROM n",
    "INSERT INTO organisation (id, uuid, short_name, name, created_by, created_at) VALUES (1, {uuid:1}, 'house', 'House', {uuid:0}, 0)",
    "{n:1:20} INSERT INTO collaboration (id, uuid, organisation_id, short_name, name, created_at)
     SELECT i, {uuid:i}, 1, 'c' || i, 'Collaboration', 0 FROM n",
    "{n:1:40} INSERT INTO collaboration_group (id, uuid, collaboration_id, short_name, name, created_at)
     SELECT i, {uuid:i}, (i - 1) % 20 + 1, 'g' || i, 'Group', 0 FROM n",
    "{n:1:6000} INSERT INTO collaboration_membership (collaboration_id, person_id, role, created_at)
     SELECT ((i + 2) / 3 + i % 3 * 7) % 20 + 1, (i + 2) / 3, CASE WHEN i % 3 = 0 THEN 'admin' ELSE 'member' END, 0 FROM n",
    "INSERT INTO group_membership (group_id, collaboration_id, person_id, created_at)
     SELECT g.id, m.collaboration_id, m.person_id, 0
     FROM collaboration_membership m JOIN collaboration_group g ON g.collaboration_id = m.collaboration_id",
    // The way: folders 1 to 12, each in the one before, and the file.
    "{n:1:13} INSERT INTO item (id, uuid, parent_id, kind, name, created_by, created_at)
     SELECT i, {uuid:i}, CASE WHEN i > 1 THEN i - 1 END, CASE WHEN i = 13 THEN 1 ELSE 2 END, 'way' || i, {uuid:0}, 0 FROM n",
    // Of each fifty items one is a bucket, and half are objects: every third of those in the largest bucket, the others
    // in the one of their fifty. The rest are chains of 12 folders with a file at the end, below the first folder.
    "{n:100:{items}} INSERT INTO item (id, uuid, kind, name, inherits, created_by, created_at)
     SELECT i, {uuid:i}, 2, 'Bucket ' || i, {yes:1 = 0}, {uuid:0}, 0 FROM n WHERE i % 50 = 7",
    "{n:100:{items}} INSERT INTO storage (id, endpoint, s3_bucket, access_key_id, secret_access_key)
     SELECT i, 'https://s3.example', 'bucket' || i, {bytes}, {bytes} FROM n WHERE i % 100 = 7",
    "{n:100:{items}} INSERT INTO bucket (item_id, storage_id, endpoint, s3_bucket, object_key)
     SELECT i, CASE WHEN i % 100 = 7 THEN i END,
        CASE WHEN i % 100 = 7 THEN 'https://s3.example' ELSE 'https://files.example' END,
        CASE WHEN i % 100 = 7 THEN 'bucket' || i ELSE 'main' END, 'tenant' || (i % 1000) || '/' || i
     FROM n WHERE i % 50 = 7",
    "{n:100:{items}} INSERT INTO item (id, uuid, parent_id, kind, name, path, created_by, created_at)
     SELECT i, {uuid:i},
        CASE WHEN i % 2 = 0 THEN CASE WHEN i % 3 = 0 OR i - i % 50 + 7 > {items} THEN 107 ELSE i - i % 50 + 7 END
            WHEN i / 2 % 12 = 0 OR i < 102 OR i % 50 = 9 THEN 1 ELSE i - 2 END,
        CASE WHEN i % 2 = 0 OR i / 2 % 12 = 11 THEN 1 ELSE 2 END, 'item' || i,
        CASE WHEN i % 2 = 0 THEN 'tenant/' || i END, {uuid:0}, 0 FROM n WHERE i % 50 <> 7",
    "INSERT INTO version (id, uuid, item_id, storage_key, native_id, size, mime_type, delete_marker, is_latest, created_by,
        created_at)
     SELECT id * 2, {uuid:id + 1099511627776}, id, 'key' || id, 'native' || id, 100, 'text/plain', {yes:1 = 0}, {yes:1 = 1},
        {uuid:0}, 0 FROM item WHERE kind = 1",
    "INSERT INTO version (id, uuid, item_id, storage_key, native_id, size, mime_type, delete_marker, is_latest, created_by,
        created_at)
     SELECT id * 2 - 1, {uuid:id + 2199023255552}, id, 'old' || id, 'old' || id, 100, 'text/plain', {yes:1 = 0}, {yes:1 = 0},
        {uuid:0}, 0 FROM item WHERE kind = 1 AND id % 4 = 0",
    "INSERT INTO metadata (version_id, key, value) SELECT id, 'key', 'value' FROM version WHERE id % 10 = 0",
    "INSERT INTO tag (version_id, key, value) SELECT id, 'key', 'value' FROM version WHERE id % 10 = 0",
    "{n:1:4000} INSERT INTO clearance (person_id, classification_id) SELECT 1 + i / 2 % 2000, 1 + i % 2 FROM n",
    // On the way: 1,000 grants of others, and three that the caller holds.
    "{n:1:1000} INSERT INTO access_grant (id, uuid, item_id, principal_kind, principal_id, kind, code, actions, created_by,
        created_at)
     SELECT i, {uuid:i}, 1 + i % 13, 1, 2 + i, 0, 1 + i % 5, 7, {uuid:0}, 0 FROM n",
    "INSERT INTO access_grant (id, uuid, item_id, principal_kind, principal_id, kind, code, actions, created_by, created_at)
     VALUES (1001, {uuid:1001}, 1, 2, 2, 0, 2, 7, {uuid:0}, 0), (1002, {uuid:1002}, 6, 1, 1, 0, 2, 7, {uuid:0}, 0),
        (1003, {uuid:1003}, 12, 5, 2, 1, 0, 7, {uuid:0}, 0)",
    // Everywhere else: one grant on every second item, a part of them for groups.
    "{n:100:{items}} INSERT INTO access_grant (id, uuid, item_id, principal_kind, principal_id, kind, code, actions,
        created_by, created_at)
     SELECT i + 10000, {uuid:i + 10000}, i, CASE WHEN i % 3 = 0 THEN 2 ELSE 1 END,
        CASE WHEN i % 3 = 0 THEN 1 + i % 40 ELSE 1 + i % 2000 END, 0, 2, 7, {uuid:0}, 0 FROM n WHERE i % 4 < 2",
    "{n:1:1000} INSERT INTO upload (version_uuid, item_uuid, bucket_id, storage_key, started_at, expires_at)
     SELECT {uuid:i}, {uuid:i}, 107, 'key' || i, 0, i * 1000 FROM n",
    "{n:1:1000} INSERT INTO outbox (id, kind, payload, created_at, not_before, lease_until)
     SELECT i, 'effect', '', 0, i, CASE WHEN i % 2 = 0 THEN i END FROM n",
    "ANALYZE",
];

/// Replaces `{name:argument}`, whose argument has no braces.
fn replace(text: &str, name: &str, with: impl Fn(&str) -> String) -> String {
    let mark = format!("{{{name}:");
    let mut parts = text.split(&mark);
    let mut answer = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (argument, rest) = part.split_once('}').expect("the braces match");
        answer.push_str(&with(argument));
        answer.push_str(rest);
    }
    answer
}

/// The statements for SQLite and for PostgreSQL.
fn dialects(items: i64) -> impl Iterator<Item = (String, String)> {
    assert!(items > OBJECT, "the house has this object");
    TEXTS.iter().map(move |text| {
        let text = text.replace("{items}", &items.to_string());
        let text = replace(&text, "n", |range| {
            let (from, to) = range.split_once(':').expect("two numbers");
            format!(
                "WITH RECURSIVE n (i) AS (SELECT CAST({from} AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {to})"
            )
        });
        let text = replace(&text, "yes", |condition| format!("({condition})"));
        let dialect = |uuid: &str, bytes: &str| {
            replace(&text, "uuid", |number| uuid.replace('#', number)).replace("{bytes}", bytes)
        };
        let postgres = "CAST(lpad(to_hex(CAST(# AS BIGINT)), 32, '0') AS UUID)";
        (
            dialect("unhex(printf('%032x', #))", "x'00'"),
            dialect(postgres, "'\\x00'::bytea"),
        )
    })
}

/// Fills an empty database with so many items, and has it take its statistics.
pub(crate) fn fill_sqlite(connection: &rusqlite::Connection, items: i64) -> rusqlite::Result<()> {
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.execute_batch("BEGIN")?;
    for (text, _) in dialects(items) {
        connection.execute_batch(&text)?;
    }
    connection.execute_batch("COMMIT")
}

/// As [`fill_sqlite`], on PostgreSQL.
pub(crate) async fn fill_postgres(client: &tokio_postgres::Client, items: i64) -> Result<(), tokio_postgres::Error> {
    for (_, text) in dialects(items) {
        client.batch_execute(&text).await?;
    }
    Ok(())
}
