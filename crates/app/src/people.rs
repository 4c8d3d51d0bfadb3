//! Looking people up (objects contract 4.12).

use store::{
    Access, Op, Session,
    people::{self, IdentityProviderRow, PersonRow},
};

pub use store::people::PersonFilter;

use crate::{App, Ctx, Error, Result, gate};

/// A person as others see them.
pub type PersonView = PersonRow;
/// An identity provider somebody signed in through.
pub type IdentityProviderView = IdentityProviderRow;

/// Searches people who have signed in.
pub async fn search(app: &App, ctx: &Ctx, filter: PersonFilter) -> Result<Vec<PersonView>> {
    app.store().run(Search(ctx.clone(), filter), &ctx.meter).await
}

#[derive(Clone)]
struct Search(Ctx, PersonFilter);

impl Op for Search {
    type Out = Vec<PersonView>;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        gate::active(s, &self.0).await?;
        Ok(people::search(s, &self.1).await?)
    }
}

/// Lists identity providers.
pub async fn identity_providers(app: &App, ctx: &Ctx, active: Option<bool>) -> Result<Vec<IdentityProviderView>> {
    app.store()
        .run(IdentityProviders(ctx.clone(), active), &ctx.meter)
        .await
}

#[derive(Clone)]
struct IdentityProviders(Ctx, Option<bool>);

impl Op for IdentityProviders {
    type Out = Vec<IdentityProviderView>;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        gate::active(s, &self.0).await?;
        Ok(people::identity_providers(s, self.1).await?)
    }
}
