//! The request as a use case sees it: who asks, through what, and what is counted.

use std::sync::Arc;

use domain::PersonId;
use store::{Meter, stamps};
use uuid::Uuid;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Nobody in particular.
    Anonymous,
    /// The operator's own credential (`objects.basic_username`), or the command line.
    Superuser,
    /// Somebody with a verified token.
    Person(Person),
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
}

impl Caller {
    /// The person, if a person asks.
    pub fn person(&self) -> Option<&Person> {
        match self {
            Self::Person(person) => Some(person),
            Self::Anonymous | Self::Superuser => None,
        }
    }

    pub(crate) fn person_id(&self) -> Option<PersonId> {
        self.person().map(|person| person.id)
    }

    /// Whose name goes into stamps.
    pub(crate) fn stamp(&self) -> Uuid {
        self.person().map_or(stamps::SYSTEM, |person| person.uuid)
    }

    /// Who did it, for the audit record.
    pub(crate) fn actor(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::Superuser => "basic".to_owned(),
            Self::Person(person) => format!("person:{}", person.uuid),
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
