//! Files: objects, their versions, metadata and tags, and uploads on their way.

use domain::{ItemId, StorageId, Timestamp, VersionId};
use uuid::Uuid;

use crate::{
    Row, Session, StoreError, Value,
    buckets::{BUCKET_COLUMNS, BucketRow, bucket_columns},
    catalogue::sql,
    stamps::Stamps,
};

macro_rules! version_columns {
    () => {
        "v.id, v.uuid, v.native_id, v.size, v.mime_type, v.etag, v.sha256, v.delete_marker, v.is_latest,
    v.last_modified_at, v.created_by, v.created_at, v.updated_by, v.updated_at, v.storage_key"
    };
}

/// Whether an object `item f` of `bucket b` with the root `item i` is public by itself or by its bucket; what buckets above
/// make public is not asked here.
macro_rules! object_public {
    () => {
        "(f.public AND f.public_generation = b.private_generation OR i.public)"
    };
}

/// An object with its bucket and one of its versions.
macro_rules! object {
    ($($on:literal)*) => {
        concat!(
            "SELECT ",
            bucket_columns!(),
            ",
    f.id, f.uuid, f.path, f.name, f.active, ", object_public!(), ", f.last_synced_at, f.created_by, f.created_at, f.updated_by,
    f.updated_at, ",
            version_columns!(),
            "
FROM item f JOIN item i ON i.id = f.parent_id JOIN bucket b ON b.item_id = i.id
LEFT JOIN storage s ON s.id = b.storage_id LEFT JOIN version v ON v.item_id = f.id AND ",
            $($on,)*
            " WHERE f.kind = 1 AND "
        )
    };
}

sql! {
    OBJECT_LATEST: {
        sqlite: concat!(object!("v.is_latest"), "f.uuid = $1"),
        postgres: concat!(object!("v.is_latest"), "f.uuid = $1"),
    };
    OBJECT_VERSION: {
        sqlite: concat!(object!("v.uuid = $1"), "f.uuid = $2"),
        postgres: concat!(object!("v.uuid = $1"), "f.uuid = $2"),
    };
    /// From the object's versions, not from the id: stores without versions call all of theirs the same.
    OBJECT_NATIVE: {
        sqlite: concat!(object!("coalesce(v.native_id, '') = $1"), "f.uuid = $2 ORDER BY v.id DESC LIMIT 1"),
        postgres: concat!(object!("coalesce(v.native_id, '') = $1"), "f.uuid = $2 ORDER BY v.id DESC LIMIT 1"),
    };
    OBJECT_BY_PATH: {
        sqlite: concat!(object!("v.is_latest"), "f.parent_id = $1 AND f.path = $2"),
        postgres: concat!(object!("v.is_latest"), "f.parent_id = $1 AND f.path = $2"),
    };

    OBJECT_INSERT: "
INSERT INTO item (uuid, parent_id, kind, name, path, created_by, created_at)
VALUES ($1, $2, 1, $3, $4, $5, $6) RETURNING id";

    OBJECT_TOUCH: "UPDATE item SET updated_by = $1, updated_at = $2 WHERE id = $3";

    OBJECT_DELETE: "DELETE FROM item WHERE id = $1 AND kind = 1";

    VERSION_LIST: {
        sqlite: concat!("SELECT ", version_columns!(), " FROM version v WHERE v.item_id = $1 ORDER BY v.id DESC"),
        postgres: concat!("SELECT ", version_columns!(), " FROM version v WHERE v.item_id = $1 ORDER BY v.id DESC"),
    };

    VERSION_NOT_LATEST: "UPDATE version SET is_latest = FALSE WHERE item_id = $1 AND is_latest";

    VERSION_INSERT: "
INSERT INTO version (uuid, item_id, storage_key, native_id, size, mime_type, etag, sha256, delete_marker, is_latest,
    last_modified_at, created_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, TRUE, $10, $11, $12) RETURNING id";

    /// In a store without versions the one version is overwritten.
    VERSION_OVERWRITE: "
UPDATE version SET size = $1, mime_type = $2, etag = $3, sha256 = $4, last_modified_at = $5, updated_by = $6,
    updated_at = $7
WHERE id = $8";

    VERSION_DELETE: "DELETE FROM version WHERE id = $1";

    /// The newest version that has content.
    VERSION_CONTENT: {
        sqlite: concat!("SELECT ", version_columns!(), " FROM version v
WHERE v.item_id = $1 AND NOT v.delete_marker ORDER BY v.id DESC LIMIT 1"),
        postgres: concat!("SELECT ", version_columns!(), " FROM version v
WHERE v.item_id = $1 AND NOT v.delete_marker ORDER BY v.id DESC LIMIT 1"),
    };

    /// Changes nothing but the row itself, so that whoever removes the version meanwhile has to try again.
    VERSION_HOLD: "UPDATE version SET storage_key = storage_key WHERE id = $1";

    /// Of these keys, those that no version refers to.
    STORAGE_KEYS_UNUSED: {
        sqlite: "
SELECT n.value FROM json_each($1) n WHERE NOT EXISTS (SELECT 1 FROM version v WHERE v.storage_key = n.value)",
        postgres: "
SELECT n.key FROM unnest($1::text[]) n (key) WHERE NOT EXISTS (SELECT 1 FROM version v WHERE v.storage_key = n.key)",
    };

    /// The newest version becomes the latest, if none is.
    VERSION_PROMOTE: "
UPDATE version SET is_latest = TRUE WHERE id = (SELECT max(id) FROM version WHERE item_id = $1)
    AND NOT EXISTS (SELECT 1 FROM version WHERE item_id = $1 AND is_latest)
RETURNING id";

    METADATA_CLEAR: "DELETE FROM metadata WHERE version_id = $1";
    TAGS_CLEAR: "DELETE FROM tag WHERE version_id = $1";
    METADATA_INSERT: {
        sqlite: "
INSERT INTO metadata (version_id, key, value)
SELECT $1, $2 ->> n.key, $3 ->> n.key FROM json_each($2) n",
        postgres: "
INSERT INTO metadata (version_id, key, value) SELECT $1, k, v FROM unnest($2::text[], $3::text[]) t (k, v)",
    };
    TAG_INSERT: {
        sqlite: "
INSERT INTO tag (version_id, key, value)
SELECT $1, $2 ->> n.key, $3 ->> n.key FROM json_each($2) n",
        postgres: "
INSERT INTO tag (version_id, key, value) SELECT $1, k, v FROM unnest($2::text[], $3::text[]) t (k, v)",
    };
    METADATA_LIST: "SELECT key, value FROM metadata WHERE version_id = $1 ORDER BY key";
    TAG_LIST: "SELECT key, value FROM tag WHERE version_id = $1 ORDER BY key";

    UPLOAD_INSERT: "
INSERT INTO upload (version_uuid, item_uuid, bucket_id, path, storage_id, storage_key, started_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

    UPLOAD_PROLONG: "UPDATE upload SET expires_at = $1 WHERE version_uuid = $2";

    UPLOAD_BY_PATH: "SELECT item_uuid FROM upload WHERE bucket_id = $1 AND path = $2";

    UPLOAD_DELETE: "DELETE FROM upload WHERE version_uuid = $1";

    /// Uploads that were abandoned, with where their bytes may lie.
    UPLOAD_EXPIRED: {
        sqlite: concat!(
            "SELECT u.version_uuid, u.item_uuid, u.storage_key, u.path, ", bucket_columns!(), "
FROM upload u JOIN item i ON i.id = u.bucket_id JOIN bucket b ON b.item_id = i.id LEFT JOIN storage s ON s.id = u.storage_id
WHERE u.expires_at < $1 ORDER BY u.expires_at LIMIT $2"
        ),
        postgres: concat!(
            "SELECT u.version_uuid, u.item_uuid, u.storage_key, u.path, ", bucket_columns!(), "
FROM upload u JOIN item i ON i.id = u.bucket_id JOIN bucket b ON b.item_id = i.id LEFT JOIN storage s ON s.id = u.storage_id
WHERE u.expires_at < $1 ORDER BY u.expires_at LIMIT $2"
        ),
    };

    VERSION_EXISTS: "SELECT id FROM version WHERE uuid = $1";
}

/// One version of an object.
#[derive(Clone, Debug)]
pub struct VersionRow {
    /// Internal key; grows with age, newest highest.
    pub id: VersionId,
    /// Public id.
    pub uuid: Uuid,
    /// The store's own id of this version.
    pub native_id: Option<String>,
    /// Bytes.
    pub size: i64,
    /// Content type.
    pub mime_type: String,
    /// Entity tag with its quotes.
    pub etag: Option<String>,
    /// SHA-256 of the bytes, where this server saw them.
    pub sha256: Option<Vec<u8>>,
    /// A deletion, not content.
    pub delete_marker: bool,
    /// The one that is read when none is named.
    pub is_latest: bool,
    /// When its bytes were stored.
    pub last_modified_at: Option<Timestamp>,
    /// Stamps.
    pub stamps: Stamps,
    /// Where its bytes lie in the store.
    pub storage_key: Option<String>,
}

fn version(row: &Row<'_>, first: usize) -> Result<VersionRow, StoreError> {
    Ok(VersionRow {
        id: row.get(first)?,
        uuid: row.get(first + 1)?,
        native_id: row.get(first + 2)?,
        size: row.get(first + 3)?,
        mime_type: row.get(first + 4)?,
        etag: row.get(first + 5)?,
        sha256: row.get(first + 6)?,
        delete_marker: row.get(first + 7)?,
        is_latest: row.get(first + 8)?,
        last_modified_at: row.get(first + 9)?,
        stamps: Stamps::read(row, first + 10)?,
        storage_key: row.get(first + 14)?,
    })
}

/// An object without its bytes.
#[derive(Clone, Debug)]
pub struct ObjectRow {
    /// Internal key.
    pub id: ItemId,
    /// Public id.
    pub uuid: Uuid,
    /// Full key, the bucket's prefix included.
    pub path: String,
    /// File name.
    pub name: String,
    /// Stored and filterable, not enforced.
    pub active: bool,
    /// Anyone may read it: it was made public itself, or its bucket was.
    pub public: bool,
    /// When it was last synchronised with the store.
    pub last_synced_at: Option<Timestamp>,
    /// Stamps.
    pub stamps: Stamps,
}

pub(crate) fn object(row: &Row<'_>, first: usize) -> Result<ObjectRow, StoreError> {
    Ok(ObjectRow {
        id: row.get(first)?,
        uuid: row.get(first + 1)?,
        path: row.get::<Option<String>>(first + 2)?.unwrap_or_default(),
        name: row.get(first + 3)?,
        active: row.get(first + 4)?,
        public: row.get(first + 5)?,
        last_synced_at: row.get(first + 6)?,
        stamps: Stamps::read(row, first + 7)?,
    })
}

/// An object where it lies: its bucket, and the version asked for if there is one.
#[derive(Clone, Debug)]
pub struct Located {
    /// Its bucket.
    pub bucket: BucketRow,
    /// The object.
    pub object: ObjectRow,
    /// The version, if the object has it.
    pub version: Option<VersionRow>,
}

fn located(row: &Row<'_>) -> Result<Located, StoreError> {
    let first = BUCKET_COLUMNS + 11;
    Ok(Located {
        bucket: BucketRow::read(row, 0)?,
        object: object(row, BUCKET_COLUMNS)?,
        version: match row.get::<Option<i64>>(first)? {
            None => None,
            Some(_) => Some(version(row, first)?),
        },
    })
}

/// Which version of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionSelector {
    /// The latest.
    Latest,
    /// By our id.
    Version(Uuid),
    /// By the store's own id.
    Native(String),
}

/// Finds an object with a version of it.
pub async fn find<S: Session>(
    s: &mut S,
    uuid: Uuid,
    selector: &VersionSelector,
) -> Result<Option<Located>, StoreError> {
    match selector {
        VersionSelector::Latest => s.find(&OBJECT_LATEST, &[uuid.into()], located).await,
        VersionSelector::Version(id) => s.find(&OBJECT_VERSION, &[(*id).into(), uuid.into()], located).await,
        VersionSelector::Native(id) => s.find(&OBJECT_NATIVE, &[id.into(), uuid.into()], located).await,
    }
}

/// Finds the object at a path of a bucket.
pub async fn find_by_path<S: Session>(s: &mut S, bucket: ItemId, path: &str) -> Result<Option<Located>, StoreError> {
    s.find(&OBJECT_BY_PATH, &[bucket.into(), path.into()], located).await
}

/// All versions, newest first.
pub async fn versions<S: Session>(s: &mut S, item: ItemId) -> Result<Vec<VersionRow>, StoreError> {
    s.fetch(&VERSION_LIST, &[item.into()], |row| version(row, 0)).await
}

/// An object to create.
#[derive(Clone, Debug)]
pub struct NewObject {
    /// Public id.
    pub uuid: Uuid,
    /// Its bucket.
    pub bucket: ItemId,
    /// File name.
    pub name: String,
    /// Full key.
    pub path: String,
}

/// Creates an object without a version. Another object at the same path is a unique violation.
pub async fn insert<S: Session>(s: &mut S, new: &NewObject, by: Uuid, now: Timestamp) -> Result<ItemId, StoreError> {
    let values = [
        new.uuid.into(),
        new.bucket.into(),
        (&new.name).into(),
        (&new.path).into(),
        by.into(),
        now.into(),
    ];
    s.one(&OBJECT_INSERT, &values, |row| row.get(0)).await
}

/// Stamps an object as changed.
pub async fn touch<S: Session>(s: &mut S, item: ItemId, by: Uuid, now: Timestamp) -> Result<(), StoreError> {
    s.execute(&OBJECT_TOUCH, &[by.into(), now.into(), item.into()])
        .await
        .map(drop)
}

/// Deletes an object with all its versions and grants.
pub async fn delete<S: Session>(s: &mut S, item: ItemId) -> Result<(), StoreError> {
    s.execute(&OBJECT_DELETE, &[item.into()]).await.map(drop)
}

/// A version to write: content, or a delete marker.
#[derive(Clone, Debug)]
pub struct NewVersion {
    /// Public id.
    pub uuid: Uuid,
    /// Where its bytes lie.
    pub storage_key: Option<String>,
    /// The store's own id.
    pub native_id: Option<String>,
    /// Bytes.
    pub size: i64,
    /// Content type.
    pub mime_type: String,
    /// Entity tag with its quotes.
    pub etag: Option<String>,
    /// SHA-256 of the bytes.
    pub sha256: Option<Vec<u8>>,
    /// A deletion.
    pub delete_marker: bool,
    /// When its bytes were stored.
    pub last_modified_at: Option<Timestamp>,
}

/// Adds a version, which becomes the latest.
pub async fn add_version<S: Session>(
    s: &mut S,
    item: ItemId,
    new: &NewVersion,
    by: Uuid,
    now: Timestamp,
) -> Result<VersionId, StoreError> {
    s.execute(&VERSION_NOT_LATEST, &[item.into()]).await?;
    let values = [
        new.uuid.into(),
        item.into(),
        new.storage_key.as_ref().into(),
        new.native_id.as_ref().into(),
        new.size.into(),
        (&new.mime_type).into(),
        new.etag.as_ref().into(),
        new.sha256.as_deref().into(),
        new.delete_marker.into(),
        new.last_modified_at.into(),
        by.into(),
        now.into(),
    ];
    s.one(&VERSION_INSERT, &values, |row| row.get(0)).await
}

/// Overwrites the one version of an object in a store without versions; its metadata and tags go.
pub async fn overwrite_version<S: Session>(
    s: &mut S,
    version: VersionId,
    new: &NewVersion,
    by: Uuid,
    now: Timestamp,
) -> Result<(), StoreError> {
    let values = [
        new.size.into(),
        (&new.mime_type).into(),
        new.etag.as_ref().into(),
        new.sha256.as_deref().into(),
        new.last_modified_at.into(),
        by.into(),
        now.into(),
        version.into(),
    ];
    s.execute(&VERSION_OVERWRITE, &values).await?;
    s.execute(&METADATA_CLEAR, &[version.into()]).await?;
    s.execute(&TAGS_CLEAR, &[version.into()]).await.map(drop)
}

/// Removes a version for good and makes the newest one left the latest. False: none is left.
pub async fn delete_version<S: Session>(s: &mut S, item: ItemId, version: &VersionRow) -> Result<bool, StoreError> {
    s.execute(&VERSION_DELETE, &[version.id.into()]).await?;
    if !version.is_latest {
        return Ok(true);
    }
    Ok(s.find(&VERSION_PROMOTE, &[item.into()], |row| row.get::<i64>(0))
        .await?
        .is_some())
}

/// The newest version of an object that has content.
pub async fn newest_content<S: Session>(s: &mut S, item: ItemId) -> Result<Option<VersionRow>, StoreError> {
    s.find(&VERSION_CONTENT, &[item.into()], |row| version(row, 0)).await
}

/// Makes a version that shares the bytes of another one, which it keeps from being removed at the same time.
pub async fn share_version<S: Session>(
    s: &mut S,
    item: ItemId,
    source: VersionId,
    new: &NewVersion,
    by: Uuid,
    now: Timestamp,
) -> Result<VersionId, StoreError> {
    s.execute(&VERSION_HOLD, &[source.into()]).await?;
    add_version(s, item, new, by, now).await
}

/// Of these keys of the default storage, those whose bytes no version refers to. Versions may share their bytes; a new one
/// only ever comes from an old one, so what nobody refers to now nobody will.
pub async fn unused<S: Session>(s: &mut S, keys: &[String]) -> Result<Vec<String>, StoreError> {
    s.fetch(&STORAGE_KEYS_UNUSED, &[Value::Texts(keys)], |row| row.get(0))
        .await
}

/// Key and value pairs.
pub type Pairs = Vec<(String, String)>;

fn split(pairs: &[(String, String)]) -> (Vec<String>, Vec<String>) {
    pairs.iter().cloned().unzip()
}

/// Writes the metadata and tags of a version that has none yet.
pub async fn describe<S: Session>(
    s: &mut S,
    version: VersionId,
    metadata: &[(String, String)],
    tags: &[(String, String)],
) -> Result<(), StoreError> {
    for (statement, pairs) in [(&METADATA_INSERT, metadata), (&TAG_INSERT, tags)] {
        if !pairs.is_empty() {
            let (keys, values) = split(pairs);
            s.execute(statement, &[version.into(), Value::Texts(&keys), Value::Texts(&values)])
                .await?;
        }
    }
    Ok(())
}

fn pair(row: &Row<'_>) -> Result<(String, String), StoreError> {
    Ok((row.get(0)?, row.get(1)?))
}

/// The metadata of a version, by key.
pub async fn metadata<S: Session>(s: &mut S, version: VersionId) -> Result<Pairs, StoreError> {
    s.fetch(&METADATA_LIST, &[version.into()], pair).await
}

/// The tags of a version, by key.
pub async fn tags<S: Session>(s: &mut S, version: VersionId) -> Result<Pairs, StoreError> {
    s.fetch(&TAG_LIST, &[version.into()], pair).await
}

/// A place reserved for an upload.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Public id of the version it will be.
    pub version: Uuid,
    /// Public id of the object it belongs or will belong to.
    pub item: Uuid,
    /// The bucket.
    pub bucket: ItemId,
    /// The path, where the key is the path.
    pub path: Option<String>,
    /// The registered storage; none for the default one.
    pub storage: Option<StorageId>,
    /// Where its bytes will lie.
    pub storage_key: String,
    /// When it is given up.
    pub expires_at: Timestamp,
}

/// Reserves the place of an upload. Another upload on its way to the same path is a unique violation.
pub async fn reserve<S: Session>(s: &mut S, upload: &Upload, now: Timestamp) -> Result<(), StoreError> {
    let values = [
        upload.version.into(),
        upload.item.into(),
        upload.bucket.into(),
        upload.path.as_ref().into(),
        upload.storage.into(),
        (&upload.storage_key).into(),
        now.into(),
        upload.expires_at.into(),
    ];
    s.execute(&UPLOAD_INSERT, &values).await.map(drop)
}

/// Keeps a long upload from being given up; false: it was already.
pub async fn prolong<S: Session>(s: &mut S, version: Uuid, until: Timestamp) -> Result<bool, StoreError> {
    Ok(s.execute(&UPLOAD_PROLONG, &[until.into(), version.into()]).await? == 1)
}

/// The object that an upload on its way to this path will be.
pub async fn upload_at<S: Session>(s: &mut S, bucket: ItemId, path: &str) -> Result<Option<Uuid>, StoreError> {
    s.find(&UPLOAD_BY_PATH, &[bucket.into(), path.into()], |row| row.get(0))
        .await
}

/// Ends a reservation; false: it was swept already.
pub async fn release<S: Session>(s: &mut S, version: Uuid) -> Result<bool, StoreError> {
    Ok(s.execute(&UPLOAD_DELETE, &[version.into()]).await? == 1)
}

/// An upload that was given up.
#[derive(Clone, Debug)]
pub struct Abandoned {
    /// Public id of the version it would have been.
    pub version: Uuid,
    /// Public id of the object.
    pub item: Uuid,
    /// Where its bytes may lie.
    pub storage_key: String,
    /// The path, where the key is the path.
    pub path: Option<String>,
    /// Its bucket.
    pub bucket: BucketRow,
}

/// Uploads whose time has passed, oldest first.
pub async fn abandoned<S: Session>(s: &mut S, now: Timestamp, limit: i64) -> Result<Vec<Abandoned>, StoreError> {
    s.fetch(&UPLOAD_EXPIRED, &[now.into(), limit.into()], |row| {
        Ok(Abandoned {
            version: row.get(0)?,
            item: row.get(1)?,
            storage_key: row.get(2)?,
            path: row.get(3)?,
            bucket: BucketRow::read(row, 4)?,
        })
    })
    .await
}

/// Whether a version with this public id was committed.
pub async fn version_exists<S: Session>(s: &mut S, version: Uuid) -> Result<bool, StoreError> {
    Ok(s.find(&VERSION_EXISTS, &[version.into()], |row| row.get::<i64>(0))
        .await?
        .is_some())
}
