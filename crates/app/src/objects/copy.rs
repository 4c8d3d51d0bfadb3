//! Making an old version the newest by copying it (objects contract 4.5.2).

use store::files::VersionSelector;
use uuid::Uuid;

use super::{
    VersionView,
    rewrite::{Rewrite, rewrite},
};
use crate::{App, Ctx, Result};

/// Copies a version, or the newest that is not a delete marker, on top of all others, with its type, metadata and tags.
///
/// # Errors
/// `NotFound` for a version the object does not have, or when it has no content at all.
pub async fn copy_version(app: &App, ctx: &Ctx, object: Uuid, version: Option<Uuid>) -> Result<VersionView> {
    let selector = version.map_or(VersionSelector::Latest, VersionSelector::Version);
    rewrite(app, ctx, object, selector, Rewrite::Copy).await
}
