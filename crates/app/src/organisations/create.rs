//! Creating a collaboration with its units, labels, logo, first administrator and invitations (organisations contract, E1),
//! in one transaction.

use std::collections::BTreeSet;

use access::{TokenScope, units_of_new_collaboration};
use domain::{Kind, OrganisationId, Timestamp, UnitId};
use serde_json::json;
use store::{
    Access, Op, Session, StoreError, collaboration_labels as labels,
    collaborations::{self, Logo, NewMembership},
    invitations::{self as invites, Batch},
    organisations::{self as rows, CollaborationRole, CollaborationSettings},
};
use uuid::Uuid;

use super::{BY_TOKEN, Base, Collaboration, INVITATION_SECONDS, cleansed, invalid, invite, object, place, reach};
use crate::{App, Ctx, Error, Result, audit, mail};

/// The longest short name.
const SHORT_NAME: usize = 16;
/// The highest number that a short name made from a name ends with.
const HIGHEST: usize = 998;

/// A collaboration to create, checked for its shape.
#[derive(Clone, Debug)]
pub struct Request {
    /// Name.
    pub name: String,
    /// Short name; made from the name if absent.
    pub short_name: Option<String>,
    /// Description.
    pub description: String,
    /// Web site, support, disclosure.
    pub settings: Settings,
    /// Until when, if it ends.
    pub expires_at: Option<Timestamp>,
    /// Names of units; absent: none, or those of the token's scope.
    pub units: Option<Vec<String>>,
    /// Labels.
    pub labels: Vec<String>,
    /// The uid of somebody who becomes administrator at once.
    pub administrator: Option<String>,
    /// Addresses that are invited to be administrators.
    pub administrators: Vec<String>,
    /// What the invitations say.
    pub message: Option<String>,
    /// A picture.
    pub logo: Option<Logo>,
}

/// What is settled for a collaboration.
pub type Settings = CollaborationSettings;

/// Creates a collaboration; answers it with the labels that were asked for first.
///
/// # Errors
/// `Invalid` for a name or short name that is taken, a unit that the organisation has not or an address that is none;
/// `Denied` for a unit outside the scope of the token.
pub async fn create(app: &App, ctx: &Ctx, request: Request) -> Result<Collaboration> {
    let op = Create {
        base: Base::new(app, ctx),
        invitees: invite::mint(app, &request.administrators),
        uuid: app.entropy().uuid(),
        request,
    };
    app.decide(ctx, "collaboration.create", || "collaboration".to_owned(), op)
        .await
}

#[derive(Clone)]
struct Create {
    base: Base,
    uuid: Uuid,
    invitees: Vec<invites::Invitee>,
    request: Request,
}

impl Op for Create {
    type Out = Collaboration;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Collaboration> {
        let (request, now) = (&self.request, self.base.now);
        let token = reach::token(&self.base.ctx)?.clone();
        let units = units(s, token.organisation, &token.scope, request.units.as_deref()).await?;
        let short_name = self.short_name(s, token.organisation).await?;
        let (given, labels) = self.labels(s, token.organisation, &units).await?;
        let new = rows::NewCollaboration {
            uuid: self.uuid,
            organisation: token.organisation,
            short_name: &short_name,
            name: &request.name,
            description: Some(&request.description),
            expires_at: request.expires_at,
            settings: &request.settings,
            by: Some(BY_TOKEN),
        };
        // Somebody else may have taken the name since it was looked up: the schema knows.
        let id = rows::create_collaboration(s, &new, now)
            .await
            .map_err(|error| taken_meanwhile(error, &request.name))?;
        let numbers: Vec<i64> = units.iter().map(|unit| unit.0).collect();
        if !numbers.is_empty() {
            rows::add_collaboration_units(s, id, &numbers).await?;
        }
        labels::give(s, id, &labels).await?;
        if let Some(logo) = &request.logo {
            collaborations::put_logo(s, id, logo).await?;
        }
        let made = collaborations::find_by_id(s, id).await?.ok_or_else(reach::not_found)?;
        let after = json!({
            "organisation": token.organisation_uuid, "name": made.name, "short_name": made.short_name,
            "units": made.unit_names, "labels": made.labels, "expires_at": made.expires_at.map(Timestamp::iso_millis),
        });
        self.base
            .changed(s, &made, "collaboration.create", object(&made), after)
            .await?;
        let has_administrator = self.administrator(s, &made).await?;
        self.invite(s, &made).await?;
        let others = made.labels.iter().filter(|label| !given.contains(label)).cloned();
        Ok(Collaboration {
            members: i64::from(has_administrator),
            invitations: i64::try_from(self.invitees.len()).unwrap_or(i64::MAX),
            labels: given.iter().cloned().chain(others).collect(),
            ..made
        })
    }
}

/// The units of the new collaboration (organisations contract 3.4).
async fn units<S: Session>(
    s: &mut S,
    organisation: OrganisationId,
    scope: &TokenScope,
    names: Option<&[String]>,
) -> Result<BTreeSet<UnitId>> {
    let mut requested = BTreeSet::new();
    if let Some(names @ [_, ..]) = names {
        let known = rows::units(s, &[organisation.0]).await?;
        for name in names {
            let unit = known.iter().find(|unit| unit.name == *name).map(|unit| unit.id);
            match (unit, scope) {
                (Some(unit), _) => drop(requested.insert(unit)),
                (None, TokenScope::Organisation) => {
                    return Err(invalid(format!(
                        "Unit with name {name} does not exist in this organisation"
                    )));
                }
                // A unit that is out of reach and one that does not exist look alike.
                (None, TokenScope::Units(_)) => return Err(outside()),
            }
        }
    }
    let units = units_of_new_collaboration(scope, &requested).map_err(|error| outside().because(error))?;
    if units.is_empty() && *scope != TokenScope::Organisation {
        return Err(outside());
    }
    Ok(units)
}

fn outside() -> Error {
    Error::new(
        Kind::Denied,
        "The API key is scoped with units, and may use no other ones",
    )
}

fn taken(what: &str, value: &str) -> Error {
    invalid(format!(
        "Collaboration with {what} '{value}' already exists within this organisation."
    ))
}

fn taken_meanwhile(error: StoreError, name: &str) -> Error {
    if error.is_unique() {
        taken("name", name).because(error)
    } else {
        error.into()
    }
}

impl Create {
    /// The short name that was asked for, or the first free one made from the name. Only names of the same organisation
    /// count: what others call theirs is not told.
    async fn short_name<S: Session>(&self, s: &mut S, organisation: OrganisationId) -> Result<String> {
        let request = &self.request;
        let candidates = match &request.short_name {
            Some(short_name) => vec![short_name.clone()],
            None => candidates(&request.name),
        };
        let (name_is_taken, short_names) =
            collaborations::taken_names(s, organisation, &request.name, &candidates).await?;
        if name_is_taken {
            return Err(taken("name", &request.name));
        }
        let free = candidates
            .into_iter()
            .find(|candidate| !short_names.contains(candidate));
        match (free, &request.short_name) {
            (Some(free), _) => Ok(free),
            (None, Some(short_name)) => Err(taken("short_name", short_name)),
            (None, None) => {
                let id = self.uuid.simple().to_string();
                let letters = id.chars().map(|c| c.to_digit(16).unwrap_or_default());
                let letters = letters.filter_map(|digit| char::from_u32(u32::from('a') + digit));
                Ok(letters.take(SHORT_NAME).collect())
            }
        }
    }

    /// The values that were asked for, without doubles, and the keys of those and of the default ones.
    async fn labels<S: Session>(
        &self,
        s: &mut S,
        organisation: OrganisationId,
        units: &BTreeSet<UnitId>,
    ) -> Result<(Vec<String>, Vec<i64>)> {
        let mut given: Vec<String> = Vec::new();
        for value in &self.request.labels {
            if !given.contains(value) {
                given.push(value.clone());
            }
        }
        let known = labels::labels(s, organisation, &given).await?;
        let missing: Vec<String> = given
            .iter()
            .filter(|value| !known.iter().any(|label| label.value == **value))
            .cloned()
            .collect();
        let made = labels::create(s, organisation, &missing, self.base.now).await?;
        let found = known
            .iter()
            .filter(|label| given.contains(&label.value) || label.is_given_to(units))
            .map(|label| label.id);
        Ok((given.clone(), found.chain(made.iter().map(|(id, _)| *id)).collect()))
    }

    /// Makes the person administrator whose uid was given. Nobody has it, or several of different issuers have: nobody is.
    async fn administrator<S: Session>(&self, s: &mut S, made: &Collaboration) -> Result<bool> {
        let Some(uid) = &self.request.administrator else {
            return Ok(false);
        };
        let found = collaborations::people_with_uid(s, uid).await?;
        let [person] = found.as_slice() else { return Ok(false) };
        if !person.active {
            return Ok(false);
        }
        let new = NewMembership {
            collaboration: made.id,
            person: person.id,
            role: CollaborationRole::Admin,
            expires_at: None,
            invitation: None,
            keeps_invitation: false,
            by: BY_TOKEN,
        };
        collaborations::new_membership(s, &new, self.base.now).await?;
        let after = json!({ "person": person.uuid, "role": "admin" });
        self.base
            .changed(s, made, "collaboration.member.add", object(made), after)
            .await?;
        Ok(true)
    }

    async fn invite<S: Session>(&self, s: &mut S, made: &Collaboration) -> Result<()> {
        if self.invitees.is_empty() {
            return Ok(());
        }
        let organisation = rows::organisation_by_id(s, made.organisation).await?;
        let organisation = organisation.ok_or_else(reach::not_found)?;
        let settings = &organisation.settings;
        let batch = Batch {
            collaboration: made.id,
            role: CollaborationRole::Admin,
            sender_name: Some(settings.invitation_sender_name.as_deref().unwrap_or(&organisation.name)),
            message: self
                .request
                .message
                .as_deref()
                .or(settings.invitation_message.as_deref()),
            expires_at: self.base.now.plus_seconds(INVITATION_SECONDS),
            membership_expires_at: None,
            groups: &[],
        };
        let by = self.base.ctx.caller.stamp();
        invites::create(s, &batch, &self.invitees, by, self.base.now).await?;
        let changes = invite::changes(&self.invitees, &batch);
        let (ctx, now) = (&self.base.ctx, self.base.now);
        audit::changed_many(s, ctx, now, place(made), "invitation.create", &changes).await?;
        let ids: Vec<Uuid> = self.invitees.iter().map(|invitee| invitee.uuid).collect();
        mail::invite(s, &ids, false, now).await
    }
}

/// The short names that are tried for a name: it, then with the numbers from 2 on, in at most 16 characters.
fn candidates(name: &str) -> Vec<String> {
    let mut base = cleansed(name);
    if base.is_empty() {
        "short_name".clone_into(&mut base);
    }
    let numbered = (2..=HIGHEST).map(|number| {
        let number = number.to_string();
        let kept: String = base.chars().take(SHORT_NAME - number.len()).collect();
        kept + &number
    });
    std::iter::once(base.clone()).chain(numbered).collect()
}

#[cfg(test)]
mod tests {
    use super::candidates;

    #[test]
    fn short_names_are_numbered_within_their_length() {
        let all = candidates("Abcdefgh Ijklmnop");
        assert_eq!(
            all.get(..3).unwrap(),
            ["abcdefghijklmnop", "abcdefghijklmno2", "abcdefghijklmno3"]
        );
        assert_eq!(all.last().unwrap(), "abcdefghijklm998");
        assert_eq!(candidates("42").first().unwrap(), "short_name");
    }
}
