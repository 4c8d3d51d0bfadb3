//! Content that lies in a registered bucket already, and that this server does not know yet: whoever tried to upload there
//! is told the object it became (objects contract 4.2.1).

use std::sync::Arc;

use blob::Kind as BlobKind;
use domain::Kind;
use uuid::Uuid;

use super::transfer::{Place, Release, key};
use crate::{App, Ctx, Error, Result, sync};

/// Adopts what lies at the place of an upload, if anything does; answers the object it became.
pub(super) async fn adopt(app: &Arc<App>, ctx: &Ctx, place: &Place, path: &str) -> Result<Option<Uuid>> {
    if place.bucket.storage.is_none() {
        return Ok(None);
    }
    let there = is_there(app, place, path).await;
    if matches!(there, Ok(false)) {
        return Ok(None);
    }
    // Nothing was or will be uploaded here.
    app.store().run(Release(place.version), &ctx.meter).await?;
    there?;
    let known = sync::adopt(app, ctx, &place.bucket, path).await?;
    known
        .map(Some)
        .ok_or_else(|| Error::new(Kind::Conflict, "Something else is being stored at this path"))
}

/// Whether the store has the key, hidden by a delete marker or not.
async fn is_there(app: &Arc<App>, place: &Place, path: &str) -> Result<bool> {
    let blobs = app.storages().of(&place.bucket)?;
    match blobs.head(&key(path)?, None).await {
        Ok(_) => Ok(true),
        Err(error) if error.upstream.as_ref().is_some_and(|upstream| upstream.delete_marker) => Ok(true),
        Err(error) if error.kind == BlobKind::NotFound => Ok(false),
        Err(error) => {
            let text = "The storage could not say whether the object exists";
            Err(Error {
                kind: Kind::BadGateway,
                public: text.into(),
                upstream: None,
                ..Error::from(error)
            })
        }
    }
}
