//! Inviting many addresses at once (organisations contract, E16): one transaction, and a fixed number of statements.

use std::collections::BTreeSet;

use domain::{Kind, Timestamp};
use serde_json::{Value, json};
use store::{
    Access, Op, Session,
    collaborations::{self, Part},
    invitations::{self, Batch, Invitee},
};
use uuid::Uuid;

use super::{Base, CollaborationRole, INVITATION_SECONDS, Named, invalid, place, reach};
use crate::{App, Ctx, Error, Result, audit, mail};

/// What the secrets of invitations are derived for.
pub(crate) const PURPOSE: &str = "invitation";

/// Invitations to send, checked for their shape.
#[derive(Clone, Debug)]
pub struct Request {
    /// To which collaboration.
    pub named: Named,
    /// The addresses, without doubles.
    pub emails: Vec<String>,
    /// To be what.
    pub role: CollaborationRole,
    /// Until when they can be accepted.
    pub expires_at: Option<Timestamp>,
    /// Until when the memberships hold.
    pub membership_expires_at: Option<Timestamp>,
    /// In whose name; the organisation's if absent.
    pub sender_name: Option<String>,
    /// What they say.
    pub message: Option<String>,
    /// Groups to join, by short name or public id.
    pub groups: Vec<String>,
}

/// An invitation that was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Public id.
    pub uuid: Uuid,
    /// The address.
    pub email: String,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
}

/// Invites; all or none.
///
/// # Errors
/// `Denied` for a collaboration out of reach, `Invalid` for an address that has an open invitation and for an unknown group.
pub async fn invite(app: &App, ctx: &Ctx, request: Request) -> Result<Vec<Sent>> {
    let op = Invite {
        base: Base::new(app, ctx),
        invitees: mint(app, &request.emails),
        request,
    };
    app.decide(ctx, "invitation.create", || "collaboration".to_owned(), op)
        .await
}

/// Ids and hashes of secrets for addresses. The secret follows from the id and the server's key: a mail can be written
/// again without anybody keeping it.
pub(super) fn mint(app: &App, emails: &[String]) -> Vec<Invitee> {
    let one = |email: &String| {
        let uuid = app.entropy().uuid();
        Invitee {
            uuid,
            secret_hash: app.0.links.secret(PURPOSE, uuid).hash(),
            email: email.clone(),
        }
    };
    emails.iter().map(one).collect()
}

/// What the audit record says about each.
pub(super) fn changes(invitees: &[Invitee], batch: &Batch<'_>) -> Vec<(String, Value)> {
    let change = |invitee: &Invitee| {
        let after = json!({
            "email": invitee.email, "role": batch.role.as_str(), "expires_at": batch.expires_at.iso_millis(),
        });
        (format!("invitation:{}", invitee.uuid), after)
    };
    invitees.iter().map(change).collect()
}

#[derive(Clone)]
struct Invite {
    base: Base,
    invitees: Vec<Invitee>,
    request: Request,
}

impl Op for Invite {
    type Out = Vec<Sent>;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Vec<Sent>> {
        let (request, now) = (&self.request, self.base.now);
        let of = reach::own(s, &self.base.ctx, &request.named).await?;
        let folded: Vec<String> = request.emails.iter().map(|email| email.to_lowercase()).collect();
        let doubles = invitations::doubles(s, of.id, &folded).await?;
        if !doubles.is_empty() {
            return Err(invalid(format!("Duplicate email invitations: {doubles:?}")));
        }
        let groups = groups(s, of.id, &request.groups).await?;
        let organisation = reach::token(&self.base.ctx)?.organisation_name.clone();
        let batch = Batch {
            collaboration: of.id,
            role: request.role,
            sender_name: Some(request.sender_name.as_deref().unwrap_or(&organisation)),
            message: request.message.as_deref(),
            expires_at: request.expires_at.unwrap_or(now.plus_seconds(INVITATION_SECONDS)),
            membership_expires_at: request.membership_expires_at,
            groups: &groups,
        };
        invitations::create(s, &batch, &self.invitees, self.base.ctx.caller.stamp(), now).await?;
        collaborations::touch(s, of.id, now).await?;
        let changes = changes(&self.invitees, &batch);
        audit::changed_many(s, &self.base.ctx, now, place(&of), "invitation.create", &changes).await?;
        let ids: Vec<Uuid> = self.invitees.iter().map(|invitee| invitee.uuid).collect();
        mail::invite(s, &ids, false, now).await?;
        let expires_at = batch.expires_at;
        let sent = self.invitees.into_iter().map(|invitee| Sent {
            uuid: invitee.uuid,
            email: invitee.email,
            expires_at,
        });
        Ok(sent.collect())
    }
}

/// The groups of a collaboration with these short names or public ids.
pub(super) async fn groups<S: Session>(s: &mut S, of: domain::CollaborationId, named: &[String]) -> Result<Vec<i64>> {
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let parts = collaborations::parts(s, &[of.0]).await?;
    let mut found = BTreeSet::new();
    for name in named {
        let group = parts.iter().find_map(|part| match part {
            Part::Group(group) if group.short_name == *name || group.uuid.to_string() == *name => Some(group.id.0),
            _ => None,
        });
        let group = group.ok_or_else(|| Error::new(Kind::Invalid, format!("Invalid group identifier: {name}")))?;
        found.insert(group);
    }
    Ok(found.into_iter().collect())
}
