//! Invites (objects contract, section 4.11), and the open ones of a resource, which the original could not show.

pub(crate) mod create;
pub(crate) mod pending;
pub(crate) mod redeem;
pub(crate) mod revoke;

use app::permissions::Target;
use uuid::Uuid;

use crate::validate::{Fields, rules};

/// `bucketId` or `objectId`, exactly one of them.
fn target(fields: &mut Fields<'_>) -> Option<Target> {
    let bucket = fields.one("bucketId", rules::uuid4);
    let object = fields.one("objectId", rules::uuid4);
    fields.exactly_one("bucketId", "objectId");
    match (bucket, object) {
        (Some(bucket), None) => Some(Target::Bucket(bucket)),
        (None, Some(object)) => Some(Target::Object(object)),
        _ => None,
    }
}

/// The member that names the kind of a target, and its id.
const fn named(target: Target) -> (&'static str, Uuid) {
    match target {
        Target::Bucket(id) => ("bucketId", id),
        Target::Object(id) => ("objectId", id),
    }
}
