//! API tokens of organisations (organisations contract 1.2 and 2.3): issue, list, revoke, and who a secret stands for.

use std::{collections::BTreeSet, sync::Arc};

use access::TokenScope;
use domain::{Entropy, Kind, Secret, Timestamp, TokenId};
use identity::secret::{self, ApiSecret};
use serde_json::json;
use store::{
    Access, Meter, Op, Session,
    organisations::{self as rows, NewToken, OrganisationRow, TokenCaller, TokenRow, UnitRow},
};
use uuid::Uuid;

use crate::{App, Ctx, Error, Result, apply::operator, audit};

/// How far a token reaches, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The whole organisation.
    Organisation,
    /// What belongs wholly to these units; when the last of them ends, the token is revoked.
    Units(Vec<String>),
}

/// A token to issue.
#[derive(Clone, Debug)]
pub struct Request {
    /// Short name of the organisation.
    pub organisation: String,
    /// How far it reaches. Fixed from then on.
    pub reach: Reach,
    /// Until when, if it ends.
    pub expires_at: Option<Timestamp>,
    /// What it is for.
    pub description: Option<String>,
}

/// A new token. The secret is shown this once; only its hash is kept.
#[derive(Clone, Debug)]
pub struct Issued {
    /// What it is revoked by.
    pub id: Uuid,
    /// The secret, for the header `Authorization: Bearer`.
    pub secret: Secret,
}

/// A token as an administrator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenView {
    /// What it is revoked by.
    pub id: Uuid,
    /// How far it reaches.
    pub reach: Reach,
    /// What it is for.
    pub description: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when, if it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// Issues a token.
///
/// # Errors
/// `NotFound` for an unknown organisation or unit; `Invalid` for an end in the past or an empty list of units;
/// `Denied` to anybody but the operator.
pub async fn issue(app: &App, ctx: &Ctx, request: Request) -> Result<Issued> {
    operator(ctx)?;
    let now = app.now();
    if request.expires_at.is_some_and(|end| end <= now) {
        return Err(Error::new(Kind::Invalid, "The end of the token is in the past"));
    }
    let op = Issue {
        ctx: ctx.clone(),
        now,
        entropy: Arc::clone(&app.0.entropy),
        request,
    };
    app.store().run(op, &ctx.meter).await
}

#[derive(Clone)]
struct Issue {
    ctx: Ctx,
    now: Timestamp,
    entropy: Arc<dyn Entropy>,
    request: Request,
}

impl Op for Issue {
    type Out = Issued;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Issued> {
        let request = &self.request;
        let organisation = organisation(s, &request.organisation).await?;
        let scope = scope(s, &organisation, &request.reach).await?;
        let secret = ApiSecret::generate(&*self.entropy);
        let new = NewToken {
            uuid: self.entropy.uuid(),
            organisation: organisation.id,
            secret_hash: &secret.hash(),
            scope: &scope,
            description: request.description.as_deref(),
            expires_at: request.expires_at,
        };
        rows::create_token(s, &new, self.ctx.caller.stamp(), self.now).await?;
        let after = json!({
            "organisation": organisation.uuid, "scope": words(&request.reach), "description": request.description,
            "expires_at": request.expires_at.map(Timestamp::iso_millis),
        });
        audit::changed(
            s,
            &self.ctx,
            self.now,
            "token.issue",
            format!("token:{}", new.uuid),
            Some(after),
        )
        .await?;
        Ok(Issued {
            id: new.uuid,
            secret: secret.text().clone(),
        })
    }
}

fn words(reach: &Reach) -> serde_json::Value {
    match reach {
        Reach::Organisation => json!("organisation"),
        Reach::Units(names) => json!(names),
    }
}

async fn scope<S: Session>(s: &mut S, organisation: &OrganisationRow, reach: &Reach) -> Result<TokenScope> {
    let Reach::Units(names) = reach else {
        return Ok(TokenScope::Organisation);
    };
    if names.is_empty() {
        return Err(Error::new(Kind::Invalid, "A token without a unit reaches nothing"));
    }
    let units = rows::units(s, &[organisation.id.0]).await?;
    let unit = |name: &String| {
        let found = units.iter().find(|unit| unit.name == *name);
        found.map(|unit| unit.id).ok_or_else(|| no_unit(organisation, name))
    };
    Ok(TokenScope::Units(
        names.iter().map(unit).collect::<Result<BTreeSet<_>>>()?,
    ))
}

pub(crate) fn no_unit(organisation: &OrganisationRow, name: &str) -> Error {
    let text = format!("The organisation {} has no unit {name:?}", organisation.short_name);
    Error::new(Kind::NotFound, text)
}

/// The organisation with a short name.
pub(crate) async fn organisation<S: Session>(s: &mut S, short_name: &str) -> Result<OrganisationRow> {
    let found = rows::find_organisation(s, short_name).await?;
    found.ok_or_else(|| Error::new(Kind::NotFound, format!("There is no organisation {short_name:?}")))
}

/// The tokens of an organisation, oldest first, expired ones included.
///
/// # Errors
/// `NotFound` for an unknown organisation; `Denied` to anybody but the operator.
pub async fn list(app: &App, ctx: &Ctx, organisation: &str) -> Result<Vec<TokenView>> {
    operator(ctx)?;
    app.store().run(List(organisation.to_owned()), &ctx.meter).await
}

#[derive(Clone)]
struct List(String);

impl Op for List {
    type Out = Vec<TokenView>;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let organisation = organisation(s, &self.0).await?;
        let units = rows::units(s, &[organisation.id.0]).await?;
        let tokens = rows::tokens(s, &[organisation.id.0]).await?;
        Ok(tokens.into_iter().map(|token| view(token, &units)).collect())
    }
}

fn view(token: TokenRow, units: &[UnitRow]) -> TokenView {
    TokenView {
        id: token.uuid,
        reach: match &token.scope {
            TokenScope::Organisation => Reach::Organisation,
            TokenScope::Units(held) => {
                let held = units.iter().filter(|unit| held.contains(&unit.id));
                Reach::Units(held.map(|unit| unit.name.clone()).collect())
            }
        },
        description: token.description,
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used_at: token.last_used_at,
    }
}

/// Revokes a token: it is refused from the next request on.
///
/// # Errors
/// `NotFound` when there is no such token (any more); `Denied` to anybody but the operator.
pub async fn revoke(app: &App, ctx: &Ctx, id: Uuid) -> Result<()> {
    operator(ctx)?;
    let op = Revoke {
        ctx: ctx.clone(),
        now: app.now(),
        id,
    };
    app.store().run(op, &ctx.meter).await
}

#[derive(Clone)]
struct Revoke {
    ctx: Ctx,
    now: Timestamp,
    id: Uuid,
}

impl Op for Revoke {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        let token = rows::find_token_by_id(s, self.id).await?;
        let token = token.ok_or_else(|| Error::new(Kind::NotFound, "There is no such token"))?;
        rows::revoke_tokens(s, &[token.id.0]).await?;
        let after = json!({ "description": token.description });
        let object = format!("token:{}", token.uuid);
        Ok(audit::changed(s, &self.ctx, self.now, "token.revoke", object, Some(after)).await?)
    }
}

/// Whom a request with a token's secret speaks for: without a unit, nobody.
pub type Bearer = TokenCaller;

/// Finds the token of a secret and keeps that it was used, at most once a minute.
///
/// # Errors
/// `Unauthenticated` for a secret that is unknown, was revoked, or whose time is over: the same words for all.
pub async fn authenticate(app: &App, ctx: &Ctx, secret: &str) -> Result<Bearer> {
    find(app, &ctx.meter, secret).await
}

pub(crate) async fn find(app: &App, meter: &Arc<Meter>, secret: &str) -> Result<Bearer> {
    let now = app.now();
    let found = app.store().run(BySecret(secret::hash(secret)), meter).await?;
    let token = found.filter(|token| !token.is_expired(now));
    let token = token.ok_or_else(|| Error::new(Kind::Unauthenticated, "Invalid API key"))?;
    if token.is_use_due(now) {
        app.store().run(Touch(token.id, now), meter).await?;
    }
    Ok(token)
}

#[derive(Clone)]
struct BySecret([u8; 32]);

impl Op for BySecret {
    type Out = Option<TokenCaller>;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        Ok(rows::token_caller(s, &self.0).await?)
    }
}

#[derive(Clone)]
struct Touch(TokenId, Timestamp);

impl Op for Touch {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        Ok(rows::touch_token(s, self.0, self.1).await?)
    }
}
