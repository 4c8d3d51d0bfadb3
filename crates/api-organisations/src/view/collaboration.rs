//! A collaboration, alone and with its relations.

use app::organisations::{Collaboration, Full};
use serde::Serialize;
use serde_json::Value;

use super::{GroupView, MemberView, author, seconds, service};

/// A collaboration (organisations contract 2.4), as creating it answers.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CollaborationView<'a> {
    accepted_user_policy: Option<&'a str>,
    collaboration_memberships_count: i64,
    created_at: i64,
    created_by: &'a str,
    description: Option<&'a str>,
    disable_join_requests: bool,
    disclose_email_information: bool,
    disclose_member_information: bool,
    expiry_date: Option<i64>,
    global_urn: String,
    id: i64,
    identifier: String,
    invitations_count: i64,
    last_activity_date: i64,
    logo: Option<String>,
    name: &'a str,
    organisation_id: i64,
    short_name: &'a str,
    status: &'static str,
    support_email: Option<&'a str>,
    tags: &'a [String],
    units: &'a [String],
    updated_at: i64,
    updated_by: &'a str,
    uuid4: String,
    website_url: Option<&'a str>,
}

impl<'a> CollaborationView<'a> {
    pub(crate) fn of(of: &'a Collaboration, public_url: &str) -> Self {
        let identifier = of.uuid.to_string();
        Self {
            accepted_user_policy: None,
            collaboration_memberships_count: of.members,
            created_at: of.created_at.seconds(),
            created_by: author(of.created_by.as_ref()),
            description: of.description.as_deref(),
            disable_join_requests: of.disable_join_requests,
            disclose_email_information: of.disclose_email_information,
            disclose_member_information: of.disclose_member_information,
            expiry_date: seconds(of.expires_at),
            global_urn: format!("{}:{}", of.organisation_short_name, of.short_name),
            id: of.id.0,
            invitations_count: of.invitations,
            last_activity_date: of.last_activity_at.seconds(),
            logo: of
                .has_logo
                .then(|| format!("{public_url}/api/images/collaborations/{identifier}")),
            name: &of.name,
            organisation_id: of.organisation.0,
            short_name: &of.short_name,
            status: status(of),
            support_email: of.support_email.as_deref(),
            tags: &of.labels,
            units: &of.unit_names,
            updated_at: of.updated_at.unwrap_or(of.created_at).seconds(),
            updated_by: author(of.updated_by.as_ref().or(of.created_by.as_ref())),
            uuid4: identifier.clone(),
            identifier,
            website_url: of.website_url.as_deref(),
        }
    }
}

fn status(of: &Collaboration) -> &'static str {
    match (of.suspended_at, of.expired_at) {
        (Some(_), _) => "suspended",
        (None, Some(_)) => "expired",
        (None, None) => "active",
    }
}

/// A collaboration with its relations.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FullView<'a> {
    #[serde(flatten)]
    collaboration: CollaborationView<'a>,
    collaboration_memberships: Vec<MemberView<'a>>,
    groups: Vec<GroupView<'a>>,
    services: Vec<Value>,
}

impl<'a> FullView<'a> {
    /// Members of groups are numbers in lists of collaborations, and memberships elsewhere (organisations contract, E22).
    pub(crate) fn of(full: &'a Full, public_url: &str, as_numbers: bool) -> Self {
        let of = &full.collaboration;
        let group = |group| GroupView::with(group, of, &full.members, as_numbers);
        Self {
            collaboration: CollaborationView::of(of, public_url),
            collaboration_memberships: full.members.iter().map(MemberView::of).collect(),
            groups: full.groups.iter().map(group).collect(),
            services: full.services.iter().map(service).collect(),
        }
    }
}
