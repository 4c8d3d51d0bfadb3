//! The words every other crate shares: typed ids, time, randomness, validated names and the kinds of error.
//!
//! No I/O, no ambient clock and no ambient randomness: both are arguments, so tests freeze and seed them.

mod error;
mod ids;
mod name;
mod secret;
mod time;

pub use error::{Error, Kind, Result};
pub use ids::*;
pub use name::{EmailAddress, ItemName, MAX_NAME_BYTES, NameError};
pub use secret::{Entropy, Secret};
pub use time::{Clock, Timestamp};
