//! What time does to invitations, memberships and collaborations. Each statement marks what it found, so nothing is found
//! twice.

use domain::{CollaborationId, OrganisationId, Timestamp};
use uuid::Uuid;

use crate::{Row, Session, StoreError, catalogue::sql};

sql! {
    /// now, the end of the time in which people are reminded, the end of those invitations that are closed.
    LIFECYCLE_DUE: "
SELECT EXISTS (SELECT 1 FROM invitation
        WHERE status = 'open' AND expires_at > $1 AND expires_at <= $2 AND reminded_at IS NULL)
    OR EXISTS (SELECT 1 FROM invitation WHERE status = 'open' AND expires_at <= $3)
    OR EXISTS (SELECT 1 FROM collaboration_membership WHERE expires_at <= $1 AND expired_at IS NULL)
    OR EXISTS (SELECT 1 FROM collaboration WHERE expires_at <= $1 AND expired_at IS NULL)";

    /// now, the end of that time, how many.
    LIFECYCLE_REMIND: "
UPDATE invitation SET reminded_at = $1
WHERE id IN (SELECT id FROM invitation WHERE status = 'open' AND expires_at > $1 AND expires_at <= $2
    AND reminded_at IS NULL ORDER BY expires_at LIMIT $3)
RETURNING uuid";

    /// the end of those that are closed, how many.
    LIFECYCLE_EXPIRE_PERSONAL: "
DELETE FROM invitation WHERE id IN (SELECT id FROM invitation
    WHERE status = 'open' AND expires_at <= $1 AND personal ORDER BY expires_at LIMIT $2)";

    LIFECYCLE_EXPIRE_INVITATIONS: "
UPDATE invitation SET status = 'expired' WHERE id IN (SELECT id FROM invitation
    WHERE status = 'open' AND expires_at <= $1 AND NOT personal ORDER BY expires_at LIMIT $2)";

    LIFECYCLE_MEMBERSHIPS: "
SELECT m.id, m.collaboration_id, c.organisation_id, c.uuid, c.name, m.expires_at, p.email,
    coalesce(p.full_name, p.username)
FROM collaboration_membership m JOIN collaboration c ON c.id = m.collaboration_id JOIN person p ON p.id = m.person_id
WHERE m.expires_at <= $1 AND m.expired_at IS NULL ORDER BY m.id LIMIT $2";

    LIFECYCLE_EXPIRE_MEMBERSHIPS: "
UPDATE collaboration_membership SET expired_at = $1
WHERE id IN (SELECT id FROM collaboration_membership WHERE expires_at <= $1 AND expired_at IS NULL ORDER BY id LIMIT $2)";

    LIFECYCLE_COLLABORATIONS: "
SELECT c.id, c.id, c.organisation_id, c.uuid, c.name, c.expires_at, CAST(NULL AS TEXT), CAST(NULL AS TEXT)
FROM collaboration c WHERE c.expires_at <= $1 AND c.expired_at IS NULL ORDER BY c.id LIMIT $2";

    LIFECYCLE_EXPIRE_COLLABORATIONS: "
UPDATE collaboration SET expired_at = $1
WHERE id IN (SELECT id FROM collaboration WHERE expires_at <= $1 AND expired_at IS NULL ORDER BY id LIMIT $2)";
}

/// Whether anything is due.
pub async fn is_due<S: Session>(
    s: &mut S,
    now: Timestamp,
    remind_until: Timestamp,
    closed_until: Timestamp,
) -> Result<bool, StoreError> {
    let values = [now.into(), remind_until.into(), closed_until.into()];
    s.one(&LIFECYCLE_DUE, &values, |row| row.get(0)).await
}

/// Marks open invitations that end soon as reminded of; answers which.
pub async fn remind<S: Session>(
    s: &mut S,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<Uuid>, StoreError> {
    s.fetch(&LIFECYCLE_REMIND, &[now.into(), until.into(), limit.into()], |row| {
        row.get(0)
    })
    .await
}

/// Closes open invitations whose time was over by then: those of persons are deleted. Answers how many.
pub async fn expire_invitations<S: Session>(s: &mut S, until: Timestamp, limit: i64) -> Result<usize, StoreError> {
    let values = [until.into(), limit.into()];
    let deleted = s.execute(&LIFECYCLE_EXPIRE_PERSONAL, &values).await?;
    let closed = s.execute(&LIFECYCLE_EXPIRE_INVITATIONS, &values).await?;
    Ok(usize::try_from(deleted + closed).unwrap_or(usize::MAX))
}

/// A membership or a collaboration whose time is over.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The collaboration.
    pub collaboration: CollaborationId,
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// Its public id.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
    /// When its time was over.
    pub expired_at: Timestamp,
    /// The address of the member, for a membership.
    pub email: Option<String>,
    /// The member's name, for a membership.
    pub person: Option<String>,
}

fn read(row: &Row<'_>) -> Result<Ended, StoreError> {
    Ok(Ended {
        collaboration: row.get(1)?,
        organisation: row.get(2)?,
        uuid: row.get(3)?,
        name: row.get(4)?,
        expired_at: row.get(5)?,
        email: row.get(6)?,
        person: row.get(7)?,
    })
}

/// Marks memberships whose time is over; answers which.
pub async fn expire_memberships<S: Session>(s: &mut S, now: Timestamp, limit: i64) -> Result<Vec<Ended>, StoreError> {
    let values = [now.into(), limit.into()];
    let ended = s.fetch(&LIFECYCLE_MEMBERSHIPS, &values, read).await?;
    if !ended.is_empty() {
        s.execute(&LIFECYCLE_EXPIRE_MEMBERSHIPS, &values).await?;
    }
    Ok(ended)
}

/// Marks collaborations whose time is over; answers which.
pub async fn expire_collaborations<S: Session>(
    s: &mut S,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Ended>, StoreError> {
    let values = [now.into(), limit.into()];
    let ended = s.fetch(&LIFECYCLE_COLLABORATIONS, &values, read).await?;
    if !ended.is_empty() {
        s.execute(&LIFECYCLE_EXPIRE_COLLABORATIONS, &values).await?;
    }
    Ok(ended)
}
