//! The open invitations to a collaboration (organisations contract, E17).

use store::{Access, Op, Session, invitations};

use super::{reach, read_invitation::InvitationView};
use crate::{App, Ctx, Error, Result};

/// Lists the open invitations to a collaboration, oldest first.
///
/// # Errors
/// `NotFound` for an unknown collaboration, `Denied` for one out of reach.
pub async fn open_invitations(app: &App, ctx: &Ctx, identifier: &str) -> Result<Vec<InvitationView>> {
    let op = List(ctx.clone(), identifier.to_owned());
    app.decide(ctx, "invitation.list", || format!("collaboration:{identifier}"), op)
        .await
}

#[derive(Clone)]
struct List(Ctx, String);

impl Op for List {
    type Out = Vec<InvitationView>;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let of = reach::collaboration(s, &self.0, &self.1).await?;
        let open = invitations::open(s, of.id).await?;
        let ids: Vec<i64> = open.iter().map(|invitation| invitation.id).collect();
        let groups = invitations::groups(s, &ids).await?;
        let view = |invitation: invitations::Invitation| InvitationView {
            groups: groups
                .iter()
                .filter(|group| group.invitation == invitation.id)
                .cloned()
                .collect(),
            collaboration: (*of).clone(),
            invitation,
        };
        Ok(open.into_iter().map(view).collect())
    }
}
