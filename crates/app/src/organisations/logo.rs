//! The logo of a collaboration, which anybody may see who has its address.

use store::{Access, Op, Session, collaborations};
use uuid::Uuid;

use super::Logo;
use crate::{App, Ctx, Error, Result};

/// The logo of a collaboration, if it has one.
///
/// # Errors
/// When the database fails.
pub async fn logo(app: &App, ctx: &Ctx, collaboration: Uuid) -> Result<Option<Logo>> {
    app.store().run(Find(collaboration), &ctx.meter).await
}

#[derive(Clone)]
struct Find(Uuid);

impl Op for Find {
    type Out = Option<Logo>;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        Ok(collaborations::find_logo(s, self.0).await?)
    }
}
