//! Organisations and their units.

use domain::{OrganisationId, Timestamp, UnitId};
use uuid::Uuid;

use super::statements::{
    ORGANISATION_BY_SHORT_NAME, ORGANISATION_INSERT, ORGANISATION_LIST, ORGANISATION_UPDATE, UNIT_DELETE, UNIT_INSERT,
    UNIT_LIST, UNIT_RENAME,
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
}

fn organisation(row: &Row<'_>) -> Result<OrganisationRow, StoreError> {
    Ok(OrganisationRow {
        id: row.get(0)?,
        uuid: row.get(1)?,
        short_name: row.get(2)?,
        name: row.get(3)?,
        category: row.get(4)?,
        description: row.get(5)?,
    })
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
        by.into(),
        now.into(),
    ];
    s.one(&ORGANISATION_INSERT, &values, |row| row.get(0)).await
}

/// Writes the name, the category and the description of an organisation.
pub async fn update_organisation<S: Session>(s: &mut S, row: &OrganisationRow) -> Result<(), StoreError> {
    let values = [
        (&row.name).into(),
        row.category.as_ref().into(),
        row.description.as_ref().into(),
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
