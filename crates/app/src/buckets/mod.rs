//! Buckets: roots of the objects API (objects contract 4.1).

mod create;
mod delete;
mod public;
mod read;
mod update;

pub(crate) use create::own_grants;
pub use create::{NewBucket, NewChild, create, create_child};
pub use delete::delete;
pub(crate) use public::prefix;
pub use public::set_public;
pub use read::{head, read, search};
pub use store::buckets::BucketFilter;
pub use update::{BucketPatch, update};

pub use crate::storages::Mount;

use domain::{Kind, Timestamp};
use store::buckets::BucketRow;
use uuid::Uuid;

use crate::{Caller, Ctx, Error, Stamps};

/// A bucket as clients see it, without its credentials.
#[derive(Clone, Debug)]
pub struct BucketView {
    /// Public id.
    pub uuid: Uuid,
    /// Display name.
    pub name: String,
    /// Bucket in the store.
    pub bucket: String,
    /// Endpoint of the store.
    pub endpoint: String,
    /// Prefix of its keys, or `/`.
    pub key: String,
    /// Region of the store.
    pub region: Option<String>,
    /// Stored and filterable, not enforced.
    pub active: bool,
    /// Anyone may read it.
    pub public: bool,
    /// When a synchronisation was last asked for.
    pub last_sync_requested_at: Option<Timestamp>,
    /// Stamps.
    pub stamps: Stamps,
}

impl From<BucketRow> for BucketView {
    fn from(row: BucketRow) -> Self {
        Self {
            uuid: row.uuid,
            name: row.name,
            bucket: row.s3_bucket,
            endpoint: row.endpoint,
            key: row.key,
            region: row.region,
            active: row.active,
            public: row.public || row.public_above,
            last_sync_requested_at: row.last_sync_requested_at,
            stamps: row.stamps,
        }
    }
}

/// The longest key of a bucket (objects contract 2.3).
pub(crate) const MAX_KEY: usize = 255;

/// A prefix without blank segments; `/` when nothing is left (objects contract 4.1.1).
pub(crate) fn normalise_key(key: &str) -> String {
    let key = segments(key).collect::<Vec<_>>().join("/");
    if key.is_empty() { "/".to_owned() } else { key }
}

/// The segments of a path that are not blank.
pub(crate) fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.trim().is_empty())
}

fn exists() -> Error {
    Error::new(
        Kind::Conflict,
        "A bucket is registered at this place with other credentials",
    )
}

/// An id that names no bucket, as its caller may learn it: only the superuser can tell it from one they may not see.
fn not_found(ctx: &Ctx) -> Error {
    match ctx.caller {
        Caller::Superuser | Caller::Anybody => Error::new(Kind::NotFound, "There is no such bucket"),
        Caller::Anonymous | Caller::ServiceAccount(_) | Caller::Person(_) | Caller::Token(_) => Error::denied(),
    }
}

#[cfg(test)]
mod tests {
    use super::normalise_key;

    #[test]
    fn keys_lose_blank_segments() {
        for (given, kept) in [
            ("a/b", "a/b"),
            ("//a///b//", "a/b"),
            ("/", "/"),
            ("", "/"),
            (" / ", "/"),
            ("..", ".."),
        ] {
            assert_eq!(normalise_key(given), kept);
        }
    }
}
