//! The tree of the worked examples (sharing contract 2.7): `/A/B/f1`, `/A/f2`, `/C`, all owned by O, on a drive that
//! belongs to nobody.

use std::collections::BTreeSet;

use access::plan::{Plan, Refused, Replaces};
use access::{Action, Actions, ItemKind, PermissionSet, Principal, Window};
use domain::{ItemId, OrganisationId, PersonId, Timestamp};
use model::{Item, Person, Wanted, Who, World};

use crate::both::{Both, compare};

pub(crate) const O: PersonId = PersonId(1);
pub(crate) const X: PersonId = PersonId(2);
pub(crate) const Y: PersonId = PersonId(3);
pub(crate) const Z: PersonId = PersonId(4);

pub(crate) const DRIVE: ItemId = ItemId(1);
pub(crate) const A: ItemId = ItemId(2);
pub(crate) const B: ItemId = ItemId(3);
pub(crate) const F1: ItemId = ItemId(4);
pub(crate) const F2: ItemId = ItemId(5);
pub(crate) const C: ItemId = ItemId(6);

pub(crate) const V: PermissionSet = PermissionSet::View;
pub(crate) const D: PermissionSet = PermissionSet::Download;
pub(crate) const U: PermissionSet = PermissionSet::Upload;
pub(crate) const MO: PermissionSet = PermissionSet::Modify;
pub(crate) const MA: PermissionSet = PermissionSet::Manage;

pub(crate) fn item(kind: ItemKind, parent: Option<ItemId>, owner: Option<PersonId>) -> Item {
    Item {
        kind,
        parent,
        organisation: OrganisationId(1),
        drive_of: None,
        inherits: true,
        owner,
        disabled: false,
        deleted: false,
        recycled: false,
        share_window: Window::ALWAYS,
        classification: None,
    }
}

pub(crate) fn tree() -> Both {
    let mut world = World::empty(Timestamp::from_seconds(1_000));
    world.organisations.insert(OrganisationId(1));
    for person in [O, X, Y, Z] {
        world.people.insert(person, Person::default());
    }
    world.items.insert(DRIVE, item(ItemKind::Folder, None, None));
    for (id, kind, parent) in [
        (A, ItemKind::Folder, DRIVE),
        (B, ItemKind::Folder, A),
        (F1, ItemKind::File, B),
        (F2, ItemKind::File, A),
        (C, ItemKind::Folder, DRIVE),
    ] {
        world.items.insert(id, item(kind, Some(parent), Some(O)));
    }
    Both { world }
}

impl Both {
    /// Sends the whole list of persons.
    pub(crate) fn put(
        &mut self,
        by: PersonId,
        item: ItemId,
        list: &[(PersonId, PermissionSet)],
    ) -> Result<Plan, Refused> {
        let list: Vec<_> = list
            .iter()
            .map(|(person, set)| Wanted {
                principal: Principal::Person(*person),
                set: *set,
                window: None,
            })
            .collect();
        let plan = self.share(Who::Person(by), item, &list, Replaces::Persons);
        compare(&self.world);
        plan
    }

    /// Asserts what a person has on an item: a set, or nothing at all.
    #[track_caller]
    pub(crate) fn has(&self, person: PersonId, item: ItemId, set: impl Into<Option<PermissionSet>>) {
        let actions = set.into().map_or(Actions::NONE, PermissionSet::actions);
        self.has_exactly(person, item, actions);
    }

    /// Asserts the actions of a person on an item; what means nothing on a file need not be taken out.
    #[track_caller]
    pub(crate) fn has_exactly(&self, person: PersonId, item: ItemId, actions: Actions) {
        let expected = actions - self.world.items[&item].kind.meaningless();
        assert_eq!(self.actions(person, item), expected, "person {person} on item {item}");
    }

    pub(crate) fn actions(&self, person: PersonId, item: ItemId) -> Actions {
        let subject = self.world.subject(Who::Person(person));
        let actions = access::actions(&subject, &self.world.chain(item), self.world.now);
        let naive: BTreeSet<Action> = self.world.allowed(Who::Person(person), item);
        assert_eq!(actions, naive.into_iter().collect());
        actions
    }

    /// Whether there is an explicit record for the person on the item.
    pub(crate) fn is_explicit(&self, person: PersonId, item: ItemId) -> bool {
        self.world
            .grants
            .keys()
            .any(|(on, principal, _)| *on == item && *principal == Principal::Person(person))
    }
}
