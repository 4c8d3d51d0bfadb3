//! Who is calling: from credentials to a caller.

use std::sync::Arc;

use domain::{Kind, Timestamp};
use identity::{Credentials, bearer::SignedIn};
use store::{
    Access, Meter, Op, Session, StoreError,
    people::{self, Identity, Known, Profile},
};
use uuid::Uuid;

use crate::{AccountHeaders, App, Caller, Mode, Person, tokens};

/// Why credentials do not make a caller.
#[derive(Debug)]
pub enum AuthenticationError {
    /// Basic credentials that are wrong, or not configured.
    WrongBasic,
    /// One of the two headers of a service account without the other.
    HalfAccount,
    /// Credentials that are none of a service account.
    WrongAccount,
    /// A token that does not hold; the reason is fit for the caller.
    Bearer(String),
    /// Nobody can tell at the moment.
    Unavailable(domain::Error),
}

/// What identities of the built-in issuer are kept under, whatever the server's address is today.
pub(crate) const BUILT_IN: &str = "commonhold";

impl App {
    /// Turns the credentials of a request into its caller. A verified token costs no statement: its person is known
    /// after the first time. With `takes_tokens`, what is no signed token is looked up as the secret of an organisation's.
    pub async fn authenticate(
        &self,
        credentials: &Credentials<'_>,
        account: AccountHeaders<'_>,
        takes_tokens: bool,
        meter: &Arc<Meter>,
    ) -> Result<Caller, AuthenticationError> {
        let nobody = || match self.mode() {
            Mode::NoAuth => Caller::Anybody,
            Mode::BasicAuth | Mode::OidcAuth | Mode::FullAuth => Caller::Anonymous,
        };
        match credentials {
            Credentials::None => Ok(nobody()),
            Credentials::Bearer(secret) if takes_tokens && !secret.contains('.') => {
                match tokens::find(self, meter, secret).await {
                    Ok(token) => Ok(Caller::Token(Arc::new(token))),
                    Err(error) if error.kind == Kind::Unauthenticated => {
                        Err(AuthenticationError::Bearer(error.public.into_owned()))
                    }
                    Err(error) => Err(AuthenticationError::Unavailable(domain::Error {
                        kind: Kind::Unavailable,
                        public: error.public,
                        source: error.source,
                    })),
                }
            }
            // Where no issuer is believed, a token is no credential (objects contract 1.4, step 4).
            Credentials::Bearer(_) if matches!(self.mode(), Mode::NoAuth | Mode::BasicAuth) => Ok(nobody()),
            Credentials::Basic(given) => {
                if let Some(caller) = self.service_account(account, given, meter).await? {
                    return Ok(caller);
                }
                match &self.settings().basic {
                    Some((username, password)) if given.is(username, password) => Ok(Caller::Superuser),
                    _ => Err(AuthenticationError::WrongBasic),
                }
            }
            Credentials::Bearer(token) => {
                let signed_in = self
                    .0
                    .bearer
                    .verify(token)
                    .await
                    .map_err(|error| AuthenticationError::Bearer(error.to_string()))?;
                self.person(&signed_in, meter).await
            }
        }
    }

    async fn person(&self, signed_in: &SignedIn, meter: &Arc<Meter>) -> Result<Caller, AuthenticationError> {
        let (id, uuid) = if let Some(known) = signed_in.person.get() {
            *known
        } else {
            let known = self.known(signed_in, meter).await.map_err(unavailable)?;
            if !known.active {
                return Err(AuthenticationError::Bearer("The account is disabled".to_owned()));
            }
            *signed_in.person.get_or_init(|| (known.id, known.uuid))
        };
        Ok(Caller::Person(Person {
            id,
            uuid,
            idp: signed_in.idp.clone(),
            email: signed_in.email.as_ref().map(|email| email.as_str().to_owned()),
            email_in_doubt: signed_in.email_in_doubt,
        }))
    }

    async fn known(&self, signed_in: &SignedIn, meter: &Arc<Meter>) -> Result<Known, StoreError> {
        let built_in = signed_in.issuer == self.0.issuer.url();
        let identity = Identity {
            issuer: if built_in {
                BUILT_IN.to_owned()
            } else {
                signed_in.issuer.clone()
            },
            subject: signed_in.subject.clone(),
            identity_provider: signed_in.idp.clone(),
        };
        let profile = Profile {
            username: signed_in.username.clone(),
            email: signed_in.email.as_ref().map(|email| email.as_str().to_owned()),
            email_verified: signed_in.email_verified,
            full_name: signed_in.full_name.clone(),
            first_name: signed_in.first_name.clone(),
            last_name: signed_in.last_name.clone(),
        };
        let found = self.store().run(Find(identity.clone()), meter).await?;
        match found {
            Some((known, on_record)) if on_record == profile => Ok(known),
            _ => {
                let op = SignIn {
                    uuid: self.entropy().uuid(),
                    identity,
                    profile,
                    now: self.now(),
                };
                self.store().run(op, meter).await
            }
        }
    }
}

pub(crate) fn unavailable(error: StoreError) -> AuthenticationError {
    let error = domain::Error::from(error);
    AuthenticationError::Unavailable(domain::Error {
        kind: Kind::Unavailable,
        ..error
    })
}

#[derive(Clone)]
struct Find(Identity);

impl Op for Find {
    type Out = Option<(Known, Profile)>;
    type Error = StoreError;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out, StoreError> {
        people::find_by_identity(s, &self.0).await
    }
}

#[derive(Clone)]
struct SignIn {
    uuid: Uuid,
    identity: Identity,
    profile: Profile,
    now: Timestamp,
}

impl Op for SignIn {
    type Out = Known;
    type Error = StoreError;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Known, StoreError> {
        let provider = match &self.identity.identity_provider {
            None => None,
            Some(name) => Some(people::identity_provider(s, name, self.now).await?),
        };
        people::sign_in(s, self.uuid, &self.identity, provider, &self.profile, self.now).await
    }
}
