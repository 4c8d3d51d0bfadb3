//! Sending an invitation again (organisations contract, E20).

use serde_json::json;
use store::{Access, Op, Session, invitations};

use super::{
    Base, INVITATION_SECONDS, InvitationStatus, reach,
    read_invitation::{InvitationView, view},
};
use crate::{App, Ctx, Error, Result, mail};

/// Sends an invitation again, as a reminder. One whose time is over is opened anew; one that was answered stays as it is,
/// and nobody is bothered with it.
///
/// # Errors
/// `NotFound` for an unknown one, `Denied` for one to a collaboration out of reach.
pub async fn resend_invitation(app: &App, ctx: &Ctx, identifier: &str) -> Result<InvitationView> {
    let op = Resend(Base::new(app, ctx), identifier.to_owned());
    app.decide(ctx, "invitation.resend", || format!("invitation:{identifier}"), op)
        .await
}

#[derive(Clone)]
struct Resend(Base, String);

impl Op for Resend {
    type Out = InvitationView;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<InvitationView> {
        let Self(base, identifier) = self;
        let (mut invitation, of) = reach::invitation(s, &base.ctx, &identifier).await?;
        let waits = matches!(invitation.status, InvitationStatus::Open | InvitationStatus::Expired);
        if waits {
            if invitation.status == InvitationStatus::Expired || invitation.expires_at <= base.now {
                invitation.expires_at = base.now.plus_seconds(INVITATION_SECONDS);
                invitation.created_at = base.now;
                invitation.status = InvitationStatus::Open;
                invitations::renew(s, invitation.id, invitation.expires_at, base.now).await?;
            }
            mail::invite(s, &[invitation.uuid], true, base.now).await?;
        }
        let after = json!({ "email": invitation.email, "expires_at": invitation.expires_at.iso_millis() });
        let object = format!("invitation:{}", invitation.uuid);
        base.changed(s, &of, "invitation.resend", object, after).await?;
        view(s, invitation, of.into_inner()).await
    }
}
