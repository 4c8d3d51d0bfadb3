//! Inviting somebody (objects contract 4.11.1).

use access::{Authorised, CodeManage, PermissionCode};
use domain::{Kind, Timestamp};
use serde_json::json;
use store::{
    Access, Op, Session,
    invites::{self, InviteRow},
};
use uuid::Uuid;

use super::secret_hash;
use crate::{About, App, Caller, Ctx, Error, Result, audit, gate, permissions::Target};

/// The longest time an invite may wait, in seconds.
pub const MAX_SECONDS: i64 = 2_592_000;

/// How long it waits when nobody says, in seconds.
const USUAL_SECONDS: i64 = 86_400;

/// An invite to make.
#[derive(Clone, Debug)]
pub struct NewInvite {
    /// To what.
    pub target: Target,
    /// Only for somebody with this address; for whoever has the secret when absent.
    pub email: Option<String>,
    /// When it ends; a day from now when absent.
    pub expires_at: Option<Timestamp>,
    /// What it gives; READ when empty.
    pub codes: Vec<PermissionCode>,
    /// Whether it gives the same on the buckets below that the inviter may manage when it is used.
    pub recursive: bool,
}

/// Makes an invite and answers its secret, which is told this once. Needs MANAGE, through whatever grant.
///
/// # Errors
/// `NotFound` about the resource when there is none (the contract tells); `Denied` about it without MANAGE.
pub async fn create(app: &App, ctx: &Ctx, new: NewInvite) -> Result<Uuid> {
    let (token, now) = (app.entropy().uuid(), app.now());
    let codes = if new.codes.is_empty() {
        vec![PermissionCode::Read]
    } else {
        new.codes
    };
    let (on_bucket, item) = match new.target {
        Target::Bucket(item) => (true, item),
        Target::Object(item) => (false, item),
    };
    let op = Create {
        ctx: ctx.clone(),
        target: new.target,
        secret_hash: secret_hash(token),
        invite: InviteRow {
            uuid: app.entropy().uuid(),
            item,
            on_bucket,
            email: new.email,
            codes,
            recursive: new.recursive && on_bucket,
            inviter: ctx.caller.person_id(),
            created_by: ctx.caller.stamp(),
            created_at: now,
            expires_at: new.expires_at.unwrap_or(now.plus_seconds(USUAL_SECONDS)),
        },
    };
    app.decide(ctx, "invite.create", || new.target.object(), op).await?;
    Ok(token)
}

#[derive(Clone)]
struct Create {
    ctx: Ctx,
    target: Target,
    secret_hash: [u8; 32],
    invite: InviteRow,
}

impl Op for Create {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        let (target, now) = (self.target, self.invite.created_at);
        // A service account learns nothing about what is not its own.
        if !target.exists(s).await? && !matches!(self.ctx.caller, Caller::ServiceAccount(_)) {
            gate::active(s, &self.ctx).await?;
            return Err(
                Error::new(Kind::NotFound, "There is nothing to invite to").about(About::Resource(target.uuid()))
            );
        }
        let proof: Result<Authorised<CodeManage>> = gate::allow(s, &self.ctx, target.on(), target.uuid(), now).await;
        proof.map_err(|denied| denied.about(target.about()))?;
        invites::insert(s, &self.invite, &self.secret_hash).await?;
        let codes: Vec<_> = self.invite.codes.iter().map(|code| code.as_str()).collect();
        let after = json!({
            "invite": self.invite.uuid, "email": self.invite.email, "codes": codes, "recursive": self.invite.recursive,
            "expiresAt": self.invite.expires_at.iso_millis()
        });
        audit::changed(s, &self.ctx, now, "invite.create", target.object(), Some(after)).await?;
        Ok(())
    }
}
