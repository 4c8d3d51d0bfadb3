//! Bucket records (objects contract, section 4.1).

pub(crate) mod child;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod head;
pub(crate) mod public;
pub(crate) mod read;
pub(crate) mod search;
pub(crate) mod update;

/// Longest text in a bucket record.
const LONGEST: usize = 255;

/// An endpoint is kept without the slashes at its end.
fn endpoint(text: &str) -> String {
    text.trim_end_matches('/').to_owned()
}
