//! Sweeping uploads that were given up: the process died, or the store did and nobody knows what it kept.

use domain::Timestamp;
use store::{
    Access, Op, Session,
    files::{self, Abandoned},
    outbox,
};
use uuid::Uuid;

use crate::{
    App, Result,
    objects::{self, ID_TAG, VersionSelector},
};

const BATCH: i64 = 100;
const LEASE: &str = "sweep";
const LEASE_SECONDS: i64 = 15;

/// Sweeps a batch of abandoned uploads, if no other node does; answers how many there were.
pub async fn sweep(app: &App, holder: &str) -> Result<usize> {
    let ctx = app.job_context();
    // Looked at without a lease first: an idle server writes nothing.
    if app.store().run(Due(app.now()), &ctx.meter).await? == 0 {
        return Ok(0);
    }
    let found = app
        .store()
        .run(
            Find {
                holder: holder.to_owned(),
                now: app.now(),
            },
            &ctx.meter,
        )
        .await?;
    let count = found.len();
    for upload in found {
        // The reservation goes last: if this process dies, the next sweep finds it again.
        if !app.store().run(Committed(upload.version), &ctx.meter).await? {
            remove_bytes(app, &upload).await?;
        }
        app.store().run(objects::Release(upload.version), &ctx.meter).await?;
        tracing::info!(version = %upload.version, "swept an abandoned upload");
    }
    Ok(count)
}

/// Removes what an abandoned upload may have left. In a registered bucket only what carries the id that was reserved for a
/// new object: a new version of an object that exists cannot be told from one that somebody else stored, and belongs to S3.
async fn remove_bytes(app: &App, upload: &Abandoned) -> Result<()> {
    let blobs = app.storages().of(&upload.bucket)?;
    let key = objects::storage_key(&upload.storage_key)?;
    if let Some(native) = blobs.native() {
        native.abort_parts(&key).await?;
    }
    if upload.path.is_none() {
        return objects::purge(&*blobs, &key, None).await;
    }
    let Some(native) = blobs.native() else { return Ok(()) };
    let exists = app.store().run(Exists(upload.item), &app.job_context().meter).await?;
    if exists {
        return Ok(());
    }
    let id = upload.item.to_string();
    let page = native.list_versions(key.as_str(), None).await?;
    for entry in page
        .entries
        .iter()
        .filter(|entry| entry.key == key.as_str() && !entry.delete_marker)
    {
        let tags = native.tags(&key, entry.version_id.as_deref()).await?;
        if tags.iter().any(|(name, value)| name == ID_TAG && *value == id) {
            blobs.delete(&key, entry.version_id.as_deref()).await?;
        }
    }
    Ok(())
}

#[derive(Clone)]
struct Find {
    holder: String,
    now: Timestamp,
}

impl Op for Find {
    type Out = Vec<Abandoned>;
    type Error = crate::Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Vec<Abandoned>> {
        if !outbox::take_lease(s, LEASE, &self.holder, self.now.plus_seconds(LEASE_SECONDS), self.now).await? {
            return Ok(Vec::new());
        }
        Ok(files::abandoned(s, self.now, BATCH).await?)
    }
}

#[derive(Clone)]
struct Due(Timestamp);

impl Op for Due {
    type Out = usize;
    type Error = crate::Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<usize> {
        Ok(files::abandoned(s, self.0, 1).await?.len())
    }
}

#[derive(Clone)]
struct Committed(Uuid);

impl Op for Committed {
    type Out = bool;
    type Error = crate::Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<bool> {
        Ok(files::version_exists(s, self.0).await?)
    }
}

#[derive(Clone)]
struct Exists(Uuid);

impl Op for Exists {
    type Out = bool;
    type Error = crate::Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<bool> {
        Ok(files::find(s, self.0, &VersionSelector::Latest).await?.is_some())
    }
}
