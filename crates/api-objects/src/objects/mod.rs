//! Objects: content in and out (objects contract, sections 4.2 to 4.4).

pub(crate) mod create;
pub(crate) mod create_form;
pub(crate) mod delete;
pub(crate) mod download;
pub(crate) mod form;
pub(crate) mod head;
pub(crate) mod link;
pub(crate) mod public;
pub(crate) mod read;
pub(crate) mod search;
pub(crate) mod stored;
pub(crate) mod update;
pub(crate) mod upload;

use app::objects::VersionSelector;

use crate::validate::{Fields, rules};

/// The longest S3 version id.
const LONGEST_NATIVE_VERSION: usize = 1024;

/// `versionId` or `s3VersionId`, never both (section 4.0).
pub(crate) fn version(query: &mut Fields<'_>) -> VersionSelector {
    query.not_both("s3VersionId", "versionId");
    let native = query.one("s3VersionId", rules::text(LONGEST_NATIVE_VERSION));
    let version = query.one("versionId", rules::uuid4);
    match (version, native) {
        (Some(version), _) => VersionSelector::Version(version),
        (None, Some(native)) => VersionSelector::Native(native),
        (None, None) => VersionSelector::Latest,
    }
}
