//! Changing what an invitation brings (organisations contract, E21): what is absent stays.

use serde_json::json;
use store::{Access, Op, Session, invitations};

use super::{
    Base, CollaborationRole, invite, reach,
    read_invitation::{InvitationView, view},
};
use crate::{App, Ctx, Error, Result};

/// What changes.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// To be what.
    pub role: Option<CollaborationRole>,
    /// Groups to join, by short name or public id.
    pub groups: Option<Vec<String>>,
}

/// Changes an invitation.
///
/// # Errors
/// `NotFound` for an unknown one, `Denied` for one to a collaboration out of reach, `Invalid` for an unknown group.
pub async fn update_invitation(app: &App, ctx: &Ctx, identifier: &str, change: Change) -> Result<InvitationView> {
    let op = Update(Base::new(app, ctx), identifier.to_owned(), change);
    app.decide(ctx, "invitation.update", || format!("invitation:{identifier}"), op)
        .await
}

#[derive(Clone)]
struct Update(Base, String, Change);

impl Op for Update {
    type Out = InvitationView;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<InvitationView> {
        let Self(base, identifier, change) = self;
        let (mut invitation, of) = reach::invitation(s, &base.ctx, &identifier).await?;
        if let Some(named) = &change.groups {
            let groups = invite::groups(s, of.id, named).await?;
            invitations::set_groups(s, &invitation, &groups).await?;
        }
        if let Some(role) = change.role {
            invitations::set_role(s, invitation.id, role).await?;
            invitation.role = role;
        }
        let after = json!({ "role": invitation.role.as_str(), "groups": change.groups });
        let object = format!("invitation:{}", invitation.uuid);
        base.changed(s, &of, "invitation.update", object, after).await?;
        view(s, invitation, of.into_inner()).await
    }
}
