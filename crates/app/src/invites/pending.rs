//! Open invites of a resource, for those who manage it: what the original had no address for (E-43).

use access::{Authorised, CodeManage};
use domain::{Kind, Timestamp};
use serde_json::json;
use store::{Access, Op, Session, invites};
use uuid::Uuid;

use super::target;
use crate::{App, Ctx, Error, Result, audit, gate, permissions::Target};

/// An open invite, without its secret.
pub type InviteView = invites::InviteRow;

/// The open invites to a bucket or object, oldest first. `after` continues after the invite of that id.
pub async fn pending(app: &App, ctx: &Ctx, on: Target, after: Option<Uuid>, limit: i64) -> Result<Vec<InviteView>> {
    let op = Pending {
        ctx: ctx.clone(),
        now: app.now(),
        on,
        after,
        limit,
    };
    app.decide(ctx, "invite.list", || on.object(), op).await
}

#[derive(Clone)]
struct Pending {
    ctx: Ctx,
    now: Timestamp,
    on: Target,
    after: Option<Uuid>,
    limit: i64,
}

impl Op for Pending {
    type Out = Vec<InviteView>;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Vec<InviteView>> {
        let _proof: Authorised<CodeManage> = gate::allow(s, &self.ctx, self.on.on(), self.on.uuid(), self.now).await?;
        if !self.on.exists(s).await? {
            return Err(Error::denied());
        }
        Ok(invites::list(s, self.on.uuid(), self.now, self.after, self.limit).await?)
    }
}

/// Revokes an open invite: its secret leads nowhere from now on.
///
/// # Errors
/// `Denied` when there is no such invite, or the caller may not manage what it is to.
pub async fn revoke(app: &App, ctx: &Ctx, invite: Uuid) -> Result<()> {
    let op = Revoke {
        ctx: ctx.clone(),
        now: app.now(),
        invite,
    };
    app.decide(ctx, "invite.revoke", || format!("invite:{invite}"), op)
        .await
}

#[derive(Clone)]
struct Revoke {
    ctx: Ctx,
    now: Timestamp,
    invite: Uuid,
}

impl Op for Revoke {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        let found = invites::find_by_uuid(s, self.invite).await?;
        let invite = found.ok_or_else(Error::denied)?;
        let target = target(invite.on_bucket, invite.item);
        let proof: Result<Authorised<CodeManage>> =
            gate::allow(s, &self.ctx, target.on(), target.uuid(), self.now).await;
        // Nothing is told about what the invite is to.
        proof.map_err(|error| {
            if error.kind == Kind::NotFound {
                Error::denied()
            } else {
                error
            }
        })?;
        if !invites::take(s, invite.uuid).await? {
            return Err(Error::denied());
        }
        let after = json!({ "invite": invite.uuid });
        audit::changed(s, &self.ctx, self.now, "invite.revoke", target.object(), Some(after)).await?;
        Ok(())
    }
}
