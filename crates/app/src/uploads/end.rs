//! Giving up an upload that can be resumed, and sweeping those that were left.

use domain::Timestamp;
use serde_json::json;
use store::{Access, Op, Session, resumable};
use uuid::Uuid;

use super::{names, unknown};
use crate::{App, Ctx, Error, Result, audit, gate, jobs::effects::delete_bytes};

/// How many uploads one round sweeps.
const BATCH: i64 = 100;

/// Gives up one of the caller's uploads. One that has become an object leaves the object alone.
pub async fn terminate(app: &App, ctx: &Ctx, upload: Uuid) -> Result<()> {
    let op = Terminate(ctx.clone(), upload, app.now());
    app.decide(ctx, "upload.terminate", || format!("upload:{upload}"), op)
        .await
}

#[derive(Clone)]
struct Terminate(Ctx, Uuid, Timestamp);

impl Op for Terminate {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        let Self(ctx, upload, now) = self;
        // Who lost the right to upload may still take back what they sent.
        gate::active(s, &ctx).await?;
        let row = resumable::find(s, upload).await?.ok_or_else(unknown)?;
        if row.owner != ctx.caller.actor() {
            return Err(unknown());
        }
        let pieces = resumable::delete(s, row.id).await?;
        delete_bytes(s, &names(&pieces), now).await?;
        let object = format!("bucket:{}", row.bucket);
        audit::changed(
            s,
            &ctx,
            now,
            "upload.terminate",
            object,
            Some(json!({ "upload": upload })),
        )
        .await?;
        Ok(())
    }
}

/// Forgets a batch of uploads whose time is over; answers how many there were. Their bytes leave through the outbox.
pub(crate) async fn sweep(app: &App) -> Result<usize> {
    let (now, meter) = (app.now(), app.job_context().meter);
    let expired = app.store().run(Expired(now), &meter).await?;
    let count = expired.len();
    for upload in expired {
        app.store().run(Forget(upload, now), &meter).await?;
    }
    Ok(count)
}

#[derive(Clone)]
struct Expired(Timestamp);

impl Op for Expired {
    type Out = Vec<i64>;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<Vec<i64>> {
        Ok(resumable::expired(s, self.0, BATCH).await?)
    }
}

#[derive(Clone)]
struct Forget(i64, Timestamp);

impl Op for Forget {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        let pieces = resumable::delete(s, self.0).await?;
        delete_bytes(s, &names(&pieces), self.1).await
    }
}
