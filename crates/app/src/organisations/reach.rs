//! What a token reaches: one decision, taken on what was just loaded, before anything of it is told or changed
//! (organisations contract 3.1 to 3.3; access model, section 4).

use access::covers;
use domain::{Kind, UnitId};
use store::{
    Access, Op, Session,
    collaborations::{self, Collaboration, Group},
    invitations::{self, Invitation},
    organisations::TokenCaller,
};
use uuid::Uuid;

use crate::{App, Caller, Ctx, Error, Result};

/// The words for what does not exist.
pub const NO_ROW: &str = "No row was found when one was required";

/// The words for what the scope of a token does not cover, whoever it belongs to: no name of anybody else.
const NOT_COVERED: &str = "The API key has no access to this collaboration";

/// A collaboration that the caller's token covers. Made here and nowhere else.
#[derive(Clone, Debug)]
pub(super) struct Reached(Collaboration);

impl std::ops::Deref for Reached {
    type Target = Collaboration;

    fn deref(&self) -> &Collaboration {
        &self.0
    }
}

impl Reached {
    pub(super) fn into_inner(self) -> Collaboration {
        self.0
    }
}

/// The token that asks.
pub(super) fn token(ctx: &Ctx) -> Result<&TokenCaller> {
    match &ctx.caller {
        Caller::Token(token) => Ok(token),
        Caller::Anonymous | Caller::Anybody | Caller::Superuser | Caller::ServiceAccount(_) | Caller::Person(_) => {
            Err(Error::new(Kind::Denied, "Not a valid external API call"))
        }
    }
}

pub(super) fn not_found() -> Error {
    Error::new(Kind::NotFound, NO_ROW)
}

fn decide(token: &TokenCaller, found: Collaboration) -> Result<Reached> {
    let units: Vec<UnitId> = found.units.iter().copied().collect();
    if covers(token.organisation, &token.scope, found.organisation, &units) {
        Ok(Reached(found))
    } else {
        Err(Error::new(Kind::Denied, NOT_COVERED))
    }
}

/// The collaboration with a public id: unknown ones are "not found", those out of reach denied.
pub(super) async fn collaboration<S: Session>(s: &mut S, ctx: &Ctx, identifier: &str) -> Result<Reached> {
    let token = token(ctx)?;
    let uuid = Uuid::parse_str(identifier).map_err(|_| not_found())?;
    let found = collaborations::find(s, uuid).await?;
    decide(token, found.ok_or_else(not_found)?)
}

/// How a request names a collaboration of the token's own organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// By its public id.
    Identifier(String),
    /// By its short name.
    ShortName(String),
}

impl Named {
    fn text(&self) -> &str {
        match self {
            Self::Identifier(text) | Self::ShortName(text) => text,
        }
    }
}

/// A collaboration of the token's own organisation: others are denied in the same words, whether they exist or not.
pub(super) async fn own<S: Session>(s: &mut S, ctx: &Ctx, named: &Named) -> Result<Reached> {
    let token = token(ctx)?;
    let (uuid, short_name) = match named {
        Named::Identifier(text) => (Uuid::parse_str(text).ok(), None),
        Named::ShortName(text) => (None, Some(text.as_str())),
    };
    let found = collaborations::find_in(s, token.organisation, uuid, short_name).await?;
    let found = found.ok_or_else(|| {
        let text = format!(
            "Collaboration {} is not part of organisation {}",
            named.text(),
            token.organisation_name
        );
        Error::new(Kind::Denied, text)
    })?;
    decide(token, found)
}

/// A collaboration of the token's own organisation, whatever its scope: only for what no scoped token may do.
pub(super) async fn of_organisation<S: Session>(s: &mut S, token: &TokenCaller, identifier: &str) -> Result<Reached> {
    let uuid = Uuid::parse_str(identifier).map_err(|_| not_found())?;
    let found = collaborations::find_in(s, token.organisation, Some(uuid), None).await?;
    found.map(Reached).ok_or_else(not_found)
}

/// The group with a public id, in a collaboration within reach.
pub(super) async fn group<S: Session>(s: &mut S, ctx: &Ctx, identifier: &str) -> Result<(Group, Reached)> {
    let token = token(ctx)?;
    let uuid = Uuid::parse_str(identifier).map_err(|_| not_found())?;
    let found = collaborations::find_group(s, uuid).await?.ok_or_else(not_found)?;
    Ok((found.group, decide(token, found.collaboration)?))
}

/// The invitation with a public id, to a collaboration within reach.
pub(super) async fn invitation<S: Session>(s: &mut S, ctx: &Ctx, identifier: &str) -> Result<(Invitation, Reached)> {
    let token = token(ctx)?;
    let uuid = Uuid::parse_str(identifier).map_err(|_| not_found())?;
    let invitation = invitations::find(s, uuid).await?.ok_or_else(not_found)?;
    let of = collaborations::find_by_id(s, invitation.collaboration).await?;
    Ok((invitation, decide(token, of.ok_or_else(not_found)?)?))
}

/// What a request names.
#[derive(Clone, Debug)]
enum Thing {
    Collaboration(String),
    Own(Named),
    Group(String),
    Invitation(String),
}

#[derive(Clone)]
struct Check(Ctx, Thing);

impl Op for Check {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        match &self.1 {
            Thing::Collaboration(identifier) => collaboration(s, &self.0, identifier).await.map(drop),
            Thing::Own(named) => own(s, &self.0, named).await.map(drop),
            Thing::Group(identifier) => group(s, &self.0, identifier).await.map(drop),
            Thing::Invitation(identifier) => invitation(s, &self.0, identifier).await.map(drop),
        }
    }
}

/// Whether the caller reaches a collaboration: a request that cannot be read is told so only about what it reaches.
///
/// # Errors
/// `NotFound` and `Denied`, as the request itself would have met them.
pub async fn check_collaboration(app: &App, ctx: &Ctx, identifier: &str) -> Result<()> {
    let check = Check(ctx.clone(), Thing::Collaboration(identifier.to_owned()));
    app.decide(
        ctx,
        "collaboration.check",
        || format!("collaboration:{identifier}"),
        check,
    )
    .await
}

/// The same for a collaboration of the token's own organisation.
///
/// # Errors
/// `Denied`, as the request itself would have met it.
pub async fn check_own(app: &App, ctx: &Ctx, named: &Named) -> Result<()> {
    let check = Check(ctx.clone(), Thing::Own(named.clone()));
    app.decide(
        ctx,
        "collaboration.check",
        || format!("collaboration:{}", named.text()),
        check,
    )
    .await
}

/// The same for a group.
///
/// # Errors
/// `NotFound` and `Denied`, as the request itself would have met them.
pub async fn check_group(app: &App, ctx: &Ctx, identifier: &str) -> Result<()> {
    let check = Check(ctx.clone(), Thing::Group(identifier.to_owned()));
    app.decide(ctx, "group.check", || format!("group:{identifier}"), check)
        .await
}

/// The same for an invitation.
///
/// # Errors
/// `NotFound` and `Denied`, as the request itself would have met them.
pub async fn check_invitation(app: &App, ctx: &Ctx, identifier: &str) -> Result<()> {
    let check = Check(ctx.clone(), Thing::Invitation(identifier.to_owned()));
    app.decide(ctx, "invitation.check", || format!("invitation:{identifier}"), check)
        .await
}
