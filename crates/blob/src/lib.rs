//! Bytes: one trait, a filesystem and an S3 implementation, wrappers, one conformance suite.
//!
//! [`Blobs`] is what every store can do; [`NativeVersions`] what only S3 can: versions, tags and listings of its own.
//! A key is opaque text and never becomes a path. Metadata, tags and versions of [`Files`] live in our database.

pub mod body;
mod cached;
pub mod conformance;
mod error;
mod faulty;
mod files;
mod key;
mod metered;
mod operation;
pub mod policy;
mod s3;
mod store;
mod wrap;

pub use body::{Body, BodyError};
pub use cached::Cached;
pub use error::{Error, Kind, Result, Upstream};
pub use faulty::{Fault, Faulty, Plan, Point};
pub use files::{Files, Observer, Step};
pub use key::{Key, KeyError, MAX_KEY_BYTES};
pub use metered::{Counts, Meter, Metered};
pub use operation::Operation;
pub use s3::{Connections, S3, S3Config};
pub use store::*;
