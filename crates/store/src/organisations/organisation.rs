//! Organisations and their units.

use domain::{OrganisationId, Timestamp, UnitId};
use uuid::Uuid;

use super::statements::{
    ORGANISATION_BY_ID, ORGANISATION_BY_SHORT_NAME, ORGANISATION_INSERT, ORGANISATION_LIST, ORGANISATION_MANAGER_COUNT,
    ORGANISATION_MEMBER_COUNT, ORGANISATION_UPDATE, UNIT_DELETE, UNIT_INSERT, UNIT_LIST, UNIT_RENAME,
};
use crate::{Row, Session, StoreError, Value};

/// An organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganisationRow {
    /// Internal key.
    pub id: OrganisationId,
    /// Public id.
    pub uuid: Uuid,
    /// Short name, one of a kind.
    pub short_name: String,
    /// Name.
    pub name: String,
    /// Category.
    pub category: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// What else is settled.
    pub settings: OrganisationSettings,
    /// Since when.
    pub created_at: Timestamp,
}

/// What is settled for an organisation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrganisationSettings {
    /// Address of what its members must agree to.
    pub accepted_user_policy: Option<String>,
    /// What newcomers are told.
    pub on_boarding_message: Option<String>,
    /// Its number elsewhere.
    pub crm_id: Option<String>,
    /// In whose name invitations to administer a new collaboration are sent.
    pub invitation_sender_name: Option<String>,
    /// What they say.
    pub invitation_message: Option<String>,
    /// Collaborations that members ask for are made at once.
    pub collaboration_creation_allowed: bool,
    /// Only services that allow restricted organisations can be connected.
    pub services_restricted: bool,
    /// The organisation is asked before a service is connected.
    pub service_connection_requires_approval: bool,
}

fn organisation(row: &Row<'_>) -> Result<OrganisationRow, StoreError> {
    Ok(OrganisationRow {
        id: row.get(0)?,
        uuid: row.get(1)?,
        short_name: row.get(2)?,
        name: row.get(3)?,
        category: row.get(4)?,
        description: row.get(5)?,
        settings: OrganisationSettings {
            accepted_user_policy: row.get(6)?,
            on_boarding_message: row.get(7)?,
            crm_id: row.get(8)?,
            invitation_sender_name: row.get(9)?,
            invitation_message: row.get(10)?,
            collaboration_creation_allowed: row.get(11)?,
            services_restricted: row.get(12)?,
            service_connection_requires_approval: row.get(13)?,
        },
        created_at: row.get(14)?,
    })
}

/// The organisation with an internal key.
pub async fn organisation_by_id<S: Session>(
    s: &mut S,
    id: OrganisationId,
) -> Result<Option<OrganisationRow>, StoreError> {
    s.find(&ORGANISATION_BY_ID, &[id.into()], organisation).await
}

/// How many members an organisation has; with units, how many managers are bound to these and to no others.
pub async fn count_members<S: Session>(
    s: &mut S,
    id: OrganisationId,
    units: Option<&[i64]>,
) -> Result<i64, StoreError> {
    match units {
        None => s.one(&ORGANISATION_MEMBER_COUNT, &[id.into()], |row| row.get(0)).await,
        Some(units) => {
            let values = [id.into(), Value::Ints(units)];
            s.one(&ORGANISATION_MANAGER_COUNT, &values, |row| row.get(0)).await
        }
    }
}

/// The organisation with a short name.
pub async fn find_organisation<S: Session>(s: &mut S, short_name: &str) -> Result<Option<OrganisationRow>, StoreError> {
    s.find(&ORGANISATION_BY_SHORT_NAME, &[short_name.into()], organisation)
        .await
}

/// The organisations with these short names; unknown ones are left out.
pub async fn organisations<S: Session>(s: &mut S, short_names: &[String]) -> Result<Vec<OrganisationRow>, StoreError> {
    s.fetch(&ORGANISATION_LIST, &[Value::Texts(short_names)], organisation)
        .await
}

/// An organisation to create.
#[derive(Clone, Debug)]
pub struct NewOrganisation<'a> {
    /// Public id.
    pub uuid: Uuid,
    /// Short name, one of a kind.
    pub short_name: &'a str,
    /// Name.
    pub name: &'a str,
    /// Category.
    pub category: Option<&'a str>,
    /// Description.
    pub description: Option<&'a str>,
    /// What else is settled.
    pub settings: &'a OrganisationSettings,
}

/// Creates an organisation.
pub async fn create_organisation<S: Session>(
    s: &mut S,
    new: &NewOrganisation<'_>,
    by: Uuid,
    now: Timestamp,
) -> Result<OrganisationId, StoreError> {
    let values = [
        new.uuid.into(),
        new.short_name.into(),
        new.name.into(),
        new.category.into(),
        new.description.into(),
        new.settings.accepted_user_policy.as_ref().into(),
        new.settings.on_boarding_message.as_ref().into(),
        new.settings.crm_id.as_ref().into(),
        new.settings.invitation_sender_name.as_ref().into(),
        new.settings.invitation_message.as_ref().into(),
        new.settings.collaboration_creation_allowed.into(),
        new.settings.services_restricted.into(),
        new.settings.service_connection_requires_approval.into(),
        by.into(),
        now.into(),
    ];
    s.one(&ORGANISATION_INSERT, &values, |row| row.get(0)).await
}

/// Writes everything of an organisation but its ids.
pub async fn update_organisation<S: Session>(s: &mut S, row: &OrganisationRow) -> Result<(), StoreError> {
    let values = [
        (&row.name).into(),
        row.category.as_ref().into(),
        row.description.as_ref().into(),
        row.settings.accepted_user_policy.as_ref().into(),
        row.settings.on_boarding_message.as_ref().into(),
        row.settings.crm_id.as_ref().into(),
        row.settings.invitation_sender_name.as_ref().into(),
        row.settings.invitation_message.as_ref().into(),
        row.settings.collaboration_creation_allowed.into(),
        row.settings.services_restricted.into(),
        row.settings.service_connection_requires_approval.into(),
        row.id.into(),
    ];
    s.execute(&ORGANISATION_UPDATE, &values).await.map(drop)
}

/// A unit of an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitRow {
    /// Internal key.
    pub id: UnitId,
    /// Whose.
    pub organisation: OrganisationId,
    /// Name, one of a kind in the organisation.
    pub name: String,
    /// Since when.
    pub created_at: Timestamp,
}

fn unit(row: &Row<'_>) -> Result<UnitRow, StoreError> {
    Ok(UnitRow {
        id: row.get(0)?,
        organisation: row.get(1)?,
        name: row.get(2)?,
        created_at: row.get(3)?,
    })
}

/// The units of these organisations by name.
pub async fn units<S: Session>(s: &mut S, organisations: &[i64]) -> Result<Vec<UnitRow>, StoreError> {
    s.fetch(&UNIT_LIST, &[Value::Ints(organisations)], unit).await
}

/// Adds units to an organisation, which has none of these names.
pub async fn add_units<S: Session>(
    s: &mut S,
    organisation: OrganisationId,
    names: &[String],
    now: Timestamp,
) -> Result<Vec<UnitRow>, StoreError> {
    s.fetch(
        &UNIT_INSERT,
        &[organisation.into(), now.into(), Value::Texts(names)],
        unit,
    )
    .await
}

/// Renames a unit. It stays the same unit (organisations contract 3.8, U6).
pub async fn rename_unit<S: Session>(s: &mut S, unit: UnitId, name: &str) -> Result<(), StoreError> {
    s.execute(&UNIT_RENAME, &[name.into(), unit.into()]).await.map(drop)
}

/// Deletes a unit. It leaves every scope and every collaboration; what is left without a unit keeps being bound to units
/// and so reaches nothing.
pub async fn end_unit<S: Session>(s: &mut S, unit: UnitId) -> Result<(), StoreError> {
    s.execute(&UNIT_DELETE, &[unit.into()]).await.map(drop)
}
