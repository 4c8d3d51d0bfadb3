//! Deleting a collaboration with everything that belongs to it (organisations contract, E3).

use serde_json::json;
use store::{Access, Op, Session, collaborations};

use super::{Base, object, reach};
use crate::{App, Ctx, Error, Result};

/// Deletes a collaboration.
///
/// # Errors
/// `NotFound` for an unknown one, `Denied` for one out of reach, `Conflict` for one that still holds files.
pub async fn delete(app: &App, ctx: &Ctx, identifier: &str) -> Result<()> {
    let op = Delete(Base::new(app, ctx), identifier.to_owned());
    app.decide(
        ctx,
        "collaboration.delete",
        || format!("collaboration:{identifier}"),
        op,
    )
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
        let found = reach::collaboration(s, &base.ctx, &identifier).await?;
        let after = json!({ "name": found.name, "short_name": found.short_name });
        base.changed(s, &found, "collaboration.delete", object(&found), after)
            .await?;
        Ok(collaborations::delete(s, found.organisation, found.id).await?)
    }
}
