//! Using an invite (objects contract 4.11.2).

use access::{Authorised, CodeManage, Principal};
use domain::{Kind, PersonId, Timestamp};
use serde_json::json;
use store::{
    Access, Op, Session, buckets,
    grants::{self, NewGrant},
    invites::{self, InviteRow},
    people,
};
use uuid::Uuid;

use super::{secret_hash, target};
use crate::{
    About, App, Caller, Ctx, Error, Person, Result, audit, gate,
    ids::Ids,
    permissions::{Target, managed_below},
};

/// What an invite led to.
#[derive(Clone, Copy, Debug)]
pub struct Redeemed {
    /// The bucket or object.
    pub target: Target,
    /// Whether it was to the buckets below as well.
    pub recursive: bool,
}

/// Redeems a secret for the grants of its invite. It works once, also when it is presented twice at the same time.
///
/// # Errors
/// `NotFound` for a secret that is unknown or used; `Gone` after its time; `Denied` for somebody with another address,
/// with an address that their issuer doubts, or when the inviter may not manage the resource any more; `Conflict` when the
/// resource is gone.
pub async fn redeem(app: &App, ctx: &Ctx, token: Uuid) -> Result<Redeemed> {
    let op = Redeem {
        ctx: ctx.clone(),
        now: app.now(),
        token,
        ids: Ids::new(app.entropy()),
    };
    match app.decide(ctx, "invite.redeem", || "invite".to_owned(), op).await? {
        Outcome::Redeemed(redeemed) => Ok(redeemed),
        Outcome::Ended => Err(Error::new(Kind::Gone, "The time of the invitation is over").about(About::Invite(token))),
        Outcome::TargetGone(target) => {
            Err(Error::new(Kind::Conflict, "What the invitation was to is gone").about(target.about()))
        }
    }
}

#[derive(Clone)]
struct Redeem {
    ctx: Ctx,
    now: Timestamp,
    token: Uuid,
    ids: Ids,
}

/// What is left behind in each case: an invite that leads nowhere is taken away as well, so it is no failure in here.
enum Outcome {
    Redeemed(Redeemed),
    Ended,
    TargetGone(Target),
}

impl Op for Redeem {
    type Out = Outcome;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(mut self, s: &mut S) -> Result<Outcome> {
        let unknown = || {
            let text = "The invitation does not exist, or has been used";
            Error::new(Kind::NotFound, text).about(About::Invite(self.token))
        };
        // Whoever is nobody in particular cannot be given anything.
        let Caller::Person(person) = &self.ctx.caller else {
            return Err(Error::denied());
        };
        gate::active(s, &self.ctx).await?;
        let invite = invites::find(s, &secret_hash(self.token)).await?.ok_or_else(unknown)?;
        if invite.expires_at <= self.now {
            invites::take(s, invite.uuid).await?;
            return Ok(Outcome::Ended);
        }
        if !addressed_to(&invite, person) {
            return Err(Error::new(Kind::Denied, "The invitation is for another e-mail address"));
        }
        let target = target(invite.on_bucket, invite.item);
        if !target.exists(s).await? {
            invites::take(s, invite.uuid).await?;
            return Ok(Outcome::TargetGone(target));
        }
        let inviter = Ctx {
            caller: inviter(s, invite.inviter).await?,
            ..self.ctx.clone()
        };
        let proof: Authorised<CodeManage> = gate::allow(s, &inviter, target.on(), target.uuid(), self.now)
            .await
            .map_err(|denied| Error {
                public: "Whoever sent the invitation may not invite to this any more".into(),
                ..denied
            })?;
        if !invites::take(s, invite.uuid).await? {
            return Err(unknown());
        }
        let mut items = vec![(proof.item(), target.uuid())];
        if invite.recursive
            && let Some(bucket) = buckets::find(s, invite.item).await?
        {
            items.extend(managed_below(s, &inviter, &bucket, self.now).await?);
        }
        let (mut places, mut rows) = (Vec::new(), Vec::new());
        for (item, _) in &items {
            for code in &invite.codes {
                places.push(item.0);
                rows.push(NewGrant {
                    uuid: self.ids.next(),
                    principal: Principal::Person(person.id),
                    code: *code,
                });
            }
        }
        grants::insert_on(s, &places, &rows, invite.created_by, self.now).await?;
        let codes: Vec<_> = invite.codes.iter().map(|code| code.as_str()).collect();
        let on: Vec<Uuid> = items.iter().map(|(_, uuid)| *uuid).collect();
        let after = json!({ "invite": invite.uuid, "inviter": invite.created_by, "codes": codes, "on": on });
        audit::changed(s, &self.ctx, self.now, "invite.redeem", target.object(), Some(after)).await?;
        Ok(Outcome::Redeemed(Redeemed {
            target,
            recursive: invite.recursive,
        }))
    }
}

/// Whether an invite is for somebody: for anybody, or for exactly their address, unless their issuer says that it was
/// never proven to be theirs.
fn addressed_to(invite: &InviteRow, person: &Person) -> bool {
    match (&invite.email, &person.email) {
        (None, _) => true,
        (Some(wanted), Some(email)) => !person.email_in_doubt && wanted.to_lowercase() == email.to_lowercase(),
        (Some(_), None) => false,
    }
}

/// The inviter as a caller: what they may do is decided with the facts of now. An invite of the superuser, or of a service
/// account that managed the resource, is good as long as the resource is there.
async fn inviter<S: Session>(s: &mut S, inviter: Option<PersonId>) -> Result<Caller> {
    let Some(id) = inviter else {
        return Ok(Caller::Superuser);
    };
    let uuid = people::uuid(s, id).await?.ok_or_else(Error::denied)?;
    Ok(Caller::Person(Person {
        id,
        uuid,
        idp: None,
        email: None,
        email_in_doubt: false,
    }))
}
