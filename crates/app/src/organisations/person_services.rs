//! The services that a person reaches through collaborations which the token covers (organisations contract, E23).

use access::TokenScope;
use domain::{Kind, PersonId};
use store::{Access, Op, Session, services};

use super::{Service, reach};
use crate::{App, Ctx, Error, Result};

/// Lists the services of a person.
///
/// # Errors
/// `Denied` for somebody who is in none of these collaborations, whether they exist or not.
pub async fn person_services(app: &App, ctx: &Ctx, person: PersonId) -> Result<Vec<Service>> {
    app.decide(
        ctx,
        "person.services",
        || format!("person:{person}"),
        List(ctx.clone(), person),
    )
    .await
}

#[derive(Clone)]
struct List(Ctx, PersonId);

impl Op for List {
    type Out = Vec<Service>;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let token = reach::token(&self.0)?;
        let units: Option<Vec<i64>> = match &token.scope {
            TokenScope::Organisation => None,
            TokenScope::Units(units) => Some(units.iter().map(|unit| unit.0).collect()),
        };
        let found = services::of_person(s, token.organisation, units.as_deref(), self.1).await?;
        found.ok_or_else(|| {
            let text = format!(
                "User {} is not a member of a collaboration in the {} organisation",
                self.1, token.organisation_name
            );
            Error::new(Kind::Denied, text)
        })
    }
}
