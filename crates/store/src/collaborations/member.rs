//! Members of collaborations with what is known of the person.

use domain::{CollaborationId, GroupId, PersonId, Timestamp};
use uuid::Uuid;

use super::{
    list::numbers,
    statements::{CO_IS_MEMBER, CO_MEMBER, CO_MEMBERS, PERSON_BY_UID, PERSON_UID},
};
use crate::{Row, Session, StoreError, Value, organisations::CollaborationRole};

/// A membership.
#[derive(Clone, Debug)]
pub struct Member {
    /// Of which collaboration.
    pub collaboration: CollaborationId,
    /// Its number.
    pub id: i64,
    /// Who.
    pub person: PersonId,
    /// As what.
    pub role: CollaborationRole,
    /// Until when, if it ends.
    pub expires_at: Option<Timestamp>,
    /// Since when its time is over.
    pub expired_at: Option<Timestamp>,
    /// The invitation it came from.
    pub invitation: Option<i64>,
    /// Who made it.
    pub created_by: Option<String>,
    /// When.
    pub created_at: Timestamp,
    /// Who changed it last.
    pub updated_by: Option<String>,
    /// The person's public id.
    pub uuid: Uuid,
    /// The subject they sign in as; none before the first time.
    pub subject: Option<String>,
    /// Name to sign in with.
    pub username: String,
    /// Address.
    pub email: Option<String>,
    /// Name to show.
    pub full_name: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// False: suspended.
    pub active: bool,
    /// Since when the person is known.
    pub known_since: Timestamp,
    /// When the person's record was last changed.
    pub changed_at: Option<Timestamp>,
    /// The groups of the collaboration they are in.
    pub groups: Vec<GroupId>,
}

impl Member {
    /// What the person is called outside: the subject, or the public id of somebody who has not signed in yet.
    pub fn uid(&self) -> String {
        self.subject.clone().unwrap_or_else(|| self.uuid.to_string())
    }
}

fn read(row: &Row<'_>) -> Result<Member, StoreError> {
    Ok(Member {
        collaboration: row.get(0)?,
        id: row.get(1)?,
        person: row.get(2)?,
        role: row.get(3)?,
        expires_at: row.get(4)?,
        expired_at: row.get(5)?,
        invitation: row.get(6)?,
        created_by: row.get(7)?,
        created_at: row.get(8)?,
        updated_by: row.get(9)?,
        uuid: row.get(10)?,
        subject: row.get(11)?,
        username: row.get(12)?,
        email: row.get(13)?,
        full_name: row.get(14)?,
        first_name: row.get(15)?,
        last_name: row.get(16)?,
        active: row.get(17)?,
        known_since: row.get(18)?,
        changed_at: row.get(19)?,
        groups: numbers(row.get(20)?, 20)?.into_iter().map(GroupId).collect(),
    })
}

/// The members of these collaborations, oldest membership first.
pub async fn members<S: Session>(s: &mut S, collaborations: &[i64]) -> Result<Vec<Member>, StoreError> {
    s.fetch(&CO_MEMBERS, &[Value::Ints(collaborations)], read).await
}

/// The member of a collaboration with a uid.
pub async fn find_person_by_uid<S: Session>(
    s: &mut S,
    collaboration: CollaborationId,
    uid: &str,
) -> Result<Option<Member>, StoreError> {
    s.find(
        &CO_MEMBER,
        &[collaboration.into(), uid.into(), Uuid::parse_str(uid).ok().into()],
        read,
    )
    .await
}

/// Whether somebody is a member of a collaboration.
pub async fn is_member<S: Session>(
    s: &mut S,
    collaboration: CollaborationId,
    person: PersonId,
) -> Result<bool, StoreError> {
    let values = [collaboration.into(), person.into()];
    Ok(s.one(&CO_IS_MEMBER, &values, |row| row.get::<i64>(0)).await? > 0)
}

/// What a person is called outside.
pub async fn uid<S: Session>(s: &mut S, person: PersonId) -> Result<String, StoreError> {
    s.one(&PERSON_UID, &[person.into()], |row| {
        let uuid: Uuid = row.get(1)?;
        Ok(row.get::<Option<String>>(0)?.unwrap_or_else(|| uuid.to_string()))
    })
    .await
}

/// A person by uid.
#[derive(Clone, Debug)]
pub struct Somebody {
    /// Internal key.
    pub id: PersonId,
    /// Public id.
    pub uuid: Uuid,
    /// False: suspended.
    pub active: bool,
    /// Address.
    pub email: Option<String>,
}

/// The people with a uid, active ones first. Issuers name their people each for themselves: there may be several.
pub async fn people_with_uid<S: Session>(s: &mut S, uid: &str) -> Result<Vec<Somebody>, StoreError> {
    s.fetch(&PERSON_BY_UID, &[uid.into(), Uuid::parse_str(uid).ok().into()], |row| {
        Ok(Somebody {
            id: row.get(0)?,
            uuid: row.get(1)?,
            active: row.get(2)?,
            email: row.get(4)?,
        })
    })
    .await
}
