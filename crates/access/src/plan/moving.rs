//! Moving, restoring and handing over (sharing contract 2.4 M12–M14, M17–M20, 2.5, 2.6).

use domain::{PersonId, Timestamp};

use super::{Change, Plan, Refused};
use crate::decide::{decide_on, is_recycled, owns};
use crate::{
    Actions, Chain, CreateFile, CreateSubfolder, Denied, GrantKind, ItemKind, Node, Principal, Relocate, See, Subject,
    authorise, authorise_in_bin,
};

/// Moves the item into a folder of the same root. What it inherits follows from its new place without a write, what is
/// explicit travels along (M12, M13), and a removal that has nothing left to remove is dropped (M14): on the item, and
/// on those items below it whose chains are in `removals_below` (as they are before the move).
///
/// Refused unless the caller may move the item (V1) and create it there (V4), where an owner may always use the root;
/// for others than owners outside of one shared hierarchy (V3, V6), for a cycle (V5), another root (V2), a file as the
/// destination, and for a root. Moving to where it is already writes nothing and needs no right (P17).
pub fn relocate(
    by: &Subject,
    source: &Chain,
    destination: &Chain,
    removals_below: &[Chain],
    now: Timestamp,
) -> Result<Plan, Refused> {
    let item = source.item().item;
    let Some(parent) = source.parent() else {
        return Err(Refused::Root(item));
    };
    if parent.item == destination.item().item {
        return Ok(Plan::default());
    }
    authorise::<Relocate>(by, source, now)?;
    check_place(by, source, destination, now)?;
    if !owns(by, source.path()) && !in_one_hierarchy(by, source, destination, now) {
        return Err(Refused::OtherHierarchy(item));
    }
    let mut plan = Plan::default();
    place(&mut plan, source, destination, removals_below, now);
    Ok(plan)
}

/// Takes the item out of the bin: to where it was (M17); to the root if that place is gone or in the bin itself (M19);
/// or to `destination`, as a move would put it there (M18). For `removals_below` see [`relocate`].
///
/// Refused for others than its owner, for what is in the bin only with a folder above it, and where [`relocate`]
/// refuses the destination.
pub fn restore(
    by: &Subject,
    source: &Chain,
    destination: Option<&Chain>,
    removals_below: &[Chain],
    now: Timestamp,
) -> Result<Plan, Refused> {
    authorise_in_bin(by, source)?;
    let node = source.item();
    if !node.recycled {
        return Err(Refused::NotInBin(node.item));
    }
    let mut plan = Plan {
        changes: vec![Change::Restore { item: node.item }],
        ..Plan::default()
    };
    let is_gone = source.ancestors().iter().any(|above| above.recycled || above.deleted);
    let root = Chain::new(vec![source.root().clone()]);
    let to = match (destination, root) {
        (Some(destination), _) => {
            check_place(by, source, destination, now)?;
            Some(destination.clone())
        }
        (None, Some(root)) if is_gone && source.parent().is_some() => {
            if root.item().recycled || root.item().deleted {
                return Err(Refused::Denied(denied(root.item())));
            }
            Some(root)
        }
        _ => None,
    };
    if let Some(to) = to
        && source.parent().map(|parent| parent.item) != Some(to.item().item)
    {
        place(&mut plan, source, &to, removals_below, now);
    }
    Ok(plan)
}

fn denied(node: &Node) -> Denied {
    Denied {
        item: node.item,
        visible: false,
        right: "CreateFile",
    }
}

/// V2, V4, V5 and the kind of the destination.
fn check_place(by: &Subject, source: &Chain, destination: &Chain, now: Timestamp) -> Result<(), Refused> {
    let (node, to) = (source.item(), destination.item());
    if destination.nodes().any(|above| above.item == node.item) {
        return Err(Refused::Cycle(node.item));
    }
    let is_own = by.as_person().is_some() && by.as_person() == node.owner;
    let is_top = destination.parent().is_none() && source.root().item == to.item;
    let is_gone = to.deleted || to.disabled || is_recycled(destination.path());
    let is_free = is_own && is_top && !is_gone;
    if !is_free {
        authorise::<See>(by, destination, now)?;
    }
    if to.kind != ItemKind::Folder {
        return Err(Refused::NotAFolder(to.item));
    }
    match node.kind {
        _ if is_free => {}
        ItemKind::File => authorise::<CreateFile>(by, destination, now).map(drop)?,
        ItemKind::Folder => authorise::<CreateSubfolder>(by, destination, now).map(drop)?,
    }
    if source.root().item != destination.root().item {
        return Err(Refused::OtherRoot(node.item));
    }
    Ok(())
}

/// Whether the topmost folder above the item that is shared with the caller is above the destination too (or is it),
/// and lets the caller move things (V3). What is public is shared with nobody in particular.
fn in_one_hierarchy(by: &Subject, source: &Chain, destination: &Chain, now: Timestamp) -> bool {
    let named = by.without_public();
    let top = source
        .path()
        .parents()
        .map(|path| (path.item.item, decide_on(&named, path, now).held))
        .filter(|(_, held)| !held.is_empty())
        .last();
    top.is_some_and(|(item, held)| held.includes(Actions::MOVE) && destination.nodes().any(|above| above.item == item))
}

fn place(plan: &mut Plan, source: &Chain, destination: &Chain, removals_below: &[Chain], now: Timestamp) {
    let node = source.item();
    plan.changes.push(Change::SetParent {
        item: node.item,
        parent: destination.item().item,
    });
    drop_idle_removals(plan, &[node], destination, now);
    for below in removals_below {
        let kept: Vec<_> = below.nodes().take_while(|above| above.item != node.item).collect();
        let lies_below = kept.len() <= below.ancestors().len();
        if let (true, [_, ..]) = (lies_below, kept.as_slice()) {
            let path: Vec<_> = kept.into_iter().chain([node]).collect();
            drop_idle_removals(plan, &path, destination, now);
        }
    }
}

/// Drops the removals on the first node of `path` for whom nothing above it, in its new place, grants anything.
fn drop_idle_removals(plan: &mut Plan, path: &[&Node], destination: &Chain, now: Timestamp) {
    let Some((node, _)) = path.split_first() else { return };
    let above = || {
        let mut open = true;
        path.iter()
            .copied()
            .chain(destination.nodes())
            .take_while(move |above| std::mem::replace(&mut open, above.inherits))
            .skip(1)
    };
    let gives = |principal: Principal| {
        above()
            .flat_map(|above| &above.grants)
            .any(|grant| grant.principal == principal && !grant.actions.is_empty() && !grant.window.is_over(now))
    };
    for grant in &node.grants {
        if grant.is_removal() && !gives(grant.principal) {
            plan.changes.push(Change::Delete {
                item: node.item,
                principal: grant.principal,
                kind: GrantKind::Set,
            });
        }
    }
}

/// Hands the items of one person to another, who then is no collaborator on them any more (M20). Everything else about
/// them stays. Whether this may be done is decided by role.
pub fn transfer<'a>(from: PersonId, to: PersonId, items: impl IntoIterator<Item = &'a Node>) -> Plan {
    let mut plan = Plan::default();
    if from == to {
        return plan;
    }
    for node in items.into_iter().filter(|node| node.owner == Some(from)) {
        plan.changes.push(Change::SetOwner {
            item: node.item,
            owner: to,
        });
        for grant in &node.grants {
            if grant.principal == Principal::Person(to) {
                plan.changes.push(Change::Delete {
                    item: node.item,
                    principal: grant.principal,
                    kind: grant.kind,
                });
            }
        }
    }
    plan
}

/// Whom an item belongs to that `creator` makes in the folder (sharing contract 2.5): the owner of the folder, so that
/// a tree has one owner; the creator where the folder has none.
pub fn owner_of_new_item(creator: PersonId, folder: &Chain) -> PersonId {
    folder.item().owner.unwrap_or(creator)
}
