//! Who is told: addresses of people with a certain role. Suspended people are told nothing.

use domain::{CollaborationId, OrganisationId, PersonId, ServiceId};

use crate::{Session, StoreError, catalogue::sql};

sql! {
    RECIPIENTS_ORGANISATION: "
SELECT DISTINCT p.email FROM organisation_membership m JOIN person p ON p.id = m.person_id
WHERE m.organisation_id = $1 AND m.role = 'admin' AND p.active AND p.email IS NOT NULL ORDER BY 1";

    RECIPIENTS_SERVICE: "
SELECT DISTINCT p.email FROM service_membership m JOIN person p ON p.id = m.person_id
WHERE m.service_id = $1 AND p.active AND p.email IS NOT NULL ORDER BY 1";

    RECIPIENTS_COLLABORATION: "
SELECT DISTINCT p.email FROM collaboration_membership m JOIN person p ON p.id = m.person_id
WHERE m.collaboration_id = $1 AND m.role = 'admin' AND p.active AND p.email IS NOT NULL ORDER BY 1";

    RECIPIENTS_PLATFORM: "
SELECT DISTINCT email FROM person WHERE platform_administrator AND active AND email IS NOT NULL ORDER BY 1";

    RECIPIENTS_BY_UUID: {
        sqlite: "
SELECT DISTINCT email FROM person
WHERE uuid IN (SELECT unhex(value) FROM json_each($1)) AND active AND email IS NOT NULL ORDER BY 1",
        postgres: "
SELECT DISTINCT email FROM person WHERE uuid = ANY($1) AND active AND email IS NOT NULL ORDER BY 1",
    };

    RECIPIENT_NAME: "SELECT coalesce(full_name, username) FROM person WHERE id = $1";
}

/// A role.
#[derive(Clone, Copy, Debug)]
pub enum Recipients {
    /// The administrators of an organisation.
    OrganisationAdministrators(OrganisationId),
    /// Everybody who looks after a service.
    ServiceMembers(ServiceId),
    /// The administrators of a collaboration.
    CollaborationAdministrators(CollaborationId),
    /// The administrators of the server.
    PlatformAdministrators,
}

/// Their addresses.
pub async fn addresses<S: Session>(s: &mut S, who: Recipients) -> Result<Vec<String>, StoreError> {
    let (statement, value) = match who {
        Recipients::OrganisationAdministrators(organisation) => (&RECIPIENTS_ORGANISATION, vec![organisation.into()]),
        Recipients::ServiceMembers(service) => (&RECIPIENTS_SERVICE, vec![service.into()]),
        Recipients::CollaborationAdministrators(collaboration) => {
            (&RECIPIENTS_COLLABORATION, vec![collaboration.into()])
        }
        Recipients::PlatformAdministrators => (&RECIPIENTS_PLATFORM, Vec::new()),
    };
    s.fetch(statement, &value, |row| row.get(0)).await
}

/// The addresses of these people.
pub async fn addresses_of<S: Session>(s: &mut S, people: &[uuid::Uuid]) -> Result<Vec<String>, StoreError> {
    s.fetch(&RECIPIENTS_BY_UUID, &[crate::Value::Uuids(people)], |row| row.get(0))
        .await
}

/// What to call somebody.
pub async fn name<S: Session>(s: &mut S, person: PersonId) -> Result<String, StoreError> {
    let found = s.find(&RECIPIENT_NAME, &[person.into()], |row| row.get(0)).await?;
    Ok(found.unwrap_or_default())
}
