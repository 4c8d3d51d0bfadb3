//! What exists.

use std::collections::{BTreeMap, BTreeSet};

use access::{Action, GrantKind, ItemKind, Principal, TokenScope, Window};
use domain::{
    ClassificationId, CollaborationId, GroupId, IdentityProviderId, ItemId, OrganisationId, PersonId, Timestamp,
    TokenId, UnitId,
};

/// Everything there is, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// What time it is.
    pub now: Timestamp,
    /// The organisations.
    pub organisations: BTreeSet<OrganisationId>,
    /// The units, each of an organisation.
    pub units: BTreeMap<UnitId, OrganisationId>,
    /// The collaborations.
    pub collaborations: BTreeMap<CollaborationId, Collaboration>,
    /// The groups, each of a collaboration.
    pub groups: BTreeMap<GroupId, CollaborationId>,
    /// The identity providers.
    pub identity_providers: BTreeSet<IdentityProviderId>,
    /// The classifications, each of an organisation.
    pub classifications: BTreeMap<ClassificationId, OrganisationId>,
    /// The people.
    pub people: BTreeMap<PersonId, Person>,
    /// The tokens that are not revoked.
    pub tokens: BTreeMap<TokenId, Token>,
    /// The managers of organisations and how far their rights reach.
    pub managers: BTreeMap<PersonId, Token>,
    /// The pending invitations of managers.
    pub invitations: BTreeMap<i64, Token>,
    /// The files and folders. Parents come before their children in the order of the ids.
    pub items: BTreeMap<ItemId, Item>,
    /// The grants: at most one of each kind per item and principal.
    pub grants: BTreeMap<(ItemId, Principal, GrantKind), Row>,
}

/// A collaboration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collaboration {
    /// Its organisation.
    pub organisation: OrganisationId,
    /// Its units, all of its organisation.
    pub units: BTreeSet<UnitId>,
}

/// A person, with what they hold right now.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Person {
    /// The groups they are in; only of collaborations they are a member of.
    pub groups: BTreeSet<GroupId>,
    /// The collaborations they are a member of.
    pub collaborations: BTreeSet<CollaborationId>,
    /// The collaborations they administer; a part of the former.
    pub administers: BTreeSet<CollaborationId>,
    /// The identity providers they signed in through.
    pub identity_providers: BTreeSet<IdentityProviderId>,
    /// The classifications they have a clearance for.
    pub clearances: BTreeSet<ClassificationId>,
}

/// A token, or whatever else has a scope in an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its organisation.
    pub organisation: OrganisationId,
    /// How far it reaches.
    pub scope: TokenScope,
}

/// A file or a folder.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a column of its own, and they combine freely"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Which of the two.
    pub kind: ItemKind,
    /// The folder it is in; none for a root.
    pub parent: Option<ItemId>,
    /// The organisation of its root.
    pub organisation: OrganisationId,
    /// On a root: the collaboration whose drive it is.
    pub drive_of: Option<CollaborationId>,
    /// Whether anything flows into it from above.
    pub inherits: bool,
    /// Whom it belongs to.
    pub owner: Option<PersonId>,
    /// Blocked by an administrator.
    pub disabled: bool,
    /// Gone for good.
    pub deleted: bool,
    /// In the bin.
    pub recycled: bool,
    /// When others than the owner reach a file's content.
    pub share_window: Window,
    /// A file's classification.
    pub classification: Option<ClassificationId>,
}

/// A grant without its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is about.
    pub actions: BTreeSet<Action>,
    /// When it counts.
    pub window: Window,
}

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// Somebody who did not sign in.
    Anonymous,
    /// A person.
    Person(PersonId),
    /// A token.
    Token(TokenId),
    /// The operator.
    Superuser,
}

impl World {
    /// A world with nothing in it.
    pub fn empty(now: Timestamp) -> Self {
        Self {
            now,
            organisations: BTreeSet::new(),
            units: BTreeMap::new(),
            collaborations: BTreeMap::new(),
            groups: BTreeMap::new(),
            identity_providers: BTreeSet::new(),
            classifications: BTreeMap::new(),
            people: BTreeMap::new(),
            tokens: BTreeMap::new(),
            managers: BTreeMap::new(),
            invitations: BTreeMap::new(),
            items: BTreeMap::new(),
            grants: BTreeMap::new(),
        }
    }

    /// Everybody who may ask, in a fixed order.
    pub fn everybody(&self) -> Vec<Who> {
        let people = self.people.keys().map(|person| Who::Person(*person));
        let tokens = self.tokens.keys().map(|token| Who::Token(*token));
        [Who::Anonymous, Who::Superuser]
            .into_iter()
            .chain(people)
            .chain(tokens)
            .collect()
    }

    /// Every principal a grant could be for.
    pub fn principals(&self) -> BTreeSet<Principal> {
        let people = self.people.keys().map(|id| Principal::Person(*id));
        let groups = self.groups.keys().map(|id| Principal::Group(*id));
        let members = self.collaborations.keys().map(|id| Principal::Collaboration(*id));
        let administrators = self
            .collaborations
            .keys()
            .map(|id| Principal::CollaborationAdministrators(*id));
        let providers = self
            .identity_providers
            .iter()
            .map(|id| Principal::IdentityProvider(*id));
        people
            .chain(groups)
            .chain(members)
            .chain(administrators)
            .chain(providers)
            .chain([Principal::Anyone])
            .collect()
    }

    /// What somebody holds: a person themselves and what they belong to, and everybody but a token anyone.
    pub fn principals_of(&self, who: Who) -> BTreeSet<Principal> {
        let mut all = BTreeSet::new();
        if let Who::Person(id) = who {
            let person = &self.people[&id];
            all.insert(Principal::Person(id));
            all.extend(person.groups.iter().map(|id| Principal::Group(*id)));
            all.extend(person.collaborations.iter().map(|id| Principal::Collaboration(*id)));
            all.extend(
                person
                    .administers
                    .iter()
                    .map(|id| Principal::CollaborationAdministrators(*id)),
            );
            all.extend(
                person
                    .identity_providers
                    .iter()
                    .map(|id| Principal::IdentityProvider(*id)),
            );
        }
        if matches!(who, Who::Anonymous | Who::Person(_)) {
            all.insert(Principal::Anyone);
        }
        all
    }

    /// The item and its ancestors, the item first.
    pub fn line(&self, item: ItemId) -> Vec<ItemId> {
        let mut line = vec![item];
        while let Some(parent) = line.last().and_then(|last| self.items[last].parent) {
            line.push(parent);
        }
        line
    }

    /// The item and everything below it.
    pub fn tree(&self, item: ItemId) -> BTreeSet<ItemId> {
        let is_below = |other: &ItemId| self.line(*other).contains(&item);
        self.items.keys().copied().filter(is_below).collect()
    }
}
