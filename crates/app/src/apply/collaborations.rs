//! Collaborations with their units, members and groups.

use std::collections::{BTreeMap, BTreeSet};

use domain::{CollaborationId, GroupId, PersonId, ServiceId, UnitId};
use serde_json::json;
use store::{
    Session, collaboration_labels as labels,
    organisations::{
        self as rows, CollaborationMember, CollaborationRole, CollaborationRow, CollaborationSettings, GroupRow,
        InvitationRow, NewCollaboration, NewGroup,
    },
    services,
};
use uuid::Uuid;

use super::{AppliedCollaboration, AppliedGroup, Run, difference, invalid, organisations::Known, resolved, world};
use crate::Result;

/// What is on record about the collaborations of the file.
pub(super) struct Present {
    collaborations: Vec<CollaborationRow>,
    units: Vec<(CollaborationId, UnitId)>,
    labels: Vec<(CollaborationId, i64, String)>,
    services: Vec<(CollaborationId, ServiceId)>,
    members: Vec<CollaborationMember>,
    groups: Vec<GroupRow>,
    group_members: Vec<(GroupId, PersonId)>,
    pub(super) invitations: Vec<InvitationRow>,
}

/// A collaboration of the file that is on record now.
pub(super) struct Place<'a> {
    pub(super) id: CollaborationId,
    pub(super) uuid: Uuid,
    /// Where the file describes it.
    pub(super) path: String,
    pub(super) wanted: &'a world::Collaboration,
    /// Its groups by the keys of the file.
    pub(super) groups: BTreeMap<String, GroupId>,
}

impl Place<'_> {
    fn object(&self) -> String {
        format!("collaboration:{}", self.uuid)
    }
}

impl<S: Session> Run<'_, S> {
    /// Makes the collaborations true with all that belongs to them.
    pub(super) async fn collaborations(
        &mut self,
        collaborations: &[world::Collaboration],
        organisations: &BTreeMap<String, Known>,
        people: &BTreeMap<String, PersonId>,
        services: &BTreeMap<String, ServiceId>,
    ) -> Result<()> {
        if collaborations.is_empty() {
            return Ok(());
        }
        let present = self.present(collaborations, organisations).await?;
        for member in &present.members {
            self.name(member.person, &member.name, member.uuid);
        }
        for (index, wanted) in collaborations.iter().enumerate() {
            let organisation = resolved(organisations, &wanted.organisation)?;
            let is_same =
                |row: &&CollaborationRow| row.organisation == organisation.id && row.short_name == wanted.short_name;
            let (id, uuid) = match present.collaborations.iter().find(is_same) {
                Some(row) => self.update_collaboration(row.clone(), wanted).await?,
                None => self.create_collaboration(organisation, wanted).await?,
            };
            let mut place = Place {
                id,
                uuid,
                path: format!("collaborations[{index}]"),
                wanted,
                groups: BTreeMap::new(),
            };
            let applied = AppliedCollaboration {
                identifier: uuid,
                name: wanted.name.clone(),
                short_name: wanted.short_name.clone(),
            };
            self.applied.collaborations.insert(wanted.key.clone(), applied);
            self.collaboration_units(&place, organisation, &present).await?;
            let members = self.collaboration_members(&place, people, &present).await?;
            self.collaboration_labels(&place, organisation, &present).await?;
            self.connections(&place, services, &present).await?;
            self.groups(&mut place, people, &members, &present).await?;
            self.invitations(&place, people, &present).await?;
        }
        Ok(())
    }

    async fn present(
        &mut self,
        collaborations: &[world::Collaboration],
        organisations: &BTreeMap<String, Known>,
    ) -> Result<Present> {
        let owners: Vec<i64> = organisations.values().map(|organisation| organisation.id.0).collect();
        let short_names: Vec<String> = collaborations.iter().map(|wanted| wanted.short_name.clone()).collect();
        let found = rows::collaborations(self.s, &owners, &short_names).await?;
        let ids: Vec<i64> = found.iter().map(|row| row.id.0).collect();
        Ok(Present {
            collaborations: found,
            units: rows::units_of_collaborations(self.s, &ids).await?,
            labels: labels::of_collaborations(self.s, &ids).await?,
            services: services::connections(self.s, &ids).await?,
            members: rows::collaboration_members(self.s, &ids).await?,
            groups: rows::groups(self.s, &ids).await?,
            group_members: rows::group_members(self.s, &ids).await?,
            invitations: rows::invitations(self.s, &ids).await?,
        })
    }

    async fn create_collaboration(
        &mut self,
        organisation: &Known,
        wanted: &world::Collaboration,
    ) -> Result<(CollaborationId, Uuid)> {
        let new = NewCollaboration {
            uuid: self.entropy.uuid(),
            organisation: organisation.id,
            short_name: &wanted.short_name,
            name: &wanted.name,
            description: wanted.description.as_deref(),
            expires_at: None,
            settings: &settings(wanted, &CollaborationSettings::default()),
            by: None,
        };
        let id = rows::create_collaboration(self.s, &new, self.now).await?;
        let after = json!({
            "organisation": organisation.uuid, "short_name": new.short_name, "name": new.name,
            "description": new.description,
        });
        let line = format!("collaboration {}: created", wanted.key);
        self.changed(
            "collaboration.create",
            format!("collaboration:{}", new.uuid),
            line,
            after,
        )
        .await?;
        Ok((id, new.uuid))
    }

    async fn update_collaboration(
        &mut self,
        row: CollaborationRow,
        wanted: &world::Collaboration,
    ) -> Result<(CollaborationId, Uuid)> {
        let (id, uuid) = (row.id, row.uuid);
        let updated = CollaborationRow {
            name: wanted.name.clone(),
            description: wanted.description.clone().or_else(|| row.description.clone()),
            settings: settings(wanted, &row.settings),
            ..row.clone()
        };
        if updated != row {
            rows::update_collaboration(self.s, &updated, self.now).await?;
            let line = format!("collaboration {}: changed", wanted.key);
            let after = json!({ "name": updated.name, "description": updated.description });
            self.changed("collaboration.update", format!("collaboration:{uuid}"), line, after)
                .await?;
        }
        Ok((id, uuid))
    }

    async fn collaboration_units(&mut self, place: &Place<'_>, organisation: &Known, present: &Present) -> Result<()> {
        let Some(names) = &place.wanted.units else {
            return Ok(());
        };
        let wanted = organisation.units(names, &format!("{}.units", place.path))?;
        let held = present
            .units
            .iter()
            .filter(|(of, _)| *of == place.id)
            .map(|(_, unit)| *unit)
            .collect();
        let (added, removed) = difference(&wanted, &held);
        if added.is_empty() && removed.is_empty() {
            return Ok(());
        }
        if !added.is_empty() {
            rows::add_collaboration_units(self.s, place.id, &numbers(&added, |unit| unit.0)).await?;
        }
        if !removed.is_empty() {
            rows::remove_collaboration_units(self.s, place.id, &numbers(&removed, |unit| unit.0)).await?;
        }
        let names = organisation.names(&wanted);
        let told = if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        };
        let line = format!("collaboration {}: units are now {told}", place.wanted.key);
        self.changed("collaboration.units", place.object(), line, json!({ "units": names }))
            .await
    }

    /// Makes the labels true.
    async fn collaboration_labels(&mut self, place: &Place<'_>, organisation: &Known, present: &Present) -> Result<()> {
        let Some(values) = &place.wanted.labels else {
            return Ok(());
        };
        let held = present.labels.iter().filter(|(of, ..)| *of == place.id);
        let held: BTreeMap<i64, &String> = held.map(|(_, id, value)| (*id, value)).collect();
        let known = labels::create(self.s, organisation.id, values, self.now).await?;
        let wanted: BTreeSet<i64> = known.iter().map(|(id, _)| *id).collect();
        let (added, removed) = difference(&wanted, &held.into_keys().collect());
        if added.is_empty() && removed.is_empty() {
            return Ok(());
        }
        labels::give(self.s, place.id, &added).await?;
        labels::take(self.s, place.id, &removed).await?;
        let line = format!(
            "collaboration {}: labels are now {}",
            place.wanted.key,
            values.join(", ")
        );
        self.changed(
            "collaboration.labels",
            place.object(),
            line,
            json!({ "labels": values }),
        )
        .await
    }

    /// Makes the connections to services true. They are the operator's word: no rule of a service is asked.
    async fn connections(
        &mut self,
        place: &Place<'_>,
        known: &BTreeMap<String, ServiceId>,
        present: &Present,
    ) -> Result<()> {
        let Some(keys) = &place.wanted.services else {
            return Ok(());
        };
        let wanted = keys.iter().map(|key| resolved(known, key).copied());
        let wanted = wanted.collect::<Result<BTreeSet<ServiceId>>>()?;
        let held = present.services.iter().filter(|(of, _)| *of == place.id);
        let held: BTreeSet<ServiceId> = held.map(|(_, service)| *service).collect();
        let (added, removed) = difference(&wanted, &held);
        for service in &added {
            services::connect(self.s, place.id, *service, self.now).await?;
        }
        for service in &removed {
            services::disconnect(self.s, place.id, *service).await?;
        }
        if added.is_empty() && removed.is_empty() {
            return Ok(());
        }
        let line = format!(
            "collaboration {}: services are now {}",
            place.wanted.key,
            keys.join(", ")
        );
        self.changed(
            "collaboration.services",
            place.object(),
            line,
            json!({ "services": keys }),
        )
        .await
    }

    /// Makes the members true; answers who the members are.
    async fn collaboration_members(
        &mut self,
        place: &Place<'_>,
        people: &BTreeMap<String, PersonId>,
        present: &Present,
    ) -> Result<BTreeSet<PersonId>> {
        let before: BTreeMap<PersonId, CollaborationRole> = present
            .members
            .iter()
            .filter(|member| member.collaboration == place.id)
            .map(|member| (member.person, member.role))
            .collect();
        let Some(members) = &place.wanted.members else {
            return Ok(before.into_keys().collect());
        };
        let (mut put, mut stay) = (Vec::new(), BTreeSet::new());
        for member in members {
            let person = *resolved(people, &member.user)?;
            stay.insert(person);
            let had = before.get(&person);
            if had == Some(&member.role) {
                continue;
            }
            put.push((person, member.role));
            let (key, role) = (&place.wanted.key, member.role.as_str());
            let word = if had.is_some() { "is now" } else { "added as" };
            let line = format!("collaboration {key}: member {} {word} {role}", member.user);
            let after = json!({ "person": self.called(person).1, "role": role });
            self.changed("collaboration.member.put", place.object(), line, after)
                .await?;
        }
        rows::put_collaboration_members(self.s, place.id, &put, self.now).await?;
        let gone: Vec<PersonId> = before.into_keys().filter(|person| !stay.contains(person)).collect();
        if !gone.is_empty() {
            rows::remove_collaboration_members(self.s, place.id, &numbers(&gone, |person| person.0)).await?;
        }
        for person in gone {
            let (who, uuid) = self.called(person);
            let line = format!("collaboration {}: member {who} removed", place.wanted.key);
            let after = json!({ "person": uuid });
            self.changed("collaboration.member.remove", place.object(), line, after)
                .await?;
        }
        Ok(stay)
    }

    async fn groups(
        &mut self,
        place: &mut Place<'_>,
        people: &BTreeMap<String, PersonId>,
        members: &BTreeSet<PersonId>,
        present: &Present,
    ) -> Result<()> {
        let wanted: &world::Collaboration = place.wanted;
        for (index, group) in wanted.groups.iter().enumerate() {
            let path = format!("{}.groups[{index}].members", place.path);
            let is_same = |row: &&GroupRow| row.collaboration == place.id && row.short_name == group.short_name;
            let row = match present.groups.iter().find(is_same) {
                Some(row) => self.update_group(row.clone(), group).await?,
                None => self.create_group(place, group).await?,
            };
            let listed = group
                .members
                .as_deref()
                .map(|keys| in_group(keys, people, members, &path))
                .transpose()?;
            let held: BTreeSet<PersonId> = present
                .group_members
                .iter()
                .filter(|(of, _)| *of == row.id)
                .map(|(_, person)| *person)
                .collect();
            let wanted = match listed {
                _ if row.auto_provision_members => members.clone(),
                Some(listed) => listed,
                None => held.clone(),
            };
            let (added, removed) = difference(&wanted, &held);
            // Who left the collaboration has left the group with it.
            let removed: Vec<PersonId> = removed.into_iter().filter(|person| members.contains(person)).collect();
            self.group_members(place, &row, group, &added, &removed).await?;
            self.applied
                .groups
                .insert(group.key.clone(), AppliedGroup { identifier: row.uuid });
            place.groups.insert(group.key.clone(), row.id);
        }
        Ok(())
    }

    async fn create_group(&mut self, place: &Place<'_>, group: &world::Group) -> Result<GroupRow> {
        let new = NewGroup {
            uuid: self.entropy.uuid(),
            collaboration: place.id,
            short_name: &group.short_name,
            name: &group.name,
            description: group.description.as_deref(),
            auto_provision_members: group.auto_provision_members.unwrap_or(false),
        };
        let id = rows::create_group(self.s, &new, self.now).await?;
        let row = GroupRow {
            id,
            uuid: new.uuid,
            collaboration: place.id,
            short_name: group.short_name.clone(),
            name: group.name.clone(),
            description: group.description.clone(),
            auto_provision_members: new.auto_provision_members,
        };
        let after = json!({
            "collaboration": place.uuid, "short_name": row.short_name, "name": row.name,
            "description": row.description, "auto_provision_members": row.auto_provision_members,
        });
        let line = format!("group {}: created", group.key);
        self.changed("group.create", format!("group:{}", row.uuid), line, after)
            .await?;
        Ok(row)
    }

    async fn update_group(&mut self, row: GroupRow, group: &world::Group) -> Result<GroupRow> {
        let updated = GroupRow {
            name: group.name.clone(),
            description: group.description.clone().or_else(|| row.description.clone()),
            auto_provision_members: group.auto_provision_members.unwrap_or(row.auto_provision_members),
            ..row.clone()
        };
        if updated != row {
            rows::update_group(self.s, &updated).await?;
            let after = json!({
                "name": updated.name, "description": updated.description,
                "auto_provision_members": updated.auto_provision_members,
            });
            let line = format!("group {}: changed", group.key);
            self.changed("group.update", format!("group:{}", updated.uuid), line, after)
                .await?;
        }
        Ok(updated)
    }

    async fn group_members(
        &mut self,
        place: &Place<'_>,
        row: &GroupRow,
        group: &world::Group,
        added: &[PersonId],
        removed: &[PersonId],
    ) -> Result<()> {
        if !added.is_empty() {
            rows::add_group_members(self.s, row.id, place.id, &numbers(added, |person| person.0), self.now).await?;
        }
        if !removed.is_empty() {
            rows::remove_group_members(self.s, row.id, &numbers(removed, |person| person.0)).await?;
        }
        let added = added.iter().map(|person| (person, "group.member.add", "added"));
        let removed = removed.iter().map(|person| (person, "group.member.remove", "removed"));
        for (person, action, word) in added.chain(removed) {
            let (who, uuid) = self.called(*person);
            let line = format!("group {}: member {who} {word}", group.key);
            let after = json!({ "person": uuid });
            self.changed(action, format!("group:{}", row.uuid), line, after).await?;
        }
        Ok(())
    }
}

/// What the file says, and what was settled before where it says nothing.
fn settings(wanted: &world::Collaboration, before: &CollaborationSettings) -> CollaborationSettings {
    CollaborationSettings {
        website_url: wanted
            .website_url
            .clone()
            .filter(|url| !url.is_empty())
            .or_else(|| before.website_url.clone()),
        support_email: wanted.support_email.clone().or_else(|| before.support_email.clone()),
        disable_join_requests: wanted.disable_join_requests.unwrap_or(before.disable_join_requests),
        disclose_member_information: wanted
            .disclose_member_information
            .unwrap_or(before.disclose_member_information),
        disclose_email_information: wanted
            .disclose_email_information
            .unwrap_or(before.disclose_email_information),
    }
}

/// The people whom a group lists; each is a member of the collaboration (organisations contract 2.6).
fn in_group(
    keys: &[String],
    people: &BTreeMap<String, PersonId>,
    members: &BTreeSet<PersonId>,
    path: &str,
) -> Result<BTreeSet<PersonId>> {
    let mut listed = BTreeSet::new();
    for (index, key) in keys.iter().enumerate() {
        let person = *resolved(people, key)?;
        if !members.contains(&person) {
            let why = format!("{key} is not a member of the collaboration");
            return Err(invalid(&format!("{path}[{index}]"), &why));
        }
        listed.insert(person);
    }
    Ok(listed)
}

fn numbers<T: Copy>(ids: &[T], number: impl Fn(T) -> i64) -> Vec<i64> {
    ids.iter().map(|id| number(*id)).collect()
}
