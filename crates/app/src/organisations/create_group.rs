//! Creating a group (organisations contract, E11).

use serde_json::json;
use store::{
    Access, Op, Session,
    collaborations::{self, Group, Part, WrittenGroup},
};
use uuid::Uuid;

use super::{BY_TOKEN, Base, Collaboration, reach};
use crate::{App, Ctx, Error, Result};

/// A group to create, its short name cleansed.
#[derive(Clone, Debug)]
pub struct Request {
    /// Public id of the collaboration.
    pub collaboration: String,
    /// Name.
    pub name: String,
    /// Short name.
    pub short_name: String,
    /// Description.
    pub description: Option<String>,
    /// Everybody is put in it, now and later.
    pub auto_provision_members: bool,
}

/// Creates a group; nothing when the collaboration has one with this name or short name.
///
/// # Errors
/// `NotFound` for an unknown collaboration, `Denied` for one out of reach.
pub async fn create_group(app: &App, ctx: &Ctx, request: Request) -> Result<Option<(Group, Collaboration)>> {
    let about = format!("collaboration:{}", request.collaboration);
    let op = Create(Base::new(app, ctx), app.entropy().uuid(), request);
    match app.decide(ctx, "group.create", || about, op).await {
        // Another request was first.
        Err(error) if error.kind == domain::Kind::Conflict => Ok(None),
        outcome => outcome,
    }
}

#[derive(Clone)]
struct Create(Base, Uuid, Request);

impl Op for Create {
    type Out = Option<(Group, Collaboration)>;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let Self(base, uuid, request) = self;
        let of = reach::collaboration(s, &base.ctx, &request.collaboration).await?;
        let is_same = |group: &Group| group.name == request.name || group.short_name == request.short_name;
        let parts = collaborations::parts(s, &[of.id.0]).await?;
        if parts
            .iter()
            .any(|part| matches!(part, Part::Group(group) if is_same(group)))
        {
            return Ok(None);
        }
        let new = WrittenGroup {
            uuid,
            collaboration: of.id,
            short_name: &request.short_name,
            name: &request.name,
            description: request.description.as_deref(),
            auto_provision_members: request.auto_provision_members,
            service_group: None,
            by: BY_TOKEN,
        };
        let group = collaborations::write_group(s, &new, base.now).await?;
        if group.auto_provision_members {
            collaborations::join_groups_by_all(s, &[group.id.0], base.now).await?;
        }
        collaborations::touch(s, of.id, base.now).await?;
        let after = json!({
            "collaboration": of.uuid, "name": group.name, "short_name": group.short_name,
            "auto_provision_members": group.auto_provision_members,
        });
        base.changed(s, &of, "group.create", format!("group:{}", group.uuid), after)
            .await?;
        Ok(Some((group, of.into_inner())))
    }
}
