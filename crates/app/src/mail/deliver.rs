//! Composing and sending what the outbox holds.

use domain::Kind;
use store::{
    Access, Op, Session,
    collaborations::{self, Collaboration, Part},
    invitations::{self, Invitation},
    organisations::InvitationStatus,
    outbox::Effect,
};
use uuid::Uuid;

use super::{Mail, compose};
use crate::{App, Error, Result, organisations::invite::PURPOSE};

/// Sends the mail of an effect. What there is no reason for any more (an invitation that was answered or withdrawn) is not
/// sent, and without an SMTP server nothing is.
pub(crate) async fn deliver(app: &App, effect: &Effect) -> Result<()> {
    let mail: Mail = serde_json::from_str(&effect.payload)
        .map_err(|error| Error::new(Kind::Internal, "an effect cannot be read").because(error))?;
    let Some(mailer) = &app.0.mailer else {
        tracing::info!(effect = effect.id, "no mail is sent: mail.smtp_url is not set");
        return Ok(());
    };
    let public_url = &app.settings().public_url;
    let message = match &mail {
        Mail::Notice(notice) => {
            let Some(to) = notice.to.first() else { return Ok(()) };
            compose::notice(notice, to, public_url)?
        }
        Mail::Invitation { invitation, reminder } => {
            let meter = &app.job_context().meter;
            let Some(found) = app.store().run(Find(*invitation), meter).await? else {
                return Ok(());
            };
            let secret = app.0.links.secret(PURPOSE, *invitation);
            compose::invitation(
                public_url,
                secret.text().reveal(),
                &found.invitation,
                &found.to,
                &found.services,
                *reminder,
            )?
        }
    };
    let number = format!("{}.{}", effect.id, effect.created_at.0);
    mailer.send(message, &number, app.now()).await
}

struct Found {
    invitation: Invitation,
    to: Collaboration,
    services: Vec<String>,
}

#[derive(Clone)]
struct Find(Uuid);

impl Op for Find {
    type Out = Option<Found>;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let Some(invitation) = invitations::find(s, self.0).await? else {
            return Ok(None);
        };
        if invitation.status != InvitationStatus::Open {
            return Ok(None);
        }
        let Some(to) = collaborations::find_by_id(s, invitation.collaboration).await? else {
            return Ok(None);
        };
        let parts = collaborations::parts(s, &[to.id.0]).await?;
        let service = |part: Part| match part {
            Part::Service(_, service) => Some(service.name),
            Part::Group(_) => None,
        };
        Ok(Some(Found {
            invitation,
            to,
            services: parts.into_iter().filter_map(service).collect(),
        }))
    }
}
