//! The smallest rights, and sets of them.

use std::fmt;
use std::ops::{BitAnd, BitOr, BitOrAssign, Sub};

macro_rules! declare {
    ($($(#[$doc:meta])* $variant:ident $constant:ident $bit:literal,)*) => {
        /// The smallest right (access model, section 2).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Action {
            $($(#[$doc])* $variant = $bit,)*
        }

        impl Action {
            /// Every action, in the order of the access model.
            pub const ALL: [Self; 12] = [$(Self::$variant),*];

            /// The name of the action, as written in the access model.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($variant),)*
                }
            }
        }

        impl Actions {
            $($(#[$doc])* pub const $constant: Self = Self(1 << $bit);)*
        }
    };
}

declare! {
    /// See a rendering of the content.
    View VIEW 0,
    /// Print it.
    Print PRINT 1,
    /// Fetch the content.
    Download DOWNLOAD 2,
    /// See who else has access.
    ViewOther VIEW_OTHER 3,
    /// Put a new file into a folder, or a new version on a file.
    UploadFile UPLOAD_FILE 4,
    /// Create a folder in a folder.
    CreateFolder CREATE_FOLDER 5,
    /// Change the content, the metadata and the tags of an existing file.
    Update UPDATE 6,
    /// Change the name; also the versions of a file (sharing contract 1.5).
    Rename RENAME 7,
    /// Delete a file.
    RemoveFile REMOVE_FILE 8,
    /// Delete a folder.
    RemoveFolder REMOVE_FOLDER 9,
    /// Give it another parent folder.
    Move MOVE 10,
    /// Decide who has access.
    Share SHARE 11,
}

/// A set of [`Action`]s: a small bit set with set algebra. The bits are what a store keeps, so they never change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Actions(u16);

impl Actions {
    /// No action.
    pub const NONE: Self = Self(0);
    /// All twelve.
    pub const ALL: Self = Self((1 << 12) - 1);

    /// Whether the action is in the set.
    pub const fn contains(self, action: Action) -> bool {
        self.0 & (1 << action as u16) != 0
    }

    /// Whether every action of `other` is in the set.
    pub const fn includes(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the set has no action.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The actions in either set.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The actions in both sets.
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The actions of this set that are not in `other`.
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The number a store keeps: bit *n* is the *n*-th action of [`Action::ALL`].
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The set for a stored number; bits that mean no action are dropped.
    pub const fn from_bits_truncate(bits: u16) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// The actions of the set, in the order of [`Action::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.into_iter().filter(move |action| self.contains(*action))
    }
}

impl From<Action> for Actions {
    fn from(action: Action) -> Self {
        Self(1 << action as u16)
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<T: IntoIterator<Item = Action>>(actions: T) -> Self {
        actions.into_iter().fold(Self::NONE, |all, action| all | action.into())
    }
}

impl BitOr for Actions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl BitOrAssign for Actions {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

impl BitAnd for Actions {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        self.intersection(other)
    }
}

impl Sub for Actions {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.difference(other)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The names with spaces between them, or `nothing`.
impl fmt::Display for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing");
        }
        for (position, action) in self.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            f.write_str(action.name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Actions({self})")
    }
}
