//! Plans: what a change of sharing has to write, decided without writing it.
//!
//! Each function takes the facts and gives the rows to write, so a use case loads, asks for the plan and applies it in
//! one transaction. Unlike a decision a plan needs *all* grants of the chain, not only the caller's. Nothing that is
//! already so is written again.
//!
//! A grant that is not open yet counts as if it were: a list shows it, and a removal reaches it. One that is over
//! counts for nothing.

mod granting;
mod moving;
mod sharing;
mod units;

use std::fmt;

use domain::{ItemId, PersonId, Timestamp};

use crate::chain::Path;
use crate::decide::walk;
use crate::{Actions, Denied, Grant, GrantKind, Node, Principal, Window};

pub use granting::{Ceiling, accept, copy_to_child, give, take};
pub use moving::{owner_of_new_item, relocate, restore, transfer};
pub use sharing::{Collaborator, Replaces, declassify, leave, listed, remove, share, share_also, uncleared, unshare};
pub use units::{Holder, UnitChange, UnitUses, end_unit};

/// One row to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Write a grant, replacing the one with the same item, principal and kind.
    Put {
        /// On which item.
        item: ItemId,
        /// For whom.
        principal: Principal,
        /// Of which kind.
        kind: GrantKind,
        /// About what; none with [`GrantKind::Set`] is a removal.
        actions: Actions,
        /// When it counts.
        window: Window,
    },
    /// Delete the grant with this item, principal and kind.
    Delete {
        /// On which item.
        item: ItemId,
        /// For whom.
        principal: Principal,
        /// Of which kind.
        kind: GrantKind,
    },
    /// Delete the grants on everything below the item, not on the item itself.
    ClearBelow {
        /// Below which item.
        item: ItemId,
        /// For whom; none means for everybody.
        principal: Option<Principal>,
    },
    /// Give the item another parent folder.
    SetParent {
        /// Which item.
        item: ItemId,
        /// Its new parent.
        parent: ItemId,
    },
    /// Give the item another owner.
    SetOwner {
        /// Which item.
        item: ItemId,
        /// Its new owner.
        owner: PersonId,
    },
    /// Take the item out of the bin.
    Restore {
        /// Which item.
        item: ItemId,
    },
}

/// What to write, and whom to tell.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Plan {
    /// The rows to write. Their order does not matter: no two touch the same grant.
    pub changes: Vec<Change>,
    /// Who has access through this plan and had none before: they are notified (sharing contract N1, N8).
    pub notify: Vec<Principal>,
    /// Through what else the person who left keeps access: they must be told.
    pub keeps_through: Vec<Principal>,
}

impl Plan {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// Why nothing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The caller may not do this.
    Denied(Denied),
    /// The owner of the item, or of a folder above it, is not a collaborator (sharing contract P11).
    Owner(PersonId),
    /// Somebody is in the list twice (P12).
    Duplicate(Principal),
    /// The caller would grant what they do not hold.
    MoreThanHeld {
        /// To whom.
        principal: Principal,
        /// What the caller lacks.
        missing: Actions,
    },
    /// A root stays where it is.
    Root(ItemId),
    /// The destination is a file.
    NotAFolder(ItemId),
    /// The destination is the item itself or lies below it (V5).
    Cycle(ItemId),
    /// The destination belongs to another root, hence to another storage or organisation (V2).
    OtherRoot(ItemId),
    /// Source and destination are not below one folder that lets the caller move things (V3).
    OtherHierarchy(ItemId),
    /// The item itself is not in the bin.
    NotInBin(ItemId),
}

impl From<Denied> for Refused {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(denied) => denied.fmt(f),
            Self::Owner(person) => write!(f, "person {person} is the owner and cannot be a collaborator"),
            Self::Duplicate(principal) => write!(f, "{principal} is listed twice"),
            Self::MoreThanHeld { principal, missing } => {
                write!(
                    f,
                    "{missing} cannot be granted to {principal} by somebody who does not have it"
                )
            }
            Self::Root(item) => write!(f, "item {item} is a root and cannot be moved"),
            Self::NotAFolder(item) => write!(f, "item {item} is not a folder"),
            Self::Cycle(item) => write!(f, "item {item} cannot be moved into itself"),
            Self::OtherRoot(item) => write!(f, "item {item} cannot be moved to another root"),
            Self::OtherHierarchy(item) => write!(f, "item {item} cannot be moved out of what is shared"),
            Self::NotInBin(item) => write!(f, "item {item} is not in the bin"),
        }
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Denied(denied) => Some(denied),
            _ => None,
        }
    }
}

/// What a principal has on the item, or will have.
fn lasting(path: Path<'_>, principal: Principal, now: Timestamp) -> Actions {
    walk(path.reach(), principal, |window| !window.is_over(now))
}

/// What flows to a principal from above the item, or will.
fn lasting_above(path: Path<'_>, principal: Principal, now: Timestamp) -> Actions {
    walk(path.reach_above(), principal, |window| !window.is_over(now))
}

/// Collects the changes to the grants of one item, leaving out those that change nothing.
struct Rows<'a> {
    node: &'a Node,
    changes: Vec<Change>,
}

impl<'a> Rows<'a> {
    fn of(node: &'a Node) -> Self {
        Self {
            node,
            changes: Vec::new(),
        }
    }

    fn find(&self, principal: Principal, kind: GrantKind) -> Option<Grant> {
        let is_it = |grant: &&Grant| grant.principal == principal && grant.kind == kind;
        self.node.grants.iter().find(is_it).copied()
    }

    fn put(&mut self, grant: Grant) {
        let Grant {
            principal,
            actions,
            kind,
            window,
        } = grant;
        if self.find(principal, kind) != Some(grant) {
            self.changes.push(Change::Put {
                item: self.node.item,
                principal,
                kind,
                actions,
                window,
            });
        }
    }

    fn delete(&mut self, principal: Principal, kind: GrantKind) {
        if self.find(principal, kind).is_some() {
            self.changes.push(Change::Delete {
                item: self.node.item,
                principal,
                kind,
            });
        }
    }

    /// Ends a principal's access to the item: its grants go, and what flows from above is removed explicitly.
    fn exclude(&mut self, principal: Principal, flows_from_above: bool) {
        self.delete(principal, GrantKind::Add);
        if flows_from_above {
            self.put(Grant {
                principal,
                actions: Actions::NONE,
                kind: GrantKind::Set,
                window: Window::ALWAYS,
            });
        } else {
            self.delete(principal, GrantKind::Set);
        }
    }
}
