//! Buckets: roots of the objects API, and the S3 storages they were registered for.

use domain::{ItemId, StorageId, Timestamp};
use uuid::Uuid;

use crate::{Restriction, Row, Session, StoreError, Value, catalogue::sql, public, query::Query, stamps::Stamps};

/// The columns of [`BucketRow`], from `item i`, `bucket b` and `storage s`.
macro_rules! bucket_columns {
    () => {
        "i.id, i.uuid, i.name, i.active, i.public, i.created_by, i.created_at, i.updated_by, i.updated_at,
    b.endpoint, b.region, b.s3_bucket, b.object_key, b.last_sync_requested_at,
    s.id, s.access_key_id, s.secret_access_key, s.generation"
    };
}
pub(crate) use bucket_columns;

/// How many columns [`bucket_columns!`] has.
pub(crate) const BUCKET_COLUMNS: usize = 18;

/// Whether a bucket above `bucket b` is public: one seek for each segment of its key. A key without its last segment is
/// what is left when all its other characters, and then the slash, are trimmed from its end.
macro_rules! is_below_public {
    (sqlite) => {
        is_below_public!(@ "bucket above")
    };
    // A look-up for each key, whatever PostgreSQL thinks how many keys there are.
    (postgres) => {
        is_below_public!(@ "LATERAL (
            SELECT item_id, s3_bucket, endpoint, object_key FROM bucket
            WHERE s3_bucket = b.s3_bucket AND endpoint = b.endpoint
                AND object_key = CASE keys.key WHEN '' THEN '/' ELSE keys.key END OFFSET 0
        ) above")
    };
    (@ $above:literal) => {
        concat!(
            "EXISTS (
    WITH RECURSIVE keys (key) AS (
        SELECT rtrim(rtrim(b.object_key, replace(b.object_key, '/', '')), '/') WHERE b.object_key <> '/'
        UNION ALL
        SELECT rtrim(rtrim(key, replace(key, '/', '')), '/') FROM keys WHERE key <> ''
    )
    SELECT 1 FROM keys CROSS JOIN ", $above, " CROSS JOIN item mounted
    WHERE above.s3_bucket = b.s3_bucket AND above.endpoint = b.endpoint
        AND above.object_key = CASE keys.key WHEN '' THEN '/' ELSE keys.key END
        AND mounted.id = above.item_id AND mounted.public
)"
        )
    };
}
pub(crate) use is_below_public;

sql! {
    STORAGE_INSERT: "
INSERT INTO storage (endpoint, region, s3_bucket, access_key_id, secret_access_key, account)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id";

    STORAGE_UPDATE: "
UPDATE storage SET endpoint = $1, region = $2, s3_bucket = $3, access_key_id = $4, secret_access_key = $5,
    account = $6, generation = generation + 1
WHERE id = $7";

    /// The buckets that credentials open.
    ACCOUNT_BUCKETS: "
SELECT b.item_id FROM storage s JOIN bucket b ON b.storage_id = s.id WHERE s.account = $1 ORDER BY b.item_id";

    /// how hashes of today's key begin, after which, how many: storages whose hash is missing or of another key.
    ACCOUNTS_TO_MAKE: "
SELECT id, endpoint, s3_bucket, access_key_id, secret_access_key, generation FROM storage
WHERE (account IS NULL OR substr(account, 1, 4) <> $1) AND id > $2 ORDER BY id LIMIT $3";

    ACCOUNT_SET: "UPDATE storage SET account = $1 WHERE id = $2 AND generation = $3";

    /// The root item of a bucket: kind 2, nothing above it.
    BUCKET_ITEM_INSERT: "
INSERT INTO item (uuid, kind, name, inherits, active, created_by, created_at)
VALUES ($1, 2, $2, FALSE, $3, $4, $5) RETURNING id";

    BUCKET_INSERT: "
INSERT INTO bucket (item_id, storage_id, endpoint, region, s3_bucket, object_key) VALUES ($1, $2, $3, $4, $5, $6)";

    BUCKET_ITEM_UPDATE: "
UPDATE item SET name = coalesce($1, name), active = coalesce($2, active), updated_by = $3, updated_at = $4 WHERE id = $5";

    BUCKET_UPDATE: "UPDATE bucket SET endpoint = $1, region = $2, s3_bucket = $3 WHERE item_id = $4";

    /// Marks what has to be deleted with the buckets: bytes in the default storage.
    BUCKET_STORAGE_KEYS: {
        sqlite: "
SELECT DISTINCT v.storage_key FROM bucket b JOIN item f ON f.parent_id = b.item_id JOIN version v ON v.item_id = f.id
WHERE b.item_id IN (SELECT value FROM json_each($1)) AND b.storage_id IS NULL AND v.storage_key IS NOT NULL",
        postgres: "
SELECT DISTINCT v.storage_key FROM bucket b JOIN item f ON f.parent_id = b.item_id JOIN version v ON v.item_id = f.id
WHERE b.item_id = ANY($1) AND b.storage_id IS NULL AND v.storage_key IS NOT NULL",
    };

    /// Deletes root items with everything below them (foreign keys cascade).
    BUCKET_DELETE: {
        sqlite: "DELETE FROM item WHERE parent_id IS NULL AND id IN (SELECT value FROM json_each($1))",
        postgres: "DELETE FROM item WHERE parent_id IS NULL AND id = ANY($1)",
    };

    STORAGE_PRUNE: {
        sqlite: "
DELETE FROM storage WHERE id IN (SELECT value FROM json_each($1))
    AND NOT EXISTS (SELECT 1 FROM bucket WHERE storage_id = storage.id)",
        postgres: "
DELETE FROM storage WHERE id = ANY($1) AND NOT EXISTS (SELECT 1 FROM bucket WHERE storage_id = storage.id)",
    };

    /// A public bucket at one of these keys: keys, s3 bucket, endpoint.
    BUCKETS_PUBLIC_AT: {
        sqlite: "
SELECT b.item_id FROM bucket b JOIN item i ON i.id = b.item_id
WHERE b.object_key IN (SELECT value FROM json_each($1)) AND b.s3_bucket = $2 AND b.endpoint = $3 AND i.public
LIMIT 1",
        // With a list alone PostgreSQL would read all buckets of the S3 bucket and compare their keys.
        postgres: "
SELECT b.item_id FROM unnest($1::text[]) above (key)
    CROSS JOIN LATERAL (
        SELECT item_id FROM bucket WHERE s3_bucket = $2 AND endpoint = $3 AND object_key = above.key COLLATE \"C\" OFFSET 0
    ) b
    JOIN item i ON i.id = b.item_id
WHERE i.public
LIMIT 1",
    };
}

/// An S3 storage as kept: its credentials are sealed.
#[derive(Clone, Debug)]
pub struct SealedStorage {
    /// Its key.
    pub id: StorageId,
    /// The sealed access key id.
    pub access_key_id: Vec<u8>,
    /// The sealed secret access key.
    pub secret_access_key: Vec<u8>,
    /// Grows with each change, so that clients of an older one are dropped.
    pub generation: i64,
}

/// A bucket with where its bytes lie.
#[derive(Clone, Debug)]
pub struct BucketRow {
    /// Root item.
    pub id: ItemId,
    /// Public id.
    pub uuid: Uuid,
    /// Display name.
    pub name: String,
    /// Stored and filterable, not enforced.
    pub active: bool,
    /// It was made public itself.
    pub public: bool,
    /// A bucket above it is public, which makes this one public too. Looked up for a bucket on its own, not for the bucket
    /// of an object.
    pub public_above: bool,
    /// Stamps.
    pub stamps: Stamps,
    /// Endpoint of the store; the server's own address for the default storage.
    pub endpoint: String,
    /// Region of the store.
    pub region: Option<String>,
    /// Bucket in the store.
    pub s3_bucket: String,
    /// Prefix of the keys, or `/`.
    pub key: String,
    /// When a synchronisation was last asked for.
    pub last_sync_requested_at: Option<Timestamp>,
    /// The registered storage; absent for the default storage.
    pub storage: Option<SealedStorage>,
}

impl BucketRow {
    /// Reads [`bucket_columns!`] that start at `first`.
    pub(crate) fn read(row: &Row<'_>, first: usize) -> Result<Self, StoreError> {
        let storage: Option<StorageId> = row.get(first + 14)?;
        Ok(Self {
            id: row.get(first)?,
            uuid: row.get(first + 1)?,
            name: row.get(first + 2)?,
            active: row.get(first + 3)?,
            public: row.get(first + 4)?,
            public_above: false,
            stamps: Stamps::read(row, first + 5)?,
            endpoint: row.get(first + 9)?,
            region: row.get(first + 10)?,
            s3_bucket: row.get(first + 11)?,
            key: row.get(first + 12)?,
            last_sync_requested_at: row.get(first + 13)?,
            storage: match storage {
                None => None,
                Some(id) => Some(SealedStorage {
                    id,
                    access_key_id: row.get(first + 15)?,
                    secret_access_key: row.get(first + 16)?,
                    generation: row.get(first + 17)?,
                }),
            },
        })
    }
}

macro_rules! from {
    ($engine:ident) => {
        concat!(
            "SELECT ",
            bucket_columns!(),
            ", ",
            is_below_public!($engine),
            " FROM item i JOIN bucket b ON b.item_id = i.id LEFT JOIN storage s ON s.id = b.storage_id WHERE TRUE"
        )
    };
}

/// A query for whole buckets.
fn query(name: &'static str) -> Query<'static> {
    Query::split(name, from!(sqlite), from!(postgres))
}

fn whole(row: &Row<'_>) -> Result<BucketRow, StoreError> {
    Ok(BucketRow {
        public_above: row.get(BUCKET_COLUMNS)?,
        ..BucketRow::read(row, 0)?
    })
}

/// Which buckets; everything given must match.
#[derive(Clone, Debug, Default)]
pub struct BucketFilter {
    /// Any of these.
    pub uuids: Vec<Uuid>,
    /// Part of the display name.
    pub name: Option<String>,
    /// Part of the key.
    pub key: Option<String>,
    /// Part of the S3 bucket's name.
    pub bucket: Option<String>,
    /// Part of the endpoint.
    pub endpoint: Option<String>,
    /// Active or not.
    pub active: Option<bool>,
}

/// Searches buckets (objects contract 4.1.2), oldest first. The contract shows buckets to people who may not read them:
/// of the restriction only its buckets count.
pub async fn search<S: Session>(
    s: &mut S,
    filter: &BucketFilter,
    restriction: &Restriction,
) -> Result<Vec<BucketRow>, StoreError> {
    let within = restriction.buckets();
    let mut query = query("BUCKET_SEARCH");
    query.and_uuids(
        "i.uuid IN (SELECT unhex(value) FROM json_each({}))",
        "i.uuid = ANY({})",
        &filter.uuids,
    );
    query.and_contains(
        "i.name LIKE '%'||{}||'%'",
        "i.name ILIKE '%'||{}||'%' ESCAPE ''",
        filter.name.as_ref(),
    );
    query.and_contains(
        "b.object_key LIKE '%'||{}||'%'",
        "b.object_key ILIKE '%'||{}||'%' ESCAPE ''",
        filter.key.as_ref(),
    );
    query.and_contains(
        "b.s3_bucket LIKE '%'||{}||'%'",
        "b.s3_bucket ILIKE '%'||{}||'%' ESCAPE ''",
        filter.bucket.as_ref(),
    );
    query.and_contains(
        "b.endpoint LIKE '%'||{}||'%'",
        "b.endpoint ILIKE '%'||{}||'%' ESCAPE ''",
        filter.endpoint.as_ref(),
    );
    if let Some(active) = filter.active {
        query.and("i.active = {}", active);
    }
    query.and_within(
        "i.id IN (SELECT value FROM json_each({}))",
        "i.id = ANY({})",
        within.as_deref(),
    );
    query.then(" ORDER BY i.id");
    let (statement, values) = query.build();
    s.fetch(&statement, &values, whole).await
}

/// One bucket by its public id.
pub async fn find<S: Session>(s: &mut S, uuid: Uuid) -> Result<Option<BucketRow>, StoreError> {
    let mut query = query("BUCKET_BY_UUID");
    query.and("i.uuid = {}", uuid);
    let (statement, values) = query.build();
    s.find(&statement, &values, whole).await
}

/// One bucket by its key.
pub async fn find_by_id<S: Session>(s: &mut S, id: ItemId) -> Result<Option<BucketRow>, StoreError> {
    let mut query = query("BUCKET_BY_ID");
    query.and("i.id = {}", id);
    let (statement, values) = query.build();
    s.find(&statement, &values, whole).await
}

/// The buckets that were registered with the credentials of this hash, by key.
pub async fn of_account<S: Session>(s: &mut S, account: &[u8]) -> Result<Vec<ItemId>, StoreError> {
    s.fetch(&ACCOUNT_BUCKETS, &[account.into()], |row| row.get(0)).await
}

/// A storage whose credentials have no hash of today's key.
#[derive(Clone, Debug)]
pub struct WithoutAccount {
    /// Its sealed credentials.
    pub sealed: SealedStorage,
    /// Where it is.
    pub endpoint: String,
    /// The bucket there.
    pub s3_bucket: String,
}

/// Storages whose hash is missing or does not begin with `prefix`, after one, so many.
pub async fn without_account<S: Session>(
    s: &mut S,
    prefix: &[u8],
    after: StorageId,
    limit: i64,
) -> Result<Vec<WithoutAccount>, StoreError> {
    s.fetch(&ACCOUNTS_TO_MAKE, &[prefix.into(), after.into(), limit.into()], |row| {
        Ok(WithoutAccount {
            sealed: SealedStorage {
                id: row.get(0)?,
                access_key_id: row.get(3)?,
                secret_access_key: row.get(4)?,
                generation: row.get(5)?,
            },
            endpoint: row.get(1)?,
            s3_bucket: row.get(2)?,
        })
    })
    .await
}

/// Keeps the hash of a storage, unless its credentials have changed meanwhile.
pub async fn set_account<S: Session>(s: &mut S, storage: &SealedStorage, account: &[u8]) -> Result<(), StoreError> {
    let values = [account.into(), storage.id.into(), storage.generation.into()];
    s.execute(&ACCOUNT_SET, &values).await.map(drop)
}

/// The bucket that is mounted at exactly this place.
pub async fn find_mount<S: Session>(
    s: &mut S,
    s3_bucket: &str,
    endpoint: &str,
    key: &str,
) -> Result<Option<BucketRow>, StoreError> {
    let mut query = query("BUCKET_BY_MOUNT");
    query.and("b.s3_bucket = {}", s3_bucket);
    query.and("b.endpoint = {}", endpoint);
    query.and("b.object_key = {}", key);
    let (statement, values) = query.build();
    s.find(&statement, &values, whole).await
}

/// The buckets mounted strictly below a place, at any depth (objects contract 2.3; by path segment, not by text: E-05).
pub async fn below<S: Session>(
    s: &mut S,
    s3_bucket: &str,
    endpoint: &str,
    key: &str,
) -> Result<Vec<BucketRow>, StoreError> {
    let mut query = query("BUCKETS_BELOW");
    query.and("b.s3_bucket = {}", s3_bucket);
    query.and("b.endpoint = {}", endpoint);
    let (from, to) = public::below(key);
    if key == "/" {
        query.and("b.object_key <> {}", "/");
    } else {
        query.and("b.object_key >= {}", &from);
        query.and("b.object_key < {}", &to);
    }
    query.then(" ORDER BY i.id");
    let (statement, values) = query.build();
    s.fetch(&statement, &values, whole).await
}

/// Whether a bucket mounted above this place is public.
pub async fn public_above<S: Session>(
    s: &mut S,
    s3_bucket: &str,
    endpoint: &str,
    key: &str,
) -> Result<bool, StoreError> {
    if key == "/" {
        return Ok(false);
    }
    let above = key.match_indices('/').filter_map(|(end, _)| key.get(..end));
    let above: Vec<String> = above.chain(["/"]).map(str::to_owned).collect();
    let values = [Value::Texts(&above), s3_bucket.into(), endpoint.into()];
    Ok(s.find(&BUCKETS_PUBLIC_AT, &values, |row| row.get::<i64>(0))
        .await?
        .is_some())
}

/// A storage to register; its credentials are sealed already.
#[derive(Clone, Debug)]
pub struct NewStorage {
    /// The sealed access key id.
    pub access_key_id: Vec<u8>,
    /// The sealed secret access key.
    pub secret_access_key: Vec<u8>,
    /// What a service account with these credentials is looked up by.
    pub account: Vec<u8>,
}

/// A bucket to create.
#[derive(Clone, Debug)]
pub struct NewBucket {
    /// Public id.
    pub uuid: Uuid,
    /// Display name.
    pub name: String,
    /// Active.
    pub active: bool,
    /// Endpoint of the store.
    pub endpoint: String,
    /// Region of the store.
    pub region: Option<String>,
    /// Bucket in the store.
    pub s3_bucket: String,
    /// Prefix of the keys, or `/`.
    pub key: String,
    /// The storage to register with it; none for the default storage.
    pub storage: Option<NewStorage>,
}

/// Creates a bucket. A clash of (`s3_bucket`, `endpoint`, `key`) is a unique violation.
pub async fn insert<S: Session>(s: &mut S, new: &NewBucket, by: Uuid, now: Timestamp) -> Result<ItemId, StoreError> {
    let storage: Option<StorageId> = match &new.storage {
        None => None,
        Some(storage) => {
            let values = [
                (&new.endpoint).into(),
                new.region.as_ref().into(),
                (&new.s3_bucket).into(),
                storage.access_key_id.as_slice().into(),
                storage.secret_access_key.as_slice().into(),
                storage.account.as_slice().into(),
            ];
            Some(s.one(&STORAGE_INSERT, &values, |row| row.get(0)).await?)
        }
    };
    let values = [
        new.uuid.into(),
        (&new.name).into(),
        new.active.into(),
        by.into(),
        now.into(),
    ];
    let id: ItemId = s.one(&BUCKET_ITEM_INSERT, &values, |row| row.get(0)).await?;
    let values = [
        id.into(),
        storage.into(),
        (&new.endpoint).into(),
        new.region.as_ref().into(),
        (&new.s3_bucket).into(),
        (&new.key).into(),
    ];
    s.execute(&BUCKET_INSERT, &values).await?;
    Ok(id)
}

/// What changes about a bucket.
#[derive(Clone, Debug)]
pub struct BucketChange {
    /// New display name.
    pub name: Option<String>,
    /// New active flag.
    pub active: Option<bool>,
    /// New place in the store and sealed credentials, all of them.
    pub storage: Option<(StorageId, NewStorage, String, Option<String>, String)>,
}

/// Changes a bucket. A clash with another mount is a unique violation.
pub async fn update<S: Session>(
    s: &mut S,
    bucket: ItemId,
    change: &BucketChange,
    by: Uuid,
    now: Timestamp,
) -> Result<(), StoreError> {
    let values = [
        change.name.as_ref().into(),
        change.active.into(),
        by.into(),
        now.into(),
        bucket.into(),
    ];
    s.execute(&BUCKET_ITEM_UPDATE, &values).await?;
    if let Some((id, sealed, endpoint, region, s3_bucket)) = &change.storage {
        let values = [
            endpoint.into(),
            region.as_ref().into(),
            s3_bucket.into(),
            sealed.access_key_id.as_slice().into(),
            sealed.secret_access_key.as_slice().into(),
            sealed.account.as_slice().into(),
            (*id).into(),
        ];
        s.execute(&STORAGE_UPDATE, &values).await?;
        let values = [endpoint.into(), region.as_ref().into(), s3_bucket.into(), bucket.into()];
        s.execute(&BUCKET_UPDATE, &values).await?;
    }
    Ok(())
}

/// Deletes buckets with everything below them. Answers the keys of the default storage whose bytes are now nobody's;
/// bytes in registered S3 buckets stay (objects contract 4.1.7).
pub async fn delete<S: Session>(s: &mut S, buckets: &[&BucketRow]) -> Result<Vec<String>, StoreError> {
    let ids: Vec<i64> = buckets.iter().map(|bucket| bucket.id.0).collect();
    let storages: Vec<i64> = buckets
        .iter()
        .filter_map(|bucket| bucket.storage.as_ref())
        .map(|storage| storage.id.0)
        .collect();
    let keys = s
        .fetch(&BUCKET_STORAGE_KEYS, &[Value::Ints(&ids)], |row| row.get(0))
        .await?;
    s.execute(&BUCKET_DELETE, &[Value::Ints(&ids)]).await?;
    s.execute(&STORAGE_PRUNE, &[Value::Ints(&storages)]).await?;
    Ok(keys)
}
