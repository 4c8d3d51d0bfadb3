//! Links to content that work without signing in (objects contract 4.3.3): the store's presigned URL, or a link to this
//! server, signed by it, whose every use is checked against what its maker may still do.

use blob::PresignOptions;
use domain::{Kind, PersonId};
use identity::links::Link;
use store::{Access, Op, Session, people};
use uuid::Uuid;

use super::{
    VersionSelector, is_managed,
    read::{Find, Found, Head, RangeDecision, Reading, open},
    transfer::key,
};
use crate::{App, Caller, Ctx, Error, Mode, Person, Result};

/// The longest a link may work, in seconds (7 days, as S3 has it).
pub const MAX_SECONDS: i64 = 604_800;

/// A link to the content of an object or of one version, for so many seconds. Two statements.
///
/// # Errors
/// `Invalid` when `seconds` is not within 1 and [`MAX_SECONDS`].
pub async fn link(app: &App, ctx: &Ctx, object: Uuid, selector: VersionSelector, seconds: i64) -> Result<String> {
    if !(1..=MAX_SECONDS).contains(&seconds) {
        return Err(Error::new(Kind::Invalid, "\"expiresIn\" must be between 1 and 604800"));
    }
    let now = app.now();
    let op = Find {
        ctx: ctx.clone(),
        now,
        object,
        selector,
        metadata: false,
    };
    let found = app
        .decide(ctx, "object.link", || format!("object:{object}"), op)
        .await?;
    let blobs = app.storages().of(&found.located.bucket)?;
    if !is_managed(&found.located) {
        let options = PresignOptions {
            now,
            expires: seconds,
            content_disposition: None,
            content_type: None,
        };
        let url = blobs.presign_get(&key(&found.located.object.path)?, found.native_version(), &options)?;
        return url.ok_or_else(|| Error::new(Kind::Internal, "The storage cannot make links"));
    }
    Ok(own_link(app, ctx, &found, now.seconds() + seconds))
}

/// Who made a link, as the link says it: nobody in particular only ever links to what is public.
fn signer(ctx: &Ctx) -> (Option<PersonId>, &'static str) {
    match &ctx.caller {
        Caller::Person(person) => (Some(person.id), "person"),
        Caller::Superuser => (None, "superuser"),
        Caller::Anybody => (None, "anybody"),
        // A service account has nothing in the server's own storage, which alone has such links. A link cannot speak for a
        // token, which may have ended: it shows what is public.
        Caller::Anonymous | Caller::ServiceAccount(_) | Caller::Token(_) => (None, "anonymous"),
    }
}

fn own_link(app: &App, ctx: &Ctx, found: &Found, expires_at: i64) -> String {
    let version = match found.selector {
        VersionSelector::Latest => None,
        _ => found.located.version.as_ref().map(|version| version.uuid),
    };
    let (signer, maker) = signer(ctx);
    let item = found.located.object.uuid;
    let link = Link {
        method: "GET",
        item,
        version,
        expires_at,
        disposition: maker,
        signer,
    };
    let person = signer.map(|person| format!("&person={person}")).unwrap_or_default();
    let selected = version.map(|version| format!("&version={version}")).unwrap_or_default();
    let (base, signature) = (&app.settings().public_url, app.0.links.sign(&link));
    format!("{base}/links/{item}?expires={expires_at}&by={maker}{person}{selected}&signature={signature}")
}

/// What the address of a link to this server says.
#[derive(Clone, Debug, Default)]
pub struct LinkAddress {
    /// The object.
    pub object: Uuid,
    /// The version, if one was selected.
    pub version: Option<Uuid>,
    /// The last second at which it works.
    pub expires: i64,
    /// `person`, `superuser`, `anybody` or `anonymous`.
    pub by: String,
    /// The person who made it.
    pub person: Option<i64>,
    /// The signature.
    pub signature: String,
}

/// Opens content by a link to this server. The link is checked, and then what its maker may do now.
pub async fn read_link(
    app: &App,
    ctx: &Ctx,
    address: &LinkAddress,
    decide: impl FnOnce(&Head) -> RangeDecision,
) -> Result<Reading> {
    let signer = address.person.map(PersonId);
    let link = Link {
        method: "GET",
        item: address.object,
        version: address.version,
        expires_at: address.expires,
        disposition: &address.by,
        signer,
    };
    let now = app.now();
    app.0
        .links
        .verify(&link, &address.signature, now)
        .map_err(|error| Error::new(Kind::Denied, "The link is not valid, or its time is over").because(error))?;
    let caller = match (signer, address.by.as_str()) {
        (Some(id), _) => app.store().run(Maker(id), &ctx.meter).await?,
        (None, "superuser") => Caller::Superuser,
        (None, "anybody") if app.mode() == Mode::NoAuth => Caller::Anybody,
        (None, _) => Caller::Anonymous,
    };
    let on_behalf = Ctx { caller, ..ctx.clone() };
    let selector = address
        .version
        .map_or(VersionSelector::Latest, VersionSelector::Version);
    let object = address.object;
    let op = Find {
        ctx: on_behalf.clone(),
        now,
        object,
        selector,
        metadata: true,
    };
    let found = app
        .decide(&on_behalf, "object.read", || format!("object:{object}"), op)
        .await?;
    open(app, found, decide).await
}

/// The maker of a link as a caller: what they may do is decided with the facts of now.
#[derive(Clone)]
struct Maker(PersonId);

impl Op for Maker {
    type Out = Caller;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<Caller> {
        let uuid = people::uuid(s, self.0).await?.ok_or_else(Error::denied)?;
        Ok(Caller::Person(Person {
            id: self.0,
            uuid,
            idp: None,
            email: None,
            email_in_doubt: false,
        }))
    }
}
