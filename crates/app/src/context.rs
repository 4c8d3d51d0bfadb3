//! The request as a use case sees it: who asks, through what, and what is counted.

use std::sync::Arc;

use domain::{ItemId, PersonId};
use store::{Meter, organisations::TokenCaller, stamps};
use uuid::Uuid;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Nobody in particular.
    Anonymous,
    /// Anybody at all, on a server that asks nobody who they are (`NOAUTH`): may do everything.
    Anybody,
    /// The operator's own credential (`objects.basic_username`), or the command line.
    Superuser,
    /// Whoever knows the credentials of a registered S3 bucket: everything in its buckets, and nothing elsewhere.
    ServiceAccount(ServiceAccount),
    /// Somebody with a verified token.
    Person(Person),
    /// An organisation's token.
    Token(Arc<TokenCaller>),
}

/// A person who signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Internal key.
    pub id: PersonId,
    /// Public id.
    pub uuid: Uuid,
    /// The identity provider they came through.
    pub idp: Option<String>,
    /// Their address, as the token says.
    pub email: Option<String>,
    /// The issuer says that the address was not proven: it must not open anything.
    pub email_in_doubt: bool,
}

/// A service account: credentials of an S3 bucket that is registered here (objects contract 1.4, 1.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    /// The endpoint of the store, as registered.
    pub endpoint: String,
    /// The bucket in the store.
    pub bucket: String,
    /// What it was found by: a keyed hash of the place and the credentials.
    pub hash: Arc<[u8]>,
    /// The buckets registered there with the same credentials; sorted, never empty.
    pub buckets: Arc<[ItemId]>,
}

impl ServiceAccount {
    /// Whether a bucket is one of its own.
    pub fn reaches(&self, bucket: ItemId) -> bool {
        self.buckets.binary_search(&bucket).is_ok()
    }
}

impl Caller {
    /// What the contract calls the kind of credentials: `NONE`, `BASIC` or `BEARER`; or `TOKEN`, which it does not know.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Anonymous | Self::Anybody => "NONE",
            Self::Superuser | Self::ServiceAccount(_) => "BASIC",
            Self::Person(_) => "BEARER",
            Self::Token(_) => "TOKEN",
        }
    }

    /// The person, if a person asks.
    pub fn person(&self) -> Option<&Person> {
        match self {
            Self::Person(person) => Some(person),
            Self::Anonymous | Self::Anybody | Self::Superuser | Self::ServiceAccount(_) | Self::Token(_) => None,
        }
    }

    /// The organisation's token, if one asks.
    pub fn token(&self) -> Option<&TokenCaller> {
        match self {
            Self::Token(token) => Some(token),
            Self::Anonymous | Self::Anybody | Self::Superuser | Self::ServiceAccount(_) | Self::Person(_) => None,
        }
    }

    /// Whether a bucket lies within what the caller can ever reach: a service account reaches its own only.
    pub(crate) fn reaches(&self, bucket: ItemId) -> bool {
        match self {
            Self::ServiceAccount(account) => account.reaches(bucket),
            Self::Anonymous | Self::Anybody | Self::Superuser | Self::Person(_) | Self::Token(_) => true,
        }
    }

    pub(crate) fn person_id(&self) -> Option<PersonId> {
        self.person().map(|person| person.id)
    }

    /// Whose name goes into stamps.
    pub(crate) fn stamp(&self) -> Uuid {
        match self {
            Self::Person(person) => person.uuid,
            Self::Token(token) => token.uuid,
            Self::Anonymous | Self::Anybody | Self::Superuser | Self::ServiceAccount(_) => stamps::SYSTEM,
        }
    }

    /// Who did it, for the audit record.
    pub(crate) fn actor(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::Anybody => "anybody".to_owned(),
            Self::Superuser => "basic".to_owned(),
            Self::ServiceAccount(account) => format!("s3-account:{}/{}", account.endpoint, account.bucket),
            Self::Person(person) => format!("person:{}", person.uuid),
            Self::Token(token) => format!("token:{}", token.uuid),
        }
    }
}

/// One request.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// Who asks.
    pub caller: Caller,
    /// Its id, in logs, answers and the audit record.
    pub request_id: String,
    /// What it costs.
    pub meter: Arc<Meter>,
    /// Through what: `objects`, `command-line`, `job`.
    pub via: &'static str,
}
