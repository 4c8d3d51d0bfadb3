//! The use cases, one file each: load, decide, apply, in one transaction.
//!
//! A dialect calls a function of one of the modules below with the server ([`App`]) and the request ([`Ctx`]). The function
//! makes an operation of it, which runs in the store: it loads the access facts, has `access` decide, and writes with the
//! proof in hand. Bytes move outside the transaction: the place is reserved first, and what was abandoned is swept.

pub mod accounts;
pub mod apply;
mod audit;
pub mod buckets;
mod context;
mod error;
pub mod explain;
mod gate;
mod ids;
pub mod invites;
pub mod jobs;
pub mod labels;
pub mod mail;
pub mod objects;
pub mod organisations;
pub mod people;
pub mod permissions;
mod public;
mod server;
mod service_accounts;
mod sign_in;
pub mod signing_keys;
mod storages;
pub mod sync;
pub mod tokens;
pub mod units;
pub mod uploads;

pub use access::PermissionCode;
pub use context::{Caller, Ctx, Person, ServiceAccount};
pub use error::{About, Error, Upstream};
pub use server::{App, Mode, Parts, Settings};
pub use service_accounts::AccountHeaders;
pub use sign_in::AuthenticationError;
pub use storages::{AccountKey, DefaultStorage, Storages};
pub use store::{Meter, stamps::Stamps};

/// A result whose failure is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Bodies on their way in and out, for dialects: they have no arrow to the storage.
pub mod body {
    pub use blob::body::{collect, empty, once};
    pub use blob::{Body, BodyError};
}
