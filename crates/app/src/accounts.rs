//! Local accounts: the people of the built-in issuer (for a server without an OpenID provider of its own).

use domain::{EmailAddress, Kind, PersonId, Secret, Timestamp};
use identity::{
    issuer::{AccessTokenRequest, IDENTITY_PROVIDER},
    password::{PasswordError, Verdict, check_new},
    secret::{self, ApiSecret},
};
use serde_json::json;
use store::{
    Access, Op, Session,
    people::{self, Identity, Known, NewAccount, Profile},
};
use uuid::Uuid;

use crate::{App, Ctx, Error, Person, Result, audit, sign_in::BUILT_IN};

/// What the one-time link of the first start is for.
const FIRST_ADMINISTRATOR: &str = "first-administrator";

/// How long the one-time link of the first start works, in seconds.
const FIRST_LINK_SECONDS: i64 = 24 * 3600;

/// An account to create.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Address to sign in with.
    pub email: EmailAddress,
    /// Name to show.
    pub full_name: String,
    /// Password; without one the account can only be used with tokens that an operator issues.
    pub password: Option<Secret>,
    /// Whether it administers the whole server.
    pub platform_administrator: bool,
}

/// An access token with its lifetime in seconds.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The signed token.
    pub token: Secret,
    /// Seconds until it ends.
    pub expires_in: u32,
}

/// Creates an account. The address counts as verified: an operator vouches for it.
///
/// # Errors
/// `Invalid` for a password that is too weak, `Conflict` for an address that has an account.
pub async fn register(app: &App, ctx: &Ctx, registration: Registration) -> Result<Uuid> {
    let prepared = prepare(app, registration).await?;
    let uuid = prepared.account.uuid;
    app.store()
        .run(
            Register {
                ctx: ctx.clone(),
                now: app.now(),
                prepared,
            },
            &ctx.meter,
        )
        .await?;
    Ok(uuid)
}

#[derive(Clone)]
struct Prepared {
    account: NewAccount,
    hash: Option<String>,
}

async fn prepare(app: &App, registration: Registration) -> Result<Prepared> {
    let hash = match &registration.password {
        None => None,
        Some(password) => {
            check_new(password, &[registration.email.as_str(), &registration.full_name]).map_err(password_error)?;
            Some(
                app.0
                    .passwords
                    .hash(password, app.entropy())
                    .await
                    .map_err(password_error)?,
            )
        }
    };
    let uuid = app.entropy().uuid();
    let name = registration.full_name.trim().to_owned();
    let (first, last) = name
        .rsplit_once(' ')
        .map_or((name.as_str(), ""), |(first, last)| (first, last));
    let account = NewAccount {
        uuid,
        identity: Identity {
            issuer: BUILT_IN.to_owned(),
            subject: uuid.to_string(),
            identity_provider: Some(IDENTITY_PROVIDER.to_owned()),
        },
        profile: Profile {
            username: registration.email.as_str().to_owned(),
            email: Some(registration.email.as_str().to_owned()),
            email_verified: true,
            first_name: Some(first.to_owned()),
            last_name: Some(last.to_owned()).filter(|last| !last.is_empty()),
            full_name: Some(name.clone()),
        },
        platform_administrator: registration.platform_administrator,
    };
    Ok(Prepared { account, hash })
}

fn password_error(error: PasswordError) -> Error {
    domain::Error::from(error).into()
}

#[derive(Clone)]
struct Register {
    ctx: Ctx,
    now: Timestamp,
    prepared: Prepared,
}

impl Op for Register {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        create(s, &self.ctx, self.now, &self.prepared).await
    }
}

async fn create<S: Session>(s: &mut S, ctx: &Ctx, now: Timestamp, prepared: &Prepared) -> Result<()> {
    let account = &prepared.account;
    let email = account.profile.email.as_deref().unwrap_or_default();
    if people::find_by_email(s, email).await?.is_some() {
        return Err(Error::new(
            Kind::Conflict,
            "There is a person with this address already",
        ));
    }
    let provider = people::identity_provider(s, IDENTITY_PROVIDER, now).await?;
    people::create_account(s, account, provider, prepared.hash.as_deref(), now).await?;
    let after = json!({ "email": email, "administrator": account.platform_administrator });
    let object = format!("person:{}", account.uuid);
    Ok(audit::changed(s, ctx, now, "account.create", object, Some(after)).await?)
}

/// Signs somebody in with address and password.
///
/// # Errors
/// `Unauthenticated` for a wrong address or password, the same words and the same time for both; `Throttled` when too many
/// sign in at once.
pub async fn sign_in(app: &App, ctx: &Ctx, email: &str, password: &Secret) -> Result<AccessToken> {
    let known = verified(app, ctx, email, password).await?;
    issue(app, ctx, known.uuid).await
}

/// The person with an address and a password, for a page that acts for them at once.
///
/// # Errors
/// As [`sign_in`].
pub async fn person_with(app: &App, ctx: &Ctx, email: &str, password: &Secret) -> Result<Person> {
    let known = verified(app, ctx, email, password).await?;
    Ok(Person {
        id: known.id,
        uuid: known.uuid,
        idp: Some(IDENTITY_PROVIDER.to_owned()),
        email: Some(email.to_owned()),
        email_in_doubt: false,
    })
}

/// Whether an address has an account here.
///
/// # Errors
/// When the database fails.
pub async fn has_account(app: &App, ctx: &Ctx, email: &str) -> Result<bool> {
    Ok(app.store().run(Account(email.to_owned()), &ctx.meter).await?.is_some())
}

async fn verified(app: &App, ctx: &Ctx, email: &str, password: &Secret) -> Result<Known> {
    let found = app.store().run(Account(email.to_owned()), &ctx.meter).await?;
    let stored = found.as_ref().map(|(_, hash)| hash.as_str());
    let verdict = app.0.passwords.verify(password, stored).await.map_err(password_error)?;
    let wrong = || Error::new(Kind::Unauthenticated, "The address or the password is wrong");
    match (found, verdict) {
        (Some((known, _)), Verdict::Right { rehash }) if known.active => {
            if rehash {
                let hash = app
                    .0
                    .passwords
                    .hash(password, app.entropy())
                    .await
                    .map_err(password_error)?;
                let op = SetPassword {
                    person: known.id,
                    email: email.to_lowercase(),
                    hash,
                    now: app.now(),
                };
                app.store().run(op, &ctx.meter).await?;
            }
            Ok(known)
        }
        _ => Err(wrong()),
    }
}

#[derive(Clone)]
struct SetPassword {
    person: PersonId,
    email: String,
    hash: String,
    now: Timestamp,
}

impl Op for SetPassword {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        Ok(people::set_password(s, self.person, &self.email, &self.hash, self.now).await?)
    }
}

#[derive(Clone)]
struct Account(String);

impl Op for Account {
    type Out = Option<(Known, String)>;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        Ok(people::account(s, &self.0).await?)
    }
}

/// Issues an access token of the built-in issuer to the person with an address, for the command line.
///
/// # Errors
/// `NotFound` when no person has the address; `Denied` when the account is disabled.
pub async fn issue_to(app: &App, ctx: &Ctx, email: &str) -> Result<AccessToken> {
    let found = app.store().run(ByEmail(email.to_owned()), &ctx.meter).await?;
    let known = found.ok_or_else(|| Error::new(Kind::NotFound, "There is no person with this address"))?;
    if !known.active {
        return Err(Error::new(Kind::Denied, "The account is disabled"));
    }
    issue(app, ctx, known.uuid).await
}

#[derive(Clone)]
struct ByEmail(String);

impl Op for ByEmail {
    type Out = Option<Known>;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        Ok(people::find_by_email(s, &self.0).await?)
    }
}

async fn issue(app: &App, ctx: &Ctx, person: Uuid) -> Result<AccessToken> {
    let filter = people::PersonFilter {
        uuids: vec![person],
        ..Default::default()
    };
    let row = app.store().run(Row(filter), &ctx.meter).await?;
    let row = row.ok_or_else(|| Error::new(Kind::NotFound, "There is no such person"))?;
    if row.idp.as_deref() != Some(IDENTITY_PROVIDER) {
        return Err(Error::new(
            Kind::Denied,
            "This person signs in through another provider, which issues their tokens",
        ));
    }
    let expires_in = app.settings().token_seconds;
    let request = AccessTokenRequest {
        subject: row.identity_id.unwrap_or_default(),
        username: row.profile.username,
        email: row.profile.email.and_then(|email| EmailAddress::new(email).ok()),
        email_verified: row.profile.email_verified,
        full_name: row.profile.full_name,
        first_name: row.profile.first_name,
        last_name: row.profile.last_name,
        lifetime_seconds: expires_in,
    };
    let token = app.0.issuer.issue(&request, &*app.0.clock, app.entropy())?;
    Ok(AccessToken {
        token: Secret::new(token),
        expires_in,
    })
}

#[derive(Clone)]
struct Row(people::PersonFilter);

impl Op for Row {
    type Out = Option<people::PersonRow>;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        Ok(people::search(s, &self.0).await?.into_iter().next())
    }
}

/// Disables or enables the person with an address; whether that changed anything. Their tokens are refused on the next
/// request.
pub async fn set_active(app: &App, ctx: &Ctx, email: &str, active: bool) -> Result<bool> {
    let op = SetActive {
        ctx: ctx.clone(),
        now: app.now(),
        email: email.to_owned(),
        active,
    };
    app.store().run(op, &ctx.meter).await
}

#[derive(Clone)]
struct SetActive {
    ctx: Ctx,
    now: Timestamp,
    email: String,
    active: bool,
}

impl Op for SetActive {
    type Out = bool;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<bool> {
        let known = people::find_by_email(s, &self.email).await?;
        let known = known.ok_or_else(|| Error::new(Kind::NotFound, "There is no person with this address"))?;
        let changed = people::set_active(s, known.id, self.active, self.ctx.caller.stamp(), self.now).await?;
        if changed {
            let object = format!("person:{}", known.uuid);
            let after = json!({ "active": self.active });
            audit::changed(s, &self.ctx, self.now, "account.set_active", object, Some(after)).await?;
        }
        Ok(changed)
    }
}

/// A secret that creates the first administrator, once, within a day; none when there is an account already. A new one
/// replaces the one before.
pub async fn first_link(app: &App) -> Result<Option<ApiSecret>> {
    let secret = ApiSecret::generate(app.entropy());
    let op = FirstLink {
        hash: secret.hash(),
        now: app.now(),
    };
    let needed = app.store().run(op, &app.job_context().meter).await?;
    Ok(needed.then_some(secret))
}

#[derive(Clone)]
struct FirstLink {
    hash: [u8; 32],
    now: Timestamp,
}

impl Op for FirstLink {
    type Out = bool;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<bool> {
        if people::count_accounts(s).await? > 0 {
            return Ok(false);
        }
        let expires = self.now.plus_seconds(FIRST_LINK_SECONDS);
        people::replace_one_time_link(s, FIRST_ADMINISTRATOR, &self.hash, self.now, expires).await?;
        Ok(true)
    }
}

/// Whether the one-time link of the first start works.
pub async fn first_link_works(app: &App, ctx: &Ctx, secret: &str) -> Result<bool> {
    app.store()
        .run(Works(secret::hash(secret), app.now()), &ctx.meter)
        .await
}

#[derive(Clone)]
struct Works([u8; 32], Timestamp);

impl Op for Works {
    type Out = bool;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<bool> {
        Ok(people::one_time_link_works(s, FIRST_ADMINISTRATOR, &self.0, self.1).await?)
    }
}

/// Creates the first administrator and uses the one-time link up.
///
/// # Errors
/// `Denied` when the link does not work (any more).
pub async fn register_first(app: &App, ctx: &Ctx, secret: &str, registration: Registration) -> Result<Uuid> {
    if !first_link_works(app, ctx, secret).await? {
        return Err(Error::new(Kind::Denied, "The link has been used, or its time is over"));
    }
    let prepared = prepare(
        app,
        Registration {
            platform_administrator: true,
            ..registration
        },
    )
    .await?;
    let uuid = prepared.account.uuid;
    let op = RegisterFirst {
        ctx: ctx.clone(),
        now: app.now(),
        hash: secret::hash(secret),
        prepared,
    };
    app.store().run(op, &ctx.meter).await?;
    Ok(uuid)
}

#[derive(Clone)]
struct RegisterFirst {
    ctx: Ctx,
    now: Timestamp,
    hash: [u8; 32],
    prepared: Prepared,
}

impl Op for RegisterFirst {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        if !people::use_one_time_link(s, FIRST_ADMINISTRATOR, &self.hash, self.now).await? {
            return Err(Error::new(Kind::Denied, "The link has been used, or its time is over"));
        }
        create(s, &self.ctx, self.now, &self.prepared).await
    }
}
