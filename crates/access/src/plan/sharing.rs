//! Explicit decisions: collaborator lists, unsharing and leaving (sharing contract 2.4 and 3).

use std::collections::{BTreeMap, BTreeSet};

use domain::{ClassificationId, Timestamp};

use super::{Change, Plan, Refused, Rows, lasting, lasting_above};
use crate::decide::{is_owner, walk};
use crate::{
    Chain, Grant, GrantKind, ItemKind, Manage, PermissionSet, Principal, See, Subject, Window, authorise, decide,
};

/// One element of a collaborator list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Collaborator {
    /// Who.
    pub principal: Principal,
    /// What they may do.
    pub set: PermissionSet,
    /// In a request: when it counts, or none to leave that as it is. In an answer: the window of an explicit decision
    /// on this very item, and none for what is inherited.
    pub window: Option<Window>,
}

/// Whom a collaborator list speaks of. Nobody else is removed by leaving them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaces {
    /// Persons only: a client that knows no groups cannot remove them by omission.
    Persons,
    /// Every kind of principal.
    Everyone,
}

impl Replaces {
    fn includes(self, principal: Principal) -> bool {
        self == Self::Everyone || matches!(principal, Principal::Person(_))
    }
}

/// The collaborators of the item as a list shows them, inherited ones included (P8), in the order of the principals.
/// Owners are not collaborators, and neither is somebody whose actions make up no permission set.
pub fn listed(chain: &Chain, replaces: Replaces, now: Timestamp) -> Vec<Collaborator> {
    let rows = Rows::of(chain.item());
    principals(chain)
        .into_iter()
        .filter(|principal| replaces.includes(*principal))
        .filter_map(|principal| {
            Some(Collaborator {
                principal,
                set: shown_set(chain, principal, now)?,
                window: explicit(&rows, principal, now).map(|grant| grant.window),
            })
        })
        .collect()
}

/// Everybody whom a grant names on the item or where rights flow into it from, except owners.
fn principals(chain: &Chain) -> BTreeSet<Principal> {
    chain
        .reach()
        .flat_map(|node| &node.grants)
        .map(|grant| grant.principal)
        .filter(|principal| !is_owner(chain.path(), *principal))
        .collect()
}

fn shown_set(chain: &Chain, principal: Principal, now: Timestamp) -> Option<PermissionSet> {
    PermissionSet::largest_on(chain.item().kind, lasting(chain.path(), principal, now))
}

/// The explicit decision on this item that gives access, now or later.
fn explicit(rows: &Rows<'_>, principal: Principal, now: Timestamp) -> Option<Grant> {
    rows.find(principal, GrantKind::Set)
        .filter(|grant| !grant.is_removal() && !grant.window.is_over(now))
}

/// Replaces the list of collaborators: whoever is listed gets their set, whoever `replaces` speaks of and is left out
/// loses access (M1–M7). Sending the list as [`listed`] gives it writes nothing.
///
/// Refused without [`Manage`], for an owner or a duplicate in the list, and for a set beyond what the caller holds.
pub fn share(
    by: &Subject,
    chain: &Chain,
    list: &[Collaborator],
    replaces: Replaces,
    now: Timestamp,
) -> Result<Plan, Refused> {
    let mut plan = share_also(by, chain, list, now)?;
    let mut rows = Rows::of(chain.item());
    for absent in listed(chain, replaces, now) {
        if list.iter().all(|kept| kept.principal != absent.principal) {
            let from_above = lasting_above(chain.path(), absent.principal, now);
            rows.exclude(absent.principal, !from_above.is_empty());
        }
    }
    plan.changes.append(&mut rows.changes);
    Ok(plan)
}

/// Adds or changes the collaborators in the list and leaves all others as they are: also how a new item gets its
/// collaborators (M16). Whoever has the set already keeps it the way they have it (M1); anything else becomes an
/// explicit decision that replaces all this principal had on the item (M2, M3, M7).
///
/// Refused as [`share`] is.
pub fn share_also(by: &Subject, chain: &Chain, list: &[Collaborator], now: Timestamp) -> Result<Plan, Refused> {
    authorise::<Manage>(by, chain, now)?;
    let held = decide(by, chain, now).held;
    let kind = chain.item().kind;
    let mut wanted = BTreeMap::new();
    for one in list {
        if wanted.insert(one.principal, one).is_some() {
            return Err(Refused::Duplicate(one.principal));
        }
        if let Principal::Person(person) = one.principal
            && is_owner(chain.path(), one.principal)
        {
            return Err(Refused::Owner(person));
        }
    }
    let mut rows = Rows::of(chain.item());
    let mut notify = Vec::new();
    for (principal, one) in wanted {
        let before = lasting(chain.path(), principal, now);
        let present = explicit(&rows, principal, now).map(|grant| grant.window);
        let same_window = one.window.is_none_or(|window| window == present.unwrap_or_default());
        if PermissionSet::largest_on(kind, before) == Some(one.set) && same_window {
            continue;
        }
        let missing = one.set.actions() - kind.meaningless() - held;
        if !missing.is_empty() {
            return Err(Refused::MoreThanHeld { principal, missing });
        }
        if before.is_empty() {
            notify.push(principal);
        }
        rows.delete(principal, GrantKind::Add);
        rows.put(Grant {
            principal,
            actions: one.set.actions(),
            kind: GrantKind::Set,
            window: one.window.or(present).unwrap_or_default(),
        });
    }
    Ok(Plan {
        changes: rows.changes,
        notify,
        ..Plan::default()
    })
}

/// Removes one principal from the item (M4–M6). Nothing below it is touched (M9).
///
/// Refused without [`Manage`], and for an owner.
pub fn remove(by: &Subject, chain: &Chain, principal: Principal, now: Timestamp) -> Result<Plan, Refused> {
    authorise::<Manage>(by, chain, now)?;
    if let Principal::Person(person) = principal
        && is_owner(chain.path(), principal)
    {
        return Err(Refused::Owner(person));
    }
    let mut rows = Rows::of(chain.item());
    rows.exclude(principal, !lasting_above(chain.path(), principal, now).is_empty());
    Ok(Plan {
        changes: rows.changes,
        ..Plan::default()
    })
}

/// Ends all sharing of the item and of everything below it; only owners keep access (M10).
///
/// Refused without [`Manage`].
pub fn unshare(by: &Subject, chain: &Chain, now: Timestamp) -> Result<Plan, Refused> {
    authorise::<Manage>(by, chain, now)?;
    Ok(clear(chain, now))
}

/// What follows for one of its files when a classification is deleted: its collaborators go, inherited ones too (M22).
/// Whether the classification may be deleted is decided by role.
pub fn declassify(chain: &Chain, now: Timestamp) -> Plan {
    clear(chain, now)
}

fn clear(chain: &Chain, now: Timestamp) -> Plan {
    let path = chain.path();
    let mut rows = Rows::of(chain.item());
    let named: BTreeSet<_> = path
        .reach()
        .flat_map(|node| &node.grants)
        .map(|grant| grant.principal)
        .collect();
    for principal in named {
        let flows = !is_owner(path, principal) && !lasting_above(path, principal, now).is_empty();
        rows.exclude(principal, flows);
    }
    let mut changes = rows.changes;
    clear_below(&mut changes, chain, None);
    Plan {
        changes,
        ..Plan::default()
    }
}

fn clear_below(changes: &mut Vec<Change>, chain: &Chain, principal: Option<Principal>) {
    let node = chain.item();
    if node.kind == ItemKind::Folder {
        changes.push(Change::ClearBelow {
            item: node.item,
            principal,
        });
    }
}

/// Removes the caller themselves from the item and from everything below it (M11). What they have through groups and
/// the like stays, and the plan says through which.
///
/// Refused for who cannot see the item, who is not a person, and owners.
pub fn leave(by: &Subject, chain: &Chain, now: Timestamp) -> Result<Plan, Refused> {
    let seen = authorise::<See>(by, chain, now)?;
    let Some(person) = by.as_person() else {
        return Err(Refused::Denied(crate::Denied {
            item: seen.item(),
            visible: true,
            right: "leave",
        }));
    };
    let principal = Principal::Person(person);
    if is_owner(chain.path(), principal) {
        return Err(Refused::Owner(person));
    }
    let mut rows = Rows::of(chain.item());
    rows.exclude(principal, !lasting_above(chain.path(), principal, now).is_empty());
    let mut changes = rows.changes;
    clear_below(&mut changes, chain, Some(principal));
    let keeps = |other: &Principal| {
        *other != principal && !walk(chain.reach(), *other, |window| window.is_open(now)).is_empty()
    };
    Ok(Plan {
        changes,
        keeps_through: by.principals().iter().copied().filter(keeps).collect(),
        ..Plan::default()
    })
}

/// Those of a list who lack the clearance for the file's classification: sharing with them, or classifying a file that
/// they have, is refused (C1–C3, C8). `is_cleared` knows who holds what.
pub fn uncleared(
    classification: Option<ClassificationId>,
    list: &[Collaborator],
    is_cleared: impl Fn(Principal, ClassificationId) -> bool,
) -> Vec<Principal> {
    list.iter()
        .map(|one| one.principal)
        .filter(|principal| classification.is_some_and(|label| !is_cleared(*principal, label)))
        .collect()
}
