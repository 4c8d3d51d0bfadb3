//! Who a grant is for.

use std::fmt;

use domain::{CollaborationId, GroupId, IdentityProviderId, PersonId};

/// Who a grant is for. A subject holds several of these at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// One person.
    Person(PersonId),
    /// The members of a group of a collaboration.
    Group(GroupId),
    /// The members of a collaboration.
    Collaboration(CollaborationId),
    /// The administrators of a collaboration.
    CollaborationAdministrators(CollaborationId),
    /// Everybody who signed in through this identity provider.
    IdentityProvider(IdentityProviderId),
    /// Everybody, signed in or not: public.
    Anyone,
}

impl Principal {
    /// The two numbers a store keeps: kind and id (0 for [`Principal::Anyone`]).
    pub const fn to_row(self) -> (i64, i64) {
        match self {
            Self::Anyone => (0, 0),
            Self::Person(id) => (1, id.0),
            Self::Group(id) => (2, id.0),
            Self::Collaboration(id) => (3, id.0),
            Self::CollaborationAdministrators(id) => (4, id.0),
            Self::IdentityProvider(id) => (5, id.0),
        }
    }

    /// The principal for two stored numbers; `None` if the kind is unknown.
    pub const fn from_row(kind: i64, id: i64) -> Option<Self> {
        Some(match (kind, id) {
            (0, 0) => Self::Anyone,
            (1, _) => Self::Person(PersonId(id)),
            (2, _) => Self::Group(GroupId(id)),
            (3, _) => Self::Collaboration(CollaborationId(id)),
            (4, _) => Self::CollaborationAdministrators(CollaborationId(id)),
            (5, _) => Self::IdentityProvider(IdentityProviderId(id)),
            _ => return None,
        })
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => write!(f, "person {id}"),
            Self::Group(id) => write!(f, "group {id}"),
            Self::Collaboration(id) => write!(f, "members of collaboration {id}"),
            Self::CollaborationAdministrators(id) => write!(f, "administrators of collaboration {id}"),
            Self::IdentityProvider(id) => write!(f, "identity provider {id}"),
            Self::Anyone => f.write_str("anyone"),
        }
    }
}
