//! Objects: files of buckets, their content and versions (objects contract 4.2 to 4.5).

mod adopt;
mod copy;
mod create;
mod delete;
mod labels;
mod link;
mod metadata;
mod public;
mod read;
mod replace;
mod rewrite;
mod search;
mod spool;
mod tags;
mod transfer;
mod versions;

pub use copy::copy_version;
pub(crate) use create::finish;
pub use create::{NewObject, check_create, create, create_unsized};
pub(crate) use create::{conflict, create_resumed, path_of};
pub use delete::{Deleted, delete};
pub use labels::LabelChange;
pub use link::{LinkAddress, MAX_SECONDS, link, read_link};
pub use metadata::change_metadata;
pub use public::set_public;
pub use read::{Head, RangeDecision, Reading, head, read};
pub use replace::replace;
pub use search::{FoundObjects, FoundView, ObjectFilter, Page, ReadableBy, Sort, search};
pub use store::files::VersionSelector;
pub use tags::change_tags;
pub(crate) use transfer::{Release, key as storage_key, purge};
pub use versions::{VersionView, versions};

use domain::{Kind, Timestamp};
use store::files::{Located, ObjectRow};
use uuid::Uuid;

use crate::{Error, Stamps};

/// The tag that names an object in the store (objects contract 5.1).
pub const ID_TAG: &str = "coms-id";

/// What content has when nobody says.
pub const DEFAULT_MIME_TYPE: &str = "application/octet-stream";

/// An object as clients see it.
#[derive(Clone, Debug)]
pub struct ObjectView {
    /// Public id.
    pub uuid: Uuid,
    /// Full key, the bucket's prefix included.
    pub path: String,
    /// File name.
    pub name: Option<String>,
    /// Its bucket.
    pub bucket: Uuid,
    /// Anyone may read it.
    pub public: bool,
    /// Stored and filterable, not enforced.
    pub active: bool,
    /// When it was last synchronised with the store.
    pub last_synced_at: Option<Timestamp>,
    /// Stamps.
    pub stamps: Stamps,
}

impl ObjectView {
    fn new(row: ObjectRow, bucket: Uuid) -> Self {
        Self {
            uuid: row.uuid,
            path: row.path,
            name: Some(row.name),
            bucket,
            public: row.public,
            active: row.active,
            last_synced_at: row.last_synced_at,
            stamps: row.stamps,
        }
    }
}

/// What is said about content that comes in.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// Its length in bytes.
    pub length: u64,
    /// Its type; `application/octet-stream` when nobody says.
    pub mime_type: Option<String>,
    /// Metadata, keys in lower case.
    pub metadata: Vec<(String, String)>,
    /// Tags, without the one that names the object.
    pub tags: Vec<(String, String)>,
}

/// An object with the version that was just stored.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The object.
    pub object: ObjectView,
    /// Its new version.
    pub version: VersionView,
    /// Bytes stored.
    pub length: u64,
    /// Metadata as given.
    pub metadata: Vec<(String, String)>,
    /// Tags, the one that names the object included.
    pub tags: Vec<(String, String)>,
    /// The store's id of the request that stored it, or ours.
    pub request_id: String,
}

fn no_version() -> Error {
    Error::new(Kind::NotFound, "The object has no such version")
}

fn no_content() -> Error {
    Error::new(Kind::NotFound, "The object has been deleted")
}

/// Whether the bytes of an object lie in the server's own storage, where every version has a key of its own.
fn is_managed(located: &Located) -> bool {
    located.bucket.storage.is_none()
}
