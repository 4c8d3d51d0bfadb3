//! An invitation (organisations contract, E18).

use app::organisations::{InvitationStatus, read_invitation::InvitationView};
use serde_json::{Value, json};

/// An invitation as routes answer it.
pub(crate) struct InvitationAnswer;

impl InvitationAnswer {
    /// With the person who accepted it, where the route shows them.
    pub(crate) fn of(view: &InvitationView, with_user: bool) -> Value {
        let (of, invitation) = (&view.collaboration, &view.invitation);
        let urn = format!("{}:{}", of.organisation_short_name, of.short_name);
        let groups: Vec<Value> = view
            .groups
            .iter()
            .map(|group| {
                json!({
                    "description": group.description, "global_urn": format!("{urn}:{}", group.short_name),
                    "id": group.id.0, "identifier": group.uuid, "name": group.name, "short_name": group.short_name,
                })
            })
            .collect();
        let mut answer = json!({
            "collaboration": {
                "description": of.description, "global_urn": urn, "id": of.id.0, "identifier": of.uuid,
                "name": of.name, "short_name": of.short_name,
            },
            "groups": groups,
            "intended_role": invitation.role.as_str(),
            "invitation": {
                "email": invitation.email, "expiry_date": invitation.expires_at.seconds(),
                "identifier": invitation.uuid,
            },
            "status": invitation.status.as_str(),
        });
        if let (true, InvitationStatus::Accepted, Some(person)) =
            (with_user, invitation.status, &invitation.accepted_by)
            && let Value::Object(members) = &mut answer
        {
            let user = json!({
                "mail": person.email, "name": person.full_name, "platform_id": person.uid,
                "status": if person.active { "active" } else { "suspended" }, "username": person.username,
            });
            members.insert("user".to_owned(), user);
        }
        answer
    }
}
