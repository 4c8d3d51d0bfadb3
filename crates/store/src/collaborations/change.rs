//! Changes to collaborations, their members and groups.

use domain::{CollaborationId, GroupId, OrganisationId, PersonId, Timestamp};
use uuid::Uuid;

use super::{
    part::Group,
    statements::{
        CO_DELETE, CO_GROUP_COPY, CO_GROUP_DELETE, CO_GROUP_INSERT, CO_GROUP_JOIN_ALL, CO_GROUP_JOIN_INVITED,
        CO_GROUP_MEMBER_DELETE, CO_GROUP_MEMBER_INSERT, CO_GROUP_UPDATE, CO_LOGO, CO_LOGO_PUT, CO_MEMBER_DELETE,
        CO_MEMBER_INSERT, CO_MEMBER_JOIN_GROUPS, CO_MEMBER_ROLE, CO_TOUCH, LABEL_SWEEP,
    },
};
use crate::{Session, StoreError, Value, organisations::CollaborationRole, services::ServiceGroup};

/// Deletes a collaboration with everything that belongs to it, and labels that nothing else carries.
pub async fn delete<S: Session>(
    s: &mut S,
    organisation: OrganisationId,
    collaboration: CollaborationId,
) -> Result<(), StoreError> {
    s.execute(&CO_DELETE, &[collaboration.into()]).await?;
    s.execute(&LABEL_SWEEP, &[organisation.into()]).await.map(drop)
}

/// Keeps that somebody did something with a collaboration.
pub async fn touch<S: Session>(s: &mut S, collaboration: CollaborationId, now: Timestamp) -> Result<(), StoreError> {
    s.execute(&CO_TOUCH, &[now.into(), collaboration.into()])
        .await
        .map(drop)
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// Gives a collaboration a logo.
pub async fn put_logo<S: Session>(s: &mut S, collaboration: CollaborationId, logo: &Logo) -> Result<(), StoreError> {
    let values = [
        collaboration.into(),
        (&logo.media_type).into(),
        logo.content.as_slice().into(),
    ];
    s.execute(&CO_LOGO_PUT, &values).await.map(drop)
}

/// The logo of the collaboration with a public id.
pub async fn find_logo<S: Session>(s: &mut S, collaboration: Uuid) -> Result<Option<Logo>, StoreError> {
    s.find(&CO_LOGO, &[collaboration.into()], |row| {
        Ok(Logo {
            media_type: row.get(0)?,
            content: row.get(1)?,
        })
    })
    .await
}

/// Gives a member another role.
pub async fn set_role<S: Session>(
    s: &mut S,
    membership: i64,
    role: CollaborationRole,
    by: &str,
) -> Result<(), StoreError> {
    s.execute(&CO_MEMBER_ROLE, &[role.as_str().into(), by.into(), membership.into()])
        .await
        .map(drop)
}

/// Removes a member, from the groups too.
pub async fn remove_member<S: Session>(s: &mut S, membership: i64) -> Result<(), StoreError> {
    s.execute(&CO_MEMBER_DELETE, &[membership.into()]).await.map(drop)
}

/// A membership to create.
#[derive(Clone, Debug)]
pub struct NewMembership<'a> {
    /// Of which collaboration.
    pub collaboration: CollaborationId,
    /// Who.
    pub person: PersonId,
    /// As what.
    pub role: CollaborationRole,
    /// Until when, if it ends.
    pub expires_at: Option<Timestamp>,
    /// The invitation it comes from, which names groups to join.
    pub invitation: Option<i64>,
    /// Whether that invitation stays on record.
    pub keeps_invitation: bool,
    /// Who makes it.
    pub by: &'a str,
}

/// Creates a membership and puts the member into the groups that take everybody and those of the invitation.
pub async fn new_membership<S: Session>(s: &mut S, new: &NewMembership<'_>, now: Timestamp) -> Result<i64, StoreError> {
    let values = [
        new.collaboration.into(),
        new.person.into(),
        new.role.as_str().into(),
        new.expires_at.into(),
        new.invitation.filter(|_| new.keeps_invitation).into(),
        new.by.into(),
        now.into(),
    ];
    let id: i64 = s.one(&CO_MEMBER_INSERT, &values, |row| row.get(0)).await?;
    let values = [
        new.person.into(),
        now.into(),
        new.collaboration.into(),
        new.invitation.into(),
    ];
    s.execute(&CO_MEMBER_JOIN_GROUPS, &values).await?;
    Ok(id)
}

/// A group to create.
#[derive(Clone, Debug)]
pub struct WrittenGroup<'a> {
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
    /// Every member is put in it.
    pub auto_provision_members: bool,
    /// The group of a service that it is a copy of.
    pub service_group: Option<i64>,
    /// Who makes it.
    pub by: &'a str,
}

/// Creates a group.
pub async fn write_group<S: Session>(s: &mut S, new: &WrittenGroup<'_>, now: Timestamp) -> Result<Group, StoreError> {
    let values = [
        new.uuid.into(),
        new.collaboration.into(),
        new.short_name.into(),
        new.name.into(),
        new.description.into(),
        new.auto_provision_members.into(),
        new.service_group.into(),
        new.by.into(),
        now.into(),
    ];
    let id: GroupId = s.one(&CO_GROUP_INSERT, &values, |row| row.get(0)).await?;
    Ok(Group {
        collaboration: new.collaboration,
        id,
        uuid: new.uuid,
        short_name: new.short_name.to_owned(),
        name: new.name.to_owned(),
        description: new.description.map(str::to_owned),
        auto_provision_members: new.auto_provision_members,
        service_group: new.service_group,
        created_by: Some(new.by.to_owned()),
        created_at: now,
        updated_by: None,
        updated_at: None,
    })
}

/// Writes the name, the description and the provisioning of a group, and who changed it when.
pub async fn set_group<S: Session>(s: &mut S, group: &Group) -> Result<(), StoreError> {
    let values = [
        (&group.name).into(),
        group.description.as_ref().into(),
        group.auto_provision_members.into(),
        group.updated_by.as_ref().into(),
        group.updated_at.into(),
        group.id.into(),
    ];
    s.execute(&CO_GROUP_UPDATE, &values).await.map(drop)
}

/// Puts every member of the collaboration into groups of it, and these groups into every open invitation.
pub async fn join_groups_by_all<S: Session>(s: &mut S, groups: &[i64], now: Timestamp) -> Result<(), StoreError> {
    if groups.is_empty() {
        return Ok(());
    }
    s.execute(&CO_GROUP_JOIN_ALL, &[now.into(), Value::Ints(groups)])
        .await?;
    s.execute(&CO_GROUP_JOIN_INVITED, &[Value::Ints(groups)])
        .await
        .map(drop)
}

/// A copy of a service's group, to be made in a collaboration.
#[derive(Clone, Debug)]
pub struct Copy {
    /// Public id.
    pub uuid: Uuid,
    /// Short name, free in the collaboration.
    pub short_name: String,
    /// What it is a copy of.
    pub of: ServiceGroup,
}

/// Makes copies of a service's groups in a collaboration and puts everybody into those that take everybody.
pub async fn copy_groups<S: Session>(
    s: &mut S,
    collaboration: CollaborationId,
    copies: &[Copy],
    by: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    if copies.is_empty() {
        return Ok(());
    }
    let uuids: Vec<Uuid> = copies.iter().map(|copy| copy.uuid).collect();
    let short_names: Vec<String> = copies.iter().map(|copy| copy.short_name.clone()).collect();
    let names: Vec<String> = copies.iter().map(|copy| copy.of.name.clone()).collect();
    let descriptions: Vec<String> = copies
        .iter()
        .map(|copy| copy.of.description.clone().unwrap_or_default())
        .collect();
    let automatic: Vec<i64> = copies
        .iter()
        .map(|copy| i64::from(copy.of.auto_provision_members))
        .collect();
    let of: Vec<i64> = copies.iter().map(|copy| copy.of.id).collect();
    let values = [
        collaboration.into(),
        by.into(),
        now.into(),
        Value::Uuids(&uuids),
        Value::Texts(&short_names),
        Value::Texts(&names),
        Value::Texts(&descriptions),
        Value::Ints(&automatic),
        Value::Ints(&of),
    ];
    let made: Vec<(i64, bool)> = s
        .fetch(&CO_GROUP_COPY, &values, |row| Ok((row.get(0)?, row.get(1)?)))
        .await?;
    let everybody: Vec<i64> = made.iter().filter(|(_, all)| *all).map(|(id, _)| *id).collect();
    join_groups_by_all(s, &everybody, now).await
}

/// Deletes a group.
pub async fn delete_group<S: Session>(s: &mut S, group: GroupId) -> Result<(), StoreError> {
    s.execute(&CO_GROUP_DELETE, &[group.into()]).await.map(drop)
}

/// Puts a member of the collaboration into a group; whether they were not in it before.
pub async fn add_group_member<S: Session>(
    s: &mut S,
    group: &Group,
    person: PersonId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let values = [group.id.into(), group.collaboration.into(), person.into(), now.into()];
    Ok(s.execute(&CO_GROUP_MEMBER_INSERT, &values).await? > 0)
}

/// Takes somebody out of a group.
pub async fn remove_from_group<S: Session>(s: &mut S, group: GroupId, person: PersonId) -> Result<(), StoreError> {
    s.execute(&CO_GROUP_MEMBER_DELETE, &[group.into(), person.into()])
        .await
        .map(drop)
}
