//! Services, who may connect them, and the collaborations that are connected.

use domain::{CollaborationId, OrganisationId, PersonId, ServiceId, Timestamp};
use uuid::Uuid;

use crate::{Session, StoreError, Value, catalogue::sql, collaborations::service_of_row};

/// A service `s` in the columns of a part of a collaboration, so that one function reads both.
macro_rules! service_columns {
    () => {
        "CAST(1 AS BIGINT), CAST(NULL AS BIGINT), s.id, s.uuid, s.abbreviation, s.name, s.description, s.entity_id,
    CAST(CASE WHEN s.access_allowed_for_all THEN 1 ELSE 0 END
        + CASE WHEN s.automatic_connection_allowed THEN 2 ELSE 0 END
        + CASE WHEN s.allow_restricted_organisations THEN 4 ELSE 0 END
        + CASE WHEN s.override_access_allowed_all_connections THEN 8 ELSE 0 END
        + CASE WHEN s.non_member_users_access_allowed THEN 16 ELSE 0 END + CASE WHEN s.scim_enabled THEN 32 ELSE 0 END
        + CASE WHEN s.scim_client_enabled THEN 64 ELSE 0 END + CASE WHEN s.token_enabled THEN 128 ELSE 0 END
        + CASE WHEN s.ldap_enabled THEN 256 ELSE 0 END AS BIGINT),
    s.token_validity_days, s.details, s.created_at, s.scim_url, CAST(NULL AS BIGINT)"
    };
}

sql! {
    /// organisation, collaboration, entity id: the service with what the two have to do with it.
    SERVICE_FOR_CONNECTION: (concat!("SELECT ", service_columns!(), ",
    (SELECT CAST(CASE WHEN w.automatic THEN 1 ELSE 0 END AS BIGINT) FROM service_organisation w
        WHERE w.service_id = s.id AND w.organisation_id = $1),
    EXISTS (SELECT 1 FROM collaboration_service k WHERE k.service_id = s.id AND k.collaboration_id = $2)
FROM service s WHERE s.entity_id = $3"));

    SERVICE_LIST: {
        sqlite: concat!("SELECT ", service_columns!(), "
FROM service s WHERE s.entity_id IN (SELECT value FROM json_each($1)) ORDER BY s.id"),
        postgres: concat!("SELECT ", service_columns!(), " FROM service s WHERE s.entity_id = ANY($1) ORDER BY s.id"),
    };

    /// Services that a person reaches through the collaborations of an organisation: organisation, person, all of it or
    /// only the units that follow.
    SERVICE_OF_PERSON: {
        sqlite: concat!("SELECT DISTINCT ", service_columns!(), "
FROM collaboration c JOIN collaboration_membership m ON m.collaboration_id = c.id
JOIN collaboration_service k ON k.collaboration_id = c.id JOIN service s ON s.id = k.service_id
WHERE c.organisation_id = $1 AND m.person_id = $2 AND ($3 OR (
    EXISTS (SELECT 1 FROM collaboration_unit u WHERE u.collaboration_id = c.id)
    AND NOT EXISTS (SELECT 1 FROM collaboration_unit u
        WHERE u.collaboration_id = c.id AND u.unit_id NOT IN (SELECT value FROM json_each($4)))))
ORDER BY 3"),
        postgres: concat!("SELECT DISTINCT ", service_columns!(), "
FROM collaboration c JOIN collaboration_membership m ON m.collaboration_id = c.id
JOIN collaboration_service k ON k.collaboration_id = c.id JOIN service s ON s.id = k.service_id
WHERE c.organisation_id = $1 AND m.person_id = $2 AND ($3 OR (
    EXISTS (SELECT 1 FROM collaboration_unit u WHERE u.collaboration_id = c.id)
    AND NOT EXISTS (SELECT 1 FROM collaboration_unit u WHERE u.collaboration_id = c.id AND u.unit_id <> ALL($4))))
ORDER BY 3"),
    };

    /// Whether a person is a member of a collaboration there, under the same conditions.
    PERSON_IN_SCOPE: {
        sqlite: "
SELECT count(*) FROM collaboration c JOIN collaboration_membership m ON m.collaboration_id = c.id
WHERE c.organisation_id = $1 AND m.person_id = $2 AND ($3 OR (
    EXISTS (SELECT 1 FROM collaboration_unit u WHERE u.collaboration_id = c.id)
    AND NOT EXISTS (SELECT 1 FROM collaboration_unit u
        WHERE u.collaboration_id = c.id AND u.unit_id NOT IN (SELECT value FROM json_each($4)))))",
        postgres: "
SELECT count(*) FROM collaboration c JOIN collaboration_membership m ON m.collaboration_id = c.id
WHERE c.organisation_id = $1 AND m.person_id = $2 AND ($3 OR (
    EXISTS (SELECT 1 FROM collaboration_unit u WHERE u.collaboration_id = c.id)
    AND NOT EXISTS (SELECT 1 FROM collaboration_unit u WHERE u.collaboration_id = c.id AND u.unit_id <> ALL($4))))",
    };

    SERVICE_INSERT: "
INSERT INTO service (uuid, entity_id, abbreviation, name, description, details, access_allowed_for_all,
    automatic_connection_allowed, allow_restricted_organisations, override_access_allowed_all_connections,
    non_member_users_access_allowed, scim_enabled, scim_client_enabled, token_enabled, ldap_enabled,
    token_validity_days, scim_url, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
RETURNING id";

    SERVICE_UPDATE: "
UPDATE service SET abbreviation = $1, name = $2, description = $3, details = $4, access_allowed_for_all = $5,
    automatic_connection_allowed = $6, allow_restricted_organisations = $7,
    override_access_allowed_all_connections = $8, non_member_users_access_allowed = $9, scim_enabled = $10,
    scim_client_enabled = $11, token_enabled = $12, ldap_enabled = $13, token_validity_days = $14, scim_url = $15
WHERE id = $16";

    SERVICE_ORGANISATION_LIST: {
        sqlite: "
SELECT service_id, organisation_id, automatic FROM service_organisation
WHERE service_id IN (SELECT value FROM json_each($1)) ORDER BY 1, 2",
        postgres: "
SELECT service_id, organisation_id, automatic FROM service_organisation WHERE service_id = ANY($1) ORDER BY 1, 2",
    };

    SERVICE_ORGANISATION_CLEAR: "DELETE FROM service_organisation WHERE service_id = $1";

    /// service; then whether automatic, and organisations, in parallel lists.
    SERVICE_ORGANISATION_INSERT: {
        sqlite: "
INSERT INTO service_organisation (service_id, automatic, organisation_id)
SELECT $1, $2 ->> n.key, n.value FROM json_each($3) n",
        postgres: "
INSERT INTO service_organisation (service_id, automatic, organisation_id)
SELECT $1::bigint, a <> 0, o FROM unnest($2::bigint[], $3::bigint[]) t (a, o)",
    };

    SERVICE_GROUP_LIST: {
        sqlite: "
SELECT id, service_id, short_name, name, description, auto_provision_members FROM service_group
WHERE service_id IN (SELECT value FROM json_each($1)) ORDER BY id",
        postgres: "
SELECT id, service_id, short_name, name, description, auto_provision_members FROM service_group
WHERE service_id = ANY($1) ORDER BY id",
    };

    SERVICE_GROUP_PUT: "
INSERT INTO service_group (service_id, short_name, name, description, auto_provision_members)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (service_id, short_name) DO UPDATE SET name = excluded.name, description = excluded.description,
    auto_provision_members = excluded.auto_provision_members";

    SERVICE_CONNECT: "
INSERT INTO collaboration_service (collaboration_id, service_id, connected_at) VALUES ($1, $2, $3)
ON CONFLICT (collaboration_id, service_id) DO NOTHING";

    SERVICE_DISCONNECT: "DELETE FROM collaboration_service WHERE collaboration_id = $1 AND service_id = $2";

    SERVICE_CONNECTIONS: {
        sqlite: "
SELECT collaboration_id, service_id FROM collaboration_service
WHERE collaboration_id IN (SELECT value FROM json_each($1)) ORDER BY 1, 2",
        postgres: "
SELECT collaboration_id, service_id FROM collaboration_service WHERE collaboration_id = ANY($1) ORDER BY 1, 2",
    };

    /// collaboration, service: whether a request waits, and the first administrator.
    CONNECTION_REQUEST_FACTS: "
SELECT EXISTS (SELECT 1 FROM service_connection_request r
        WHERE r.collaboration_id = $1 AND r.service_id = $2 AND r.status = 'open'),
    (SELECT m.person_id FROM collaboration_membership m JOIN person p ON p.id = m.person_id
        WHERE m.collaboration_id = $1 AND m.role = 'admin' ORDER BY m.id LIMIT 1)";

    CONNECTION_REQUEST_INSERT: "
INSERT INTO service_connection_request (uuid, collaboration_id, service_id, requester_id, status,
    pending_organisation_approval, created_at)
VALUES ($1, $2, $3, $4, 'open', $5, $6)";
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Internal key.
    pub id: ServiceId,
    /// Public id.
    pub uuid: Uuid,
    /// What it calls itself; one of a kind.
    pub entity_id: String,
    /// Short name, one of a kind.
    pub abbreviation: String,
    /// Name.
    pub name: String,
    /// Description.
    pub description: Option<String>,
    /// What is only shown (JSON).
    pub details: String,
    /// Every organisation may connect it.
    pub access_allowed_for_all: bool,
    /// Connecting asks nobody.
    pub automatic_connection_allowed: bool,
    /// Restricted organisations may connect it too.
    pub allow_restricted_organisations: bool,
    /// It connects to nothing.
    pub override_access_allowed_all_connections: bool,
    /// People without a membership may use it.
    pub non_member_users_access_allowed: bool,
    /// Changes are pushed to it.
    pub scim_enabled: bool,
    /// It may read this server's SCIM.
    pub scim_client_enabled: bool,
    /// People may make tokens for it.
    pub token_enabled: bool,
    /// It is part of the LDAP feed.
    pub ldap_enabled: bool,
    /// How long people's tokens hold.
    pub token_validity_days: Option<i64>,
    /// Where changes are pushed to.
    pub scim_url: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
}

/// What an organisation may do with a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// Nothing in particular.
    None,
    /// Connect it.
    Allowed,
    /// Connect it, without anybody being asked.
    Automatic,
}

/// A service as a collaboration that wants to connect it finds it.
#[derive(Clone, Debug)]
pub struct Connectable {
    /// The service.
    pub service: Service,
    /// What the organisation may.
    pub allowance: Allowance,
    /// Whether the collaboration is connected to it.
    pub is_connected: bool,
}

/// The service with an entity id, for a collaboration of an organisation.
pub async fn connectable<S: Session>(
    s: &mut S,
    organisation: OrganisationId,
    collaboration: CollaborationId,
    entity_id: &str,
) -> Result<Option<Connectable>, StoreError> {
    let values = [organisation.into(), collaboration.into(), entity_id.into()];
    s.find(&SERVICE_FOR_CONNECTION, &values, |row| {
        Ok(Connectable {
            service: service_of_row(row)?,
            allowance: match row.get::<Option<i64>>(14)? {
                None => Allowance::None,
                Some(0) => Allowance::Allowed,
                Some(_) => Allowance::Automatic,
            },
            is_connected: row.get(15)?,
        })
    })
    .await
}

/// The services with these entity ids.
pub async fn services<S: Session>(s: &mut S, entity_ids: &[String]) -> Result<Vec<Service>, StoreError> {
    s.fetch(&SERVICE_LIST, &[Value::Texts(entity_ids)], service_of_row)
        .await
}

/// The services that a person reaches through collaborations of an organisation which a scope covers (all of it, or
/// those wholly in these units); nothing when they are in none of them.
pub async fn of_person<S: Session>(
    s: &mut S,
    organisation: OrganisationId,
    units: Option<&[i64]>,
    person: PersonId,
) -> Result<Option<Vec<Service>>, StoreError> {
    let values = [
        organisation.into(),
        person.into(),
        units.is_none().into(),
        Value::Ints(units.unwrap_or_default()),
    ];
    if s.one(&PERSON_IN_SCOPE, &values, |row| row.get::<i64>(0)).await? == 0 {
        return Ok(None);
    }
    s.fetch(&SERVICE_OF_PERSON, &values, service_of_row).await.map(Some)
}

/// Creates a service; its own key is given back.
pub async fn create<S: Session>(s: &mut S, service: &Service) -> Result<ServiceId, StoreError> {
    let values = [
        service.uuid.into(),
        (&service.entity_id).into(),
        (&service.abbreviation).into(),
        (&service.name).into(),
        service.description.as_ref().into(),
        (&service.details).into(),
        service.access_allowed_for_all.into(),
        service.automatic_connection_allowed.into(),
        service.allow_restricted_organisations.into(),
        service.override_access_allowed_all_connections.into(),
        service.non_member_users_access_allowed.into(),
        service.scim_enabled.into(),
        service.scim_client_enabled.into(),
        service.token_enabled.into(),
        service.ldap_enabled.into(),
        service.token_validity_days.into(),
        service.scim_url.as_ref().into(),
        service.created_at.into(),
    ];
    s.one(&SERVICE_INSERT, &values, |row| row.get(0)).await
}

/// Writes everything of a service but its ids.
pub async fn update<S: Session>(s: &mut S, service: &Service) -> Result<(), StoreError> {
    let values = [
        (&service.abbreviation).into(),
        (&service.name).into(),
        service.description.as_ref().into(),
        (&service.details).into(),
        service.access_allowed_for_all.into(),
        service.automatic_connection_allowed.into(),
        service.allow_restricted_organisations.into(),
        service.override_access_allowed_all_connections.into(),
        service.non_member_users_access_allowed.into(),
        service.scim_enabled.into(),
        service.scim_client_enabled.into(),
        service.token_enabled.into(),
        service.ldap_enabled.into(),
        service.token_validity_days.into(),
        service.scim_url.as_ref().into(),
        service.id.into(),
    ];
    s.execute(&SERVICE_UPDATE, &values).await.map(drop)
}

/// Which organisations these services name, and which of them automatically.
pub async fn organisations<S: Session>(
    s: &mut S,
    services: &[i64],
) -> Result<Vec<(ServiceId, OrganisationId, bool)>, StoreError> {
    s.fetch(&SERVICE_ORGANISATION_LIST, &[Value::Ints(services)], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })
    .await
}

/// Sets which organisations a service names.
pub async fn set_organisations<S: Session>(
    s: &mut S,
    service: ServiceId,
    organisations: &[(OrganisationId, bool)],
) -> Result<(), StoreError> {
    s.execute(&SERVICE_ORGANISATION_CLEAR, &[service.into()]).await?;
    let ids: Vec<i64> = organisations.iter().map(|(organisation, _)| organisation.0).collect();
    let automatic: Vec<i64> = organisations
        .iter()
        .map(|(_, automatic)| i64::from(*automatic))
        .collect();
    let values = [service.into(), Value::Ints(&automatic), Value::Ints(&ids)];
    s.execute(&SERVICE_ORGANISATION_INSERT, &values).await.map(drop)
}

/// A group that a service brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceGroup {
    /// Internal key; 0 in one that is to be written.
    pub id: i64,
    /// Of which service.
    pub service: ServiceId,
    /// Short name, one of a kind in the service.
    pub short_name: String,
    /// Name.
    pub name: String,
    /// Description.
    pub description: Option<String>,
    /// Every member is put in it.
    pub auto_provision_members: bool,
}

/// The groups that these services bring.
pub async fn groups<S: Session>(s: &mut S, services: &[i64]) -> Result<Vec<ServiceGroup>, StoreError> {
    s.fetch(&SERVICE_GROUP_LIST, &[Value::Ints(services)], |row| {
        Ok(ServiceGroup {
            id: row.get(0)?,
            service: row.get(1)?,
            short_name: row.get(2)?,
            name: row.get(3)?,
            description: row.get(4)?,
            auto_provision_members: row.get(5)?,
        })
    })
    .await
}

/// Creates or changes a group that a service brings.
pub async fn put_group<S: Session>(s: &mut S, group: &ServiceGroup) -> Result<(), StoreError> {
    let values = [
        group.service.into(),
        (&group.short_name).into(),
        (&group.name).into(),
        group.description.as_ref().into(),
        group.auto_provision_members.into(),
    ];
    s.execute(&SERVICE_GROUP_PUT, &values).await.map(drop)
}

/// Connects a collaboration to a service.
pub async fn connect<S: Session>(
    s: &mut S,
    collaboration: CollaborationId,
    service: ServiceId,
    now: Timestamp,
) -> Result<(), StoreError> {
    s.execute(&SERVICE_CONNECT, &[collaboration.into(), service.into(), now.into()])
        .await
        .map(drop)
}

/// Ends the connection of a collaboration to a service.
pub async fn disconnect<S: Session>(
    s: &mut S,
    collaboration: CollaborationId,
    service: ServiceId,
) -> Result<(), StoreError> {
    s.execute(&SERVICE_DISCONNECT, &[collaboration.into(), service.into()])
        .await
        .map(drop)
}

/// Which of these collaborations are connected to what.
pub async fn connections<S: Session>(
    s: &mut S,
    collaborations: &[i64],
) -> Result<Vec<(CollaborationId, ServiceId)>, StoreError> {
    s.fetch(&SERVICE_CONNECTIONS, &[Value::Ints(collaborations)], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
    .await
}

/// Whether a request of a collaboration for a service waits, and who would ask: its first administrator.
pub async fn request_facts<S: Session>(
    s: &mut S,
    collaboration: CollaborationId,
    service: ServiceId,
) -> Result<(bool, Option<PersonId>), StoreError> {
    s.one(
        &CONNECTION_REQUEST_FACTS,
        &[collaboration.into(), service.into()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
    .await
}

/// Files a request for a connection.
pub async fn request<S: Session>(
    s: &mut S,
    uuid: Uuid,
    collaboration: CollaborationId,
    service: ServiceId,
    requester: PersonId,
    pending_organisation_approval: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let values = [
        uuid.into(),
        collaboration.into(),
        service.into(),
        requester.into(),
        pending_organisation_approval.into(),
        now.into(),
    ];
    s.execute(&CONNECTION_REQUEST_INSERT, &values).await.map(drop)
}
