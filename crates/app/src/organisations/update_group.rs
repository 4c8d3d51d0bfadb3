//! Changing a group (organisations contract, E14).

use serde_json::json;
use store::{
    Access, Op, Session,
    collaborations::{self, Group},
};

use super::{BY_TOKEN, Base, Collaboration, invalid, reach};
use crate::{App, Ctx, Error, Result};

/// What changes; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Name.
    pub name: Option<String>,
    /// Description; there, but none: it is removed.
    pub description: Option<Option<String>>,
    /// Everybody is put in it, now and later.
    pub auto_provision_members: Option<bool>,
}

/// Changes a group.
///
/// # Errors
/// `NotFound` for an unknown group, `Denied` for one out of reach, `Invalid` for the name or description of a copy of a
/// service's group.
pub async fn update_group(app: &App, ctx: &Ctx, identifier: &str, change: Change) -> Result<(Group, Collaboration)> {
    let op = Update(Base::new(app, ctx), identifier.to_owned(), change);
    app.decide(ctx, "group.update", || format!("group:{identifier}"), op)
        .await
}

#[derive(Clone)]
struct Update(Base, String, Change);

impl Op for Update {
    type Out = (Group, Collaboration);
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let Self(base, identifier, change) = self;
        let (before, of) = reach::group(s, &base.ctx, &identifier).await?;
        if before.service_group.is_some() {
            let named = [
                ("name", change.name.is_some()),
                ("description", change.description.is_some()),
            ];
            if let Some((key, _)) = named.into_iter().find(|(_, there)| *there) {
                return Err(invalid(format!("Cannot change {key} of group {}", before.uuid)));
            }
        }
        let group = Group {
            name: change.name.unwrap_or_else(|| before.name.clone()),
            description: change.description.unwrap_or_else(|| before.description.clone()),
            auto_provision_members: change.auto_provision_members.unwrap_or(before.auto_provision_members),
            updated_by: Some(BY_TOKEN.to_owned()),
            updated_at: Some(base.now),
            ..before.clone()
        };
        collaborations::set_group(s, &group).await?;
        if group.auto_provision_members && !before.auto_provision_members {
            collaborations::join_groups_by_all(s, &[group.id.0], base.now).await?;
        }
        collaborations::touch(s, of.id, base.now).await?;
        let after = json!({
            "name": group.name, "description": group.description,
            "auto_provision_members": group.auto_provision_members,
        });
        base.changed(s, &of, "group.update", format!("group:{}", group.uuid), after)
            .await?;
        Ok((group, of.into_inner()))
    }
}
