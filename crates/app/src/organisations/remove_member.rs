//! Removing a member, who leaves the groups with it (organisations contract, E5).

use serde_json::json;
use store::{Access, Op, Session, collaborations};

use super::{Base, object, reach};
use crate::{App, Ctx, Error, Result};

/// Removes a member of a collaboration.
///
/// # Errors
/// `NotFound` for an unknown collaboration or member, `Denied` for one out of reach.
pub async fn remove_member(app: &App, ctx: &Ctx, identifier: &str, uid: &str) -> Result<()> {
    let op = Remove(Base::new(app, ctx), identifier.to_owned(), uid.to_owned());
    app.decide(
        ctx,
        "collaboration.member.remove",
        || format!("collaboration:{identifier}"),
        op,
    )
    .await
}

#[derive(Clone)]
struct Remove(Base, String, String);

impl Op for Remove {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        let Self(base, identifier, uid) = self;
        let of = reach::collaboration(s, &base.ctx, &identifier).await?;
        let member = collaborations::find_person_by_uid(s, of.id, &uid).await?;
        let member = member.ok_or_else(reach::not_found)?;
        collaborations::remove_member(s, member.id).await?;
        let after = json!({ "person": member.uuid, "role": member.role.as_str() });
        Ok(base
            .changed(s, &of, "collaboration.member.remove", object(&of), after)
            .await?)
    }
}
