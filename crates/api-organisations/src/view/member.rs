//! A membership with its person.

use app::organisations::Member;
use domain::Timestamp;
use serde::Serialize;

use super::{author, seconds};

/// A membership (organisations contract 2.5).
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MemberView<'a> {
    collaboration_id: i64,
    created_at: i64,
    created_by: &'a str,
    expiry_date: Option<i64>,
    id: i64,
    invitation_id: Option<i64>,
    role: &'static str,
    status: &'static str,
    updated_by: &'a str,
    user: UserView<'a>,
    user_id: i64,
}

impl<'a> MemberView<'a> {
    pub(crate) fn of(member: &'a Member) -> Self {
        Self {
            collaboration_id: member.collaboration.0,
            created_at: member.created_at.seconds(),
            created_by: author(member.created_by.as_ref()),
            expiry_date: seconds(member.expires_at),
            id: member.id,
            invitation_id: member.invitation,
            role: member.role.as_str(),
            status: if member.expired_at.is_some() {
                "expired"
            } else {
                "active"
            },
            updated_by: author(member.updated_by.as_ref().or(member.created_by.as_ref())),
            user: UserView::of(member),
            user_id: member.person.0,
        }
    }
}

/// A person (organisations contract 2.10). What no client needs, and what is not known here, is null.
#[derive(Clone, Debug, Serialize)]
struct UserView<'a> {
    address: Option<&'a str>,
    affiliation: Option<&'a str>,
    application_uid: Option<&'a str>,
    collab_person_id: Option<&'a str>,
    created_at: i64,
    created_by: &'static str,
    edu_members: Option<&'a str>,
    eduperson_principal_name: Option<&'a str>,
    email: Option<&'a str>,
    entitlement: Option<&'a str>,
    external_id: String,
    family_name: Option<&'a str>,
    given_name: Option<&'a str>,
    home_organisation_uid: Option<&'a str>,
    id: i64,
    last_accessed_date: Option<i64>,
    last_login_date: Option<i64>,
    mfa_reset_token: bool,
    name: Option<&'a str>,
    nick_name: Option<&'a str>,
    pam_last_login_date: Option<i64>,
    rate_limited: bool,
    schac_home_organisation: Option<&'a str>,
    scoped_affiliation: Option<&'a str>,
    second_factor_auth: bool,
    ssh_keys: [(); 0],
    suspended: bool,
    uid: String,
    updated_at: i64,
    updated_by: &'static str,
    username: &'a str,
}

impl<'a> UserView<'a> {
    fn of(member: &'a Member) -> Self {
        Self {
            address: None,
            affiliation: None,
            application_uid: None,
            collab_person_id: None,
            created_at: member.known_since.seconds(),
            created_by: super::SYSTEM,
            edu_members: None,
            eduperson_principal_name: None,
            email: member.email.as_deref(),
            entitlement: None,
            external_id: member.uuid.to_string(),
            family_name: member.last_name.as_deref(),
            given_name: member.first_name.as_deref(),
            home_organisation_uid: None,
            id: member.person.0,
            last_accessed_date: None,
            last_login_date: None,
            mfa_reset_token: false,
            name: member.full_name.as_deref(),
            nick_name: None,
            pam_last_login_date: None,
            rate_limited: false,
            schac_home_organisation: None,
            scoped_affiliation: None,
            second_factor_auth: false,
            ssh_keys: [],
            suspended: !member.active,
            uid: member.uid(),
            updated_at: member
                .changed_at
                .map_or(member.known_since, |at: Timestamp| at)
                .seconds(),
            updated_by: super::SYSTEM,
            username: &member.username,
        }
    }
}
