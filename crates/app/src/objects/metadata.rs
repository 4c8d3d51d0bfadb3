//! Changing the metadata of an object, which makes a new version of it (objects contract 4.6.1).

use store::files::VersionSelector;
use uuid::Uuid;

use super::{
    LabelChange,
    rewrite::{Rewrite, rewrite},
};
use crate::{App, Ctx, Result};

/// Makes a version like the selected one, with other metadata; it becomes the latest.
///
/// # Errors
/// `NotFound` for a version the object does not have, and for a delete marker; `Invalid` for too much metadata.
pub async fn change_metadata(
    app: &App,
    ctx: &Ctx,
    object: Uuid,
    selector: VersionSelector,
    change: LabelChange,
) -> Result<()> {
    rewrite(app, ctx, object, selector, Rewrite::Metadata(change))
        .await
        .map(drop)
}
