//! Ending the connection of a collaboration to a service (organisations contract, E9 and E10).

use serde_json::json;
use store::{Access, Op, Session, collaborations, services};

use super::{Base, Collaboration, Named, conflict, object, reach};
use crate::{App, Ctx, Error, Result};

/// Disconnects a service.
///
/// # Errors
/// `Denied` for a collaboration out of reach, `NotFound` for an unknown service, `Conflict` for one that is not connected.
pub async fn disconnect(app: &App, ctx: &Ctx, named: Named, entity_id: &str) -> Result<Collaboration> {
    let op = Disconnect(Base::new(app, ctx), named, entity_id.to_owned());
    app.decide(ctx, "collaboration.disconnect", || "collaboration".to_owned(), op)
        .await
}

#[derive(Clone)]
struct Disconnect(Base, Named, String);

impl Op for Disconnect {
    type Out = Collaboration;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Collaboration> {
        let Self(base, named, entity_id) = self;
        let of = reach::own(s, &base.ctx, &named).await?;
        let found = services::connectable(s, of.organisation, of.id, &entity_id).await?;
        let found = found.ok_or_else(reach::not_found)?;
        if !found.is_connected {
            return Err(conflict(format!(
                "Service {entity_id} is not connected to collaboration {}",
                of.name
            )));
        }
        services::disconnect(s, of.id, found.service.id).await?;
        collaborations::touch(s, of.id, base.now).await?;
        let after = json!({ "service": entity_id });
        base.changed(s, &of, "collaboration.disconnect", object(&of), after)
            .await?;
        Ok(of.into_inner())
    }
}
