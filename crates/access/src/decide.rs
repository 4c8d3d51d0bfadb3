//! The decision (access model, section 3).

use domain::{PersonId, Timestamp};

use crate::subject::Who;
use crate::{Actions, Chain, GrantKind, ItemKind, Node, Principal, Subject, Window};

/// The rights to remove flow down past a weaker decision below (sharing contract S7, I9).
pub(crate) const STICKY: Actions = Actions::REMOVE_FILE.union(Actions::REMOVE_FOLDER);

/// The actions that reach a file's content, which its share window limits.
pub(crate) const CONTENT: Actions = Actions::VIEW.union(Actions::PRINT).union(Actions::DOWNLOAD);

/// What a subject may do with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Decision {
    /// What it may do now.
    pub actions: Actions,
    /// The same without the limit of the file's share window: outside of it the properties stay readable (sharing
    /// contract 1.11), and it is what the subject may hand on.
    pub held: Actions,
}

impl Decision {
    const NOTHING: Self = Self {
        actions: Actions::NONE,
        held: Actions::NONE,
    };

    /// Whether the subject may know that the item exists and read its properties.
    pub const fn is_visible(self) -> bool {
        !self.held.is_empty()
    }
}

/// The actions the subject may take on the first item of the chain at this moment.
pub fn actions(subject: &Subject, chain: &Chain, now: Timestamp) -> Actions {
    decide(subject, chain, now).actions
}

/// The actions the subject may take on the first item of the chain at this moment, and what it may know of it.
pub fn decide(subject: &Subject, chain: &Chain, now: Timestamp) -> Decision {
    let item = chain.item();
    if item.deleted || is_recycled(chain) {
        return Decision::NOTHING;
    }
    let (base, unlimited) = match subject.0 {
        Who::Superuser => (Actions::ALL, true),
        _ if item.disabled || lacks_clearance(subject, item) => return Decision::NOTHING,
        Who::Token { .. } if subject.covers_drive(chain.root()) => (Actions::ALL, false),
        Who::Token { .. } => return Decision::NOTHING,
        Who::Holder { .. } if owns(subject, chain) => (Actions::ALL, true),
        Who::Holder { .. } => (of_principals(subject, chain, now), false),
    };
    let held = base - item.kind.meaningless();
    let closed = item.kind == ItemKind::File && !item.share_window.is_open(now);
    let actions = if closed && !unlimited { held - CONTENT } else { held };
    Decision { actions, held }
}

/// Whether the subject finds the item in their own bin: it, or an ancestor, is recycled and the subject owns it.
pub fn sees_in_bin(subject: &Subject, chain: &Chain) -> bool {
    let item = chain.item();
    is_recycled(chain) && !item.deleted && !item.disabled && !lacks_clearance(subject, item) && owns(subject, chain)
}

pub(crate) fn is_recycled(chain: &Chain) -> bool {
    chain.nodes().any(|node| node.recycled)
}

pub(crate) fn lacks_clearance(subject: &Subject, item: &Node) -> bool {
    item.kind == ItemKind::File && item.classification.is_some_and(|label| !subject.is_cleared_for(label))
}

/// Whether the subject is the owner of the item, or of an ancestor from which rights flow into it.
pub(crate) fn owns(subject: &Subject, chain: &Chain) -> bool {
    subject
        .as_person()
        .is_some_and(|person| owners(chain).any(|owner| owner == person))
}

/// Everybody who has every action as an owner.
pub(crate) fn owners(chain: &Chain) -> impl Iterator<Item = PersonId> {
    chain.reach().filter_map(|node| node.owner)
}

/// The union over the subject's principals. Only principals that are named in the chain are walked, each from the
/// lowest node that names it, so that neither many groups nor many collaborators cost much, and nothing is allocated.
fn of_principals(subject: &Subject, chain: &Chain, now: Timestamp) -> Actions {
    let mut union = Actions::NONE;
    for (depth, node) in chain.reach().enumerate() {
        for principal in node.grants.iter().map(|grant| grant.principal) {
            let walked = || chain.reach().take(depth).any(|below| names(below, principal));
            if subject.holds(principal) && !walked() {
                union |= walk(chain.reach().skip(depth), principal, |window| window.is_open(now));
            }
        }
    }
    union
}

fn names(node: &Node, principal: Principal) -> bool {
    node.grants.iter().any(|grant| grant.principal == principal)
}

/// What a principal has from these nodes, lowest first: the nearest explicit decision and what is added below it;
/// above a decision only the rights to remove still flow, and a removal ends the walk.
pub(crate) fn walk<'a>(
    nodes: impl Iterator<Item = &'a Node>,
    principal: Principal,
    counts: impl Fn(Window) -> bool,
) -> Actions {
    let mut found = Actions::NONE;
    let mut flows = Actions::ALL;
    for node in nodes {
        for kind in [GrantKind::Add, GrantKind::Set] {
            for grant in &node.grants {
                if grant.kind != kind || grant.principal != principal || !counts(grant.window) {
                    continue;
                }
                found |= grant.actions & flows;
                if grant.is_removal() {
                    return found;
                }
                if kind == GrantKind::Set {
                    flows = STICKY;
                }
            }
        }
    }
    found
}
