//! Answering an invitation (organisations contract 2.7 and 5.7). Whoever has the secret may answer; whoever accepts is the
//! person who signed in, whatever their address.

use domain::Kind;
use identity::secret;
use serde_json::json;
use store::{
    Access, Op, Session,
    collaborations::{self, Collaboration, NewMembership},
    invitations::{self, Invitation},
};

use super::{
    Base, InvitationStatus, conflict, reach,
    read_invitation::{InvitationView, view},
};
use crate::{App, Caller, Ctx, Error, Result};

/// The invitation with a secret, for whoever has it.
///
/// # Errors
/// `NotFound` for a secret that opens nothing (any more).
pub async fn find(app: &App, ctx: &Ctx, secret: &str) -> Result<InvitationView> {
    app.store().run(Find(secret::hash(secret)), &ctx.meter).await
}

#[derive(Clone)]
struct Find([u8; 32]);

impl Op for Find {
    type Out = InvitationView;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<InvitationView> {
        let (invitation, of) = by_secret(s, &self.0).await?;
        view(s, invitation, of).await
    }
}

async fn by_secret<S: Session>(s: &mut S, hash: &[u8]) -> Result<(Invitation, Collaboration)> {
    let invitation = invitations::find_by_secret(s, hash)
        .await?
        .ok_or_else(reach::not_found)?;
    let of = collaborations::find_by_id(s, invitation.collaboration).await?;
    Ok((invitation, of.ok_or_else(reach::not_found)?))
}

/// What came of accepting.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The collaboration.
    pub collaboration: Collaboration,
    /// The new member.
    pub person: domain::PersonId,
}

/// Accepts an invitation for the person who signed in.
///
/// # Errors
/// `NotFound` for a secret that opens nothing, `Unauthenticated` to anybody who is no person, `Conflict` for one that was
/// answered, whose time is over, or for somebody who is a member already.
pub async fn accept(app: &App, ctx: &Ctx, secret: &str) -> Result<Accepted> {
    let op = Answer(Base::new(app, ctx), secret::hash(secret));
    match app.store().run(op, &ctx.meter).await? {
        Outcome::Accepted(accepted) => Ok(*accepted),
        Outcome::Refused(text) => Err(conflict(text)),
    }
}

/// A refusal is an outcome, because it changes the invitation.
enum Outcome {
    Accepted(Box<Accepted>),
    Refused(String),
}

#[derive(Clone)]
struct Answer(Base, [u8; 32]);

impl Op for Answer {
    type Out = Outcome;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Outcome> {
        let Self(base, hash) = self;
        let Caller::Person(person) = &base.ctx.caller else {
            return Err(Error::new(Kind::Unauthenticated, "Sign in to accept an invitation"));
        };
        crate::gate::active(s, &base.ctx).await?;
        let (invitation, of) = by_secret(s, &hash).await?;
        if invitation.status != InvitationStatus::Open {
            let text = format!("The invitation has status {}", invitation.status.as_str());
            return Ok(Outcome::Refused(text));
        }
        if invitation.expires_at <= base.now {
            close(s, &invitation, InvitationStatus::Expired, None).await?;
            let text = format!("The invitation has expired at {}", invitation.expires_at.iso_millis());
            return Ok(Outcome::Refused(text));
        }
        if collaborations::is_member(s, of.id, person.id).await? {
            invitations::delete(s, invitation.id).await?;
            return Ok(Outcome::Refused(format!("You are already a member of {}", of.name)));
        }
        let uid = collaborations::uid(s, person.id).await?;
        let new = NewMembership {
            collaboration: of.id,
            person: person.id,
            role: invitation.role,
            expires_at: invitation.membership_expires_at,
            invitation: Some(invitation.id),
            keeps_invitation: !invitation.personal,
            by: &uid,
        };
        collaborations::new_membership(s, &new, base.now).await?;
        close(s, &invitation, InvitationStatus::Accepted, Some(person.id)).await?;
        collaborations::touch(s, of.id, base.now).await?;
        let after = json!({ "collaboration": of.uuid, "person": person.uuid, "role": invitation.role.as_str() });
        base.changed(
            s,
            &of,
            "invitation.accept",
            format!("invitation:{}", invitation.uuid),
            after,
        )
        .await?;
        Ok(Outcome::Accepted(Box::new(Accepted {
            collaboration: of,
            person: person.id,
        })))
    }
}

/// An invitation that a person made is gone once it is answered.
async fn close<S: Session>(
    s: &mut S,
    invitation: &Invitation,
    status: InvitationStatus,
    by: Option<domain::PersonId>,
) -> Result<()> {
    if invitation.personal {
        invitations::delete(s, invitation.id).await?;
    } else {
        invitations::set_status(s, invitation.id, status, by).await?;
    }
    Ok(())
}

/// Declines an invitation: it is gone.
///
/// # Errors
/// `NotFound` for a secret that opens nothing, `Conflict` for one that was answered.
pub async fn decline(app: &App, ctx: &Ctx, secret: &str) -> Result<()> {
    let op = Decline(Base::new(app, ctx), secret::hash(secret));
    app.store().run(op, &ctx.meter).await
}

#[derive(Clone)]
struct Decline(Base, [u8; 32]);

impl Op for Decline {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        let Self(base, hash) = self;
        let (invitation, of) = by_secret(s, &hash).await?;
        if invitation.status != InvitationStatus::Open {
            return Err(conflict(format!(
                "The invitation has status {}",
                invitation.status.as_str()
            )));
        }
        invitations::delete(s, invitation.id).await?;
        let after = json!({ "email": invitation.email });
        Ok(base
            .changed(
                s,
                &of,
                "invitation.decline",
                format!("invitation:{}", invitation.uuid),
                after,
            )
            .await?)
    }
}
