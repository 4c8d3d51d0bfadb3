//! Connecting a collaboration to a service, or asking for it (organisations contract, E7, E8 and 2.8).

use std::collections::BTreeSet;

use serde_json::json;
use store::{
    Access, Op, Session,
    collaborations::{self, Copy, Part},
    organisations as rows,
    services::{self, Allowance, Connectable, Service},
};
use uuid::Uuid;

use super::{BY_TOKEN, Base, Collaboration, Named, invalid, reach, reach::Reached};
use crate::{App, Ctx, Error, Result, mail};

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is connected.
    Connected,
    /// Somebody has been asked.
    Pending,
}

/// Connects a service, or files a request where the service wants to be asked. The rules of the service hold for both.
///
/// # Errors
/// `Denied` for a collaboration out of reach, `NotFound` for an unknown service, `Invalid` where the rules forbid it or a
/// request waits already.
pub async fn connect(app: &App, ctx: &Ctx, named: Named, entity_id: &str) -> Result<(Collaboration, Outcome)> {
    let op = Connect {
        base: Base::new(app, ctx),
        named,
        entity_id: entity_id.to_owned(),
    };
    app.decide(ctx, "collaboration.connect", || "collaboration".to_owned(), op)
        .await
}

#[derive(Clone)]
struct Connect {
    base: Base,
    named: Named,
    entity_id: String,
}

impl Op for Connect {
    type Out = (Collaboration, Outcome);
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let of = reach::own(s, &self.base.ctx, &self.named).await?;
        let found = services::connectable(s, of.organisation, of.id, &self.entity_id).await?;
        let found = found.ok_or_else(reach::not_found)?;
        if found.is_connected {
            return Ok((of.into_inner(), Outcome::Connected));
        }
        let organisation = rows::organisation_by_id(s, of.organisation).await?;
        let organisation = organisation.ok_or_else(reach::not_found)?;
        check(&found, &organisation)?;
        let is_automatic = found.service.automatic_connection_allowed || found.allowance == Allowance::Automatic;
        let outcome = if is_automatic {
            self.connect(s, &of, &found.service).await?;
            Outcome::Connected
        } else {
            let asks_first = organisation.settings.service_connection_requires_approval;
            self.ask(s, &of, &found.service, asks_first).await?;
            Outcome::Pending
        };
        Ok((of.into_inner(), outcome))
    }
}

/// The rules that hold whether the connection is made at once or asked for.
fn check(found: &Connectable, organisation: &rows::OrganisationRow) -> Result<()> {
    let service = &found.service;
    if service.override_access_allowed_all_connections {
        return Err(invalid(format!(
            "Connection not allowed (service {})",
            service.entity_id
        )));
    }
    if found.allowance == Allowance::None && !service.access_allowed_for_all {
        return Err(invalid(format!(
            "not_allowed_organisation (service {})",
            service.entity_id
        )));
    }
    if organisation.settings.services_restricted && !service.allow_restricted_organisations {
        return Err(invalid(format!(
            "Organisation {} can only be linked to services that allow restricted organisations",
            organisation.name
        )));
    }
    Ok(())
}

impl Connect {
    async fn connect<S: Session>(&self, s: &mut S, of: &Reached, service: &Service) -> Result<()> {
        let now = self.base.now;
        services::connect(s, of.id, service.id, now).await?;
        let brought = services::groups(s, &[service.id.0]).await?;
        if !brought.is_empty() {
            let (mut names, mut short_names) = (BTreeSet::new(), BTreeSet::new());
            for part in collaborations::parts(s, &[of.id.0]).await? {
                if let Part::Group(group) = part {
                    names.insert(group.name);
                    short_names.insert(group.short_name);
                }
            }
            let mut copies = Vec::new();
            for group in brought {
                let short_name = format!("{}-{}", service.abbreviation, group.short_name);
                if names.insert(group.name.clone()) && short_names.insert(short_name.clone()) {
                    copies.push(Copy {
                        uuid: self.base.entropy.uuid(),
                        short_name,
                        of: group,
                    });
                }
            }
            collaborations::copy_groups(s, of.id, &copies, BY_TOKEN, now).await?;
        }
        let after = json!({ "service": service.entity_id });
        Ok(self
            .base
            .changed(s, of, "collaboration.connect", super::object(of), after)
            .await?)
    }

    async fn ask<S: Session>(&self, s: &mut S, of: &Reached, service: &Service, asks_first: bool) -> Result<()> {
        let (waits, administrator) = services::request_facts(s, of.id, service.id).await?;
        let requester =
            administrator.ok_or_else(|| invalid(format!("Collaboration {} has no administrator", of.short_name)))?;
        if waits {
            return Err(invalid(format!(
                "A service connection request already exists between {} and {}",
                service.name, of.name
            )));
        }
        let uuid: Uuid = self.base.entropy.uuid();
        services::request(s, uuid, of.id, service.id, requester, asks_first, self.base.now).await?;
        mail::connection_request(s, of, service, requester, asks_first, self.base.now).await?;
        let after = json!({ "service": service.entity_id, "request": uuid });
        Ok(self
            .base
            .changed(s, of, "collaboration.connection.request", super::object(of), after)
            .await?)
    }
}
