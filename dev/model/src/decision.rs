//! What somebody may do, sentence by sentence.

use std::collections::BTreeSet;

use access::{Action, GrantKind, ItemKind, PermissionSet, Principal, TokenScope, Window};
use domain::{CollaborationId, ItemId, PersonId, Timestamp};

use crate::world::{Token, Who, World};

/// Which grants count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Those open now.
    Now,
    /// Those open now or later.
    NowOrLater,
}

impl World {
    /// The actions somebody may take on an item.
    pub fn allowed(&self, who: Who, item: ItemId) -> BTreeSet<Action> {
        let mut actions = self.held(who, item);
        let is_limited = who != Who::Superuser && !self.owns(who, item);
        let it = &self.items[&item];
        if it.kind == ItemKind::File && is_limited && !is_open(it.share_window, self.now) {
            for content in [Action::View, Action::Print, Action::Download] {
                actions.remove(&content);
            }
        }
        actions
    }

    /// Whether somebody may know that the item exists.
    pub fn sees(&self, who: Who, item: ItemId) -> bool {
        !self.held(who, item).is_empty()
    }

    /// What somebody may do, leaving the share window of a file aside.
    pub fn held(&self, who: Who, item: ItemId) -> BTreeSet<Action> {
        self.held_through(who, item, &self.principals_of(who))
    }

    pub(crate) fn held_through(&self, who: Who, item: ItemId, principals: &BTreeSet<Principal>) -> BTreeSet<Action> {
        if self.items[&item].deleted || self.is_in_a_bin(item) {
            return BTreeSet::new();
        }
        if who != Who::Superuser && (self.items[&item].disabled || self.lacks_clearance(who, item)) {
            return BTreeSet::new();
        }
        let everything = match who {
            Who::Superuser => true,
            Who::Token(token) => self
                .drive(item)
                .is_some_and(|drive| self.covers(&self.tokens[&token], drive)),
            Who::Person(_) | Who::Anonymous => self.owns(who, item),
        };
        let mut actions = BTreeSet::new();
        if everything {
            actions.extend(Action::ALL);
        } else {
            for principal in principals {
                actions.extend(self.has(*principal, item, When::Now));
            }
        }
        self.without_meaningless(item, actions)
    }

    pub(crate) fn without_meaningless(&self, item: ItemId, mut actions: BTreeSet<Action>) -> BTreeSet<Action> {
        if self.items[&item].kind == ItemKind::File {
            actions.remove(&Action::CreateFolder);
            actions.remove(&Action::RemoveFolder);
        }
        actions
    }

    /// What one principal has on an item: what flows in from above, unless an explicit decision replaces it, and what
    /// is added here. Of what a decision replaces the rights to remove remain, unless it is a removal.
    pub(crate) fn has(&self, principal: Principal, item: ItemId, when: When) -> BTreeSet<Action> {
        let row = |kind| {
            self.grants.get(&(item, principal, kind)).filter(|row| match when {
                When::Now => is_open(row.window, self.now),
                When::NowOrLater => !is_over(row.window, self.now),
            })
        };
        let mut from_above = self.flows_in(principal, item, when);
        if let Some(decision) = row(GrantKind::Set) {
            if decision.actions.is_empty() {
                from_above.clear();
            }
            from_above.retain(|action| matches!(action, Action::RemoveFile | Action::RemoveFolder));
            from_above.extend(&decision.actions);
        }
        if let Some(added) = row(GrantKind::Add) {
            from_above.extend(&added.actions);
        }
        from_above
    }

    /// What flows into an item: what its parent has, if it has one and inherits.
    pub(crate) fn flows_in(&self, principal: Principal, item: ItemId, when: When) -> BTreeSet<Action> {
        match self.items[&item].parent {
            Some(parent) if self.items[&item].inherits => self.has(principal, parent, when),
            _ => BTreeSet::new(),
        }
    }

    /// Everybody who owns the item, or an ancestor from which something flows into it.
    pub fn owners(&self, item: ItemId) -> BTreeSet<PersonId> {
        let it = &self.items[&item];
        let mut owners = match it.parent {
            Some(parent) if it.inherits => self.owners(parent),
            _ => BTreeSet::new(),
        };
        owners.extend(it.owner);
        owners
    }

    pub(crate) fn owns(&self, who: Who, item: ItemId) -> bool {
        matches!(who, Who::Person(person) if self.owners(item).contains(&person))
    }

    /// Whether the item, or a folder it is in, is in a bin.
    pub fn is_in_a_bin(&self, item: ItemId) -> bool {
        self.line(item).iter().any(|above| self.items[above].recycled)
    }

    /// Whether somebody finds the item in their own bin.
    pub fn finds_in_bin(&self, who: Who, item: ItemId) -> bool {
        let it = &self.items[&item];
        self.is_in_a_bin(item)
            && !it.deleted
            && !it.disabled
            && !self.lacks_clearance(who, item)
            && self.owns(who, item)
    }

    fn lacks_clearance(&self, who: Who, item: ItemId) -> bool {
        let it = &self.items[&item];
        match (it.kind, it.classification) {
            (ItemKind::File, Some(label)) => match who {
                Who::Person(person) => !self.people[&person].clearances.contains(&label),
                Who::Superuser => false,
                Who::Anonymous | Who::Token(_) => true,
            },
            _ => false,
        }
    }

    /// The collaboration on whose drive the item is.
    pub fn drive(&self, item: ItemId) -> Option<CollaborationId> {
        match self.items[&item].parent {
            Some(parent) => self.drive(parent),
            None => self.items[&item].drive_of,
        }
    }

    /// Whether a token covers a collaboration.
    pub fn covers(&self, token: &Token, collaboration: CollaborationId) -> bool {
        let collaboration = &self.collaborations[&collaboration];
        if token.organisation != collaboration.organisation {
            return false;
        }
        match &token.scope {
            TokenScope::Organisation => true,
            TokenScope::Units(units) => !collaboration.units.is_empty() && collaboration.units.is_subset(units),
        }
    }
}

/// The table of the sharing contract, section 1.4.
pub(crate) fn actions_of(set: PermissionSet) -> BTreeSet<Action> {
    use Action::{
        CreateFolder, Download, Move, Print, RemoveFile, RemoveFolder, Rename, Share, Update, UploadFile, View,
        ViewOther,
    };
    let view = vec![View];
    let download = vec![View, Print, Download];
    let upload = vec![View, Print, Download, ViewOther, UploadFile, CreateFolder];
    let modify: Vec<_> = upload
        .iter()
        .copied()
        .chain([Update, Rename, RemoveFile, RemoveFolder, Move])
        .collect();
    let manage: Vec<_> = modify.iter().copied().chain([Share]).collect();
    let table = match set {
        PermissionSet::View => view,
        PermissionSet::Download => download,
        PermissionSet::Upload => upload,
        PermissionSet::Modify => modify,
        PermissionSet::Manage => manage,
    };
    table.into_iter().collect()
}

pub(crate) fn is_open(window: Window, now: Timestamp) -> bool {
    let has_opened = match window.opens {
        None => true,
        Some(opens) => opens <= now,
    };
    has_opened && !is_over(window, now)
}

pub(crate) fn is_over(window: Window, now: Timestamp) -> bool {
    match window.closes {
        None => false,
        Some(closes) => closes <= now,
    }
}
