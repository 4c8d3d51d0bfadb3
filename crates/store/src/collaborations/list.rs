//! Collaborations with their counts, units and labels.

use std::collections::BTreeSet;

use access::TokenScope;
use domain::{CollaborationId, OrganisationId, Timestamp, UnitId};
use uuid::Uuid;

use super::statements::{CO_BY_GROUP, CO_BY_ID, CO_BY_UUID, CO_IN_ORGANISATION, CO_TAKEN, LIST};
use crate::{Row, Session, StoreError, Value, query::Query, session::data};

/// A collaboration.
#[derive(Clone, Debug)]
pub struct Collaboration {
    /// Internal key.
    pub id: CollaborationId,
    /// Public id.
    pub uuid: Uuid,
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// The short name of the organisation.
    pub organisation_short_name: String,
    /// Short name, one of a kind in the organisation.
    pub short_name: String,
    /// Name.
    pub name: String,
    /// Description.
    pub description: Option<String>,
    /// Until when, if it ends.
    pub expires_at: Option<Timestamp>,
    /// Since when its time is over.
    pub expired_at: Option<Timestamp>,
    /// Since when it is suspended.
    pub suspended_at: Option<Timestamp>,
    /// When somebody last did something with it.
    pub last_activity_at: Timestamp,
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
    /// Who made it.
    pub created_by: Option<String>,
    /// When.
    pub created_at: Timestamp,
    /// Who changed it last.
    pub updated_by: Option<String>,
    /// When.
    pub updated_at: Option<Timestamp>,
    /// How many memberships it has.
    pub members: i64,
    /// How many invitations it has, answered ones included.
    pub invitations: i64,
    /// Whether it has a logo.
    pub has_logo: bool,
    /// Its units.
    pub units: BTreeSet<UnitId>,
    /// The names of its units.
    pub unit_names: Vec<String>,
    /// Its labels.
    pub labels: Vec<String>,
}

/// Numbers with commas between them.
pub(super) fn numbers(text: Option<String>, column: usize) -> Result<Vec<i64>, StoreError> {
    let text = text.unwrap_or_default();
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts
        .map(|part| part.parse().map_err(|error| data(column, &error)))
        .collect()
}

fn names(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    let parts = text.split('\u{1f}').filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

fn read(row: &Row<'_>) -> Result<Collaboration, StoreError> {
    let created_at: Timestamp = row.get(17)?;
    Ok(Collaboration {
        id: row.get(0)?,
        uuid: row.get(1)?,
        organisation: row.get(2)?,
        organisation_short_name: row.get(3)?,
        short_name: row.get(4)?,
        name: row.get(5)?,
        description: row.get(6)?,
        expires_at: row.get(7)?,
        expired_at: row.get(8)?,
        suspended_at: row.get(9)?,
        last_activity_at: row.get::<Option<Timestamp>>(10)?.unwrap_or(created_at),
        website_url: row.get(11)?,
        support_email: row.get(12)?,
        disable_join_requests: row.get(13)?,
        disclose_member_information: row.get(14)?,
        disclose_email_information: row.get(15)?,
        created_by: row.get(16)?,
        created_at,
        updated_by: row.get(18)?,
        updated_at: row.get(19)?,
        members: row.get(20)?,
        invitations: row.get(21)?,
        has_logo: row.get(22)?,
        units: numbers(row.get(23)?, 23)?.into_iter().map(UnitId).collect(),
        unit_names: names(row.get(24)?),
        labels: names(row.get(25)?),
    })
}

/// The collaboration with a public id, of whatever organisation: whoever asks decides who may see it.
pub async fn find<S: Session>(s: &mut S, uuid: Uuid) -> Result<Option<Collaboration>, StoreError> {
    s.find(&CO_BY_UUID, &[uuid.into()], read).await
}

/// The collaboration with an internal key.
pub async fn find_by_id<S: Session>(s: &mut S, id: CollaborationId) -> Result<Option<Collaboration>, StoreError> {
    s.find(&CO_BY_ID, &[id.into()], read).await
}

/// The collaboration of an organisation with a public id or a short name.
pub async fn find_in<S: Session>(
    s: &mut S,
    organisation: OrganisationId,
    uuid: Option<Uuid>,
    short_name: Option<&str>,
) -> Result<Option<Collaboration>, StoreError> {
    let values = [organisation.into(), uuid.into(), short_name.into()];
    s.find(&CO_IN_ORGANISATION, &values, read).await
}

/// The collaboration that a group belongs to.
pub(super) async fn of_group<S: Session>(s: &mut S, group: Uuid) -> Result<Option<Collaboration>, StoreError> {
    s.find(&CO_BY_GROUP, &[group.into()], read).await
}

/// Whether a name is taken in an organisation, and which of these short names are.
pub async fn taken_names<S: Session>(
    s: &mut S,
    organisation: OrganisationId,
    name: &str,
    short_names: &[String],
) -> Result<(bool, BTreeSet<String>), StoreError> {
    let folded = name.to_lowercase();
    let values = [organisation.into(), (&folded).into(), Value::Texts(short_names)];
    let rows: Vec<(Option<String>, String)> = s
        .fetch(&CO_TAKEN, &values, |row| Ok((row.get(0)?, row.get(1)?)))
        .await?;
    let taken = rows.iter().any(|(name, _)| name.as_deref() == Some(&folded));
    Ok((taken, rows.into_iter().map(|(_, short_name)| short_name).collect()))
}

/// Which collaborations of an organisation.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// Those that this scope covers.
    pub scope: TokenScope,
    /// Those that have all of these units.
    pub units: Vec<i64>,
    /// Those that have all of these labels.
    pub labels: Vec<String>,
    /// Those that are connected to all services with these abbreviations.
    pub services: Vec<String>,
}

/// The next collaborations after one, in the order of their keys.
pub async fn list<S: Session>(
    s: &mut S,
    filter: &Filter,
    after: CollaborationId,
    limit: i64,
) -> Result<Vec<Collaboration>, StoreError> {
    let scope: Option<Vec<i64>> = match &filter.scope {
        TokenScope::Organisation => None,
        TokenScope::Units(units) => Some(units.iter().map(|unit| unit.0).collect()),
    };
    let mut query = Query::new("CO_LIST", LIST);
    query.and("c.organisation_id = {}", filter.organisation);
    query.and("c.id > {}", after);
    if let Some(units) = &scope {
        query.and_split(
            "c.id IN (SELECT u.collaboration_id FROM collaboration_unit u WHERE u.unit_id IN (SELECT value FROM json_each({})))
    AND NOT EXISTS (SELECT 1 FROM collaboration_unit u
        WHERE u.collaboration_id = c.id AND u.unit_id NOT IN (SELECT value FROM json_each({})))",
            "c.id IN (SELECT u.collaboration_id FROM collaboration_unit u WHERE u.unit_id = ANY({}))
    AND NOT EXISTS (SELECT 1 FROM collaboration_unit u WHERE u.collaboration_id = c.id AND u.unit_id <> ALL({}))",
            Value::Ints(units),
        );
    }
    if !filter.units.is_empty() {
        query.and_split(
            "NOT EXISTS (SELECT 1 FROM json_each({}) w WHERE NOT EXISTS (SELECT 1 FROM collaboration_unit u
        WHERE u.collaboration_id = c.id AND u.unit_id = w.value))",
            "NOT EXISTS (SELECT 1 FROM unnest({}::bigint[]) w (value) WHERE NOT EXISTS (SELECT 1 FROM collaboration_unit u
        WHERE u.collaboration_id = c.id AND u.unit_id = w.value))",
            Value::Ints(&filter.units),
        );
    }
    query.and_texts(
        "NOT EXISTS (SELECT 1 FROM json_each({}) w WHERE NOT EXISTS (SELECT 1 FROM collaboration_label k
        JOIN label v ON v.id = k.label_id WHERE k.collaboration_id = c.id AND v.value = w.value))",
        "NOT EXISTS (SELECT 1 FROM unnest({}::text[]) w (value) WHERE NOT EXISTS (SELECT 1 FROM collaboration_label k
        JOIN label v ON v.id = k.label_id WHERE k.collaboration_id = c.id AND v.value = w.value))",
        &filter.labels,
    );
    query.and_texts(
        "NOT EXISTS (SELECT 1 FROM json_each({}) w WHERE NOT EXISTS (SELECT 1 FROM collaboration_service k
        JOIN service v ON v.id = k.service_id WHERE k.collaboration_id = c.id AND v.abbreviation = w.value))",
        "NOT EXISTS (SELECT 1 FROM unnest({}::text[]) w (value) WHERE NOT EXISTS (SELECT 1 FROM collaboration_service k
        JOIN service v ON v.id = k.service_id WHERE k.collaboration_id = c.id AND v.abbreviation = w.value))",
        &filter.services,
    );
    query.last(" ORDER BY c.id LIMIT {}", limit);
    let (statement, values) = query.build();
    s.fetch(&statement, &values, read).await
}
