//! What a synchronisation reads and writes: many objects and versions in each statement. Rows travel as one JSON list, which
//! both databases can take apart.

use domain::{ItemId, Timestamp, VersionId};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::{Row, Session, StoreError, Value, catalogue::sql, files::NewVersion, public};

sql! {
    /// Objects in any of these buckets at any of these paths.
    SYNCED_KNOWN: {
        sqlite: "
SELECT f.id, f.uuid, f.parent_id, f.path, f.public AND f.public_generation = b.private_generation
FROM json_each($1) p CROSS JOIN bucket b CROSS JOIN json_each($2) n CROSS JOIN item f
WHERE b.item_id = p.value AND f.parent_id = b.item_id AND f.path = n.value AND f.kind = 1",
        postgres: "
SELECT f.id, f.uuid, f.parent_id, f.path, f.public AND f.public_generation = b.private_generation
FROM unnest($1::bigint[]) p (id) JOIN bucket b ON b.item_id = p.id CROSS JOIN unnest($2::text[]) n (path)
    CROSS JOIN LATERAL (
        SELECT * FROM item WHERE parent_id = b.item_id AND path = n.path COLLATE \"C\" AND kind = 1 OFFSET 0
    ) f",
    };

    SYNCED_VERSIONS: {
        sqlite: "
SELECT v.id, v.item_id, v.native_id, v.size, v.etag, v.last_modified_at, v.delete_marker, v.is_latest FROM version v
WHERE v.item_id IN (SELECT value FROM json_each($1)) ORDER BY v.id",
        postgres: "
SELECT v.id, v.item_id, v.native_id, v.size, v.etag, v.last_modified_at, v.delete_marker, v.is_latest FROM version v
WHERE v.item_id = ANY($1) ORDER BY v.id",
    };

    SYNCED_TAGS: {
        sqlite: "SELECT version_id, key, value FROM tag WHERE version_id IN (SELECT value FROM json_each($1)) ORDER BY version_id, key",
        postgres: "SELECT version_id, key, value FROM tag WHERE version_id = ANY($1) ORDER BY version_id, key",
    };

    SYNCED_TAKEN: {
        sqlite: "SELECT uuid FROM item WHERE uuid IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "SELECT uuid FROM item WHERE uuid = ANY($1)",
    };

    SYNCED_UPLOADING: {
        sqlite: "SELECT path FROM upload WHERE bucket_id = $1 AND path IN (SELECT value FROM json_each($2))",
        postgres: "SELECT path FROM upload WHERE bucket_id = $1 AND path = ANY($2)",
    };

    /// bucket, author, time, rows: uuid, name, path.
    SYNCED_OBJECTS_INSERT: {
        sqlite: "
INSERT INTO item (uuid, parent_id, kind, name, path, last_synced_at, created_by, created_at)
SELECT unhex(n.value ->> 0), $1, 1, n.value ->> 1, n.value ->> 2, $2, $3, $2 FROM json_each($4) n WHERE TRUE ORDER BY n.key
ON CONFLICT DO NOTHING RETURNING id, path",
        postgres: "
INSERT INTO item (uuid, parent_id, kind, name, path, last_synced_at, created_by, created_at)
SELECT (n.value ->> 0)::uuid, $1::bigint, 1, n.value ->> 1, n.value ->> 2, $2::bigint, $3::uuid, $2::bigint
FROM json_array_elements($4::text::json) WITH ORDINALITY n (value, key) ORDER BY n.key
ON CONFLICT DO NOTHING RETURNING id, path",
    };

    /// time, author, rows: item, uuid, storage key, native id, size, type, etag, marker, modified. None is the latest yet.
    SYNCED_VERSIONS_INSERT: {
        sqlite: "
INSERT INTO version (item_id, uuid, storage_key, native_id, size, mime_type, etag, delete_marker, is_latest,
    last_modified_at, created_by, created_at)
SELECT n.value ->> 0, unhex(n.value ->> 1), n.value ->> 2, n.value ->> 3, n.value ->> 4, n.value ->> 5, n.value ->> 6,
    n.value ->> 7, FALSE, n.value ->> 8, $1, $2
FROM json_each($3) n WHERE TRUE ORDER BY n.key RETURNING id, uuid",
        postgres: "
INSERT INTO version (item_id, uuid, storage_key, native_id, size, mime_type, etag, delete_marker, is_latest,
    last_modified_at, created_by, created_at)
SELECT (n.value ->> 0)::bigint, (n.value ->> 1)::uuid, n.value ->> 2, n.value ->> 3, (n.value ->> 4)::bigint, n.value ->> 5,
    n.value ->> 6, (n.value ->> 7) = '1', FALSE, (n.value ->> 8)::bigint, $1::uuid, $2::bigint
FROM json_array_elements($3::text::json) WITH ORDINALITY n (value, key) ORDER BY n.key RETURNING id, uuid",
    };

    /// rows: version, size, type, etag, modified.
    SYNCED_VERSIONS_UPDATE: {
        sqlite: "
UPDATE version SET size = n.value ->> 1, mime_type = n.value ->> 2, etag = n.value ->> 3, sha256 = NULL,
    last_modified_at = n.value ->> 4
FROM json_each($1) n WHERE version.id = n.value ->> 0",
        postgres: "
UPDATE version SET size = (n.value ->> 1)::bigint, mime_type = n.value ->> 2, etag = n.value ->> 3, sha256 = NULL,
    last_modified_at = (n.value ->> 4)::bigint
FROM json_array_elements($1::text::json) n (value) WHERE version.id = (n.value ->> 0)::bigint",
    };

    SYNCED_VERSIONS_DELETE: {
        sqlite: "DELETE FROM version WHERE id IN (SELECT value FROM json_each($1))",
        postgres: "DELETE FROM version WHERE id = ANY($1)",
    };

    /// versions, items: no other version of these items is the latest.
    SYNCED_NOT_LATEST: {
        sqlite: "
UPDATE version SET is_latest = FALSE
WHERE is_latest AND id NOT IN (SELECT value FROM json_each($1)) AND item_id IN (SELECT value FROM json_each($2))",
        postgres: "UPDATE version SET is_latest = FALSE WHERE is_latest AND id <> ALL($1) AND item_id = ANY($2)",
    };
    SYNCED_LATEST: {
        sqlite: "UPDATE version SET is_latest = TRUE WHERE NOT is_latest AND id IN (SELECT value FROM json_each($1))",
        postgres: "UPDATE version SET is_latest = TRUE WHERE NOT is_latest AND id = ANY($1)",
    };

    SYNCED_METADATA_CLEAR: {
        sqlite: "DELETE FROM metadata WHERE version_id IN (SELECT value FROM json_each($1))",
        postgres: "DELETE FROM metadata WHERE version_id = ANY($1)",
    };
    SYNCED_TAGS_CLEAR: {
        sqlite: "DELETE FROM tag WHERE version_id IN (SELECT value FROM json_each($1))",
        postgres: "DELETE FROM tag WHERE version_id = ANY($1)",
    };

    /// rows: version, key, value. A key that comes twice keeps its first value.
    SYNCED_METADATA_INSERT: {
        sqlite: "
INSERT INTO metadata (version_id, key, value) SELECT n.value ->> 0, n.value ->> 1, n.value ->> 2 FROM json_each($1) n WHERE TRUE
ON CONFLICT DO NOTHING",
        postgres: "
INSERT INTO metadata (version_id, key, value)
SELECT (n.value ->> 0)::bigint, n.value ->> 1, n.value ->> 2 FROM json_array_elements($1::text::json) n (value)
ON CONFLICT DO NOTHING",
    };
    SYNCED_TAGS_INSERT: {
        sqlite: "
INSERT INTO tag (version_id, key, value) SELECT n.value ->> 0, n.value ->> 1, n.value ->> 2 FROM json_each($1) n WHERE TRUE
ON CONFLICT DO NOTHING",
        postgres: "
INSERT INTO tag (version_id, key, value)
SELECT (n.value ->> 0)::bigint, n.value ->> 1, n.value ->> 2 FROM json_array_elements($1::text::json) n (value)
ON CONFLICT DO NOTHING",
    };

    SYNCED_OBJECTS: {
        sqlite: "UPDATE item SET last_synced_at = $1 WHERE id IN (SELECT value FROM json_each($2))",
        postgres: "UPDATE item SET last_synced_at = $1 WHERE id = ANY($2)",
    };

    /// The flag itself; whoever set it keeps the stamps.
    SYNCED_PUBLIC: {
        sqlite: "
UPDATE item SET public = $1, public_generation = coalesce(
    (SELECT private_generation FROM bucket WHERE item_id = item.parent_id), 0)
WHERE id IN (SELECT value FROM json_each($2))",
        postgres: "
UPDATE item SET public = $1, public_generation = coalesce(
    (SELECT private_generation FROM bucket WHERE item_id = item.parent_id), 0)
WHERE id = ANY($2)",
    };

    /// Objects that nothing was uploaded to since they were read.
    SYNCED_OBJECTS_DELETE: {
        sqlite: "
DELETE FROM item WHERE kind = 1 AND id IN (SELECT value FROM json_each($1))
    AND NOT EXISTS (SELECT 1 FROM upload WHERE upload.bucket_id = item.parent_id AND upload.path = item.path)
    AND NOT EXISTS (SELECT 1 FROM version WHERE version.item_id = item.id AND version.created_at >= $2)
RETURNING uuid, path",
        postgres: "
DELETE FROM item WHERE kind = 1 AND id = ANY($1)
    AND NOT EXISTS (SELECT 1 FROM upload WHERE upload.bucket_id = item.parent_id AND upload.path = item.path)
    AND NOT EXISTS (SELECT 1 FROM version WHERE version.item_id = item.id AND version.created_at >= $2)
RETURNING uuid, path",
    };

    /// The next objects of a bucket by path, and when they were last synchronised.
    SYNCED_PAGE: "
SELECT path, last_synced_at FROM item WHERE parent_id = $1 AND kind = 1 AND path > $2 ORDER BY path LIMIT $3";

    /// s3 bucket, endpoint, keys.
    SYNCED_MOUNTS: {
        sqlite: "
SELECT b.object_key, b.item_id FROM json_each($1) n CROSS JOIN bucket b
WHERE b.object_key = n.value AND b.s3_bucket = $2 AND b.endpoint = $3",
        postgres: "
SELECT b.object_key, b.item_id FROM unnest($1::text[]) n (key)
    CROSS JOIN LATERAL (
        SELECT * FROM bucket WHERE s3_bucket = $2 AND endpoint = $3 AND object_key = n.key COLLATE \"C\" OFFSET 0
    ) b",
    };

    /// The next buckets below a key, and when their synchronisation was last asked for: s3 bucket, endpoint, after, first
    /// key, first key behind, how many.
    SYNCED_BELOW: "
SELECT i.uuid, b.item_id, b.object_key, b.last_sync_requested_at FROM bucket b JOIN item i ON i.id = b.item_id
WHERE b.s3_bucket = $1 AND b.endpoint = $2 AND b.object_key > $3 AND b.object_key >= $4 AND b.object_key < $5
ORDER BY b.object_key LIMIT $6";
}

/// An object that is known.
#[derive(Clone, Debug)]
pub struct KnownObject {
    /// Internal key.
    pub id: ItemId,
    /// Public id.
    pub uuid: Uuid,
    /// Its bucket.
    pub bucket: ItemId,
    /// Full key.
    pub path: String,
    /// It was made public itself.
    pub public: bool,
}

/// Objects in any of these buckets at any of these paths.
pub async fn known<S: Session>(s: &mut S, buckets: &[i64], paths: &[String]) -> Result<Vec<KnownObject>, StoreError> {
    s.fetch(&SYNCED_KNOWN, &[Value::Ints(buckets), Value::Texts(paths)], |row| {
        Ok(KnownObject {
            id: row.get(0)?,
            uuid: row.get(1)?,
            bucket: row.get(2)?,
            path: row.get(3)?,
            public: row.get(4)?,
        })
    })
    .await
}

/// A version that is known.
#[derive(Clone, Debug)]
pub struct KnownVersion {
    /// Internal key.
    pub id: VersionId,
    /// Its object.
    pub item: ItemId,
    /// The store's own id.
    pub native_id: Option<String>,
    /// Bytes.
    pub size: i64,
    /// Entity tag with its quotes.
    pub etag: Option<String>,
    /// When its bytes were stored.
    pub last_modified_at: Option<Timestamp>,
    /// A deletion.
    pub delete_marker: bool,
    /// The one that is read when none is named.
    pub is_latest: bool,
}

/// All versions of these objects, oldest first.
pub async fn versions<S: Session>(s: &mut S, items: &[i64]) -> Result<Vec<KnownVersion>, StoreError> {
    s.fetch(&SYNCED_VERSIONS, &[Value::Ints(items)], |row| {
        Ok(KnownVersion {
            id: row.get(0)?,
            item: row.get(1)?,
            native_id: row.get(2)?,
            size: row.get(3)?,
            etag: row.get(4)?,
            last_modified_at: row.get(5)?,
            delete_marker: row.get(6)?,
            is_latest: row.get(7)?,
        })
    })
    .await
}

/// A key and a value of a version.
pub type VersionPair = (VersionId, String, String);

fn pair(row: &Row<'_>) -> Result<VersionPair, StoreError> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

/// The tags of these versions, by version and key.
pub async fn tags<S: Session>(s: &mut S, versions: &[i64]) -> Result<Vec<VersionPair>, StoreError> {
    s.fetch(&SYNCED_TAGS, &[Value::Ints(versions)], pair).await
}

/// Which of these public ids something has.
pub async fn taken<S: Session>(s: &mut S, uuids: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
    s.fetch(&SYNCED_TAKEN, &[Value::Uuids(uuids)], |row| row.get(0)).await
}

/// To which of these paths of a bucket something is being uploaded.
pub async fn uploading<S: Session>(s: &mut S, bucket: ItemId, paths: &[String]) -> Result<Vec<String>, StoreError> {
    s.fetch(&SYNCED_UPLOADING, &[bucket.into(), Value::Texts(paths)], |row| {
        row.get(0)
    })
    .await
}

fn list(rows: impl Iterator<Item = Json>) -> String {
    Json::Array(rows.collect()).to_string()
}

/// Creates objects without versions: public id, name, path. Answers those that did not exist.
pub async fn insert_objects<S: Session>(
    s: &mut S,
    bucket: ItemId,
    rows: &[(Uuid, String, String)],
    by: Uuid,
    now: Timestamp,
) -> Result<Vec<(ItemId, String)>, StoreError> {
    let rows = list(
        rows.iter()
            .map(|(uuid, name, path)| json!([uuid.simple().to_string(), name, path])),
    );
    let values = [bucket.into(), now.into(), by.into(), (&rows).into()];
    s.fetch(&SYNCED_OBJECTS_INSERT, &values, |row| Ok((row.get(0)?, row.get(1)?)))
        .await
}

/// Adds versions in this order, none of them the latest; answers their keys by public id.
pub async fn insert_versions<S: Session>(
    s: &mut S,
    rows: &[(ItemId, &NewVersion)],
    by: Uuid,
    now: Timestamp,
) -> Result<Vec<(VersionId, Uuid)>, StoreError> {
    let rows = list(rows.iter().map(|(item, new)| {
        json!([
            item.0,
            new.uuid.simple().to_string(),
            new.storage_key,
            new.native_id,
            new.size,
            new.mime_type,
            new.etag,
            i64::from(new.delete_marker),
            new.last_modified_at.map(|at| at.0),
        ])
    }));
    let values = [by.into(), now.into(), (&rows).into()];
    s.fetch(&SYNCED_VERSIONS_INSERT, &values, |row| Ok((row.get(0)?, row.get(1)?)))
        .await
}

/// Writes what has changed about versions; their stamps stay.
pub async fn update_versions<S: Session>(s: &mut S, rows: &[(VersionId, &NewVersion)]) -> Result<(), StoreError> {
    let rows = list(rows.iter().map(|(id, new)| {
        let modified = new.last_modified_at.map(|at| at.0);
        json!([id.0, new.size, new.mime_type, new.etag, modified])
    }));
    s.execute(&SYNCED_VERSIONS_UPDATE, &[(&rows).into()]).await.map(drop)
}

/// Removes versions.
pub async fn delete_versions<S: Session>(s: &mut S, versions: &[i64]) -> Result<(), StoreError> {
    s.execute(&SYNCED_VERSIONS_DELETE, &[Value::Ints(versions)])
        .await
        .map(drop)
}

/// Makes these versions the latest of their objects, and no other version of these objects.
pub async fn set_latest<S: Session>(s: &mut S, items: &[i64], versions: &[i64]) -> Result<(), StoreError> {
    s.execute(&SYNCED_NOT_LATEST, &[Value::Ints(versions), Value::Ints(items)])
        .await?;
    s.execute(&SYNCED_LATEST, &[Value::Ints(versions)]).await.map(drop)
}

/// Which pairs of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Described {
    /// Metadata.
    Metadata,
    /// Tags.
    Tags,
}

/// Replaces the metadata or tags of versions.
pub async fn describe<S: Session>(
    s: &mut S,
    what: Described,
    versions: &[i64],
    rows: &[VersionPair],
) -> Result<(), StoreError> {
    let (clear, insert) = match what {
        Described::Metadata => (&SYNCED_METADATA_CLEAR, &SYNCED_METADATA_INSERT),
        Described::Tags => (&SYNCED_TAGS_CLEAR, &SYNCED_TAGS_INSERT),
    };
    s.execute(clear, &[Value::Ints(versions)]).await?;
    let rows = list(rows.iter().map(|(version, key, value)| json!([version.0, key, value])));
    s.execute(insert, &[(&rows).into()]).await.map(drop)
}

/// Remembers that objects are as in the store now.
pub async fn synced<S: Session>(s: &mut S, items: &[i64], now: Timestamp) -> Result<(), StoreError> {
    s.execute(&SYNCED_OBJECTS, &[now.into(), Value::Ints(items)])
        .await
        .map(drop)
}

/// Sets the flag of objects or buckets, as the store has it.
pub async fn set_public<S: Session>(s: &mut S, items: &[i64], public: bool) -> Result<(), StoreError> {
    s.execute(&SYNCED_PUBLIC, &[public.into(), Value::Ints(items)])
        .await
        .map(drop)
}

/// Deletes objects that are gone from the store, but none that got a version since, or is about to. Answers public ids and
/// paths.
pub async fn delete_objects<S: Session>(
    s: &mut S,
    items: &[i64],
    since: Timestamp,
) -> Result<Vec<(Uuid, String)>, StoreError> {
    s.fetch(&SYNCED_OBJECTS_DELETE, &[Value::Ints(items), since.into()], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
    .await
}

/// The next objects of a bucket by path, and when they were last synchronised.
pub async fn page<S: Session>(
    s: &mut S,
    bucket: ItemId,
    after: &str,
    limit: i64,
) -> Result<Vec<(String, Option<Timestamp>)>, StoreError> {
    s.fetch(&SYNCED_PAGE, &[bucket.into(), after.into(), limit.into()], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
    .await
}

/// The buckets mounted at these keys of an S3 bucket.
pub async fn mounts<S: Session>(
    s: &mut S,
    s3_bucket: &str,
    endpoint: &str,
    keys: &[String],
) -> Result<Vec<(String, ItemId)>, StoreError> {
    let values = [Value::Texts(keys), s3_bucket.into(), endpoint.into()];
    s.fetch(&SYNCED_MOUNTS, &values, |row| Ok((row.get(0)?, row.get(1)?)))
        .await
}

/// A bucket below another one.
#[derive(Clone, Debug)]
pub struct Below {
    /// Public id.
    pub uuid: Uuid,
    /// Root item.
    pub id: ItemId,
    /// Prefix of its keys.
    pub key: String,
    /// When its synchronisation was last asked for.
    pub requested_at: Option<Timestamp>,
}

/// The next buckets below a place, by key.
pub async fn below<S: Session>(
    s: &mut S,
    place: public::Place<'_>,
    after: &str,
    limit: i64,
) -> Result<Vec<Below>, StoreError> {
    let (from, to) = public::below(place.key);
    let values = [
        place.s3_bucket.into(),
        place.endpoint.into(),
        after.into(),
        (&from).into(),
        (&to).into(),
        limit.into(),
    ];
    s.fetch(&SYNCED_BELOW, &values, |row| {
        Ok(Below {
            uuid: row.get(0)?,
            id: row.get(1)?,
            key: row.get(2)?,
            requested_at: row.get(3)?,
        })
    })
    .await
}
