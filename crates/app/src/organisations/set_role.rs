//! Giving a member another role (organisations contract, E4).

use serde_json::json;
use store::{Access, Op, Session, collaborations};

use super::{BY_TOKEN, Base, CollaborationRole, Member, object, reach};
use crate::{App, Ctx, Error, Result};

/// Gives a member of a collaboration another role.
///
/// # Errors
/// `NotFound` for an unknown collaboration or member, `Denied` for one out of reach.
pub async fn set_role(app: &App, ctx: &Ctx, identifier: &str, uid: &str, role: CollaborationRole) -> Result<Member> {
    let op = SetRole {
        base: Base::new(app, ctx),
        identifier: identifier.to_owned(),
        uid: uid.to_owned(),
        role,
    };
    app.decide(
        ctx,
        "collaboration.member.role",
        || format!("collaboration:{identifier}"),
        op,
    )
    .await
}

#[derive(Clone)]
struct SetRole {
    base: Base,
    identifier: String,
    uid: String,
    role: CollaborationRole,
}

impl Op for SetRole {
    type Out = Member;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Member> {
        let of = reach::collaboration(s, &self.base.ctx, &self.identifier).await?;
        let member = collaborations::find_person_by_uid(s, of.id, &self.uid).await?;
        let member = member.ok_or_else(reach::not_found)?;
        collaborations::set_role(s, member.id, self.role, BY_TOKEN).await?;
        let after = json!({ "person": member.uuid, "was": member.role.as_str(), "role": self.role.as_str() });
        self.base
            .changed(s, &of, "collaboration.member.role", object(&of), after)
            .await?;
        Ok(Member {
            role: self.role,
            updated_by: Some(BY_TOKEN.to_owned()),
            ..member
        })
    }
}
