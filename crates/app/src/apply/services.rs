//! Services, who may connect them, and the groups they bring.

use std::collections::BTreeMap;

use domain::{Kind, OrganisationId, ServiceId};
use serde_json::json;
use store::{
    Session,
    services::{self as rows, Service, ServiceGroup},
};

use super::{AppliedService, Run, organisations::Known, resolved, world};
use crate::{Error, Result};

impl<S: Session> Run<'_, S> {
    /// Makes the services true; their internal keys by the keys of the file.
    pub(super) async fn services(
        &mut self,
        services: &[world::Service],
        organisations: &BTreeMap<String, Known>,
    ) -> Result<BTreeMap<String, ServiceId>> {
        let mut known = BTreeMap::new();
        if services.is_empty() {
            return Ok(known);
        }
        let ids: Vec<String> = services.iter().map(|service| service.entity_id.clone()).collect();
        let present = rows::services(self.s, &ids).await?;
        let numbers: Vec<i64> = present.iter().map(|service| service.id.0).collect();
        let named = rows::organisations(self.s, &numbers).await?;
        let groups = rows::groups(self.s, &numbers).await?;
        for service in services {
            let before = present.iter().find(|before| before.entity_id == service.entity_id);
            let id = self.service(service, before).await?;
            self.service_organisations(service, id, organisations, &named).await?;
            for wanted in &service.groups {
                self.service_group(service, id, wanted, &groups).await?;
            }
            let applied = AppliedService {
                entity_id: service.entity_id.clone(),
                name: service.name.clone(),
                abbreviation: service.abbreviation.clone(),
            };
            self.applied.services.insert(service.key.clone(), applied);
            known.insert(service.key.clone(), id);
        }
        Ok(known)
    }

    async fn service(&mut self, service: &world::Service, before: Option<&Service>) -> Result<ServiceId> {
        let details = serde_json::to_string(&service.details)
            .map_err(|error| Error::new(Kind::Internal, "An unexpected error").because(error))?;
        let wanted = Service {
            id: before.map_or(ServiceId(0), |before| before.id),
            uuid: before.map_or_else(|| self.entropy.uuid(), |before| before.uuid),
            entity_id: service.entity_id.clone(),
            abbreviation: service.abbreviation.clone(),
            name: service.name.clone(),
            description: service.description.clone(),
            details,
            access_allowed_for_all: service.access_allowed_for_all,
            automatic_connection_allowed: service.automatic_connection_allowed,
            allow_restricted_organisations: service.allow_restricted_orgs,
            override_access_allowed_all_connections: service.override_access_allowed_all_connections,
            non_member_users_access_allowed: service.non_member_users_access_allowed,
            scim_enabled: before.is_some_and(|before| before.scim_enabled),
            scim_client_enabled: service.scim_client_enabled,
            token_enabled: service.token_enabled,
            ldap_enabled: service.ldap_enabled,
            token_validity_days: service.token_validity_days,
            scim_url: before.and_then(|before| before.scim_url.clone()),
            created_at: before.map_or(self.now, |before| before.created_at),
        };
        let (id, word) = match before {
            Some(before) if *before == wanted => return Ok(before.id),
            Some(before) => {
                rows::update(self.s, &wanted).await?;
                (before.id, "changed")
            }
            None => (rows::create(self.s, &wanted).await?, "created"),
        };
        let after = json!({ "entity_id": wanted.entity_id, "name": wanted.name, "abbreviation": wanted.abbreviation });
        let line = format!("service {}: {word}", service.key);
        self.changed("service.put", format!("service:{}", wanted.uuid), line, after)
            .await?;
        Ok(id)
    }

    async fn service_organisations(
        &mut self,
        service: &world::Service,
        id: ServiceId,
        organisations: &BTreeMap<String, Known>,
        named: &[(ServiceId, OrganisationId, bool)],
    ) -> Result<()> {
        let mut wanted = BTreeMap::new();
        for key in &service.allowed_organisations {
            wanted.insert(resolved(organisations, key)?.id, false);
        }
        for key in &service.automatic_for_organisations {
            wanted.insert(resolved(organisations, key)?.id, true);
        }
        let held = named.iter().filter(|(of, ..)| *of == id);
        let held: BTreeMap<OrganisationId, bool> = held.map(|(_, of, automatic)| (*of, *automatic)).collect();
        if wanted == held {
            return Ok(());
        }
        let pairs: Vec<(OrganisationId, bool)> = wanted.into_iter().collect();
        rows::set_organisations(self.s, id, &pairs).await?;
        let line = format!("service {}: who may connect it changed", service.key);
        let after = json!({
            "allowed": service.allowed_organisations, "automatic": service.automatic_for_organisations,
        });
        self.changed(
            "service.organisations",
            format!("service:{}", service.entity_id),
            line,
            after,
        )
        .await
    }

    async fn service_group(
        &mut self,
        service: &world::Service,
        id: ServiceId,
        wanted: &world::ServiceGroup,
        present: &[ServiceGroup],
    ) -> Result<()> {
        let before = present
            .iter()
            .find(|group| group.service == id && group.short_name == wanted.short_name);
        let group = ServiceGroup {
            id: before.map_or(0, |before| before.id),
            service: id,
            short_name: wanted.short_name.clone(),
            name: wanted.name.clone(),
            description: wanted.description.clone(),
            auto_provision_members: wanted.auto_provision_members,
        };
        if before == Some(&group) {
            return Ok(());
        }
        rows::put_group(self.s, &group).await?;
        let word = if before.is_some() { "changed" } else { "created" };
        let line = format!("service {}: group {} {word}", service.key, wanted.key);
        let after = json!({ "short_name": group.short_name, "name": group.name });
        self.changed(
            "service.group.put",
            format!("service:{}", service.entity_id),
            line,
            after,
        )
        .await
    }
}
