//! Withdrawing an invitation, or forgetting an answered one (organisations contract, E19).

use serde_json::json;
use store::{Access, Op, Session, invitations};

use super::{Base, reach};
use crate::{App, Ctx, Error, Result};

/// Deletes an invitation, whatever its status. A membership that came from it stays.
///
/// # Errors
/// `NotFound` for an unknown one, `Denied` for one to a collaboration out of reach.
pub async fn delete_invitation(app: &App, ctx: &Ctx, identifier: &str) -> Result<()> {
    let op = Delete(Base::new(app, ctx), identifier.to_owned());
    app.decide(ctx, "invitation.delete", || format!("invitation:{identifier}"), op)
        .await
}

#[derive(Clone)]
struct Delete(Base, String);

impl Op for Delete {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        let Self(base, identifier) = self;
        let (invitation, of) = reach::invitation(s, &base.ctx, &identifier).await?;
        invitations::delete(s, invitation.id).await?;
        let after = json!({ "email": invitation.email, "status": invitation.status.as_str() });
        let object = format!("invitation:{}", invitation.uuid);
        Ok(base.changed(s, &of, "invitation.delete", object, after).await?)
    }
}
