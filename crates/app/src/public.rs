//! Public flags in the policy of an S3 bucket, which is shared with everybody who uses the bucket (objects contract 5.4).
//!
//! S3 has no conditional write for policies. Nodes of this server take turns by a lease; against others the policy is read
//! again right before it is written, and looked at afterwards.

use std::time::Duration;

use blob::{
    NativeVersions,
    policy::{Policy, Target},
};
use domain::{Kind, Timestamp};
use store::{Access, Op, Session, buckets::BucketRow, outbox};

use crate::{App, Ctx, Error, Result};

/// How long a request waits for the store, all its calls together (objects contract 5.2).
const PATIENCE: Duration = Duration::from_mins(1);
/// How long a lease holds: longer than whoever has it may work.
const LEASE_SECONDS: i64 = 90;
/// How long to wait for the lease, and between two attempts to take it.
const TURN: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(100);
/// How often to begin again when others write the policy meanwhile.
const ATTEMPTS: usize = 4;

/// Why a flag cannot be changed where a folder above is public.
pub(crate) fn public_above() -> Error {
    Error::new(Kind::Conflict, "A folder above is public, and so is everything in it")
}

/// Works on the policy of a registered bucket while no other node does. What is written to the database in here is in the
/// same order as what is written to the policy.
pub(crate) async fn in_turn<T>(
    app: &App,
    ctx: &Ctx,
    bucket: &BucketRow,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let lease = Lease {
        name: format!("policy {} {}", bucket.endpoint, bucket.s3_bucket),
        holder: app.request_id(),
    };
    take(app, ctx, &lease).await?;
    let outcome = tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|late| Err(Error::new(Kind::Unavailable, "The storage did not answer in time").because(late)));
    if let Err(error) = app.store().run(Release(lease), &ctx.meter).await {
        tracing::warn!(error = %error, "a lease stays until its time is over");
    }
    outcome
}

async fn take(app: &App, ctx: &Ctx, lease: &Lease) -> Result<()> {
    let turn = async {
        while !app.store().run(Take(lease.clone(), app.now()), &ctx.meter).await? {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    };
    tokio::time::timeout(TURN, turn).await.unwrap_or_else(|late| {
        let text = "Another change of the bucket's policy is under way";
        Err(Error::new(Kind::Unavailable, text).because(late))
    })
}

/// Makes the policy say that a target is public or private. A policy that cannot be read is left as it is.
pub(crate) async fn rewrite(native: &dyn NativeVersions, target: &Target, public: bool) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let before = native.policy().await?;
        let mut policy = Policy::read(before.as_deref())?;
        if policy.is_public_above(target) {
            return Err(public_above());
        }
        let old = policy.clone();
        policy.set_public(target, public);
        if policy == old {
            return Ok(());
        }
        if native.policy().await? != before {
            continue;
        }
        native.put_policy(policy.text().as_deref()).await?;
        // Somebody who read before and wrote after this has undone it.
        if Policy::read(native.policy().await?.as_deref())?.has(target) == public {
            return Ok(());
        }
    }
    Err(Error::new(
        Kind::Unavailable,
        "The policy of the bucket is being changed by others",
    ))
}

#[derive(Clone)]
struct Lease {
    name: String,
    holder: String,
}

#[derive(Clone)]
struct Take(Lease, Timestamp);

impl Op for Take {
    type Out = bool;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<bool> {
        let Self(lease, now) = self;
        Ok(outbox::take_lease(s, &lease.name, &lease.holder, now.plus_seconds(LEASE_SECONDS), now).await?)
    }
}

#[derive(Clone)]
struct Release(Lease);

impl Op for Release {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        Ok(outbox::release_lease(s, &self.0.name, &self.0.holder).await?)
    }
}
