//! Collaborations, their units and their groups.

use std::collections::BTreeSet;

use domain::{CollaborationId, GroupId, OrganisationId, PersonId, Timestamp, UnitId};
use uuid::Uuid;

use super::statements::{
    COLLABORATION_INSERT, COLLABORATION_LIST, COLLABORATION_OF_UNIT, COLLABORATION_UNIT_DELETE,
    COLLABORATION_UNIT_INSERT, COLLABORATION_UNIT_LIST, COLLABORATION_UPDATE, GROUP_INSERT, GROUP_LIST,
    GROUP_MEMBER_DELETE, GROUP_MEMBER_INSERT, GROUP_MEMBER_LIST, GROUP_UPDATE,
};
use crate::{Session, StoreError, Value};

/// A collaboration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollaborationRow {
    /// Internal key.
    pub id: CollaborationId,
    /// Public id.
    pub uuid: Uuid,
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// Short name, one of a kind in the organisation.
    pub short_name: String,
    /// Name.
    pub name: String,
    /// Description.
    pub description: Option<String>,
    /// What else is settled.
    pub settings: CollaborationSettings,
}

/// What is settled for a collaboration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CollaborationSettings {
    /// Web site.
    pub website_url: Option<String>,
    /// Address for support.
    pub support_email: Option<String>,
    /// Nobody may ask to join.
    pub disable_join_requests: bool,
    /// Members see each other.
    pub disclose_member_information: bool,
    /// Members see each other's addresses.
    pub disclose_email_information: bool,
}

/// The collaborations of these organisations that have one of these short names.
pub async fn collaborations<S: Session>(
    s: &mut S,
    organisations: &[i64],
    short_names: &[String],
) -> Result<Vec<CollaborationRow>, StoreError> {
    let values = [Value::Ints(organisations), Value::Texts(short_names)];
    s.fetch(&COLLABORATION_LIST, &values, |row| {
        Ok(CollaborationRow {
            id: row.get(0)?,
            uuid: row.get(1)?,
            organisation: row.get(2)?,
            short_name: row.get(3)?,
            name: row.get(4)?,
            description: row.get(5)?,
            settings: CollaborationSettings {
                website_url: row.get(6)?,
                support_email: row.get(7)?,
                disable_join_requests: row.get(8)?,
                disclose_member_information: row.get(9)?,
                disclose_email_information: row.get(10)?,
            },
        })
    })
    .await
}

/// A collaboration to create.
#[derive(Clone, Debug)]
pub struct NewCollaboration<'a> {
    /// Public id.
    pub uuid: Uuid,
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// Short name, one of a kind in the organisation.
    pub short_name: &'a str,
    /// Name.
    pub name: &'a str,
    /// Description.
    pub description: Option<&'a str>,
    /// Until when, if it ends.
    pub expires_at: Option<Timestamp>,
    /// What else is settled.
    pub settings: &'a CollaborationSettings,
    /// Who makes it.
    pub by: Option<&'a str>,
}

/// Creates a collaboration.
pub async fn create_collaboration<S: Session>(
    s: &mut S,
    new: &NewCollaboration<'_>,
    now: Timestamp,
) -> Result<CollaborationId, StoreError> {
    let folded = new.name.to_lowercase();
    let values = [
        new.uuid.into(),
        new.organisation.into(),
        new.short_name.into(),
        new.name.into(),
        (&folded).into(),
        new.description.into(),
        new.expires_at.into(),
        new.settings.website_url.as_ref().into(),
        new.settings.support_email.as_ref().into(),
        new.settings.disable_join_requests.into(),
        new.settings.disclose_member_information.into(),
        new.settings.disclose_email_information.into(),
        new.by.into(),
        now.into(),
    ];
    s.one(&COLLABORATION_INSERT, &values, |row| row.get(0)).await
}

/// Writes everything of a collaboration but its ids.
pub async fn update_collaboration<S: Session>(
    s: &mut S,
    row: &CollaborationRow,
    now: Timestamp,
) -> Result<(), StoreError> {
    let folded = row.name.to_lowercase();
    let values = [
        (&row.name).into(),
        (&folded).into(),
        row.description.as_ref().into(),
        row.settings.website_url.as_ref().into(),
        row.settings.support_email.as_ref().into(),
        row.settings.disable_join_requests.into(),
        row.settings.disclose_member_information.into(),
        row.settings.disclose_email_information.into(),
        now.into(),
        row.id.into(),
    ];
    s.execute(&COLLABORATION_UPDATE, &values).await.map(drop)
}

/// The units of these collaborations.
pub async fn units_of_collaborations<S: Session>(
    s: &mut S,
    collaborations: &[i64],
) -> Result<Vec<(CollaborationId, UnitId)>, StoreError> {
    s.fetch(&COLLABORATION_UNIT_LIST, &[Value::Ints(collaborations)], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
    .await
}

/// Adds units to a collaboration, which has none of them.
pub async fn add_units<S: Session>(s: &mut S, collaboration: CollaborationId, units: &[i64]) -> Result<(), StoreError> {
    s.execute(&COLLABORATION_UNIT_INSERT, &[collaboration.into(), Value::Ints(units)])
        .await
        .map(drop)
}

/// Takes units from a collaboration.
pub async fn remove_units<S: Session>(
    s: &mut S,
    collaboration: CollaborationId,
    units: &[i64],
) -> Result<(), StoreError> {
    s.execute(&COLLABORATION_UNIT_DELETE, &[collaboration.into(), Value::Ints(units)])
        .await
        .map(drop)
}

/// A collaboration that has a certain unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitCollaboration {
    /// Internal key.
    pub id: CollaborationId,
    /// Public id.
    pub uuid: Uuid,
    /// Name.
    pub name: String,
    /// All its units.
    pub units: BTreeSet<UnitId>,
}

/// The collaborations that have a unit, each with all its units.
pub async fn collaborations_of_unit<S: Session>(s: &mut S, unit: UnitId) -> Result<Vec<UnitCollaboration>, StoreError> {
    let rows = s
        .fetch(&COLLABORATION_OF_UNIT, &[unit.into()], |row| {
            let collaboration = UnitCollaboration {
                id: row.get(0)?,
                uuid: row.get(1)?,
                name: row.get(2)?,
                units: BTreeSet::from([row.get(3)?]),
            };
            Ok(collaboration)
        })
        .await?;
    let mut found: Vec<UnitCollaboration> = Vec::new();
    for row in rows {
        match found.last_mut() {
            Some(last) if last.id == row.id => last.units.extend(row.units),
            _ => found.push(row),
        }
    }
    Ok(found)
}

/// A group of a collaboration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// Internal key.
    pub id: GroupId,
    /// Public id.
    pub uuid: Uuid,
    /// Of which collaboration.
    pub collaboration: CollaborationId,
    /// Short name, one of a kind in the collaboration.
    pub short_name: String,
    /// Name.
    pub name: String,
    /// Description.
    pub description: Option<String>,
    /// Whether every member of the collaboration is in it.
    pub auto_provision_members: bool,
}

/// The groups of these collaborations, oldest first.
pub async fn groups<S: Session>(s: &mut S, collaborations: &[i64]) -> Result<Vec<GroupRow>, StoreError> {
    s.fetch(&GROUP_LIST, &[Value::Ints(collaborations)], |row| {
        Ok(GroupRow {
            id: row.get(0)?,
            uuid: row.get(1)?,
            collaboration: row.get(2)?,
            short_name: row.get(3)?,
            name: row.get(4)?,
            description: row.get(5)?,
            auto_provision_members: row.get(6)?,
        })
    })
    .await
}

/// A group to create.
#[derive(Clone, Debug)]
pub struct NewGroup<'a> {
    /// Public id.
    pub uuid: Uuid,
    /// Of which collaboration.
    pub collaboration: CollaborationId,
    /// Short name, one of a kind in the collaboration.
    pub short_name: &'a str,
    /// Name.
    pub name: &'a str,
    /// Description.
    pub description: Option<&'a str>,
    /// Whether every member of the collaboration is in it.
    pub auto_provision_members: bool,
}

/// Creates a group.
pub async fn create_group<S: Session>(s: &mut S, new: &NewGroup<'_>, now: Timestamp) -> Result<GroupId, StoreError> {
    let values = [
        new.uuid.into(),
        new.collaboration.into(),
        new.short_name.into(),
        new.name.into(),
        new.description.into(),
        new.auto_provision_members.into(),
        now.into(),
    ];
    s.one(&GROUP_INSERT, &values, |row| row.get(0)).await
}

/// Writes the name, the description and the provisioning of a group.
pub async fn update_group<S: Session>(s: &mut S, row: &GroupRow) -> Result<(), StoreError> {
    let values = [
        (&row.name).into(),
        row.description.as_ref().into(),
        row.auto_provision_members.into(),
        row.id.into(),
    ];
    s.execute(&GROUP_UPDATE, &values).await.map(drop)
}

/// Who is in which group of these collaborations.
pub async fn group_members<S: Session>(
    s: &mut S,
    collaborations: &[i64],
) -> Result<Vec<(GroupId, PersonId)>, StoreError> {
    s.fetch(&GROUP_MEMBER_LIST, &[Value::Ints(collaborations)], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
    .await
}

/// Adds members of the collaboration to one of its groups, which has none of them.
pub async fn add_group_members<S: Session>(
    s: &mut S,
    group: GroupId,
    collaboration: CollaborationId,
    people: &[i64],
    now: Timestamp,
) -> Result<(), StoreError> {
    let values = [group.into(), collaboration.into(), now.into(), Value::Ints(people)];
    s.execute(&GROUP_MEMBER_INSERT, &values).await.map(drop)
}

/// Takes people out of a group.
pub async fn remove_group_members<S: Session>(s: &mut S, group: GroupId, people: &[i64]) -> Result<(), StoreError> {
    s.execute(&GROUP_MEMBER_DELETE, &[group.into(), Value::Ints(people)])
        .await
        .map(drop)
}
