//! The seam between a use case and a database: parameters, rows, and the two things one can do with a statement.

use std::future::Future;

use domain::Timestamp;
use uuid::Uuid;

use crate::{Statement, StoreError};

/// A parameter of a statement.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// No value of the type in the second place (PostgreSQL wants to know it).
    Null(Type),
    /// A number, a key or a time.
    Int(i64),
    /// A text.
    Text(&'a str),
    /// Yes or no.
    Flag(bool),
    /// A UUID.
    Uuid(Uuid),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A list of numbers: `IN (SELECT value FROM json_each($n))` on SQLite, `= ANY($n)` on PostgreSQL.
    Ints(&'a [i64]),
    /// A list of texts.
    Texts(&'a [String]),
    /// A list of UUIDs; on SQLite their text form without dashes, to be read with `unhex(value)`.
    Uuids(&'a [Uuid]),
}

/// The type of a missing parameter.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// Number.
    Int,
    /// Text.
    Text,
    /// Yes or no.
    Flag,
    /// UUID.
    Uuid,
    /// Bytes.
    Bytes,
}

macro_rules! values {
    ($($from:ty => |$value:ident| $to:expr, $null:ident;)*) => {$(
        impl<'a> From<$from> for Value<'a> {
            fn from($value: $from) -> Self {
                $to
            }
        }
        impl<'a> From<Option<$from>> for Value<'a> {
            fn from(value: Option<$from>) -> Self {
                value.map_or(Value::Null(Type::$null), Value::from)
            }
        }
    )*};
}
values! {
    i64 => |v| Value::Int(v), Int;
    bool => |v| Value::Flag(v), Flag;
    &'a str => |v| Value::Text(v), Text;
    &'a String => |v| Value::Text(v), Text;
    Uuid => |v| Value::Uuid(v), Uuid;
    &'a [u8] => |v| Value::Bytes(v), Bytes;
    Timestamp => |v| Value::Int(v.0), Int;
    domain::PersonId => |v| Value::Int(v.0), Int;
    domain::ItemId => |v| Value::Int(v.0), Int;
    domain::VersionId => |v| Value::Int(v.0), Int;
    domain::StorageId => |v| Value::Int(v.0), Int;
    domain::IdentityProviderId => |v| Value::Int(v.0), Int;
    domain::OrganisationId => |v| Value::Int(v.0), Int;
    domain::UnitId => |v| Value::Int(v.0), Int;
    domain::CollaborationId => |v| Value::Int(v.0), Int;
    domain::GroupId => |v| Value::Int(v.0), Int;
    domain::TokenId => |v| Value::Int(v.0), Int;
    domain::ServiceId => |v| Value::Int(v.0), Int;
}

/// One row of an answer.
pub enum Row<'a> {
    /// From SQLite.
    Sqlite(&'a rusqlite::Row<'a>),
    /// From SQLite too, read before.
    Kept(&'a [rusqlite::types::Value]),
    /// From PostgreSQL.
    Postgres(&'a tokio_postgres::Row),
}

impl Row<'_> {
    /// Reads the column at `position` (from 0).
    pub fn get<T: Column>(&self, position: usize) -> Result<T, StoreError> {
        T::read(self, position)
    }
}

fn kept<T: rusqlite::types::FromSql>(row: &[rusqlite::types::Value], position: usize) -> Result<T, StoreError> {
    let value = row.get(position).ok_or_else(|| data(position, &"no such column"))?;
    T::column_result(value.into()).map_err(|e| data(position, &e))
}

/// A type that a column can be read as.
pub trait Column: Sized {
    /// Reads the column at `position`.
    fn read(row: &Row<'_>, position: usize) -> Result<Self, StoreError>;
}

macro_rules! columns {
    ($($type:ty),*) => {$(
        impl Column for $type {
            fn read(row: &Row<'_>, position: usize) -> Result<Self, StoreError> {
                match row {
                    Row::Sqlite(row) => row.get(position).map_err(|e| data(position, &e)),
                    Row::Kept(row) => kept(row, position),
                    Row::Postgres(row) => row.try_get(position).map_err(|e| data(position, &e)),
                }
            }
        }
        impl Column for Option<$type> {
            fn read(row: &Row<'_>, position: usize) -> Result<Self, StoreError> {
                match row {
                    Row::Sqlite(row) => row.get(position).map_err(|e| data(position, &e)),
                    Row::Kept(row) => kept(row, position),
                    Row::Postgres(row) => row.try_get(position).map_err(|e| data(position, &e)),
                }
            }
        }
    )*};
}
columns!(i64, bool, String, Vec<u8>);

// Through bytes on SQLite, so that the `uuid` of the two drivers need not be the same version.
impl Column for Option<Uuid> {
    fn read(row: &Row<'_>, position: usize) -> Result<Self, StoreError> {
        match row {
            Row::Sqlite(row) => {
                let bytes: Option<[u8; 16]> = row.get(position).map_err(|e| data(position, &e))?;
                Ok(bytes.map(Uuid::from_bytes))
            }
            Row::Kept(row) => Ok(kept::<Option<[u8; 16]>>(row, position)?.map(Uuid::from_bytes)),
            Row::Postgres(row) => row.try_get(position).map_err(|e| data(position, &e)),
        }
    }
}

impl Column for Uuid {
    fn read(row: &Row<'_>, position: usize) -> Result<Self, StoreError> {
        Option::<Self>::read(row, position)?.ok_or_else(|| data(position, &"null"))
    }
}

macro_rules! numbers {
    ($($type:path),*) => {$(
        impl Column for $type {
            fn read(row: &Row<'_>, position: usize) -> Result<Self, StoreError> {
                i64::read(row, position).map($type)
            }
        }
        impl Column for Option<$type> {
            fn read(row: &Row<'_>, position: usize) -> Result<Self, StoreError> {
                Ok(Option::<i64>::read(row, position)?.map($type))
            }
        }
    )*};
}
numbers!(
    Timestamp,
    domain::PersonId,
    domain::ItemId,
    domain::VersionId,
    domain::StorageId,
    domain::IdentityProviderId,
    domain::OrganisationId,
    domain::UnitId,
    domain::CollaborationId,
    domain::GroupId,
    domain::TokenId,
    domain::ServiceId,
    domain::ClassificationId
);

pub(crate) fn data(column: usize, why: &impl std::fmt::Display) -> StoreError {
    StoreError::Data {
        column,
        why: why.to_string(),
    }
}

/// How a row becomes a value.
pub type Reader<T> = fn(&Row<'_>) -> Result<T, StoreError>;

/// One transaction (or, for [`crate::Access::Point`], one connection). Nothing else may be awaited while one is held: no
/// HTTP, no bytes, no sleep.
pub trait Session: Send {
    /// Runs a statement and reads every row.
    fn fetch<T: Send>(
        &mut self,
        statement: &Statement,
        values: &[Value<'_>],
        read: Reader<T>,
    ) -> impl Future<Output = Result<Vec<T>, StoreError>> + Send;

    /// Runs a statement that returns no rows; answers how many it changed.
    fn execute(
        &mut self,
        statement: &Statement,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Runs a statement that returns at most one row.
    fn find<T: Send>(
        &mut self,
        statement: &Statement,
        values: &[Value<'_>],
        read: Reader<T>,
    ) -> impl Future<Output = Result<Option<T>, StoreError>> + Send {
        async move { Ok(self.fetch(statement, values, read).await?.into_iter().next()) }
    }

    /// Runs a statement that returns exactly one row (`INSERT … RETURNING`, `count(*)`).
    fn one<T: Send>(
        &mut self,
        statement: &Statement,
        values: &[Value<'_>],
        read: Reader<T>,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        async move {
            self.find(statement, values, read)
                .await?
                .ok_or_else(|| data(0, &"no row"))
        }
    }
}
