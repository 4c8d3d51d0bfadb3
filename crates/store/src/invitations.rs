//! Invitations to collaborations, as the organisations API and the people who are invited see them.

use domain::{CollaborationId, GroupId, PersonId, Timestamp};
use uuid::Uuid;

use crate::{
    Row, Session, StoreError, Value,
    catalogue::sql,
    organisations::{CollaborationRole, InvitationStatus},
};

/// An invitation `i` with its collaboration, and the person who accepted it as far as they are a member.
macro_rules! invitation_row {
    () => {
        "
SELECT i.id, i.uuid, i.collaboration_id, i.email, i.role, i.status, i.sender_name, i.message, i.personal, i.created_at,
    i.expires_at, i.membership_expires_at, i.reminded_at, p.uuid, p.subject, p.username, p.email, p.full_name, p.active
FROM invitation i LEFT JOIN collaboration_membership m
    ON m.collaboration_id = i.collaboration_id AND m.person_id = i.accepted_by
LEFT JOIN person p ON p.id = m.person_id"
    };
}

sql! {
    INVITATION_BY_UUID: (concat!(invitation_row!(), " WHERE i.uuid = $1"));

    INVITATION_BY_SECRET: (concat!(invitation_row!(), " WHERE i.secret_hash = $1"));

    INVITATION_OPEN: (concat!(invitation_row!(), " WHERE i.collaboration_id = $1 AND i.status = 'open' ORDER BY i.id"));

    /// The groups that invitations bring, each with its invitation.
    INVITATION_GROUPS: {
        sqlite: "
SELECT k.invitation_id, g.id, g.uuid, g.short_name, g.name, g.description
FROM invitation_group k JOIN collaboration_group g ON g.id = k.group_id
WHERE k.invitation_id IN (SELECT value FROM json_each($1)) ORDER BY 1, 2",
        postgres: "
SELECT k.invitation_id, g.id, g.uuid, g.short_name, g.name, g.description
FROM invitation_group k JOIN collaboration_group g ON g.id = k.group_id
WHERE k.invitation_id = ANY($1) ORDER BY 1, 2",
    };

    /// collaboration, folded addresses: those that have an open invitation.
    INVITATION_DOUBLES: {
        sqlite: "
SELECT DISTINCT email_folded FROM invitation
WHERE collaboration_id = $1 AND status = 'open' AND email_folded IN (SELECT value FROM json_each($2))",
        postgres: "
SELECT DISTINCT email_folded FROM invitation
WHERE collaboration_id = $1 AND status = 'open' AND email_folded = ANY($2)",
    };

    /// What the invitations share; then ids, hashes in hexadecimal, addresses and folded addresses in parallel lists.
    INVITATION_INSERT_MANY: {
        sqlite: "
INSERT INTO invitation (collaboration_id, role, status, sender_name, message, created_by, created_at, expires_at,
    membership_expires_at, uuid, secret_hash, email, email_folded)
SELECT $1, $2, 'open', $3, $4, $5, $6, $7, $8, unhex($9 ->> n.key), unhex($10 ->> n.key), $11 ->> n.key, n.value
FROM json_each($12) n ORDER BY n.key",
        postgres: "
INSERT INTO invitation (collaboration_id, role, status, sender_name, message, created_by, created_at, expires_at,
    membership_expires_at, uuid, secret_hash, email, email_folded)
SELECT $1::bigint, $2::text, 'open', $3::text, $4::text, $5::uuid, $6::bigint, $7::bigint, $8::bigint, u,
    decode(h, 'hex'), e, f
FROM unnest($9::uuid[], $10::text[], $11::text[], $12::text[]) WITH ORDINALITY t (u, h, e, f, n) ORDER BY n",
    };

    /// collaboration, ids, groups: those groups, and the ones that take everybody.
    INVITATION_GROUP_INSERT_MANY: {
        sqlite: "
INSERT INTO invitation_group (invitation_id, group_id)
SELECT i.id, g.id FROM invitation i JOIN collaboration_group g ON g.collaboration_id = i.collaboration_id
WHERE i.collaboration_id = $1 AND i.uuid IN (SELECT unhex(value) FROM json_each($2))
    AND g.id IN (SELECT value FROM json_each($3))",
        postgres: "
INSERT INTO invitation_group (invitation_id, group_id)
SELECT i.id, g.id FROM invitation i JOIN collaboration_group g ON g.collaboration_id = i.collaboration_id
WHERE i.collaboration_id = $1 AND i.uuid = ANY($2) AND g.id = ANY($3)",
    };

    INVITATION_REMOVE: "DELETE FROM invitation WHERE id = $1";

    INVITATION_RENEW: "
UPDATE invitation SET status = 'open', created_at = $1, expires_at = $2, reminded_at = NULL WHERE id = $3";

    INVITATION_SET_STATUS: "UPDATE invitation SET status = $1, accepted_by = $2 WHERE id = $3";

    INVITATION_SET_ROLE: "UPDATE invitation SET role = $1 WHERE id = $2";

    INVITATION_GROUP_CLEAR: "DELETE FROM invitation_group WHERE invitation_id = $1";

    INVITATION_REMINDED: "UPDATE invitation SET reminded_at = $1 WHERE id = $2";
}

/// An invitation.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Internal key.
    pub id: i64,
    /// Public id.
    pub uuid: Uuid,
    /// To which collaboration.
    pub collaboration: CollaborationId,
    /// The address, as written.
    pub email: String,
    /// To be what.
    pub role: CollaborationRole,
    /// Where it stands.
    pub status: InvitationStatus,
    /// In whose name.
    pub sender_name: Option<String>,
    /// What it says.
    pub message: Option<String>,
    /// Made by a person: it is gone once it is answered.
    pub personal: bool,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
    /// Until when the membership holds.
    pub membership_expires_at: Option<Timestamp>,
    /// When its reminder was sent.
    pub reminded_at: Option<Timestamp>,
    /// Who accepted it, while they are a member.
    pub accepted_by: Option<Acceptor>,
}

/// Somebody who accepted an invitation.
#[derive(Clone, Debug)]
pub struct Acceptor {
    /// What they are called outside.
    pub uid: String,
    /// Name to sign in with.
    pub username: String,
    /// Address.
    pub email: Option<String>,
    /// Name to show.
    pub full_name: Option<String>,
    /// False: suspended.
    pub active: bool,
}

fn read(row: &Row<'_>) -> Result<Invitation, StoreError> {
    let person: Option<Uuid> = row.get(13)?;
    let accepted_by = match person {
        None => None,
        Some(uuid) => Some(Acceptor {
            uid: row.get::<Option<String>>(14)?.unwrap_or_else(|| uuid.to_string()),
            username: row.get(15)?,
            email: row.get(16)?,
            full_name: row.get(17)?,
            active: row.get(18)?,
        }),
    };
    Ok(Invitation {
        id: row.get(0)?,
        uuid: row.get(1)?,
        collaboration: row.get(2)?,
        email: row.get(3)?,
        role: row.get(4)?,
        status: row.get(5)?,
        sender_name: row.get(6)?,
        message: row.get(7)?,
        personal: row.get(8)?,
        created_at: row.get(9)?,
        expires_at: row.get(10)?,
        membership_expires_at: row.get(11)?,
        reminded_at: row.get(12)?,
        accepted_by,
    })
}

/// The invitation with a public id, to whatever collaboration: whoever asks decides who may see it.
pub async fn find<S: Session>(s: &mut S, uuid: Uuid) -> Result<Option<Invitation>, StoreError> {
    s.find(&INVITATION_BY_UUID, &[uuid.into()], read).await
}

/// The invitation with a secret of this hash.
pub async fn find_by_secret<S: Session>(s: &mut S, secret_hash: &[u8]) -> Result<Option<Invitation>, StoreError> {
    s.find(&INVITATION_BY_SECRET, &[secret_hash.into()], read).await
}

/// The open invitations to a collaboration, oldest first.
pub async fn open<S: Session>(s: &mut S, collaboration: CollaborationId) -> Result<Vec<Invitation>, StoreError> {
    s.fetch(&INVITATION_OPEN, &[collaboration.into()], read).await
}

/// A group that an invitation brings.
#[derive(Clone, Debug)]
pub struct InvitationGroup {
    /// Which invitation.
    pub invitation: i64,
    /// Internal key.
    pub id: GroupId,
    /// Public id.
    pub uuid: Uuid,
    /// Short name.
    pub short_name: String,
    /// Name.
    pub name: String,
    /// Description.
    pub description: Option<String>,
}

/// The groups that these invitations bring.
pub async fn groups<S: Session>(s: &mut S, invitations: &[i64]) -> Result<Vec<InvitationGroup>, StoreError> {
    s.fetch(&INVITATION_GROUPS, &[Value::Ints(invitations)], |row| {
        Ok(InvitationGroup {
            invitation: row.get(0)?,
            id: row.get(1)?,
            uuid: row.get(2)?,
            short_name: row.get(3)?,
            name: row.get(4)?,
            description: row.get(5)?,
        })
    })
    .await
}

/// Which of these folded addresses have an open invitation to a collaboration.
pub async fn doubles<S: Session>(
    s: &mut S,
    collaboration: CollaborationId,
    folded: &[String],
) -> Result<Vec<String>, StoreError> {
    let values = [collaboration.into(), Value::Texts(folded)];
    s.fetch(&INVITATION_DOUBLES, &values, |row| row.get(0)).await
}

/// What the invitations of a batch share.
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    /// To which collaboration.
    pub collaboration: CollaborationId,
    /// To be what.
    pub role: CollaborationRole,
    /// In whose name.
    pub sender_name: Option<&'a str>,
    /// What they say.
    pub message: Option<&'a str>,
    /// Until when they can be accepted.
    pub expires_at: Timestamp,
    /// Until when the memberships hold.
    pub membership_expires_at: Option<Timestamp>,
    /// The groups to join, of the same collaboration.
    pub groups: &'a [i64],
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Invitee {
    /// Public id of the invitation.
    pub uuid: Uuid,
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
    /// The address.
    pub email: String,
}

/// Creates invitations, in two statements however many they are.
pub async fn create<S: Session>(
    s: &mut S,
    batch: &Batch<'_>,
    invitees: &[Invitee],
    by: Uuid,
    now: Timestamp,
) -> Result<(), StoreError> {
    use std::fmt::Write;
    if invitees.is_empty() {
        return Ok(());
    }
    let (mut uuids, mut hashes) = (Vec::with_capacity(invitees.len()), Vec::with_capacity(invitees.len()));
    let (mut emails, mut folded) = (Vec::with_capacity(invitees.len()), Vec::with_capacity(invitees.len()));
    for invitee in invitees {
        let mut hash = String::with_capacity(64);
        for byte in invitee.secret_hash {
            // Writing to a text cannot fail.
            let _ = write!(hash, "{byte:02x}");
        }
        uuids.push(invitee.uuid);
        hashes.push(hash);
        emails.push(invitee.email.clone());
        folded.push(invitee.email.to_lowercase());
    }
    let values = [
        batch.collaboration.into(),
        batch.role.as_str().into(),
        batch.sender_name.into(),
        batch.message.into(),
        by.into(),
        now.into(),
        batch.expires_at.into(),
        batch.membership_expires_at.into(),
        Value::Uuids(&uuids),
        Value::Texts(&hashes),
        Value::Texts(&emails),
        Value::Texts(&folded),
    ];
    s.execute(&INVITATION_INSERT_MANY, &values).await?;
    if !batch.groups.is_empty() {
        let values = [
            batch.collaboration.into(),
            Value::Uuids(&uuids),
            Value::Ints(batch.groups),
        ];
        s.execute(&INVITATION_GROUP_INSERT_MANY, &values).await?;
    }
    Ok(())
}

/// Deletes an invitation.
pub async fn delete<S: Session>(s: &mut S, invitation: i64) -> Result<(), StoreError> {
    s.execute(&INVITATION_REMOVE, &[invitation.into()]).await.map(drop)
}

/// Opens an invitation anew, as if it were made now.
pub async fn renew<S: Session>(
    s: &mut S,
    invitation: i64,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    s.execute(&INVITATION_RENEW, &[now.into(), expires_at.into(), invitation.into()])
        .await
        .map(drop)
}

/// Keeps how an invitation was answered, or that nobody did in time.
pub async fn set_status<S: Session>(
    s: &mut S,
    invitation: i64,
    status: InvitationStatus,
    accepted_by: Option<PersonId>,
) -> Result<(), StoreError> {
    let values = [status.as_str().into(), accepted_by.into(), invitation.into()];
    s.execute(&INVITATION_SET_STATUS, &values).await.map(drop)
}

/// Changes what an invitation invites to be.
pub async fn set_role<S: Session>(s: &mut S, invitation: i64, role: CollaborationRole) -> Result<(), StoreError> {
    s.execute(&INVITATION_SET_ROLE, &[role.as_str().into(), invitation.into()])
        .await
        .map(drop)
}

/// Replaces the groups that an invitation brings.
pub async fn set_groups<S: Session>(s: &mut S, invitation: &Invitation, groups: &[i64]) -> Result<(), StoreError> {
    s.execute(&INVITATION_GROUP_CLEAR, &[invitation.id.into()]).await?;
    let uuids = [invitation.uuid];
    let values = [
        invitation.collaboration.into(),
        Value::Uuids(&uuids),
        Value::Ints(groups),
    ];
    s.execute(&INVITATION_GROUP_INSERT_MANY, &values).await.map(drop)
}

/// Keeps that a reminder was sent.
pub async fn reminded<S: Session>(s: &mut S, invitation: i64, now: Timestamp) -> Result<(), StoreError> {
    s.execute(&INVITATION_REMINDED, &[now.into(), invitation.into()])
        .await
        .map(drop)
}
