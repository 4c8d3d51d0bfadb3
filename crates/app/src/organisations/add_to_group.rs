//! Putting a member of the collaboration into a group (organisations contract, E13).

use serde_json::json;
use store::{
    Access, Op, Session,
    collaborations::{self, Group},
};

use super::{Base, Collaboration, conflict, reach};
use crate::{App, Ctx, Error, Result};

/// Puts somebody into a group; answers the group.
///
/// # Errors
/// `NotFound` for an unknown group or person, `Denied` for a group out of reach, `Conflict` for somebody who is no member
/// of the collaboration, or in the group already.
pub async fn add_to_group(
    app: &App,
    ctx: &Ctx,
    identifier: &str,
    uid: Option<String>,
) -> Result<(Group, Collaboration)> {
    let op = Add(Base::new(app, ctx), identifier.to_owned(), uid);
    app.decide(ctx, "group.member.add", || format!("group:{identifier}"), op)
        .await
}

#[derive(Clone)]
struct Add(Base, String, Option<String>);

impl Op for Add {
    type Out = (Group, Collaboration);
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let Self(base, identifier, uid) = self;
        let (group, of) = reach::group(s, &base.ctx, &identifier).await?;
        let uid = uid.ok_or_else(reach::not_found)?;
        let Some(member) = collaborations::find_person_by_uid(s, of.id, &uid).await? else {
            if collaborations::people_with_uid(s, &uid).await?.is_empty() {
                return Err(reach::not_found());
            }
            return Err(conflict(format!(
                "User {uid} is not a member of collaboration {}",
                of.name
            )));
        };
        if !collaborations::add_group_member(s, &group, member.person, base.now).await? {
            return Err(conflict(format!(
                "User {uid} is already member of group {}",
                group.name
            )));
        }
        let after = json!({ "person": member.uuid });
        base.changed(s, &of, "group.member.add", format!("group:{}", group.uuid), after)
            .await?;
        Ok((group, of.into_inner()))
    }
}
