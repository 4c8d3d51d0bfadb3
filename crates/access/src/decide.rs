//! The decision (access model, section 3).

use domain::{PersonId, Timestamp};

use crate::chain::Path;
use crate::subject::Who;
use crate::{Actions, Chain, Grant, GrantKind, ItemKind, Node, Principal, Subject, Window};

/// The rights to remove flow down past a weaker decision below (sharing contract S7, I9).
const STICKY: Actions = Actions::REMOVE_FILE.union(Actions::REMOVE_FOLDER);

/// The actions that reach a file's content, which its share window limits.
const CONTENT: Actions = Actions::VIEW.union(Actions::PRINT).union(Actions::DOWNLOAD);

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
    decide_on(subject, chain.path(), now)
}

pub(crate) fn decide_on(subject: &Subject, path: Path<'_>, now: Timestamp) -> Decision {
    let item = path.item;
    if item.deleted || is_recycled(path) {
        return Decision::NOTHING;
    }
    let (base, unlimited) = match subject.0 {
        Who::Superuser => (Actions::ALL, true),
        _ if item.disabled || missing_clearance(subject, item) => return Decision::NOTHING,
        Who::Token { .. } if subject.covers_drive(path.root()) => (Actions::ALL, false),
        Who::Token { .. } => return Decision::NOTHING,
        Who::Holder { .. } if owns(subject, path) => (Actions::ALL, true),
        Who::Holder { .. } => (of_principals(subject, path, now), false),
    };
    let held = base - item.kind.meaningless();
    let actions = if unlimited || is_shared_now(item, now) {
        held
    } else {
        held - CONTENT
    };
    Decision { actions, held }
}

/// Whether the subject finds the item in their own bin: it, or an ancestor, is recycled and the subject owns it.
pub fn sees_in_bin(subject: &Subject, chain: &Chain) -> bool {
    let (path, item) = (chain.path(), chain.item());
    let gone = item.deleted || item.disabled || missing_clearance(subject, item);
    is_recycled(path) && !gone && owns(subject, path)
}

pub(crate) fn is_recycled(path: Path<'_>) -> bool {
    path.nodes().any(|node| node.recycled)
}

/// Whether others than the owner may reach the content now. Only files have such a window.
pub(crate) fn is_shared_now(item: &Node, now: Timestamp) -> bool {
    item.kind == ItemKind::Folder || item.share_window.is_open(now)
}

/// Whether the file carries a classification that the subject is not cleared for. The access model exempts the owner
/// from the share window but not from this: a clearance is the organisation's decision about a person.
pub(crate) fn missing_clearance(subject: &Subject, item: &Node) -> bool {
    item.kind == ItemKind::File && item.classification.is_some_and(|label| !subject.is_cleared_for(label))
}

/// Whether the subject is the owner of the item, or of an ancestor from which rights flow into it.
pub(crate) fn owns(subject: &Subject, path: Path<'_>) -> bool {
    subject
        .as_person()
        .is_some_and(|person| is_owner(path, Principal::Person(person)))
}

/// Whether the principal is a person who has every action as an owner.
pub(crate) fn is_owner(path: Path<'_>, principal: Principal) -> bool {
    owners(path).any(|(_, owner)| principal == Principal::Person(owner))
}

/// Everybody who has every action as an owner, and of which node.
pub(crate) fn owners(path: Path<'_>) -> impl Iterator<Item = (&Node, PersonId)> {
    path.reach().filter_map(|node| Some((node, node.owner?)))
}

/// The union over the subject's principals. Only principals that are named in the chain are walked, each from the
/// lowest node that names it, so that neither many groups nor many collaborators cost much, and nothing is allocated.
fn of_principals(subject: &Subject, path: Path<'_>, now: Timestamp) -> Actions {
    let mut union = Actions::NONE;
    for (depth, node) in path.reach().enumerate() {
        for principal in node.grants.iter().map(|grant| grant.principal) {
            let walked = || path.reach().take(depth).any(|below| names(below, principal));
            if subject.holds(principal) && !walked() {
                union |= walk(path.reach().skip(depth), principal, |window| window.is_open(now));
            }
        }
    }
    union
}

fn names(node: &Node, principal: Principal) -> bool {
    node.grants.iter().any(|grant| grant.principal == principal)
}

/// What a principal has from these nodes, lowest first.
pub(crate) fn walk<'a>(
    nodes: impl Iterator<Item = &'a Node>,
    principal: Principal,
    counts: impl Fn(Window) -> bool,
) -> Actions {
    let mut found = Actions::NONE;
    visit(nodes, principal, counts, |_, _, counted| {
        found |= counted.unwrap_or_default();
    });
    found
}

/// Walks the grants of a principal, lowest node first, and tells for each what of it counts (`None` outside its
/// window). The nearest explicit decision counts whole, and so does what is added up to there; above a decision only
/// the rights to remove still flow, and a removal ends the walk.
pub(crate) fn visit<'a>(
    nodes: impl Iterator<Item = &'a Node>,
    principal: Principal,
    counts: impl Fn(Window) -> bool,
    mut tell: impl FnMut(&'a Node, &'a Grant, Option<Actions>),
) {
    let mut flows = Actions::ALL;
    for node in nodes {
        for kind in [GrantKind::Add, GrantKind::Set] {
            for grant in &node.grants {
                if grant.kind != kind || grant.principal != principal {
                    continue;
                }
                if !counts(grant.window) {
                    tell(node, grant, None);
                    continue;
                }
                tell(node, grant, Some(grant.actions & flows));
                if grant.is_removal() {
                    return;
                }
                if kind == GrantKind::Set {
                    flows = STICKY;
                }
            }
        }
    }
}
