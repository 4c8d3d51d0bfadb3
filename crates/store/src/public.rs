//! Public flags. An item is public when it was made public itself, or when its bucket or a bucket above that was; the flags
//! above are asked for when somebody reads (`docs/decisions/0005`). So making a folder public is one row; making it private
//! ends the flags of everything below by a new generation of each bucket, and touches no object.

use domain::{ItemId, Timestamp};
use uuid::Uuid;

use crate::{Session, StoreError, catalogue::sql};

sql! {
    BUCKET_SET_PUBLIC: "UPDATE item SET public = $1, updated_by = $2, updated_at = $3 WHERE id = $4";

    /// Flags of buckets below: author, time, s3 bucket, endpoint, first key, first key behind.
    BUCKETS_UNPUBLISH_BELOW: "
UPDATE item SET public = FALSE, updated_by = $1, updated_at = $2
WHERE public AND id IN (SELECT item_id FROM bucket
    WHERE s3_bucket = $3 AND endpoint = $4 AND object_key >= $5 AND object_key < $6)";

    /// Ends the flags of objects in a bucket and in those below it: s3 bucket, endpoint, first key, first key behind, own key.
    BUCKETS_NEW_GENERATION: "
UPDATE bucket SET private_generation = private_generation + 1
WHERE s3_bucket = $1 AND endpoint = $2 AND (object_key >= $3 AND object_key < $4 OR object_key = $5)";

    OBJECT_SET_PUBLIC: "
UPDATE item SET public = $1, updated_by = $2, updated_at = $3,
    public_generation = coalesce((SELECT private_generation FROM bucket WHERE item_id = item.parent_id), 0)
WHERE id = $4";
}

/// The keys below a key, as a range: those below `a/b` are from `a/b/` up to, and without, `a/b0` (`0` follows `/`). No
/// character follows the last one, so nothing but `/` itself is outside what is below `/`.
pub(crate) fn below(key: &str) -> (String, String) {
    if key == "/" {
        (String::new(), char::MAX.to_string())
    } else {
        (format!("{key}/"), format!("{key}0"))
    }
}

/// Where a bucket is mounted.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Bucket in the store.
    pub s3_bucket: &'a str,
    /// Endpoint of the store.
    pub endpoint: &'a str,
    /// Prefix of the keys, or `/`.
    pub key: &'a str,
}

/// Makes a bucket public.
pub async fn publish_bucket<S: Session>(s: &mut S, bucket: ItemId, by: Uuid, now: Timestamp) -> Result<(), StoreError> {
    let values = [true.into(), by.into(), now.into(), bucket.into()];
    s.execute(&BUCKET_SET_PUBLIC, &values).await.map(drop)
}

/// Makes a bucket private with all buckets below it and all objects in any of them.
pub async fn unpublish_bucket<S: Session>(
    s: &mut S,
    bucket: ItemId,
    place: Place<'_>,
    by: Uuid,
    now: Timestamp,
) -> Result<(), StoreError> {
    let values = [false.into(), by.into(), now.into(), bucket.into()];
    s.execute(&BUCKET_SET_PUBLIC, &values).await?;
    let (from, to) = below(place.key);
    let values = [
        by.into(),
        now.into(),
        place.s3_bucket.into(),
        place.endpoint.into(),
        (&from).into(),
        (&to).into(),
    ];
    s.execute(&BUCKETS_UNPUBLISH_BELOW, &values).await?;
    let values = [
        place.s3_bucket.into(),
        place.endpoint.into(),
        (&from).into(),
        (&to).into(),
        place.key.into(),
    ];
    s.execute(&BUCKETS_NEW_GENERATION, &values).await.map(drop)
}

/// Makes an object public or private.
pub async fn set_object<S: Session>(
    s: &mut S,
    object: ItemId,
    public: bool,
    by: Uuid,
    now: Timestamp,
) -> Result<(), StoreError> {
    let values = [public.into(), by.into(), now.into(), object.into()];
    s.execute(&OBJECT_SET_PUBLIC, &values).await.map(drop)
}
