//! Words that a column may hold.

use crate::{Row, StoreError, session::Column, session::data};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident => $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$about])* $variant),*
        }

        impl $name {
            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),*
                }
            }
        }

        impl Column for $name {
            fn read(row: &Row<'_>, position: usize) -> Result<Self, StoreError> {
                let word: String = row.get(position)?;
                match word.as_str() {
                    $($word => Ok(Self::$variant),)*
                    other => Err(data(position, &format!("unknown word {other}"))),
                }
            }
        }
    };
}

words! {
    /// What somebody is in an organisation (organisations contract 3).
    OrganisationRole {
        /// Does everything there.
        Admin => "admin",
        /// Manages collaborations: all of them, or those of certain units.
        Manager => "manager",
        /// Belongs to it.
        Member => "member",
    }
}

words! {
    /// What somebody is, or is invited to be, in a collaboration (organisations contract 2.5).
    CollaborationRole {
        /// Manages it.
        Admin => "admin",
        /// Takes part.
        Member => "member",
    }
}

words! {
    /// Where an invitation stands (organisations contract 2.7).
    InvitationStatus {
        /// Waits for an answer.
        Open => "open",
        /// Was accepted.
        Accepted => "accepted",
        /// Was declined.
        Declined => "declined",
        /// Its time was over.
        Expired => "expired",
    }
}
