//! Who made and last changed a row, and when.

use domain::Timestamp;
use uuid::Uuid;

use crate::{Row, StoreError};

/// The actor of what nobody in particular did: Basic authentication, jobs, the command line.
pub const SYSTEM: Uuid = Uuid::nil();

/// The four audit fields of a row. People are named by their public UUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamps {
    /// Who created it; [`SYSTEM`] when no person did.
    pub created_by: Uuid,
    /// When.
    pub created_at: Timestamp,
    /// Who changed it last, if anybody did.
    pub updated_by: Option<Uuid>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Stamps {
    /// Reads the columns `created_by, created_at, updated_by, updated_at` that start at `first`.
    pub(crate) fn read(row: &Row<'_>, first: usize) -> Result<Self, StoreError> {
        Ok(Self {
            created_by: row.get(first)?,
            created_at: row.get(first + 1)?,
            updated_by: row.get(first + 2)?,
            updated_at: row.get(first + 3)?,
        })
    }

    /// The stamps of something that `by` creates now.
    pub const fn created(by: Uuid, at: Timestamp) -> Self {
        Self {
            created_by: by,
            created_at: at,
            updated_by: None,
            updated_at: None,
        }
    }
}
