//! Groups of collaborations, and the services they are connected to: one statement for both.

use domain::{CollaborationId, GroupId, PersonId, ServiceId, Timestamp};
use uuid::Uuid;

use super::{
    list::{Collaboration, of_group},
    statements::{CO_GROUP, CO_GROUP_MEMBER, CO_PARTS},
};
use crate::{Row, Session, StoreError, Value, services::Service, session::data};

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Of which collaboration.
    pub collaboration: CollaborationId,
    /// Internal key.
    pub id: GroupId,
    /// Public id.
    pub uuid: Uuid,
    /// Short name, one of a kind in the collaboration.
    pub short_name: String,
    /// Name.
    pub name: String,
    /// Description.
    pub description: Option<String>,
    /// Every member of the collaboration is put in it.
    pub auto_provision_members: bool,
    /// The group of a service that it is a copy of.
    pub service_group: Option<i64>,
    /// Who made it.
    pub created_by: Option<String>,
    /// When.
    pub created_at: Timestamp,
    /// Who changed it last.
    pub updated_by: Option<String>,
    /// When.
    pub updated_at: Option<Timestamp>,
}

/// A group, or a service with the collaboration that is connected to it.
#[derive(Clone, Debug)]
pub enum Part {
    /// A group.
    Group(Group),
    /// A service.
    Service(CollaborationId, Service),
}

fn read(row: &Row<'_>) -> Result<Part, StoreError> {
    match row.get::<i64>(0)? {
        0 => Ok(Part::Group(Group {
            collaboration: row.get(1)?,
            id: row.get(2)?,
            uuid: row.get(3)?,
            short_name: row.get(4)?,
            name: row.get(5)?,
            description: row.get(6)?,
            auto_provision_members: row.get::<i64>(8)? != 0,
            service_group: row.get(9)?,
            created_by: row.get(10)?,
            created_at: row.get(11)?,
            updated_by: row.get(12)?,
            updated_at: row.get(13)?,
        })),
        _ => Ok(Part::Service(row.get(1)?, service_of_row(row)?)),
    }
}

/// Reads a service from the columns of a part.
pub fn service_of_row(row: &Row<'_>) -> Result<Service, StoreError> {
    let flags: i64 = row.get(8)?;
    let flag = |bit: i64| flags & bit != 0;
    Ok(Service {
        id: row.get::<ServiceId>(2)?,
        uuid: row.get(3)?,
        abbreviation: row.get(4)?,
        name: row.get(5)?,
        description: row.get(6)?,
        entity_id: row.get(7)?,
        access_allowed_for_all: flag(1),
        automatic_connection_allowed: flag(2),
        allow_restricted_organisations: flag(4),
        override_access_allowed_all_connections: flag(8),
        non_member_users_access_allowed: flag(16),
        scim_enabled: flag(32),
        scim_client_enabled: flag(64),
        token_enabled: flag(128),
        ldap_enabled: flag(256),
        token_validity_days: row.get(9)?,
        details: row.get::<Option<String>>(10)?.unwrap_or_default(),
        created_at: row.get(11)?,
        scim_url: row.get(12)?,
    })
}

/// The groups of these collaborations, then the services they are connected to; each by collaboration, oldest first.
pub async fn parts<S: Session>(s: &mut S, collaborations: &[i64]) -> Result<Vec<Part>, StoreError> {
    s.fetch(&CO_PARTS, &[Value::Ints(collaborations)], read).await
}

/// A group with its collaboration.
#[derive(Clone, Debug)]
pub struct FoundGroup {
    /// The group.
    pub group: Group,
    /// Its collaboration.
    pub collaboration: Collaboration,
}

/// The group with a public id, of whatever collaboration: whoever asks decides who may see it.
pub async fn find_group<S: Session>(s: &mut S, uuid: Uuid) -> Result<Option<FoundGroup>, StoreError> {
    let Some(collaboration) = of_group(s, uuid).await? else {
        return Ok(None);
    };
    match s.find(&CO_GROUP, &[uuid.into()], read).await? {
        Some(Part::Group(group)) => Ok(Some(FoundGroup { group, collaboration })),
        Some(Part::Service(..)) => Err(data(0, &"a service")),
        None => Ok(None),
    }
}

/// The member of a group with a uid.
pub async fn group_memberships<S: Session>(
    s: &mut S,
    group: GroupId,
    uid: &str,
) -> Result<Option<PersonId>, StoreError> {
    s.find(
        &CO_GROUP_MEMBER,
        &[group.into(), uid.into(), Uuid::parse_str(uid).ok().into()],
        |row| row.get(0),
    )
    .await
}
