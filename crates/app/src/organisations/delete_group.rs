//! Deleting a group (organisations contract, E12).

use serde_json::json;
use store::{Access, Op, Session, collaborations};

use super::{Base, reach};
use crate::{App, Ctx, Error, Result};

/// Deletes a group. Its members stay in the collaboration, and invitations that named it stay without it.
///
/// # Errors
/// `NotFound` for an unknown group, `Denied` for one out of reach.
pub async fn delete_group(app: &App, ctx: &Ctx, identifier: &str) -> Result<()> {
    let op = Delete(Base::new(app, ctx), identifier.to_owned());
    app.decide(ctx, "group.delete", || format!("group:{identifier}"), op)
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
        let (group, of) = reach::group(s, &base.ctx, &identifier).await?;
        collaborations::delete_group(s, group.id).await?;
        collaborations::touch(s, of.id, base.now).await?;
        let after = json!({ "name": group.name, "short_name": group.short_name });
        Ok(base
            .changed(s, &of, "group.delete", format!("group:{}", group.uuid), after)
            .await?)
    }
}
