//! Units and the scope of tokens and managers (access model, section 4).

use std::collections::BTreeSet;

use domain::{OrganisationId, UnitId};

/// How far a token, a manager's membership or a manager's invitation reaches inside its organisation. It is stored as
/// such: having no units left never means the whole organisation (organisations contract 3.8, U1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenScope {
    /// Everything of the organisation.
    Organisation,
    /// What belongs wholly to these units. Without any, nothing (U3).
    Units(BTreeSet<UnitId>),
}

/// Whether a scope in `organisation` covers a collaboration: the same organisation, and either the whole of it or at
/// least one unit with all of them in the scope (organisations contract 3.1 and 3.2). Overlap is not enough.
pub fn covers(
    organisation: OrganisationId,
    scope: &TokenScope,
    collaboration_organisation: OrganisationId,
    collaboration_units: &[UnitId],
) -> bool {
    organisation == collaboration_organisation
        && match scope {
            TokenScope::Organisation => true,
            TokenScope::Units(units) => {
                !collaboration_units.is_empty() && collaboration_units.iter().all(|unit| units.contains(unit))
            }
        }
}

/// A collaboration was asked for with a unit that the scope does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutsideScope(pub UnitId);

impl std::fmt::Display for OutsideScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "unit {} is outside the scope", self.0)
    }
}

impl std::error::Error for OutsideScope {}

/// The units of a collaboration created under a scope: with a unit scope all of the scope's units, whatever part of
/// them was asked for (organisations contract 3.4); with the organisation as scope exactly those asked for. Gives the
/// first unit that is outside the scope if one was asked for.
pub fn units_of_new_collaboration(
    scope: &TokenScope,
    requested: &BTreeSet<UnitId>,
) -> Result<BTreeSet<UnitId>, OutsideScope> {
    match scope {
        TokenScope::Organisation => Ok(requested.clone()),
        TokenScope::Units(units) => match requested.difference(units).next() {
            Some(outside) => Err(OutsideScope(*outside)),
            None => Ok(units.clone()),
        },
    }
}
