//! Who belongs to organisations and collaborations, as what.

use std::collections::BTreeSet;

use access::TokenScope;
use domain::{CollaborationId, OrganisationId, PersonId, Timestamp, UnitId};
use uuid::Uuid;

use super::{
    role::{CollaborationRole, OrganisationRole},
    statements::{
        COLLABORATION_MEMBER_DELETE, COLLABORATION_MEMBER_LIST, COLLABORATION_MEMBER_PUT, ORGANISATION_MEMBER_DELETE,
        ORGANISATION_MEMBER_LIST, ORGANISATION_MEMBER_PUT, ORGANISATION_MEMBER_UNIT_CLEAR,
        ORGANISATION_MEMBER_UNIT_INSERT,
    },
};
use crate::{Session, StoreError, Value};

/// A member of an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganisationMember {
    /// Of which.
    pub organisation: OrganisationId,
    /// Who.
    pub person: PersonId,
    /// Their public id.
    pub uuid: Uuid,
    /// Their name.
    pub name: String,
    /// As what.
    pub role: OrganisationRole,
    /// How far that reaches.
    pub scope: TokenScope,
}

/// The members of these organisations.
pub async fn organisation_members<S: Session>(
    s: &mut S,
    organisations: &[i64],
) -> Result<Vec<OrganisationMember>, StoreError> {
    let rows = s
        .fetch(&ORGANISATION_MEMBER_LIST, &[Value::Ints(organisations)], |row| {
            let member = OrganisationMember {
                organisation: row.get(0)?,
                person: row.get(1)?,
                role: row.get(2)?,
                scope: scope(row.get(3)?),
                uuid: row.get(4)?,
                name: row.get(5)?,
            };
            Ok((member, row.get(6)?))
        })
        .await?;
    Ok(gather(
        rows,
        |one, next| (one.organisation, one.person) == (next.organisation, next.person),
        |member| &mut member.scope,
    ))
}

/// An empty scope of the kind that was fixed when it was given.
pub(super) fn scope(is_scoped: bool) -> TokenScope {
    if is_scoped {
        TokenScope::Units(BTreeSet::new())
    } else {
        TokenScope::Organisation
    }
}

/// Puts the units of consecutive rows about the same holder into one scope.
pub(super) fn gather<T>(
    rows: Vec<(T, Option<UnitId>)>,
    same: impl Fn(&T, &T) -> bool,
    scope: impl Fn(&mut T) -> &mut TokenScope,
) -> Vec<T> {
    let mut gathered: Vec<T> = Vec::new();
    for (row, unit) in rows {
        if !gathered.last().is_some_and(|last| same(last, &row)) {
            gathered.push(row);
        }
        if let (Some(last), Some(unit)) = (gathered.last_mut(), unit)
            && let TokenScope::Units(units) = scope(last)
        {
            units.insert(unit);
        }
    }
    gathered
}

/// Adds members to an organisation or gives them another role and scope.
pub async fn put_organisation_members<S: Session>(
    s: &mut S,
    organisation: OrganisationId,
    members: &[(PersonId, OrganisationRole, TokenScope)],
    now: Timestamp,
) -> Result<(), StoreError> {
    if members.is_empty() {
        return Ok(());
    }
    let people: Vec<i64> = members.iter().map(|(person, ..)| person.0).collect();
    let roles: Vec<String> = members.iter().map(|(_, role, _)| role.as_str().to_owned()).collect();
    let mut scoped = Vec::with_capacity(members.len());
    let (mut holders, mut units) = (Vec::new(), Vec::new());
    for (person, _, scope) in members {
        scoped.push(i64::from(matches!(scope, TokenScope::Units(_))));
        if let TokenScope::Units(held) = scope {
            holders.extend(held.iter().map(|_| person.0));
            units.extend(held.iter().map(|unit| unit.0));
        }
    }
    let values = [
        organisation.into(),
        now.into(),
        Value::Texts(&roles),
        Value::Ints(&scoped),
        Value::Ints(&people),
    ];
    s.execute(&ORGANISATION_MEMBER_PUT, &values).await?;
    let values = [organisation.into(), Value::Ints(&people)];
    s.execute(&ORGANISATION_MEMBER_UNIT_CLEAR, &values).await?;
    let values = [organisation.into(), Value::Ints(&units), Value::Ints(&holders)];
    s.execute(&ORGANISATION_MEMBER_UNIT_INSERT, &values).await.map(drop)
}

/// Removes members of an organisation.
pub async fn remove_organisation_members<S: Session>(
    s: &mut S,
    organisation: OrganisationId,
    people: &[i64],
) -> Result<(), StoreError> {
    s.execute(&ORGANISATION_MEMBER_DELETE, &[organisation.into(), Value::Ints(people)])
        .await
        .map(drop)
}

/// A member of a collaboration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollaborationMember {
    /// Of which.
    pub collaboration: CollaborationId,
    /// Who.
    pub person: PersonId,
    /// Their public id.
    pub uuid: Uuid,
    /// Their name.
    pub name: String,
    /// As what.
    pub role: CollaborationRole,
}

/// The members of these collaborations.
pub async fn collaboration_members<S: Session>(
    s: &mut S,
    collaborations: &[i64],
) -> Result<Vec<CollaborationMember>, StoreError> {
    s.fetch(&COLLABORATION_MEMBER_LIST, &[Value::Ints(collaborations)], |row| {
        Ok(CollaborationMember {
            collaboration: row.get(0)?,
            person: row.get(1)?,
            role: row.get(2)?,
            uuid: row.get(3)?,
            name: row.get(4)?,
        })
    })
    .await
}

/// Adds members to a collaboration or gives them another role.
pub async fn put_collaboration_members<S: Session>(
    s: &mut S,
    collaboration: CollaborationId,
    members: &[(PersonId, CollaborationRole)],
    now: Timestamp,
) -> Result<(), StoreError> {
    if members.is_empty() {
        return Ok(());
    }
    let people: Vec<i64> = members.iter().map(|(person, _)| person.0).collect();
    let roles: Vec<String> = members.iter().map(|(_, role)| role.as_str().to_owned()).collect();
    let values = [
        collaboration.into(),
        now.into(),
        Value::Texts(&roles),
        Value::Ints(&people),
    ];
    s.execute(&COLLABORATION_MEMBER_PUT, &values).await.map(drop)
}

/// Removes members of a collaboration, from its groups too.
pub async fn remove_collaboration_members<S: Session>(
    s: &mut S,
    collaboration: CollaborationId,
    people: &[i64],
) -> Result<(), StoreError> {
    s.execute(
        &COLLABORATION_MEMBER_DELETE,
        &[collaboration.into(), Value::Ints(people)],
    )
    .await
    .map(drop)
}
