//! Replacing the units of a collaboration, for tokens of the whole organisation only (organisations contract, E6 and 3.5).

use std::collections::BTreeSet;

use access::TokenScope;
use domain::{Kind, UnitId};
use serde_json::json;
use store::{Access, Op, Session, collaborations, organisations as rows};

use super::{Base, Collaboration, invalid, object, reach};
use crate::{App, Ctx, Error, Result};

/// Replaces the units of a collaboration, and answers it with its new ones and their keys.
///
/// # Errors
/// `NotFound` for an unknown collaboration and for one of another organisation, `Denied` to a scoped token, `Invalid`
/// for a unit that the organisation has not.
pub async fn set_units(app: &App, ctx: &Ctx, identifier: &str, names: Vec<String>) -> Result<Changed> {
    let op = SetUnits(Base::new(app, ctx), identifier.to_owned(), Some(names));
    app.decide(ctx, "collaboration.units", || format!("collaboration:{identifier}"), op)
        .await
}

/// Whether the caller may replace the units of a collaboration at all: a request that cannot be read is told so only then.
///
/// # Errors
/// As [`set_units`].
pub async fn check(app: &App, ctx: &Ctx, identifier: &str) -> Result<()> {
    let op = SetUnits(Base::new(app, ctx), identifier.to_owned(), None);
    app.decide(ctx, "collaboration.units", || format!("collaboration:{identifier}"), op)
        .await
        .map(drop)
}

/// A collaboration after the change.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The collaboration.
    pub collaboration: Collaboration,
    /// Its units by key, in the order of their names.
    pub units: Vec<(UnitId, String)>,
}

#[derive(Clone)]
struct SetUnits(Base, String, Option<Vec<String>>);

impl Op for SetUnits {
    type Out = Changed;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Changed> {
        let Self(base, identifier, names) = self;
        let token = reach::token(&base.ctx)?;
        let found = reach::of_organisation(s, token, &identifier).await?;
        if token.scope != TokenScope::Organisation {
            let text = "API key is scoped with units. Update collaboration units not allowed";
            return Err(Error::new(Kind::Denied, text));
        }
        let Some(names) = names else {
            return Ok(Changed {
                collaboration: found.into_inner(),
                units: Vec::new(),
            });
        };
        let known = rows::units(s, &[token.organisation.0]).await?;
        let mut wanted = BTreeSet::new();
        for name in &names {
            let unit = known.iter().find(|unit| unit.name == *name);
            let unit =
                unit.ok_or_else(|| invalid(format!("Unit with name {name} does not exist in this organisation")))?;
            wanted.insert(unit.id);
        }
        let added: Vec<i64> = wanted.difference(&found.units).map(|unit| unit.0).collect();
        let removed: Vec<i64> = found.units.difference(&wanted).map(|unit| unit.0).collect();
        if !added.is_empty() {
            rows::add_collaboration_units(s, found.id, &added).await?;
        }
        if !removed.is_empty() {
            rows::remove_collaboration_units(s, found.id, &removed).await?;
        }
        let after = json!({ "was": found.unit_names, "units": names });
        base.changed(s, &found, "collaboration.units", object(&found), after)
            .await?;
        let collaboration = collaborations::find_by_id(s, found.id).await?;
        Ok(Changed {
            collaboration: collaboration.ok_or_else(reach::not_found)?,
            units: known
                .into_iter()
                .filter(|unit| wanted.contains(&unit.id))
                .map(|unit| (unit.id, unit.name))
                .collect(),
        })
    }
}
