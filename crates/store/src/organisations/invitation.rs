//! Invitations to collaborations. Only the hash of a secret is kept.

use domain::{CollaborationId, PersonId, Timestamp};
use uuid::Uuid;

use super::{
    role::{CollaborationRole, InvitationStatus},
    statements::{INVITATION_ACCEPTED, INVITATION_GROUP_INSERT, INVITATION_INSERT, INVITATION_LIST},
};
use crate::{Session, StoreError, Value};

/// An invitation to a collaboration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvitationRow {
    /// Internal key.
    pub id: i64,
    /// Public id.
    pub uuid: Uuid,
    /// To which collaboration.
    pub collaboration: CollaborationId,
    /// The address, as written.
    pub email: String,
    /// The address, as it is compared.
    pub email_folded: String,
    /// Where it stands.
    pub status: InvitationStatus,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
}

/// The invitations to these collaborations, oldest first.
pub async fn invitations<S: Session>(s: &mut S, collaborations: &[i64]) -> Result<Vec<InvitationRow>, StoreError> {
    s.fetch(&INVITATION_LIST, &[Value::Ints(collaborations)], |row| {
        Ok(InvitationRow {
            id: row.get(0)?,
            uuid: row.get(1)?,
            collaboration: row.get(2)?,
            email: row.get(3)?,
            email_folded: row.get(4)?,
            status: row.get(5)?,
            expires_at: row.get(6)?,
        })
    })
    .await
}

/// An invitation to create.
#[derive(Clone, Debug)]
pub struct NewInvitation<'a> {
    /// Public id.
    pub uuid: Uuid,
    /// To which collaboration.
    pub collaboration: CollaborationId,
    /// SHA-256 of its secret.
    pub secret_hash: &'a [u8],
    /// The address, as written.
    pub email: &'a str,
    /// To be what.
    pub role: CollaborationRole,
    /// Where it stands.
    pub status: InvitationStatus,
    /// In whose name it is sent.
    pub sender_name: Option<&'a str>,
    /// What it says.
    pub message: Option<&'a str>,
    /// Who accepted it.
    pub accepted_by: Option<PersonId>,
    /// The groups to join with it; of the same collaboration.
    pub groups: &'a [i64],
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
    /// Made by a person: it is gone once it is answered.
    pub personal: bool,
}

/// Creates an invitation.
pub async fn create_invitation<S: Session>(
    s: &mut S,
    new: &NewInvitation<'_>,
    by: Uuid,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let folded = new.email.to_lowercase();
    let values = [
        new.uuid.into(),
        new.collaboration.into(),
        new.secret_hash.into(),
        new.email.into(),
        (&folded).into(),
        new.role.as_str().into(),
        new.status.as_str().into(),
        new.sender_name.into(),
        new.message.into(),
        new.accepted_by.into(),
        by.into(),
        now.into(),
        new.expires_at.into(),
        new.personal.into(),
    ];
    let id: i64 = s.one(&INVITATION_INSERT, &values, |row| row.get(0)).await?;
    if !new.groups.is_empty() {
        s.execute(&INVITATION_GROUP_INSERT, &[id.into(), Value::Ints(new.groups)])
            .await?;
    }
    if let Some(person) = new.accepted_by {
        let values = [id.into(), new.collaboration.into(), person.into()];
        s.execute(&INVITATION_ACCEPTED, &values).await?;
    }
    Ok(id)
}
