//! Grants: the rows that give access, and when they count.

use domain::Timestamp;

use crate::{Actions, Principal};

/// How a grant combines with what comes from above (access model, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum GrantKind {
    /// Adds to whatever comes from above (objects API).
    Add = 0,
    /// Replaces what comes from above, here and below (sharing API). With no actions it is a removal.
    Set = 1,
}

impl GrantKind {
    /// The number a store keeps.
    pub const fn id(self) -> i64 {
        self as i64
    }

    /// The kind for a stored number.
    pub const fn from_id(id: i64) -> Option<Self> {
        match id {
            0 => Some(Self::Add),
            1 => Some(Self::Set),
            _ => None,
        }
    }
}

/// A stretch of time that includes its start and not its end; either may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Window {
    /// The first moment; none means it has always been open.
    pub opens: Option<Timestamp>,
    /// The first moment after it; none means it never closes.
    pub closes: Option<Timestamp>,
}

impl Window {
    /// No limit at either side.
    pub const ALWAYS: Self = Self {
        opens: None,
        closes: None,
    };

    /// Whether the moment lies in the window.
    pub fn is_open(self, now: Timestamp) -> bool {
        self.opens.is_none_or(|opens| opens <= now) && !self.is_over(now)
    }

    /// Whether the window has closed for good.
    pub fn is_over(self, now: Timestamp) -> bool {
        self.closes.is_some_and(|closes| closes <= now)
    }
}

/// One grant on one item. At most one of each kind exists per item and principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// Who it is for.
    pub principal: Principal,
    /// What it is about.
    pub actions: Actions,
    /// How it combines with what comes from above.
    pub kind: GrantKind,
    /// When it counts. Outside its window a grant is as if it were not there.
    pub window: Window,
}

impl Grant {
    /// Whether this is an explicit decision that the principal has no access.
    pub fn is_removal(&self) -> bool {
        self.kind == GrantKind::Set && self.actions.is_empty()
    }
}
