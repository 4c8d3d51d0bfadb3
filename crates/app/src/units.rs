//! Units of organisations: list, rename, and end with all that follows (organisations contract 3.8, U1–U6).

use std::collections::{BTreeMap, BTreeSet};

use access::plan::{self, Holder, UnitChange, UnitUses};
use domain::{Kind, PersonId, Timestamp, TokenId, UnitId};
use serde_json::{Value, json};
use store::{
    Access, Op, Session,
    organisations::{
        self as rows, OrganisationMember, OrganisationRole, OrganisationRow, TokenRow, UnitCollaboration, UnitRow,
    },
    recipients::{self, Recipients},
};

use crate::{
    App, Ctx, Error, Result,
    apply::operator,
    audit,
    mail::{self, Notice},
    tokens::{no_unit, organisation},
};

/// The longest name, in characters (organisations contract 2.2).
const MAX_NAME: usize = 255;

/// A unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitView {
    /// Name.
    pub name: String,
    /// Since when.
    pub created_at: Timestamp,
}

/// The units of an organisation by name.
///
/// # Errors
/// `NotFound` for an unknown organisation; `Denied` to anybody but the operator.
pub async fn list(app: &App, ctx: &Ctx, organisation: &str) -> Result<Vec<UnitView>> {
    operator(ctx)?;
    app.store().run(List(organisation.to_owned()), &ctx.meter).await
}

#[derive(Clone)]
struct List(String);

impl Op for List {
    type Out = Vec<UnitView>;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let organisation = organisation(s, &self.0).await?;
        let units = rows::units(s, &[organisation.id.0]).await?;
        let view = |unit: UnitRow| UnitView {
            name: unit.name,
            created_at: unit.created_at,
        };
        Ok(units.into_iter().map(view).collect())
    }
}

/// Renames a unit. It stays the same: tokens, managers and collaborations keep it (U6).
///
/// # Errors
/// `NotFound` for an unknown organisation or unit; `Conflict` when another unit has the name, in whatever case;
/// `Invalid` for a name that is none; `Denied` to anybody but the operator.
pub async fn rename(app: &App, ctx: &Ctx, organisation: &str, name: &str, new_name: &str) -> Result<()> {
    operator(ctx)?;
    let is_bad =
        new_name.trim().is_empty() || new_name.chars().count() > MAX_NAME || new_name.chars().any(char::is_control);
    if is_bad {
        return Err(Error::new(
            Kind::Invalid,
            "The name of a unit has 1 to 255 characters and no control characters",
        ));
    }
    let op = Rename {
        ctx: ctx.clone(),
        now: app.now(),
        organisation: organisation.to_owned(),
        name: name.to_owned(),
        new_name: new_name.to_owned(),
    };
    app.store().run(op, &ctx.meter).await
}

#[derive(Clone)]
struct Rename {
    ctx: Ctx,
    now: Timestamp,
    organisation: String,
    name: String,
    new_name: String,
}

impl Op for Rename {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        let organisation = organisation(s, &self.organisation).await?;
        let units = rows::units(s, &[organisation.id.0]).await?;
        let unit = find(&units, &organisation, &self.name)?;
        let folded = self.new_name.to_lowercase();
        if units
            .iter()
            .any(|other| other.id != unit.id && other.name.to_lowercase() == folded)
        {
            return Err(Error::new(
                Kind::Conflict,
                format!("There is a unit {:?} already", self.new_name),
            ));
        }
        if unit.name == self.new_name {
            return Ok(());
        }
        rows::rename_unit(s, unit.id, &self.new_name).await?;
        let after = json!({ "organisation": organisation.uuid, "was": unit.name, "name": self.new_name });
        let object = format!("unit:{}", unit.id);
        Ok(audit::changed(s, &self.ctx, self.now, "unit.rename", object, Some(after)).await?)
    }
}

fn find<'u>(units: &'u [UnitRow], organisation: &OrganisationRow, name: &str) -> Result<&'u UnitRow> {
    units
        .iter()
        .find(|unit| unit.name == name)
        .ok_or_else(|| no_unit(organisation, name))
}

/// What the end of a unit brings with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// One line for each token, manager and collaboration that it changes, for the person who decides.
    pub consequences: Vec<String>,
}

/// Says what would follow if a unit ended now (U5). Changes nothing.
///
/// # Errors
/// `NotFound` for an unknown organisation or unit; `Denied` to anybody but the operator.
pub async fn preview_end(app: &App, ctx: &Ctx, organisation: &str, name: &str) -> Result<Ending> {
    operator(ctx)?;
    let op = Preview(organisation.to_owned(), name.to_owned());
    app.store().run(op, &ctx.meter).await
}

#[derive(Clone)]
struct Preview(String, String);

impl Op for Preview {
    type Out = Ending;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Ending> {
        let facts = Facts::load(s, &self.0, &self.1).await?;
        Ok(facts.ending())
    }
}

/// Ends a unit: it leaves every scope and every collaboration, tokens that had no other are revoked, managers that had no
/// other manage nothing. Nothing is ever widened to the whole organisation (U1–U4).
///
/// With `shown`, the consequences must still be those.
///
/// # Errors
/// `Conflict` when they are not; `NotFound` for an unknown organisation or unit; `Denied` to anybody but the operator.
pub async fn end(app: &App, ctx: &Ctx, organisation: &str, name: &str, shown: Option<&Ending>) -> Result<Ending> {
    operator(ctx)?;
    let op = End {
        ctx: ctx.clone(),
        now: app.now(),
        organisation: organisation.to_owned(),
        name: name.to_owned(),
        shown: shown.cloned(),
    };
    app.store().run(op, &ctx.meter).await
}

#[derive(Clone)]
struct End {
    ctx: Ctx,
    now: Timestamp,
    organisation: String,
    name: String,
    shown: Option<Ending>,
}

impl Op for End {
    type Out = Ending;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Ending> {
        let facts = Facts::load(s, &self.organisation, &self.name).await?;
        let ending = facts.ending();
        if self.shown.is_some_and(|shown| shown != ending) {
            let text = "What ends with the unit has changed in the meantime; look at it again";
            return Err(Error::new(Kind::Conflict, text));
        }
        let revoked: Vec<i64> = facts
            .changes
            .iter()
            .filter_map(|change| match change {
                UnitChange::End {
                    holder: Holder::Token(token),
                } => Some(token.0),
                _ => None,
            })
            .collect();
        if !revoked.is_empty() {
            rows::revoke_tokens(s, &revoked).await?;
        }
        // Everything else follows by the schema: what was bound to units stays bound, to those that are left.
        rows::end_unit(s, facts.unit.id).await?;
        for change in &facts.changes {
            if let Some((action, object, after)) = facts.record(change) {
                audit::changed(s, &self.ctx, self.now, action, object, Some(after)).await?;
            }
        }
        let after = json!({
            "organisation": facts.organisation.uuid, "name": facts.unit.name, "consequences": ending.consequences,
        });
        let object = format!("unit:{}", facts.unit.id);
        audit::changed(s, &self.ctx, self.now, "unit.end", object, Some(after)).await?;
        facts.tell(s, &ending, self.now).await?;
        Ok(ending)
    }
}

/// A unit, everything that refers to it, and what its end would change.
struct Facts {
    organisation: OrganisationRow,
    unit: UnitRow,
    names: BTreeMap<UnitId, String>,
    tokens: BTreeMap<TokenId, TokenRow>,
    managers: BTreeMap<PersonId, OrganisationMember>,
    collaborations: Vec<UnitCollaboration>,
    changes: Vec<UnitChange>,
}

impl Facts {
    async fn load<S: Session>(s: &mut S, short_name: &str, name: &str) -> Result<Self> {
        let organisation = organisation(s, short_name).await?;
        let units = rows::units(s, &[organisation.id.0]).await?;
        let unit = find(&units, &organisation, name)?.clone();
        let tokens = rows::tokens(s, &[organisation.id.0]).await?;
        let members = rows::organisation_members(s, &[organisation.id.0]).await?;
        let managers: Vec<_> = members
            .into_iter()
            .filter(|member| member.role == OrganisationRole::Manager)
            .collect();
        let collaborations = rows::collaborations_of_unit(s, unit.id).await?;
        let of_tokens = tokens
            .iter()
            .map(|token| (Holder::Token(token.id), token.scope.clone()));
        let of_managers = managers
            .iter()
            .map(|member| (Holder::Manager(member.person), member.scope.clone()));
        let uses = UnitUses {
            scopes: of_tokens.chain(of_managers).collect(),
            collaborations: collaborations.iter().map(|one| (one.id, one.units.clone())).collect(),
        };
        Ok(Self {
            changes: plan::end_unit(unit.id, &uses),
            organisation,
            unit,
            names: units.into_iter().map(|unit| (unit.id, unit.name)).collect(),
            tokens: tokens.into_iter().map(|token| (token.id, token)).collect(),
            managers: managers.into_iter().map(|member| (member.person, member)).collect(),
            collaborations,
        })
    }

    /// Tells the administrators of the organisation, and whoever made a token that is revoked or narrowed (U5).
    async fn tell<S: Session>(&self, s: &mut S, ending: &Ending, now: Timestamp) -> Result<()> {
        let administrators = Recipients::OrganisationAdministrators(self.organisation.id);
        let mut to = recipients::addresses(s, administrators).await?;
        let changed = self.changes.iter().filter_map(|change| match change {
            UnitChange::End {
                holder: Holder::Token(id),
            }
            | UnitChange::Narrow {
                holder: Holder::Token(id),
                ..
            } => self.tokens.get(id),
            _ => None,
        });
        let creators: Vec<uuid::Uuid> = changed.map(|token| token.created_by).collect();
        for address in recipients::addresses_of(s, &creators).await? {
            if !to.contains(&address) {
                to.push(address);
            }
        }
        let mut text = vec![format!(
            "The unit {} of {} has ended. Nothing that was bound to it reaches more than before, but for what is named \
             here:",
            self.unit.name, self.organisation.name
        )];
        text.extend(ending.consequences.iter().cloned());
        let notice = Notice {
            to,
            subject: format!("The unit {} has ended", self.unit.name),
            text,
        };
        mail::notify(s, &notice, now).await
    }

    fn ending(&self) -> Ending {
        Ending {
            consequences: self.changes.iter().map(|change| self.line(change)).collect(),
        }
    }

    fn line(&self, change: &UnitChange) -> String {
        match change {
            UnitChange::Narrow { holder, units } => {
                format!("{} keeps {}", self.holder(*holder), self.list(units))
            }
            UnitChange::End {
                holder: holder @ Holder::Manager(_),
            } => format!("{} manages nothing any more", self.holder(*holder)),
            UnitChange::End { holder } => format!("{} is revoked", self.holder(*holder)),
            UnitChange::Release {
                collaboration,
                units,
                newly_covered_by,
            } => {
                let found = self.collaborations.iter().find(|one| one.id == *collaboration);
                let name = found.map_or_else(|| collaboration.to_string(), |one| format!("{:?}", one.name));
                let mut line = format!("collaboration {name} is left with {}", self.list(units));
                for holder in newly_covered_by {
                    line.push_str("; ");
                    line.push_str(&self.holder(*holder));
                    line.push_str(" reaches it from now on");
                }
                line
            }
        }
    }

    fn holder(&self, holder: Holder) -> String {
        match holder {
            Holder::Token(id) => match self.tokens.get(&id) {
                Some(TokenRow {
                    description: Some(text),
                    uuid,
                    ..
                }) => format!("token {text:?} ({uuid})"),
                Some(token) => format!("token {}", token.uuid),
                None => holder.to_string(),
            },
            Holder::Manager(id) => self
                .managers
                .get(&id)
                .map_or_else(|| holder.to_string(), |member| format!("manager {}", member.name)),
            Holder::Invitation(_) => holder.to_string(),
        }
    }

    fn unit_names(&self, units: &BTreeSet<UnitId>) -> Vec<&str> {
        units
            .iter()
            .filter_map(|unit| self.names.get(unit))
            .map(String::as_str)
            .collect()
    }

    fn list(&self, units: &BTreeSet<UnitId>) -> String {
        if units.is_empty() {
            "no unit".to_owned()
        } else {
            self.unit_names(units).join(", ")
        }
    }

    /// What the audit record says about a change.
    fn record(&self, change: &UnitChange) -> Option<(&'static str, String, Value)> {
        let token = |id: &TokenId| self.tokens.get(id).map(|token| format!("token:{}", token.uuid));
        let person = |id: &PersonId| self.managers.get(id).map(|member| format!("person:{}", member.uuid));
        let ended = &self.unit.name;
        let (action, object, units) = match change {
            UnitChange::End {
                holder: Holder::Token(id),
            } => ("token.revoke", token(id)?, None),
            UnitChange::End {
                holder: Holder::Manager(id),
            } => ("organisation.manager.end", person(id)?, None),
            UnitChange::Narrow {
                holder: Holder::Token(id),
                units,
            } => ("token.narrow", token(id)?, Some(units)),
            UnitChange::Narrow {
                holder: Holder::Manager(id),
                units,
            } => ("organisation.manager.narrow", person(id)?, Some(units)),
            UnitChange::Release {
                collaboration, units, ..
            } => {
                let found = self.collaborations.iter().find(|one| one.id == *collaboration)?;
                (
                    "collaboration.release",
                    format!("collaboration:{}", found.uuid),
                    Some(units),
                )
            }
            // The house keeps no invitations of managers.
            UnitChange::End {
                holder: Holder::Invitation(_),
            }
            | UnitChange::Narrow {
                holder: Holder::Invitation(_),
                ..
            } => return None,
        };
        let left = units.map(|units| self.unit_names(units)).unwrap_or_default();
        let after = json!({ "organisation": self.organisation.uuid, "ended": ended, "units": left });
        Some((action, object, after))
    }
}
