//! What can go wrong below a use case, in this layer's own words.

/// A rule of the schema that a statement broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// A row with the same key exists; the columns or the constraint's name as the driver reports it.
    Unique(String),
    /// The row referred to does not exist, or is still referred to.
    ForeignKey,
    /// Another rule of the table.
    Check(String),
}

/// A failure of the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A constraint of the schema.
    #[error("constraint: {0:?}")]
    Constraint(Constraint),
    /// Another transaction got in the way; the runner tries again before anybody sees this.
    #[error("the transaction met another one")]
    Serialization,
    /// The database cannot be reached, or not in time.
    #[error("the database is out of reach")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A row does not have the shape the code expects.
    #[error("unexpected data in column {column}: {why}")]
    Data {
        /// Position of the column, from 0.
        column: usize,
        /// What is wrong with it.
        why: String,
    },
    /// Anything else the driver says.
    #[error("the database failed")]
    Driver(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A migration cannot be applied.
    #[error("migration: {0}")]
    Migration(String),
}

impl StoreError {
    /// A failed statement ends a transaction on PostgreSQL, so it does everywhere: a body that went on would lose its
    /// writes on one database and keep them on the other.
    pub(crate) fn went_on() -> Self {
        Self::Driver("an operation went on after a statement had failed".into())
    }

    /// Whether this is a clash with an existing key.
    pub fn is_unique(&self) -> bool {
        matches!(self, Self::Constraint(Constraint::Unique(_)))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ffi::{
            SQLITE_CONSTRAINT_FOREIGNKEY, SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID,
            SQLITE_CONSTRAINT_UNIQUE,
        };
        let rusqlite::Error::SqliteFailure(failure, text) = &error else {
            return Self::Driver(Box::new(error));
        };
        let text = text.clone().unwrap_or_default();
        match failure.code {
            rusqlite::ErrorCode::ConstraintViolation => Self::Constraint(match failure.extended_code {
                SQLITE_CONSTRAINT_UNIQUE | SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_ROWID => {
                    Constraint::Unique(text)
                }
                SQLITE_CONSTRAINT_FOREIGNKEY => Constraint::ForeignKey,
                _ => Constraint::Check(text),
            }),
            rusqlite::ErrorCode::DatabaseBusy
            | rusqlite::ErrorCode::DatabaseLocked
            | rusqlite::ErrorCode::CannotOpen
            | rusqlite::ErrorCode::DiskFull
            | rusqlite::ErrorCode::SystemIoFailure
            | rusqlite::ErrorCode::ReadOnly => Self::Unavailable(Box::new(error)),
            _ => Self::Driver(Box::new(error)),
        }
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        use tokio_postgres::error::SqlState;
        let Some(db) = error.as_db_error() else {
            return if error.is_closed() || is_io(&error) {
                Self::Unavailable(Box::new(error))
            } else {
                Self::Driver(Box::new(error))
            };
        };
        let name = db.constraint().unwrap_or_default().to_owned();
        match db.code() {
            &SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED => Self::Serialization,
            &SqlState::UNIQUE_VIOLATION => Self::Constraint(Constraint::Unique(name)),
            &SqlState::FOREIGN_KEY_VIOLATION => Self::Constraint(Constraint::ForeignKey),
            &SqlState::CHECK_VIOLATION | &SqlState::NOT_NULL_VIOLATION => Self::Constraint(Constraint::Check(name)),
            // 57: shut down by an operator or a crash; 53: out of connections, disk or memory; 08: connection;
            // 25006: a standby that has not been promoted yet.
            code if ["57", "53", "08", "25006"]
                .iter()
                .any(|class| code.code().starts_with(class)) =>
            {
                Self::Unavailable(Box::new(error))
            }
            _ => Self::Driver(Box::new(error)),
        }
    }
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.is::<std::io::Error>() {
            return true;
        }
        cause = error.source();
    }
    false
}

impl From<StoreError> for domain::Error {
    fn from(error: StoreError) -> Self {
        let (kind, public) = match &error {
            StoreError::Unavailable(_) | StoreError::Serialization => {
                (domain::Kind::Unavailable, "The database is out of reach at the moment")
            }
            StoreError::Constraint(Constraint::Unique(_)) => (domain::Kind::Conflict, "It exists already"),
            _ => (domain::Kind::Internal, "An unexpected error"),
        };
        Self::new(kind, public).because(error)
    }
}
