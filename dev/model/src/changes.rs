//! Changes, made by changing the maps.

use std::collections::{BTreeMap, BTreeSet};

use access::{Action, GrantKind, ItemKind, PermissionSet, Principal, TokenScope, Window};
use domain::{ItemId, PersonId, UnitId};

use crate::decision::{When, actions_of, is_over};
use crate::world::{Row, Who, World};

/// The change is refused; the world stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal;

/// One element of a collaborator list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Who.
    pub principal: Principal,
    /// What they shall have.
    pub set: PermissionSet,
    /// When it shall count, or as it is.
    pub window: Option<Window>,
}

type Outcome = Result<World, Refusal>;

const ALWAYS: Window = Window {
    opens: None,
    closes: None,
};

impl World {
    /// The permission set that a list shows for a principal: the largest that is within what they have.
    pub fn shown_set(&self, principal: Principal, item: ItemId) -> Option<PermissionSet> {
        if let Principal::Person(person) = principal
            && self.owners(item).contains(&person)
        {
            return None;
        }
        let has = self.without_meaningless(item, self.has(principal, item, When::NowOrLater));
        let fits = |set: &PermissionSet| self.without_meaningless(item, actions_of(*set)).is_subset(&has);
        let strongest_first = [
            PermissionSet::Manage,
            PermissionSet::Modify,
            PermissionSet::Upload,
            PermissionSet::Download,
            PermissionSet::View,
        ];
        strongest_first.into_iter().find(fits)
    }

    /// The collaborators a list shows.
    pub fn shown(&self, item: ItemId, persons_only: bool) -> BTreeMap<Principal, PermissionSet> {
        self.principals()
            .into_iter()
            .filter(|principal| !persons_only || matches!(principal, Principal::Person(_)))
            .filter_map(|principal| Some((principal, self.shown_set(principal, item)?)))
            .collect()
    }

    /// Replaces the collaborators of an item.
    pub fn share(&self, by: Who, item: ItemId, list: &[Wanted], persons_only: bool) -> Outcome {
        let mut world = self.share_also(by, item, list)?;
        for principal in self.shown(item, persons_only).into_keys() {
            if !list.iter().any(|wanted| wanted.principal == principal) {
                world.exclude(principal, item);
            }
        }
        Ok(world)
    }

    /// Adds or changes collaborators.
    pub fn share_also(&self, by: Who, item: ItemId, list: &[Wanted]) -> Outcome {
        self.need(by, Action::Share, item)?;
        let everybody: BTreeSet<_> = list.iter().map(|wanted| wanted.principal).collect();
        if everybody.len() < list.len() || everybody.iter().any(|who| self.is_owner(*who, item)) {
            return Err(Refusal);
        }
        let mut world = self.clone();
        for wanted in list {
            let key = (item, wanted.principal, GrantKind::Set);
            let explicit = self
                .grants
                .get(&key)
                .filter(|row| !row.actions.is_empty() && !is_over(row.window, self.now));
            let window_now = explicit.map_or(ALWAYS, |row| row.window);
            let window = wanted.window.unwrap_or(window_now);
            if self.shown_set(wanted.principal, item) == Some(wanted.set) && window == window_now {
                continue;
            }
            let actions = actions_of(wanted.set);
            let needed = self.without_meaningless(item, actions.clone());
            if !needed.is_subset(&self.held(by, item)) {
                return Err(Refusal);
            }
            world.grants.remove(&(item, wanted.principal, GrantKind::Add));
            world.grants.insert(key, Row { actions, window });
        }
        Ok(world)
    }

    /// Removes one principal.
    pub fn remove(&self, by: Who, item: ItemId, principal: Principal) -> Outcome {
        self.need(by, Action::Share, item)?;
        if self.is_owner(principal, item) {
            return Err(Refusal);
        }
        let mut world = self.clone();
        world.exclude(principal, item);
        Ok(world)
    }

    /// Ends all sharing of an item and what is below.
    pub fn unshare(&self, by: Who, item: ItemId) -> Outcome {
        self.need(by, Action::Share, item)?;
        let mut world = self.clone();
        let tree = self.tree(item);
        world.grants.retain(|(on, _, _), _| !tree.contains(on));
        for principal in self.principals() {
            if !self.is_owner(principal, item) {
                world.exclude(principal, item);
            }
        }
        Ok(world)
    }

    /// Somebody leaves an item and what is below.
    pub fn leave(&self, by: Who, item: ItemId) -> Outcome {
        let Who::Person(person) = by else { return Err(Refusal) };
        if !self.sees(by, item) || self.owners(item).contains(&person) {
            return Err(Refusal);
        }
        let me = Principal::Person(person);
        let mut world = self.clone();
        let tree = self.tree(item);
        world
            .grants
            .retain(|(on, whose, _), _| !(tree.contains(on) && *whose == me));
        world.exclude(me, item);
        Ok(world)
    }

    /// Moves an item.
    pub fn relocate(&self, by: Who, item: ItemId, to: ItemId) -> Outcome {
        let Some(parent) = self.items[&item].parent else {
            return Err(Refusal);
        };
        if parent == to {
            return Ok(self.clone());
        }
        self.need(by, Action::Move, item)?;
        self.check_place(by, item, to)?;
        if !self.owns(by, item) {
            let mut named = self.principals_of(by);
            named.remove(&Principal::Anyone);
            let line = self.line(item);
            let is_shared = |above: &&ItemId| !self.held_through(by, **above, &named).is_empty();
            let top = line.iter().skip(1).rev().find(is_shared).ok_or(Refusal)?;
            let moves = self.held_through(by, *top, &named).contains(&Action::Move);
            if !moves || !self.line(to).contains(top) {
                return Err(Refusal);
            }
        }
        Ok(self.placed(item, to))
    }

    /// Takes an item out of the bin.
    pub fn restore(&self, by: Who, item: ItemId, to: Option<ItemId>) -> Outcome {
        if !self.finds_in_bin(by, item) || !self.items[&item].recycled {
            return Err(Refusal);
        }
        let above: Vec<_> = self.line(item).into_iter().skip(1).collect();
        let is_gone = |id: &ItemId| self.items[id].recycled || self.items[id].deleted;
        let place = match (to, above.last()) {
            (Some(to), _) => {
                self.check_place(by, item, to)?;
                Some(to)
            }
            (None, Some(root)) if above.iter().any(is_gone) => {
                if is_gone(root) {
                    return Err(Refusal);
                }
                Some(*root)
            }
            _ => None,
        };
        let mut world = match place {
            Some(place) if self.items[&item].parent != Some(place) => self.placed(item, place),
            _ => self.clone(),
        };
        world.change(item).recycled = false;
        Ok(world)
    }

    fn check_place(&self, by: Who, item: ItemId, to: ItemId) -> Result<(), Refusal> {
        let (it, folder) = (&self.items[&item], &self.items[&to]);
        let same_root = self.line(item).last() == self.line(to).last();
        if folder.kind != ItemKind::Folder || self.line(to).contains(&item) || !same_root {
            return Err(Refusal);
        }
        let is_mine = matches!(by, Who::Person(person) if it.owner == Some(person));
        if is_mine && folder.parent.is_none() && !folder.recycled && !folder.deleted && !folder.disabled {
            return Ok(());
        }
        match it.kind {
            ItemKind::File => self.need(by, Action::UploadFile, to),
            ItemKind::Folder => self.need(by, Action::CreateFolder, to),
        }
    }

    /// The world with the item in another folder, and without removals that have nothing left to remove.
    fn placed(&self, item: ItemId, to: ItemId) -> Self {
        let mut world = self.clone();
        world.change(item).parent = Some(to);
        let moved = world.tree(item);
        let idle: Vec<_> = world
            .grants
            .iter()
            .filter(|((on, _, kind), row)| moved.contains(on) && *kind == GrantKind::Set && row.actions.is_empty())
            .filter(|((on, principal, _), _)| !world.is_given_above(*principal, *on))
            .map(|(key, _)| *key)
            .collect();
        for key in idle {
            world.grants.remove(&key);
        }
        world
    }

    /// Whether any ancestor, as far as things flow, gives the principal anything, now or later.
    fn is_given_above(&self, principal: Principal, item: ItemId) -> bool {
        let it = &self.items[&item];
        let Some(parent) = it.parent.filter(|_| it.inherits) else {
            return false;
        };
        let gives = [GrantKind::Add, GrantKind::Set].into_iter().any(|kind| {
            let row = self.grants.get(&(parent, principal, kind));
            row.is_some_and(|row| !row.actions.is_empty() && !is_over(row.window, self.now))
        });
        gives || self.is_given_above(principal, parent)
    }

    /// One person's items become another's.
    pub fn transfer(&self, from: PersonId, to: PersonId) -> Self {
        let mut world = self.clone();
        if from == to {
            return world;
        }
        for (id, item) in &mut world.items {
            if item.owner == Some(from) {
                item.owner = Some(to);
                world.grants.remove(&(*id, Principal::Person(to), GrantKind::Add));
                world.grants.remove(&(*id, Principal::Person(to), GrantKind::Set));
            }
        }
        world
    }

    /// Adds actions for a principal.
    pub fn give(
        &self,
        by: Who,
        item: ItemId,
        (principal, actions, window): (Principal, &BTreeSet<Action>, Option<Window>),
        only_held: bool,
    ) -> Outcome {
        self.need(by, Action::Share, item)?;
        let needed = self.without_meaningless(item, actions.clone());
        if only_held && !needed.is_subset(&self.held(by, item)) {
            return Err(Refusal);
        }
        let mut world = self.clone();
        let key = (item, principal, GrantKind::Add);
        let mut row = Row {
            actions: BTreeSet::new(),
            window: ALWAYS,
        };
        if let Some(present) = self.grants.get(&key).filter(|row| !is_over(row.window, self.now)) {
            row = present.clone();
        }
        row.actions.extend(actions);
        row.window = window.unwrap_or(row.window);
        if !row.actions.is_empty() {
            world.grants.insert(key, row);
        }
        Ok(world)
    }

    /// Takes added actions away.
    pub fn take(&self, by: Who, item: ItemId, principal: Principal, actions: &BTreeSet<Action>) -> Outcome {
        self.need(by, Action::Share, item)?;
        let mut world = self.clone();
        let key = (item, principal, GrantKind::Add);
        if let Some(row) = world.grants.get_mut(&key) {
            row.actions.retain(|action| !actions.contains(action));
            if row.actions.is_empty() {
                world.grants.remove(&key);
            }
        }
        Ok(world)
    }

    /// A unit ends: it leaves every scope and every collaboration, and a scope that has none left ends with it.
    pub fn end_unit(&self, unit: UnitId) -> Self {
        let mut world = self.clone();
        world.units.remove(&unit);
        for collaboration in world.collaborations.values_mut() {
            collaboration.units.remove(&unit);
        }
        let survives = |scope: &mut TokenScope| match scope {
            TokenScope::Organisation => true,
            TokenScope::Units(units) => !(units.remove(&unit) && units.is_empty()),
        };
        world.tokens.retain(|_, token| survives(&mut token.scope));
        world.managers.retain(|_, token| survives(&mut token.scope));
        world.invitations.retain(|_, token| survives(&mut token.scope));
        world
    }

    fn need(&self, who: Who, action: Action, item: ItemId) -> Result<(), Refusal> {
        if self.allowed(who, item).contains(&action) {
            Ok(())
        } else {
            Err(Refusal)
        }
    }

    fn is_owner(&self, principal: Principal, item: ItemId) -> bool {
        matches!(principal, Principal::Person(person) if self.owners(item).contains(&person))
    }

    /// Takes a principal's grants from the item and, if something still flows in, removes them explicitly.
    fn exclude(&mut self, principal: Principal, item: ItemId) {
        self.grants.remove(&(item, principal, GrantKind::Add));
        self.grants.remove(&(item, principal, GrantKind::Set));
        if !self.has(principal, item, When::NowOrLater).is_empty() {
            let row = Row {
                actions: BTreeSet::new(),
                window: ALWAYS,
            };
            self.grants.insert((item, principal, GrantKind::Set), row);
        }
    }

    pub(crate) fn change(&mut self, item: ItemId) -> &mut crate::Item {
        self.items.get_mut(&item).expect("the item exists")
    }
}
