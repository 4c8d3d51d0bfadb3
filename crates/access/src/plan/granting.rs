//! Added grants: what the objects API's permission routes write (contract 4.9–4.11).

use domain::{ItemId, Timestamp};

use super::{Change, Plan, Refused, Rows, lasting};
use crate::{Actions, Chain, Grant, GrantKind, Manage, Principal, Subject, Window, authorise, decide};

/// How much a caller may grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceiling {
    /// What they hold themselves.
    Held,
    /// Anything: "a manager can grant anything" (objects contract 4.9.3).
    Anything,
}

/// Adds actions to what the principal has on the item. Without a window the present one stays.
///
/// Refused without [`Manage`], and beyond the ceiling.
pub fn give(
    by: &Subject,
    chain: &Chain,
    grant: (Principal, Actions, Option<Window>),
    ceiling: Ceiling,
    now: Timestamp,
) -> Result<Plan, Refused> {
    authorise::<Manage>(by, chain, now)?;
    let (principal, actions, _) = grant;
    let missing = actions - chain.item().kind.meaningless() - decide(by, chain, now).held;
    if ceiling == Ceiling::Held && !missing.is_empty() {
        return Err(Refused::MoreThanHeld { principal, missing });
    }
    Ok(accept(chain, grant, now))
}

/// The same for an invitation that is used: whoever made it was allowed to at that time (objects contract 4.11.2).
pub fn accept(
    chain: &Chain,
    (principal, actions, window): (Principal, Actions, Option<Window>),
    now: Timestamp,
) -> Plan {
    let mut rows = Rows::of(chain.item());
    let present = rows
        .find(principal, GrantKind::Add)
        .filter(|grant| !grant.window.is_over(now));
    let actions = present.map_or(actions, |grant| grant.actions | actions);
    if !actions.is_empty() {
        rows.put(Grant {
            principal,
            actions,
            kind: GrantKind::Add,
            window: window.or(present.map(|grant| grant.window)).unwrap_or_default(),
        });
    }
    let is_first = !rows.changes.is_empty() && lasting(chain.path(), principal, now).is_empty();
    Plan {
        changes: rows.changes,
        notify: is_first.then_some(principal).into_iter().collect(),
        ..Plan::default()
    }
}

/// Takes actions out of what was added for the principal on the item. Explicit decisions are not touched.
///
/// Refused without [`Manage`].
pub fn take(
    by: &Subject,
    chain: &Chain,
    principal: Principal,
    actions: Actions,
    now: Timestamp,
) -> Result<Plan, Refused> {
    authorise::<Manage>(by, chain, now)?;
    let mut rows = Rows::of(chain.item());
    if let Some(present) = rows.find(principal, GrantKind::Add) {
        let actions = present.actions - actions;
        if actions.is_empty() {
            rows.delete(principal, GrantKind::Add);
        } else {
            rows.put(Grant { actions, ..present });
        }
    }
    Ok(Plan {
        changes: rows.changes,
        ..Plan::default()
    })
}

/// The grants of a new bucket mounted below another one: a copy of the parent's own, because nothing flows into it
/// (access model, section 3; objects contract 3.4). A removal has nothing to remove there and is not copied.
pub fn copy_to_child(parent: &Chain, child: ItemId) -> Plan {
    let copy = |grant: &Grant| Change::Put {
        item: child,
        principal: grant.principal,
        kind: grant.kind,
        actions: grant.actions,
        window: grant.window,
    };
    let grants = &parent.item().grants;
    Plan {
        changes: grants.iter().filter(|grant| !grant.is_removal()).map(copy).collect(),
        ..Plan::default()
    }
}
