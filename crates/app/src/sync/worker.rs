//! Workers: each claims a job, keeps it while it works, and says how it ended.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use blob::Blobs;
use domain::{Kind, Timestamp};
use store::{
    Access, Op, Session,
    buckets::{self, BucketRow},
    sync::{self, Job},
};

use super::{folder, folders};
use crate::{App, Ctx, Error, Result};

/// How long a claim holds, and how often it is renewed.
const LEASE_SECONDS: i64 = 30;
const RENEWAL: Duration = Duration::from_secs(10);
/// How long to wait when there is nothing to do: other nodes leave jobs too.
const IDLE: Duration = Duration::from_secs(2);
/// After so many attempts without getting on, a job is given up.
const ATTEMPTS: i64 = 12;
/// The longest pause between two attempts, in seconds.
const MAX_PAUSE: i64 = 600;

/// What a worker has in hand.
pub(super) struct Work {
    pub(super) app: Arc<App>,
    pub(super) ctx: Ctx,
    pub(super) job: Job,
    pub(super) holder: String,
    pub(super) bucket: BucketRow,
    pub(super) blobs: Arc<dyn Blobs>,
    /// Something was done and written.
    progressed: AtomicBool,
}

/// Whose job it is, to be asked in every transaction that writes for it.
#[derive(Clone, Debug)]
pub(super) struct Fence {
    pub(super) job: i64,
    pub(super) holder: String,
    pub(super) phase: i64,
    pub(super) marker: Option<String>,
    pub(super) keys: i64,
}

impl Fence {
    /// Remembers how far the job is; fails when it is somebody else's.
    pub(super) async fn pass<S: Session>(&self, s: &mut S) -> Result<()> {
        let place = (self.phase, self.marker.as_deref());
        if sync::checkpoint(s, self.job, &self.holder, place, self.keys).await? {
            return Ok(());
        }
        Err(lost())
    }
}

impl Work {
    pub(super) fn fence(&self, phase: i64, marker: Option<String>, keys: usize) -> Fence {
        Fence {
            job: self.job.id,
            holder: self.holder.clone(),
            phase,
            marker,
            keys: i64::try_from(keys).unwrap_or(i64::MAX),
        }
    }

    /// Runs an operation that passes the fence.
    pub(super) async fn write<O: Op<Error = Error>>(&self, op: O) -> Result<O::Out> {
        let out = self.app.store().run(op, &self.ctx.meter).await?;
        self.progressed.store(true, Relaxed);
        Ok(out)
    }

    /// Nothing but where the job is.
    pub(super) async fn checkpoint(&self, phase: i64, marker: Option<String>) -> Result<()> {
        self.write(Checkpoint(self.fence(phase, marker, 0))).await
    }

    pub(super) fn native(&self) -> Result<&dyn blob::NativeVersions> {
        self.blobs
            .native()
            .ok_or_else(|| Error::new(Kind::Internal, "a registered bucket without versions"))
    }
}

fn lost() -> Error {
    Error::new(Kind::Gone, "the job has gone to another worker")
}

impl App {
    /// Has workers of this process look for jobs now.
    pub(crate) fn wake(&self) {
        self.1.notify_waiters();
    }

    /// Works until the future is dropped.
    pub(crate) async fn run_sync(self: Arc<Self>, holder: String) {
        loop {
            let woken = self.1.notified();
            match Box::pin(work(&self, &holder)).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(error = %error, cause = error.source.as_deref(), "looking for jobs of synchronisation failed");
                }
            }
            tokio::select! {
                () = woken => {}
                () = tokio::time::sleep(IDLE) => {}
            }
        }
    }
}

/// Does one job, if one is due.
async fn work(app: &Arc<App>, holder: &str) -> Result<bool> {
    let ctx = app.job_context();
    // Looked at without a claim first: an idle server writes nothing.
    if !app.store().run(Due(app.now()), &ctx.meter).await? {
        return Ok(false);
    }
    let claim = Claim(holder.to_owned(), app.now());
    let Some((job, bucket)) = app.store().run(claim, &ctx.meter).await? else {
        return Ok(false);
    };
    let (id, attempts) = (job.id, job.attempts);
    let progressed;
    let outcome = match app.storages().of(&bucket) {
        Ok(blobs) => {
            let work = Work {
                app: Arc::clone(app),
                ctx: ctx.clone(),
                job,
                holder: holder.to_owned(),
                bucket,
                blobs,
                progressed: AtomicBool::new(false),
            };
            let outcome = Box::pin(keep(&work)).await;
            progressed = work.progressed.load(Relaxed);
            outcome
        }
        Err(error) => {
            progressed = false;
            Err(error)
        }
    };
    let failure = match outcome {
        Ok(()) => None,
        Err(error) if error.kind == Kind::Gone => return Ok(true),
        Err(error) => Some(error),
    };
    let attempts = if progressed { 1 } else { attempts };
    let dead = attempts >= ATTEMPTS;
    if let Some(error) = &failure {
        let cause = error.source.as_deref();
        if dead {
            tracing::error!(job = id, attempts, error = %error, cause, "a synchronisation was given up; commonhold sync retry tries it again");
        } else {
            tracing::warn!(job = id, attempts, error = %error, cause, "a synchronisation failed and will be tried again");
        }
    }
    let now = app.now();
    let settle = Settle {
        job: id,
        holder: holder.to_owned(),
        failure: failure.map(|error| error.to_string()),
        not_before: now.plus_seconds(pause(attempts)),
        dead_at: dead.then_some(now),
        now,
    };
    app.store().run(settle, &ctx.meter).await?;
    Ok(true)
}

/// 2, 4, 8 … seconds.
fn pause(attempts: i64) -> i64 {
    1_i64
        .checked_shl(u32::try_from(attempts).unwrap_or(u32::MAX))
        .map_or(MAX_PAUSE, |pause| pause.min(MAX_PAUSE))
}

/// Does a job and renews the claim meanwhile. Who has lost it stops.
async fn keep(work: &Work) -> Result<()> {
    let mut doing = Box::pin(perform(work));
    loop {
        if let Ok(outcome) = tokio::time::timeout(RENEWAL, &mut doing).await {
            return outcome;
        }
        let until = work.app.now().plus_seconds(LEASE_SECONDS);
        let prolong = Prolong(work.job.id, work.holder.clone(), until);
        if !work.app.store().run(prolong, &work.ctx.meter).await? {
            return Err(lost());
        }
    }
}

async fn perform(work: &Work) -> Result<()> {
    if work.bucket.storage.is_none() {
        return Ok(());
    }
    let folder = folder::Folder::look(work).await?;
    if !work.job.path.is_empty() {
        return folder.one(&work.job.path).await;
    }
    let mut phase = work.job.phase;
    let mut marker = work.job.marker.clone();
    if phase == folder::POLICY {
        Box::pin(folder.refresh_flag()).await?;
        phase = if work.job.recursive {
            folders::DISCOVER
        } else {
            folder::LIST
        };
        work.checkpoint(phase, None).await?;
    }
    if phase == folders::DISCOVER {
        folders::discover(work, marker.take()).await?;
        phase = folders::BELOW;
    }
    if phase == folders::BELOW {
        folders::forget_empty(work, marker.take()).await?;
        phase = folder::LIST;
    }
    if phase == folder::LIST {
        folder.list(marker.take()).await?;
        phase = folder::SWEEP;
    }
    if phase == folder::SWEEP {
        folder.sweep(marker.take()).await?;
    }
    Ok(())
}

#[derive(Clone)]
struct Checkpoint(Fence);

impl Op for Checkpoint {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        self.0.pass(s).await
    }
}

#[derive(Clone)]
struct Due(Timestamp);

impl Op for Due {
    type Out = bool;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<bool> {
        Ok(sync::due(s, self.0).await?)
    }
}

#[derive(Clone)]
struct Claim(String, Timestamp);

impl Op for Claim {
    type Out = Option<(Job, BucketRow)>;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let Self(holder, now) = self;
        let Some(job) = sync::claim(s, &holder, now.plus_seconds(LEASE_SECONDS), now).await? else {
            return Ok(None);
        };
        let bucket = buckets::find_by_id(s, job.bucket).await?;
        Ok(bucket.map(|bucket| (job, bucket)))
    }
}

#[derive(Clone)]
struct Prolong(i64, String, Timestamp);

impl Op for Prolong {
    type Out = bool;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<bool> {
        Ok(sync::prolong(s, self.0, &self.1, self.2).await?)
    }
}

#[derive(Clone)]
struct Settle {
    job: i64,
    holder: String,
    failure: Option<String>,
    not_before: Timestamp,
    dead_at: Option<Timestamp>,
    now: Timestamp,
}

impl Op for Settle {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        match &self.failure {
            None => sync::done(s, self.job, &self.holder, self.now).await?,
            Some(why) => sync::failed(s, self.job, &self.holder, self.not_before, why, self.dead_at).await?,
        }
        Ok(())
    }
}
