//! Versions of an object (objects contract, section 4.5).

pub(crate) mod copy;
pub(crate) mod list;
