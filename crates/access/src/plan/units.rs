//! What follows when a unit ends (organisations contract 3.8, U1–U6).

use std::collections::BTreeSet;
use std::fmt;

use domain::{CollaborationId, OrganisationId, PersonId, TokenId, UnitId};

use crate::{TokenScope, covers};

/// Who or what has a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// A token of the organisation.
    Token(TokenId),
    /// A person's membership as a manager of the organisation.
    Manager(PersonId),
    /// A pending invitation to become a manager, by its key.
    Invitation(i64),
}

/// Everything in an organisation that may refer to the unit; what does not is ignored.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct UnitUses {
    /// The scopes of tokens, managers and pending invitations of managers.
    pub scopes: Vec<(Holder, TokenScope)>,
    /// The collaborations with their units.
    pub collaborations: Vec<(CollaborationId, BTreeSet<UnitId>)>,
}

/// One thing that happens when the unit ends. The same list is shown before (U5), applied in one transaction, and
/// recorded after. Prints as a line for the person who decides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnitChange {
    /// The scope keeps these units.
    Narrow {
        /// Whose scope.
        holder: Holder,
        /// What is left; never empty.
        units: BTreeSet<UnitId>,
    },
    /// The scope had only this unit: the token is revoked, the manager stays a member without management rights, the
    /// invitation is revoked (U2, U4). Nothing is ever widened.
    End {
        /// Whose scope.
        holder: Holder,
    },
    /// The collaboration keeps these units; with none only the whole organisation's scope covers it.
    Release {
        /// Which collaboration.
        collaboration: CollaborationId,
        /// What is left.
        units: BTreeSet<UnitId>,
        /// Whose scope did not cover the collaboration and does now, because only the ended unit was in the way.
        newly_covered_by: Vec<Holder>,
    },
}

/// What happens to every scope and collaboration when the unit ends. A renamed unit does not end (U6).
pub fn end_unit(unit: UnitId, uses: &UnitUses) -> Vec<UnitChange> {
    let without = |units: &BTreeSet<UnitId>| {
        let mut rest = units.clone();
        rest.remove(&unit).then_some(rest)
    };
    let mut changes = Vec::new();
    for (holder, scope) in &uses.scopes {
        let TokenScope::Units(units) = scope else { continue };
        match without(units) {
            Some(rest) if rest.is_empty() => changes.push(UnitChange::End { holder: *holder }),
            Some(units) => changes.push(UnitChange::Narrow { holder: *holder, units }),
            None => {}
        }
    }
    for (collaboration, units) in &uses.collaborations {
        let Some(rest) = without(units) else { continue };
        let newly = |scope: &TokenScope| match scope {
            TokenScope::Organisation => false,
            TokenScope::Units(held) => {
                let mut held_after = held.clone();
                held_after.remove(&unit);
                !is_covered(scope, units) && is_covered(&TokenScope::Units(held_after), &rest)
            }
        };
        let newly_covered_by = uses.scopes.iter().filter(|(_, scope)| newly(scope));
        changes.push(UnitChange::Release {
            collaboration: *collaboration,
            newly_covered_by: newly_covered_by.map(|(holder, _)| *holder).collect(),
            units: rest,
        });
    }
    changes
}

/// Within one organisation, so which one it is does not matter.
fn is_covered(scope: &TokenScope, units: &BTreeSet<UnitId>) -> bool {
    let here = OrganisationId(0);
    covers(here, scope, here, &units.iter().copied().collect::<Vec<_>>())
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(id) => write!(f, "token {id}"),
            Self::Manager(id) => write!(f, "manager {id}"),
            Self::Invitation(id) => write!(f, "invitation {id}"),
        }
    }
}

impl fmt::Display for UnitChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Narrow { holder, units } => write!(f, "{holder} is narrowed to {}", Units(units)),
            Self::End {
                holder: holder @ Holder::Manager(_),
            } => write!(f, "{holder} loses the rights of a manager"),
            Self::End { holder } => write!(f, "{holder} is revoked"),
            Self::Release {
                collaboration,
                units,
                newly_covered_by,
            } => {
                write!(f, "collaboration {collaboration} is left with {}", Units(units))?;
                for holder in newly_covered_by {
                    write!(f, "; {holder} reaches it from now on")?;
                }
                Ok(())
            }
        }
    }
}

struct Units<'a>(&'a BTreeSet<UnitId>);

impl fmt::Display for Units<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        match names.len() {
            0 => f.write_str("no unit"),
            1 => write!(f, "unit {}", names.concat()),
            _ => write!(f, "units {}", names.join(", ")),
        }
    }
}
