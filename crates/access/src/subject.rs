//! Who asks.

use domain::{ClassificationId, OrganisationId, PersonId};

use crate::{Node, Principal, TokenScope, covers};

/// Who asks: the principals and clearances a caller holds right now, or a token's scope, or the superuser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject(pub(crate) Who);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Superuser,
    Token {
        organisation: OrganisationId,
        scope: TokenScope,
    },
    Holder {
        person: Option<PersonId>,
        /// Sorted, without duplicates.
        principals: Vec<Principal>,
        /// Sorted.
        clearances: Vec<ClassificationId>,
    },
}

impl Subject {
    /// A caller who did not sign in: holds [`Principal::Anyone`] only.
    pub fn anonymous() -> Self {
        Self(Who::Holder {
            person: None,
            principals: vec![Principal::Anyone],
            clearances: Vec::new(),
        })
    }

    /// A person with what they hold right now: their groups, collaborations and identity providers, and the
    /// classifications they are cleared for. The person and [`Principal::Anyone`] are added.
    pub fn person(
        person: PersonId,
        principals: impl IntoIterator<Item = Principal>,
        clearances: impl IntoIterator<Item = ClassificationId>,
    ) -> Self {
        let mut principals: Vec<_> = principals
            .into_iter()
            .chain([Principal::Person(person), Principal::Anyone])
            .collect();
        principals.sort_unstable();
        principals.dedup();
        let mut clearances: Vec<_> = clearances.into_iter().collect();
        clearances.sort_unstable();
        Self(Who::Holder {
            person: Some(person),
            principals,
            clearances,
        })
    }

    /// The operator's own credential: everything that exists (objects contract 3.2, step 4). What is deleted or in a
    /// bin does not; being disabled, classified or outside a window does not stop it.
    pub const fn superuser() -> Self {
        Self(Who::Superuser)
    }

    /// An organisation's token: every action on the drives of the collaborations it covers, and nothing else, not even
    /// what is public.
    pub const fn token(organisation: OrganisationId, scope: TokenScope) -> Self {
        Self(Who::Token { organisation, scope })
    }

    /// The person, if a person asks.
    pub fn as_person(&self) -> Option<PersonId> {
        match self.0 {
            Who::Holder { person, .. } => person,
            _ => None,
        }
    }

    /// Whether this is the superuser.
    pub fn is_superuser(&self) -> bool {
        self.0 == Who::Superuser
    }

    /// What the subject holds, in a fixed order: the person themselves first, anyone last. Empty for a token and the
    /// superuser.
    pub fn principals(&self) -> &[Principal] {
        match &self.0 {
            Who::Holder { principals, .. } => principals,
            _ => &[],
        }
    }

    /// The same subject without what it has only because it is public.
    pub(crate) fn without_public(&self) -> Self {
        let mut subject = self.clone();
        if let Who::Holder { principals, .. } = &mut subject.0 {
            principals.retain(|principal| *principal != Principal::Anyone);
        }
        subject
    }

    pub(crate) fn holds(&self, principal: Principal) -> bool {
        self.principals().binary_search(&principal).is_ok()
    }

    pub(crate) fn is_cleared_for(&self, classification: ClassificationId) -> bool {
        match &self.0 {
            Who::Holder { clearances, .. } => clearances.binary_search(&classification).is_ok(),
            Who::Token { .. } => false,
            Who::Superuser => true,
        }
    }

    /// Whether this is a token that covers the collaboration whose drive the root is.
    pub(crate) fn covers_drive(&self, root: &Node) -> bool {
        match (&self.0, root.collaboration) {
            (Who::Token { organisation, scope }, Some((_, of))) => covers(*organisation, scope, of, &root.units),
            _ => false,
        }
    }
}
