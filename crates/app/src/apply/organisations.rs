//! Organisations with their units and members.

use std::collections::{BTreeMap, BTreeSet};

use access::TokenScope;
use domain::{OrganisationId, PersonId, UnitId};
use serde_json::json;
use store::{
    Session, collaboration_labels as labels,
    organisations::{
        self as rows, NewOrganisation, OrganisationMember, OrganisationRole, OrganisationRow, OrganisationSettings,
        UnitRow,
    },
};
use uuid::Uuid;

use super::{AppliedOrganisation, Run, invalid, resolved, world};
use crate::Result;

/// An organisation of the file that is on record now.
pub(super) struct Known {
    pub(super) id: OrganisationId,
    pub(super) uuid: Uuid,
    /// For messages.
    pub(super) key: String,
    short_name: String,
    units: BTreeMap<String, UnitId>,
}

impl Known {
    /// The units with these names.
    pub(super) fn units(&self, names: &[String], path: &str) -> Result<BTreeSet<UnitId>> {
        let unit = |(index, name): (usize, &String)| {
            self.units.get(name).copied().ok_or_else(|| {
                let why = format!("the organisation {} has no unit {name:?}", self.short_name);
                invalid(&format!("{path}[{index}]"), &why)
            })
        };
        names.iter().enumerate().map(unit).collect()
    }

    /// The names of units.
    pub(super) fn names<'u>(&self, units: impl IntoIterator<Item = &'u UnitId>) -> Vec<&str> {
        let units: BTreeSet<&UnitId> = units.into_iter().collect();
        self.units
            .iter()
            .filter(|(_, id)| units.contains(id))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// The scope that a list of units in the file means: without any, the whole organisation.
    pub(super) fn scope(&self, names: &[String], path: &str) -> Result<TokenScope> {
        Ok(if names.is_empty() {
            TokenScope::Organisation
        } else {
            TokenScope::Units(self.units(names, path)?)
        })
    }

    /// The scope in the words of the file.
    pub(super) fn scope_names(&self, scope: &TokenScope) -> serde_json::Value {
        match scope {
            TokenScope::Organisation => json!("organisation"),
            TokenScope::Units(units) => json!(self.names(units)),
        }
    }
}

impl<S: Session> Run<'_, S> {
    /// Makes the organisations true, by the keys of the file.
    pub(super) async fn organisations(
        &mut self,
        organisations: &[world::Organisation],
        people: &BTreeMap<String, PersonId>,
    ) -> Result<BTreeMap<String, Known>> {
        let mut known = BTreeMap::new();
        if organisations.is_empty() {
            return Ok(known);
        }
        let short_names: Vec<String> = organisations.iter().map(|wanted| wanted.short_name.clone()).collect();
        let on_record = rows::organisations(self.s, &short_names).await?;
        let ids: Vec<i64> = on_record.iter().map(|row| row.id.0).collect();
        let units = rows::units(self.s, &ids).await?;
        let members = rows::organisation_members(self.s, &ids).await?;
        for (index, wanted) in organisations.iter().enumerate() {
            let path = format!("organisations[{index}]");
            let row = on_record.iter().find(|row| row.short_name == wanted.short_name);
            let (id, uuid) = match row {
                Some(row) => self.update_organisation(row.clone(), wanted).await?,
                None => self.create_organisation(wanted).await?,
            };
            let present: Vec<&UnitRow> = units.iter().filter(|unit| unit.organisation == id).collect();
            let mut organisation = Known {
                id,
                uuid,
                key: wanted.key.clone(),
                short_name: wanted.short_name.clone(),
                units: present.iter().map(|unit| (unit.name.clone(), unit.id)).collect(),
            };
            self.units(&mut organisation, wanted, &path).await?;
            let present: Vec<&OrganisationMember> = members.iter().filter(|member| member.organisation == id).collect();
            self.labels(&organisation, wanted, &path).await?;
            self.organisation_members(&organisation, wanted, &present, people, &path)
                .await?;
            let applied = AppliedOrganisation {
                name: wanted.name.clone(),
                short_name: wanted.short_name.clone(),
            };
            self.applied.organisations.insert(wanted.key.clone(), applied);
            known.insert(wanted.key.clone(), organisation);
        }
        Ok(known)
    }

    async fn create_organisation(&mut self, wanted: &world::Organisation) -> Result<(OrganisationId, Uuid)> {
        let new = NewOrganisation {
            uuid: self.entropy.uuid(),
            short_name: &wanted.short_name,
            name: &wanted.name,
            category: wanted.category.as_deref(),
            description: wanted.description.as_deref(),
            settings: &settings(wanted, &OrganisationSettings::default()),
        };
        let by = self.stamp();
        let id = rows::create_organisation(self.s, &new, by, self.now).await?;
        let after = json!({
            "short_name": new.short_name, "name": new.name, "category": new.category, "description": new.description,
        });
        let line = format!("organisation {}: created", wanted.key);
        self.changed("organisation.create", format!("organisation:{}", new.uuid), line, after)
            .await?;
        Ok((id, new.uuid))
    }

    async fn update_organisation(
        &mut self,
        row: OrganisationRow,
        wanted: &world::Organisation,
    ) -> Result<(OrganisationId, Uuid)> {
        let (id, uuid) = (row.id, row.uuid);
        let updated = OrganisationRow {
            name: wanted.name.clone(),
            category: wanted.category.clone().or_else(|| row.category.clone()),
            description: wanted.description.clone().or_else(|| row.description.clone()),
            settings: settings(wanted, &row.settings),
            ..row.clone()
        };
        if updated != row {
            rows::update_organisation(self.s, &updated).await?;
            let after = json!({
                "name": updated.name, "category": updated.category, "description": updated.description,
            });
            let line = format!("organisation {}: changed", wanted.key);
            self.changed("organisation.update", format!("organisation:{uuid}"), line, after)
                .await?;
        }
        Ok((id, uuid))
    }

    /// Adds the units that are new. One that the file leaves out has to be ended with its consequences in view.
    async fn units(&mut self, organisation: &mut Known, wanted: &world::Organisation, path: &str) -> Result<()> {
        let Some(names) = &wanted.units else { return Ok(()) };
        if let Some(left_out) = organisation.units.keys().find(|name| !names.contains(name)) {
            let why = format!(
                "the unit {left_out:?} exists and is not in the list. End it with `commonhold unit end --organisation \
                 {} {left_out:?}`, which shows what ends with it, or rename it with `commonhold unit rename`",
                wanted.short_name
            );
            return Err(invalid(&format!("{path}.units"), &why));
        }
        let new: Vec<String> = names
            .iter()
            .filter(|name| !organisation.units.contains_key(*name))
            .cloned()
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        for unit in rows::add_units(self.s, organisation.id, &new, self.now).await? {
            organisation.units.insert(unit.name, unit.id);
        }
        for name in new {
            let line = format!("organisation {}: unit {name} added", wanted.key);
            let object = format!("organisation:{}", organisation.uuid);
            self.changed("unit.create", object, line, json!({ "name": name }))
                .await?;
        }
        Ok(())
    }

    /// Makes the labels true that the file names.
    async fn labels(&mut self, organisation: &Known, wanted: &world::Organisation, path: &str) -> Result<()> {
        if wanted.labels.is_empty() {
            return Ok(());
        }
        let values: Vec<String> = wanted.labels.iter().map(|label| label.value.clone()).collect();
        let known = labels::labels(self.s, organisation.id, &values).await?;
        let missing: Vec<String> = values
            .iter()
            .filter(|value| !known.iter().any(|label| label.value == **value))
            .cloned()
            .collect();
        let made = labels::create(self.s, organisation.id, &missing, self.now).await?;
        for (index, label) in wanted.labels.iter().enumerate() {
            let units = organisation.units(&label.units, &format!("{path}.labels[{index}].units"))?;
            let scoped = !label.units.is_empty();
            let before = known.iter().find(|known| known.value == label.value);
            let same = before.is_some_and(|before| {
                (before.is_default, before.scoped, &before.units) == (label.default, scoped, &units)
            });
            if same {
                continue;
            }
            let id = before
                .map(|before| before.id)
                .or_else(|| made.iter().find(|(_, value)| *value == label.value).map(|(id, _)| *id));
            let id = id.ok_or_else(|| invalid(path, "a label was not made"))?;
            let numbers: Vec<i64> = units.iter().map(|unit| unit.0).collect();
            labels::set_default(self.s, id, label.default, scoped.then_some(numbers.as_slice())).await?;
            let word = if before.is_some() { "changed" } else { "created" };
            let line = format!("organisation {}: label {} {word}", wanted.key, label.value);
            let after = json!({ "value": label.value, "default": label.default, "units": label.units });
            let object = format!("organisation:{}", organisation.uuid);
            self.changed("label.put", object, line, after).await?;
        }
        Ok(())
    }

    async fn organisation_members(
        &mut self,
        organisation: &Known,
        wanted: &world::Organisation,
        present: &[&OrganisationMember],
        people: &BTreeMap<String, PersonId>,
        path: &str,
    ) -> Result<()> {
        let Some(members) = &wanted.members else { return Ok(()) };
        let object = format!("organisation:{}", organisation.uuid);
        let mut put = Vec::new();
        let mut stay = BTreeSet::new();
        for (index, member) in members.iter().enumerate() {
            let path = format!("{path}.members[{index}]");
            let person = *resolved(people, &member.user)?;
            stay.insert(person);
            let names = member.units.as_deref().unwrap_or_default();
            let scope = organisation.scope(names, &format!("{path}.units"))?;
            let before = present.iter().find(|before| before.person == person);
            if before.is_some_and(|before| (before.role, &before.scope) == (member.role, &scope)) {
                continue;
            }
            if let Some(before) = before {
                check_not_widened(before, member.role, &scope, &path)?;
            }
            let word = if before.is_some() { "is now" } else { "added as" };
            let line = format!(
                "organisation {}: member {} {word} {}{}",
                wanted.key,
                member.user,
                member.role.as_str(),
                bound_to(names)
            );
            let after = json!({
                "person": self.called(person).1, "role": member.role.as_str(), "scope": organisation.scope_names(&scope),
            });
            self.changed("organisation.member.put", object.clone(), line, after)
                .await?;
            put.push((person, member.role, scope));
        }
        rows::put_organisation_members(self.s, organisation.id, &put, self.now).await?;
        let gone: Vec<&&OrganisationMember> = present.iter().filter(|member| !stay.contains(&member.person)).collect();
        if !gone.is_empty() {
            let ids: Vec<i64> = gone.iter().map(|member| member.person.0).collect();
            rows::remove_organisation_members(self.s, organisation.id, &ids).await?;
        }
        for member in gone {
            self.name(member.person, &member.name, member.uuid);
            let (who, _) = self.called(member.person);
            let line = format!("organisation {}: member {who} removed", wanted.key);
            let after = json!({ "person": member.uuid });
            self.changed("organisation.member.remove", object.clone(), line, after)
                .await?;
        }
        Ok(())
    }
}

/// What the file says, and what was settled before where it says nothing.
fn settings(wanted: &world::Organisation, before: &OrganisationSettings) -> OrganisationSettings {
    let text = |said: &Option<String>, before: &Option<String>| said.clone().or_else(|| before.clone());
    OrganisationSettings {
        accepted_user_policy: text(&wanted.accepted_user_policy, &before.accepted_user_policy),
        on_boarding_message: text(&wanted.on_boarding_msg, &before.on_boarding_message),
        crm_id: text(&wanted.crm_id, &before.crm_id),
        invitation_sender_name: text(&wanted.invitation_sender_name, &before.invitation_sender_name),
        invitation_message: text(&wanted.invitation_message, &before.invitation_message),
        collaboration_creation_allowed: wanted
            .collaboration_creation_allowed
            .unwrap_or(before.collaboration_creation_allowed),
        services_restricted: wanted.services_restricted.unwrap_or(before.services_restricted),
        service_connection_requires_approval: wanted
            .service_connection_requires_approval
            .unwrap_or(before.service_connection_requires_approval),
    }
}

/// Whoever was bound to units is never widened by an empty list, which is what is left of a list of units that ended
/// (access model, section 4).
fn check_not_widened(
    before: &OrganisationMember,
    role: OrganisationRole,
    scope: &TokenScope,
    path: &str,
) -> Result<()> {
    let was_bound = before.role == OrganisationRole::Manager && before.scope != TokenScope::Organisation;
    if was_bound && role == OrganisationRole::Manager && *scope == TokenScope::Organisation {
        return Err(invalid(
            &format!("{path}.units"),
            "this manager is bound to units, and an empty list would make them manager of the whole organisation. If \
             that is meant, apply the file once with the role \"member\" first",
        ));
    }
    Ok(())
}

/// How far a role or a token reaches, for a line.
pub(super) fn bound_to(units: &[String]) -> String {
    if units.is_empty() {
        String::new()
    } else {
        format!(" of {}", units.join(", "))
    }
}
