//! Taking somebody out of a group; they stay in the collaboration (organisations contract, E15).

use serde_json::json;
use store::{Access, Op, Session, collaborations};

use super::{Base, reach};
use crate::{App, Ctx, Error, Result};

/// Takes somebody out of a group.
///
/// # Errors
/// `NotFound` for an unknown group and for somebody who is not in it, `Denied` for a group out of reach.
pub async fn remove_from_group(app: &App, ctx: &Ctx, identifier: &str, uid: &str) -> Result<()> {
    let op = Remove(Base::new(app, ctx), identifier.to_owned(), uid.to_owned());
    app.decide(ctx, "group.member.remove", || format!("group:{identifier}"), op)
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
        let (group, of) = reach::group(s, &base.ctx, &identifier).await?;
        let person = collaborations::group_memberships(s, group.id, &uid).await?;
        let person = person.ok_or_else(reach::not_found)?;
        collaborations::remove_from_group(s, group.id, person).await?;
        let after = json!({ "uid": uid });
        Ok(base
            .changed(s, &of, "group.member.remove", format!("group:{}", group.uuid), after)
            .await?)
    }
}
