//! On SQLite, with a clock that stands still and numbers for randomness.

mod file;
mod harness;
mod lasting;
mod tokens;
mod units;
mod users;
mod world;
