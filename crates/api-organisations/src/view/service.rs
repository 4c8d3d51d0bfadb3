//! A service (organisations contract 2.8): what decides, what is only shown, and null for every secret.

use app::organisations::Service;
use serde_json::{Map, Value, json};

/// What is only shown, and null where the service does not say it.
const SHOWN: &[&str] = &[
    "accepted_user_policy",
    "acs_locations",
    "connection_setting",
    "contact_email",
    "crm_organisation_id",
    "exported_at",
    "export_external_identifier",
    "export_external_version",
    "grants",
    "ldap_identifier",
    "organisation_name",
    "privacy_policy",
    "providing_organisation",
    "redirect_urls",
    "security_email",
    "support_email",
    "support_email_unauthorized_users",
    "sweep_scim_daily_rate",
    "sweep_scim_last_run",
    "uri",
    "uri_info",
];

/// A service with all its keys.
pub(crate) fn service(service: &Service) -> Value {
    let details: Map<String, Value> = serde_json::from_str(&service.details).unwrap_or_default();
    let uuid = service.uuid.to_string();
    let mut all = json!({
        "abbreviation": service.abbreviation, "access_allowed_for_all": service.access_allowed_for_all,
        "access_allowed_for_crm_organisation": false,
        "allow_restricted_orgs": service.allow_restricted_organisations,
        "automatic_connection_allowed": service.automatic_connection_allowed,
        "created_at": service.created_at.seconds(), "created_by": super::SYSTEM, "description": service.description,
        "entity_id": service.entity_id, "export_successful": false, "id": service.id.0, "is_public_client": false,
        "ldap_enabled": service.ldap_enabled, "ldap_password": null, "logo": null, "name": service.name,
        "non_member_users_access_allowed": service.non_member_users_access_allowed, "oidc_client_secret": null,
        "oidc_enabled": false, "override_access_allowed_all_connections": service.override_access_allowed_all_connections,
        "pam_web_sso_enabled": false, "saml_enabled": false, "scim_bearer_token": null,
        "scim_client_enabled": service.scim_client_enabled, "scim_enabled": service.scim_enabled,
        "scim_url": service.scim_url, "sweep_remove_orphans": false, "sweep_scim_enabled": false,
        "token_enabled": service.token_enabled, "token_validity_days": service.token_validity_days,
        "updated_by": super::SYSTEM, "uuid4": uuid,
    });
    if let Value::Object(members) = &mut all {
        for name in SHOWN {
            let value = details.get(*name).cloned().unwrap_or(Value::Null);
            members.insert((*name).to_owned(), value);
        }
    }
    all
}
