//! A group.

use app::organisations::{Collaboration, Group, Member};
use serde::Serialize;

use super::{MemberView, author};

/// A group (organisations contract 2.6), with its members where the route shows them: as memberships, or as numbers.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct GroupView<'a> {
    auto_provision_members: bool,
    collaboration_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    collaboration_memberships: Option<Members<'a>>,
    created_at: i64,
    created_by: &'a str,
    description: Option<&'a str>,
    global_urn: String,
    id: i64,
    identifier: String,
    name: &'a str,
    service_group_id: Option<i64>,
    short_name: &'a str,
    updated_at: i64,
    updated_by: &'a str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Members<'a> {
    Memberships(Vec<MemberView<'a>>),
    Numbers(Vec<i64>),
}

impl<'a> GroupView<'a> {
    /// Without members.
    pub(crate) fn of(group: &'a Group, of: &Collaboration) -> Self {
        Self {
            auto_provision_members: group.auto_provision_members,
            collaboration_id: group.collaboration.0,
            collaboration_memberships: None,
            created_at: group.created_at.seconds(),
            created_by: author(group.created_by.as_ref()),
            description: group.description.as_deref(),
            global_urn: format!("{}:{}:{}", of.organisation_short_name, of.short_name, group.short_name),
            id: group.id.0,
            identifier: group.uuid.to_string(),
            name: &group.name,
            service_group_id: group.service_group,
            short_name: &group.short_name,
            updated_at: group.updated_at.unwrap_or(group.created_at).seconds(),
            updated_by: author(group.updated_by.as_ref().or(group.created_by.as_ref())),
        }
    }

    /// With those of the collaboration's members who are in it.
    pub(super) fn with(group: &'a Group, of: &Collaboration, members: &'a [Member], as_numbers: bool) -> Self {
        let inside = members.iter().filter(|member| member.groups.contains(&group.id));
        let members = if as_numbers {
            Members::Numbers(inside.map(|member| member.person.0).collect())
        } else {
            Members::Memberships(inside.map(MemberView::of).collect())
        };
        Self {
            collaboration_memberships: Some(members),
            ..Self::of(group, of)
        }
    }
}
