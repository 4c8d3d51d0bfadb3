//! What a file says (docs/apply.md): its shape, its comments, and what this version has no place for.

use domain::{Kind, Secret};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use store::organisations::{CollaborationRole, InvitationStatus, OrganisationRole};

use super::check;
use crate::{Error, Result};

/// A checked description of users, organisations, tokens and collaborations. Everything in it is referred to by `key`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct World {
    pub(super) users: Vec<User>,
    pub(super) organisations: Vec<Organisation>,
    pub(super) api_keys: Vec<ApiKey>,
    pub(super) services: Vec<Service>,
    pub(super) collaborations: Vec<Collaboration>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct User {
    pub(super) key: String,
    pub(super) uid: Option<String>,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) username: Option<String>,
    pub(super) platform_admin: Option<bool>,
    pub(super) suspended: Option<bool>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) password: Option<Secret>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Organisation {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) short_name: String,
    pub(super) category: Option<String>,
    pub(super) description: Option<String>,
    pub(super) units: Option<Vec<String>>,
    pub(super) members: Option<Vec<OrganisationMember>>,
    #[serde(default)]
    pub(super) labels: Vec<Label>,
    pub(super) accepted_user_policy: Option<String>,
    pub(super) on_boarding_msg: Option<String>,
    pub(super) crm_id: Option<String>,
    pub(super) invitation_sender_name: Option<String>,
    pub(super) invitation_message: Option<String>,
    pub(super) collaboration_creation_allowed: Option<bool>,
    pub(super) services_restricted: Option<bool>,
    pub(super) service_connection_requires_approval: Option<bool>,
}

/// A label of an organisation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Label {
    pub(super) value: String,
    /// Given to every new collaboration, or to those that share one of the units.
    #[serde(default)]
    pub(super) default: bool,
    #[serde(default)]
    pub(super) units: Vec<String>,
}

/// A service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    pub(super) key: String,
    pub(super) entity_id: String,
    pub(super) name: String,
    pub(super) abbreviation: String,
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) access_allowed_for_all: bool,
    #[serde(default)]
    pub(super) automatic_connection_allowed: bool,
    #[serde(default)]
    pub(super) allow_restricted_orgs: bool,
    #[serde(default)]
    pub(super) override_access_allowed_all_connections: bool,
    #[serde(default)]
    pub(super) non_member_users_access_allowed: bool,
    #[serde(default)]
    pub(super) scim_client_enabled: bool,
    #[serde(default)]
    pub(super) token_enabled: bool,
    #[serde(default)]
    pub(super) ldap_enabled: bool,
    pub(super) token_validity_days: Option<i64>,
    /// Keys of organisations that may connect it.
    #[serde(default)]
    pub(super) allowed_organisations: Vec<String>,
    /// Keys of organisations that may connect it without anybody being asked.
    #[serde(default)]
    pub(super) automatic_for_organisations: Vec<String>,
    #[serde(default, rename = "service_groups")]
    pub(super) groups: Vec<ServiceGroup>,
    #[serde(default)]
    pub(super) details: Details,
}

/// What is only shown of a service.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_user_policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    privacy_policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    providing_organisation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    security_email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    support_email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_info: Option<String>,
}

/// A group that a service brings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceGroup {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) short_name: String,
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) auto_provision_members: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrganisationMember {
    pub(super) user: String,
    #[serde(with = "OrganisationRoleWord")]
    pub(super) role: OrganisationRole,
    pub(super) units: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiKey {
    pub(super) key: String,
    pub(super) organisation: String,
    /// Always written out: leaving it away must not mean the whole organisation.
    pub(super) units: Vec<String>,
    pub(super) description: Option<String>,
}

impl ApiKey {
    /// What tells the tokens of an organisation apart.
    pub(super) fn name(&self) -> &str {
        self.description.as_deref().unwrap_or(&self.key)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Collaboration {
    pub(super) key: String,
    pub(super) organisation: String,
    pub(super) name: String,
    pub(super) short_name: String,
    pub(super) description: Option<String>,
    pub(super) units: Option<Vec<String>>,
    pub(super) labels: Option<Vec<String>>,
    /// Keys of services.
    pub(super) services: Option<Vec<String>>,
    pub(super) website_url: Option<String>,
    pub(super) support_email: Option<String>,
    pub(super) disable_join_requests: Option<bool>,
    pub(super) disclose_member_information: Option<bool>,
    pub(super) disclose_email_information: Option<bool>,
    pub(super) members: Option<Vec<CollaborationMember>>,
    #[serde(default)]
    pub(super) groups: Vec<Group>,
    #[serde(default)]
    pub(super) invitations: Vec<Invitation>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CollaborationMember {
    pub(super) user: String,
    #[serde(with = "CollaborationRoleWord")]
    pub(super) role: CollaborationRole,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) short_name: String,
    pub(super) description: Option<String>,
    pub(super) auto_provision_members: Option<bool>,
    pub(super) members: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Invitation {
    pub(super) key: String,
    pub(super) email: String,
    #[serde(with = "CollaborationRoleWord")]
    pub(super) role: CollaborationRole,
    #[serde(default = "open", with = "InvitationStatusWord")]
    pub(super) status: InvitationStatus,
    /// Negative: its time is over.
    #[serde(default = "fifteen_days")]
    pub(super) expires_in_days: i32,
    #[serde(default)]
    pub(super) origin: Origin,
    #[serde(default)]
    pub(super) groups: Vec<String>,
    pub(super) sender_name: Option<String>,
    pub(super) message: Option<String>,
    pub(super) accepted_by: Option<String>,
}

/// What made an invitation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Origin {
    #[default]
    Api,
    /// A person, whom the file does not name. It is gone once it is answered.
    Ui,
}

#[derive(Deserialize)]
#[serde(remote = "OrganisationRole", rename_all = "lowercase")]
enum OrganisationRoleWord {
    Admin,
    Manager,
    Member,
}

#[derive(Deserialize)]
#[serde(remote = "CollaborationRole", rename_all = "lowercase")]
enum CollaborationRoleWord {
    Admin,
    Member,
}

#[derive(Deserialize)]
#[serde(remote = "InvitationStatus", rename_all = "lowercase")]
enum InvitationStatusWord {
    Open,
    Accepted,
    Declined,
    Expired,
}

const fn open() -> InvitationStatus {
    InvitationStatus::Open
}

/// Organisations contract 2.7.
const fn fifteen_days() -> i32 {
    15
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.map(Secret::new))
}

/// What the file format has and this version has not: where it is written, and what it is called.
const UNSUPPORTED: &[(Section, &str, &str)] = &[
    (Section::Organisation, "logo", "logos are"),
    (Section::Collaboration, "logo", "logos are"),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Organisation,
    Collaboration,
}

impl World {
    /// Reads and checks a description, already parsed from JSON or YAML. Keys that start with `_` are comments.
    ///
    /// # Errors
    /// `Invalid`: one line for each problem, led by its place in the file. That includes everything this version cannot
    /// store, unless it says `false`, `null` or nothing at all, which is true without being stored.
    pub fn read(mut description: Value) -> Result<Self> {
        if !description.is_object() {
            return Err(refused(&[
                "the file must name its sections: users, organisations, …".to_owned()
            ]));
        }
        drop_comments(&mut description);
        let mut problems = take_unsupported(&mut description);
        let world: Self = serde_path_to_error::deserialize(description).map_err(|error| {
            let (path, why) = (error.path().to_string(), error.inner().to_string());
            let line = if path == "." { why } else { format!("{path}: {why}") };
            refused(&[problems.clone(), vec![line]].concat())
        })?;
        problems.extend(check::problems(&world));
        if problems.is_empty() {
            Ok(world)
        } else {
            Err(refused(&problems))
        }
    }
}

fn refused(problems: &[String]) -> Error {
    Error::new(Kind::Invalid, problems.join("\n"))
}

fn drop_comments(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !name.starts_with('_'));
            members.values_mut().for_each(drop_comments);
        }
        Value::Array(elements) => elements.iter_mut().for_each(drop_comments),
        _ => {}
    }
}

/// Takes out what this version has no place for; a line for each that says something.
fn take_unsupported(description: &mut Value) -> Vec<String> {
    let mut problems = Vec::new();
    let Some(top) = description.as_object_mut() else {
        return problems;
    };
    for (name, section) in [
        ("organisations", Section::Organisation),
        ("collaborations", Section::Collaboration),
    ] {
        let elements = top.get_mut(name).and_then(Value::as_array_mut);
        for (index, element) in elements.into_iter().flatten().enumerate() {
            if let Some(members) = element.as_object_mut() {
                take(members, section, &format!("{name}[{index}]."), &mut problems);
            }
        }
    }
    problems
}

fn take(members: &mut Map<String, Value>, section: Section, path: &str, problems: &mut Vec<String>) {
    for (_, name, what) in UNSUPPORTED.iter().filter(|(of, ..)| *of == section) {
        if let Some(value) = members.remove(*name)
            && says_something(&value)
        {
            problems.push(format!("{path}{name}: {what} not supported by this version"));
        }
    }
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}
