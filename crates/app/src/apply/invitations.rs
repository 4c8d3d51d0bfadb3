//! Invitations to collaborations.

use std::collections::BTreeMap;

use domain::PersonId;
use serde_json::json;
use store::{
    Session,
    organisations::{self as rows, InvitationRow, NewInvitation},
};

use super::{
    AppliedInvitation, Run,
    collaborations::{Place, Present},
    resolved,
    world::{Invitation, Origin},
};
use crate::{Result, organisations::invite::PURPOSE};

const DAY: i64 = 24 * 3600;

impl<S: Session> Run<'_, S> {
    /// Makes the invitations that do not exist. One that does is left alone: what becomes of it is up to who is invited.
    /// The first with an address in the file is the first with that address on record, and so on.
    pub(super) async fn invitations(
        &mut self,
        place: &Place<'_>,
        people: &BTreeMap<String, PersonId>,
        present: &Present,
    ) -> Result<()> {
        let mut present: Vec<&InvitationRow> = present
            .invitations
            .iter()
            .filter(|row| row.collaboration == place.id)
            .collect();
        for invitation in &place.wanted.invitations {
            let folded = invitation.email.to_lowercase();
            let known = present
                .iter()
                .position(|row| row.email_folded == folded)
                .map(|index| present.remove(index));
            let applied = match known {
                Some(row) => AppliedInvitation {
                    identifier: row.uuid,
                    email: row.email.clone(),
                    expires_at: row.expires_at.seconds(),
                },
                None => self.invite(place, invitation, people).await?,
            };
            self.applied.invitations.insert(invitation.key.clone(), applied);
        }
        Ok(())
    }

    async fn invite(
        &mut self,
        place: &Place<'_>,
        invitation: &Invitation,
        people: &BTreeMap<String, PersonId>,
    ) -> Result<AppliedInvitation> {
        let groups = invitation.groups.iter().map(|key| Ok(resolved(&place.groups, key)?.0));
        let groups = groups.collect::<Result<Vec<i64>>>()?;
        let accepted_by = invitation
            .accepted_by
            .as_ref()
            .map(|key| resolved(people, key))
            .transpose()?;
        let uuid = self.entropy.uuid();
        let secret = self.links.secret(PURPOSE, uuid);
        let new = NewInvitation {
            uuid,
            collaboration: place.id,
            secret_hash: &secret.hash(),
            email: &invitation.email,
            role: invitation.role,
            status: invitation.status,
            sender_name: invitation.sender_name.as_deref(),
            message: invitation.message.as_deref(),
            accepted_by: accepted_by.copied(),
            groups: &groups,
            personal: invitation.origin == Origin::Ui,
            expires_at: self.now.plus_seconds(i64::from(invitation.expires_in_days) * DAY),
        };
        let by = self.stamp();
        rows::create_invitation(self.s, &new, by, self.now).await?;
        let line = format!(
            "invitation {}: {} for {}",
            invitation.key,
            new.status.as_str(),
            new.email
        );
        let after = json!({
            "collaboration": place.uuid, "email": new.email, "role": new.role.as_str(), "status": new.status.as_str(),
            "expires_at": new.expires_at.iso_millis(), "groups": invitation.groups,
        });
        self.changed("invitation.create", format!("invitation:{}", new.uuid), line, after)
            .await?;
        Ok(AppliedInvitation {
            identifier: new.uuid,
            email: invitation.email.clone(),
            expires_at: new.expires_at.seconds(),
        })
    }
}
