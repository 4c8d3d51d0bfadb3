//! SQL on SQLite and on PostgreSQL.
//!
//! A use case is a value ([`Op`]) whose body is generic over a small [`Session`]; a statement is a catalogue entry with
//! one text, or two where they must differ ([`sql!`]). On SQLite the whole body runs on one thread, so its futures are
//! always ready; on PostgreSQL they await the wire. `docs/decisions/0001` has the measurements behind this.
//!
//! What a newcomer needs: [`session`] for the seam, one module per aggregate for the statements, `migrations/` for the
//! tables. Nobody outside this crate writes SQL.

pub mod access_facts;
pub mod audit;
pub mod buckets;
mod catalogue;
pub mod collaboration_labels;
pub mod collaborations;
mod error;
pub mod files;
pub mod grants;
pub mod invitations;
pub mod invites;
pub mod labels;
pub mod lifecycle;
mod meter;
mod migrate;
pub mod organisations;
pub mod outbox;
pub mod people;
mod postgres;
pub mod public;
mod query;
pub mod recipients;
mod restriction;
pub mod resumable;
mod run;
pub mod search;
pub mod services;
mod session;
mod sqlite;
pub mod stamps;
pub mod sync;
pub mod synced;
pub mod viewer;

pub use catalogue::{Statement, all as catalogue};
pub use error::{Constraint, StoreError};
pub use meter::Meter;
pub use restriction::Restriction;
pub use run::{Access, Op, Store, StoreUrl};
pub use session::{Column, Reader, Row, Session, Type, Value};
