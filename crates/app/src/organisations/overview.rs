//! The organisation of a token with the collaborations that it covers (organisations contract, E22 and 3.6). A scoped token
//! is told of nothing else: no other unit, nobody else's number.

use std::collections::BTreeSet;

use access::TokenScope;
use domain::CollaborationId;
use store::{
    Access, Op, Session,
    collaborations::{self, Filter},
    organisations as rows,
};

use super::{Full, OrganisationRow, reach, read::all};
use crate::{App, Ctx, Error, Result};

/// Collaborations that are read and told at once. Larger organisations are told page by page, in constant memory.
const PAGE: i64 = 500;

/// What must be true of a collaboration to be listed; the lists name what it must have all of.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Names of units, in whatever case.
    pub units: Option<Vec<String>>,
    /// Labels.
    pub labels: Option<Vec<String>>,
    /// Abbreviations of services.
    pub services: Option<Vec<String>>,
}

/// The organisation, and the first collaborations.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The organisation.
    pub organisation: OrganisationRow,
    /// The names of its units as far as the token reaches.
    pub units: Vec<String>,
    /// How many members it has, as far as the token reaches.
    pub memberships: i64,
    /// The first collaborations.
    pub first: Page,
}

/// Some collaborations.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The collaborations.
    pub collaborations: Vec<Full>,
    /// How to get those after them, if there are any.
    pub next: Option<Next>,
}

/// Where a list goes on.
#[derive(Clone, Debug)]
pub struct Next(Filter, CollaborationId);

/// Reads the organisation of the token.
///
/// # Errors
/// `Denied` to callers without a token.
pub async fn overview(app: &App, ctx: &Ctx, wanted: Wanted) -> Result<Overview> {
    let op = Read(ctx.clone(), wanted);
    app.decide(ctx, "organisation.read", || "organisation".to_owned(), op)
        .await
}

/// Reads the collaborations after those that were read before.
///
/// # Errors
/// When the database fails.
pub async fn more(app: &App, ctx: &Ctx, next: Next) -> Result<Page> {
    app.store().run(More(next), &ctx.meter).await
}

#[derive(Clone)]
struct Read(Ctx, Wanted);

impl Op for Read {
    type Out = Overview;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Overview> {
        let Self(ctx, wanted) = self;
        let token = reach::token(&ctx)?;
        let organisation = rows::organisation_by_id(s, token.organisation).await?;
        let organisation = organisation.ok_or_else(reach::not_found)?;
        let scope: Option<Vec<i64>> = match &token.scope {
            TokenScope::Organisation => None,
            TokenScope::Units(units) => Some(units.iter().map(|unit| unit.0).collect()),
        };
        let memberships = rows::count_members(s, token.organisation, scope.as_deref()).await?;
        let mut units = rows::units(s, &[token.organisation.0]).await?;
        if let TokenScope::Units(held) = &token.scope {
            units.retain(|unit| held.contains(&unit.id));
        }
        let first = match filter(token, &units, wanted) {
            None => Page::default(),
            Some(filter) => page(s, Next(filter, CollaborationId(0))).await?,
        };
        Ok(Overview {
            organisation,
            units: units.into_iter().map(|unit| unit.name).collect(),
            memberships,
            first,
        })
    }
}

/// What the list is filtered by; nothing when nothing can match.
fn filter(token: &rows::TokenCaller, units: &[rows::UnitRow], wanted: Wanted) -> Option<Filter> {
    let mut ids = BTreeSet::new();
    for name in wanted.units.unwrap_or_default() {
        let folded = name.to_lowercase();
        ids.insert(units.iter().find(|unit| unit.name.to_lowercase() == folded)?.id.0);
    }
    let folded = |names: Option<Vec<String>>| -> Vec<String> {
        let names = names.unwrap_or_default();
        names.iter().map(|name| name.to_lowercase()).collect()
    };
    Some(Filter {
        organisation: token.organisation,
        scope: token.scope.clone(),
        units: ids.into_iter().collect(),
        labels: folded(wanted.labels),
        services: folded(wanted.services),
    })
}

async fn page<S: Session>(s: &mut S, Next(filter, after): Next) -> Result<Page> {
    let mut found = collaborations::list(s, &filter, after, PAGE + 1).await?;
    let is_more = found.len() > usize::try_from(PAGE).unwrap_or(usize::MAX);
    if is_more {
        found.pop();
    }
    let next = found.last().filter(|_| is_more).map(|last| Next(filter, last.id));
    Ok(Page {
        collaborations: all(s, found).await?,
        next,
    })
}

#[derive(Clone)]
struct More(Next);

impl Op for More {
    type Out = Page;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Page> {
        page(s, self.0).await
    }
}
