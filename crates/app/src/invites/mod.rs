//! Invites to buckets and objects: a secret that becomes grants, once (objects contract 2.8, 4.11).
//!
//! What holds for the inviter is decided when the invite is used, not when it was made: somebody who lost the right to
//! manage a resource cannot let others in any more.

mod create;
mod pending;
mod redeem;

pub use create::{MAX_SECONDS, NewInvite, create};
pub use pending::{InviteView, pending, revoke};
pub use redeem::{Redeemed, redeem};

use domain::Timestamp;
use uuid::Uuid;

use crate::permissions::Target;

/// How long an ended invite is still told from one that never was, in seconds.
const KEPT_SECONDS: i64 = 7 * 86_400;

/// How many ended invites one round forgets.
const BATCH: i64 = 500;

/// What a secret is looked up by. Its spelling does not matter: it is a UUID.
fn secret_hash(token: Uuid) -> [u8; 32] {
    identity::secret::hash(&token.simple().to_string())
}

const fn target(on_bucket: bool, item: Uuid) -> Target {
    if on_bucket {
        Target::Bucket(item)
    } else {
        Target::Object(item)
    }
}

impl crate::App {
    /// Forgets invites that ended long ago.
    pub(crate) async fn prune_invites(&self) -> crate::Result<u64> {
        let before = self.now().plus_seconds(-KEPT_SECONDS);
        self.store().run(Prune(before), &self.job_context().meter).await
    }
}

#[derive(Clone)]
struct Prune(Timestamp);

impl store::Op for Prune {
    type Out = u64;
    type Error = crate::Error;
    const ACCESS: store::Access = store::Access::Write;

    async fn run<S: store::Session>(self, s: &mut S) -> crate::Result<u64> {
        Ok(store::invites::prune(s, self.0, BATCH).await?)
    }
}
