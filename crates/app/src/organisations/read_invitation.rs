//! One invitation (organisations contract, E18).

use store::{Access, Op, Session, invitations};

use super::{Collaboration, Invitation, InvitationGroup, reach};
use crate::{App, Ctx, Error, Result};

/// An invitation with what it leads to.
#[derive(Clone, Debug)]
pub struct InvitationView {
    /// The invitation.
    pub invitation: Invitation,
    /// To which collaboration.
    pub collaboration: Collaboration,
    /// The groups it brings.
    pub groups: Vec<InvitationGroup>,
}

/// Reads an invitation.
///
/// # Errors
/// `NotFound` for an unknown one, `Denied` for one to a collaboration out of reach.
pub async fn read_invitation(app: &App, ctx: &Ctx, identifier: &str) -> Result<InvitationView> {
    let op = Read(ctx.clone(), identifier.to_owned());
    app.decide(ctx, "invitation.read", || format!("invitation:{identifier}"), op)
        .await
}

#[derive(Clone)]
struct Read(Ctx, String);

impl Op for Read {
    type Out = InvitationView;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<InvitationView> {
        let (invitation, of) = reach::invitation(s, &self.0, &self.1).await?;
        view(s, invitation, of.into_inner()).await
    }
}

pub(super) async fn view<S: Session>(s: &mut S, invitation: Invitation, of: Collaboration) -> Result<InvitationView> {
    let groups = invitations::groups(s, &[invitation.id]).await?;
    Ok(InvitationView {
        invitation,
        collaboration: of,
        groups,
    })
}
