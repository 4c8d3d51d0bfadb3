//! Work that nobody waits for: effects from the outbox, and sweeping what was abandoned. Every node may run it; leases keep
//! two from doing the same.

mod acl;
pub mod effects;
mod lifecycle;
mod sweep;

use std::{sync::Arc, time::Duration};

use store::Meter;
use tokio::task::JoinSet;

use crate::{App, Caller, Ctx};

pub(crate) use acl::Withdraw;
pub use effects::waiting;
pub use sweep::sweep;

/// How long to wait when there is nothing to do.
const IDLE: Duration = Duration::from_secs(2);
/// Jobs of synchronisation that one process does side by side.
const SYNC_WORKERS: usize = 2;

impl App {
    /// Runs the jobs until the future is dropped. `holder` names this process in leases.
    pub async fn run_jobs(self: Arc<Self>, holder: String) {
        // They end with the set.
        let mut workers = JoinSet::new();
        for number in 0..SYNC_WORKERS {
            workers.spawn(Arc::clone(&self).run_sync(format!("{holder}-{number}")));
        }
        match self.make_accounts().await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "made the look-up of service accounts"),
            Err(error) => tracing::warn!(error = %error, cause = error.source.as_deref(), "a job failed"),
        }
        let mut next_clean = self.now();
        loop {
            if self.now() >= next_clean {
                self.clean().await;
                next_clean = self.now().plus_seconds(self.settings().upload_lease_seconds);
            }
            let mut done = 0;
            for outcome in [
                effects::work(&self, &holder).await,
                sweep(&self, &holder).await,
                lifecycle::lifecycle(&self, &holder).await,
                crate::uploads::sweep(&self).await,
            ] {
                match outcome {
                    Ok(count) => done += count,
                    Err(error) => tracing::warn!(error = %error, cause = error.source.as_deref(), "a job failed"),
                }
            }
            if done == 0 {
                tokio::time::sleep(IDLE).await;
            }
        }
    }

    /// Has the default storage remove what processes that died have left half-written. An upload that has stood still for
    /// ten leases is none of the living.
    async fn clean(&self) {
        let before = self.now().plus_seconds(-10 * self.settings().upload_lease_seconds);
        match self.storages().default_storage().clean(before).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "removed what was left half-written"),
            Err(error) => tracing::warn!(error = %error, "the storage cannot be cleaned"),
        }
        match self.prune_invites().await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "forgot invites whose time is over"),
            Err(error) => tracing::warn!(error = %error, cause = error.source.as_deref(), "old invites stay"),
        }
    }

    /// The context of work that no request asked for.
    pub(crate) fn job_context(&self) -> Ctx {
        Ctx {
            caller: Caller::Superuser,
            request_id: self.request_id(),
            meter: Arc::new(Meter::default()),
            via: "job",
        }
    }
}
