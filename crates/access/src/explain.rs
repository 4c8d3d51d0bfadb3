//! Why a decision is what it is: the same walk, told step by step.

use std::fmt;

use domain::{ClassificationId, CollaborationId, ItemId, PersonId, Timestamp};

use crate::decide::{is_shared_now, missing_clearance, owners, visit};
use crate::subject::Who;
use crate::{Action, Actions, Chain, Grant, GrantKind, ItemKind, Principal, Subject, Window, decide};

/// A decision about one action and what made it. Prints as one line per step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The item asked about.
    pub item: ItemId,
    /// The action asked about.
    pub action: Action,
    /// Whether it is allowed.
    pub allowed: bool,
    /// What made the decision, in the order it was looked at: each principal of the subject, from the item upwards.
    pub steps: Vec<Step>,
    /// What somebody reading the grants may not expect. A user interface must show these.
    pub warnings: Vec<Warning>,
}

/// One thing the decision depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The item is deleted: nothing is allowed.
    Deleted,
    /// This item, the one asked about or an ancestor, is in the bin: nothing is allowed.
    Recycled(ItemId),
    /// The item is disabled: nothing is allowed.
    Disabled,
    /// The file carries a classification the subject has no clearance for: nothing is allowed.
    NoClearance(ClassificationId),
    /// The subject is the superuser: everything is allowed.
    Superuser,
    /// The subject owns this item, the one asked about or an ancestor: everything is allowed.
    Owner(ItemId, PersonId),
    /// The token covers the collaboration whose drive this is: everything is allowed.
    Covered(CollaborationId),
    /// The token does not cover the drive: nothing is allowed.
    NotCovered,
    /// A grant to one of the subject's principals.
    Grant {
        /// Where it is.
        item: ItemId,
        /// The grant.
        grant: Grant,
        /// What of it reaches the item asked about; `None` outside its window.
        counted: Option<Actions>,
        /// Whether it gives the action asked about.
        decides: bool,
    },
    /// No principal of the subject has a grant here or above.
    NoGrant,
    /// The action means nothing on an item of this kind.
    Meaningless(ItemKind),
    /// The file is outside its share window, which keeps others than the owner from the content.
    OutsideShareWindow(Window),
}

/// What somebody reading the grants may not expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A person was removed by name and keeps the access of something else they belong to.
    KeepsAccess {
        /// Who was removed.
        person: PersonId,
        /// Where.
        removed_on: ItemId,
        /// Through what access is kept.
        through: Principal,
        /// Which.
        actions: Actions,
    },
}

impl Explanation {
    /// The grants that give the action, in walk order.
    pub fn deciding(&self) -> impl Iterator<Item = (ItemId, Grant)> {
        self.steps.iter().filter_map(|step| match step {
            Step::Grant {
                item,
                grant,
                decides: true,
                ..
            } => Some((*item, *grant)),
            _ => None,
        })
    }
}

/// The decision about one action on the first item of the chain, and the exact grants, in walk order, that made it.
pub fn explain(subject: &Subject, action: Action, chain: &Chain, now: Timestamp) -> Explanation {
    let mut explanation = Explanation {
        item: chain.item().item,
        action,
        allowed: decide(subject, chain, now).actions.contains(action),
        steps: Vec::new(),
        warnings: Vec::new(),
    };
    if let Some(stop) = stop(subject, chain) {
        explanation.steps.push(stop);
        return explanation;
    }
    let item = chain.item();
    let unlimited = match &subject.0 {
        Who::Superuser => {
            explanation.steps.push(Step::Superuser);
            true
        }
        Who::Token { .. } => {
            explanation.steps.push(match chain.root().collaboration {
                Some((collaboration, _)) if subject.covers_drive(chain.root()) => Step::Covered(collaboration),
                _ => Step::NotCovered,
            });
            false
        }
        Who::Holder { person, .. } => {
            let owned = owners(chain.path()).find(|(_, owner)| Some(*owner) == *person);
            if let Some((node, owner)) = owned {
                explanation.steps.push(Step::Owner(node.item, owner));
            } else {
                walk_principals(&mut explanation, subject, chain, now);
            }
            owned.is_some()
        }
    };
    if item.kind.meaningless().contains(action) {
        explanation.steps.push(Step::Meaningless(item.kind));
    }
    if !unlimited && !is_shared_now(item, now) {
        explanation.steps.push(Step::OutsideShareWindow(item.share_window));
    }
    explanation
}

/// What stops everything before any grant is looked at.
fn stop(subject: &Subject, chain: &Chain) -> Option<Step> {
    let item = chain.item();
    let limited = !subject.is_superuser();
    if item.deleted {
        Some(Step::Deleted)
    } else if let Some(node) = chain.nodes().find(|node| node.recycled) {
        Some(Step::Recycled(node.item))
    } else if limited && item.disabled {
        Some(Step::Disabled)
    } else if limited && missing_clearance(subject, item) {
        item.classification.map(Step::NoClearance)
    } else {
        None
    }
}

fn walk_principals(explanation: &mut Explanation, subject: &Subject, chain: &Chain, now: Timestamp) {
    let mut removed = None;
    for principal in subject.principals() {
        let mut has = Actions::NONE;
        visit(
            chain.reach(),
            *principal,
            |window| window.is_open(now),
            |node, grant, counted| {
                has |= counted.unwrap_or_default();
                if counted.is_some()
                    && grant.is_removal()
                    && let Principal::Person(person) = principal
                {
                    removed = Some((*person, node.item));
                }
                explanation.steps.push(Step::Grant {
                    item: node.item,
                    grant: *grant,
                    counted,
                    decides: counted.is_some_and(|counted| counted.contains(explanation.action)),
                });
            },
        );
        let keeps = has - chain.item().kind.meaningless();
        // The person is the first of their principals, so a removal by name is known before any other is walked.
        if let (Some((person, removed_on)), false) = (removed, keeps.is_empty())
            && *principal != Principal::Person(person)
        {
            explanation.warnings.push(Warning::KeepsAccess {
                person,
                removed_on,
                through: *principal,
                actions: keeps,
            });
        }
    }
    if explanation.steps.is_empty() {
        explanation.steps.push(Step::NoGrant);
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deleted => f.write_str("the item is deleted: nothing is allowed"),
            Self::Recycled(item) => write!(f, "item {item} is in the bin: nothing is allowed"),
            Self::Disabled => f.write_str("the item is disabled: nothing is allowed, not even to its owner"),
            Self::NoClearance(label) => {
                write!(
                    f,
                    "the file carries classification {label} and there is no clearance for it: nothing is allowed"
                )
            }
            Self::Superuser => f.write_str("the operator's credential: everything is allowed"),
            Self::Owner(item, person) => write!(f, "person {person} owns item {item}: everything is allowed"),
            Self::Covered(collaboration) => {
                write!(
                    f,
                    "the token covers collaboration {collaboration}, whose drive this is: everything is allowed"
                )
            }
            Self::NotCovered => {
                f.write_str("the token covers no collaboration whose drive this is: nothing is allowed")
            }
            Self::Grant {
                item,
                grant,
                counted,
                decides,
            } => {
                let Grant { principal, actions, .. } = grant;
                match (grant.kind, counted) {
                    (GrantKind::Add, _) => write!(f, "item {item} adds {actions} for {principal}")?,
                    (GrantKind::Set, _) if actions.is_empty() => write!(f, "item {item} removes {principal}")?,
                    (GrantKind::Set, _) => write!(f, "item {item} sets {actions} for {principal}")?,
                }
                match counted {
                    None => f.write_str(", which is outside its window and does not count")?,
                    Some(_) if grant.is_removal() => f.write_str(": nothing from above counts")?,
                    Some(counted) if counted != actions => write!(f, ", of which {counted} counts here")?,
                    Some(_) => {}
                }
                f.write_str(if *decides { ": this gives it" } else { "" })
            }
            Self::NoGrant => f.write_str("nothing is granted, here or above"),
            Self::Meaningless(ItemKind::File) => f.write_str("the action means nothing on a file"),
            Self::Meaningless(ItemKind::Folder) => f.write_str("the action means nothing on a folder"),
            Self::OutsideShareWindow(_) => {
                f.write_str("the file is outside its share window: its content is for the owner only")
            }
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::KeepsAccess {
            person,
            removed_on,
            through,
            actions,
        } = self;
        write!(
            f,
            "person {person} is removed by name on item {removed_on} and keeps the access of {through}: {actions}"
        )
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.allowed { "allowed" } else { "denied" };
        write!(f, "{} on item {}: {verdict}", self.action, self.item)?;
        for step in &self.steps {
            write!(f, "\n  {step}")?;
        }
        for warning in &self.warnings {
            write!(f, "\n  warning: {warning}")?;
        }
        Ok(())
    }
}
